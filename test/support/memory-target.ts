/** A front end that is only what it was told: for tests of what an agent tells. */
import type { BundleResult, Target } from '../../src/agent/target.ts'

export class MemoryTarget implements Target {
  readonly name = 'memory'
  /** Undefined after a restart, until it is loaded. */
  refused: Set<string> | undefined
  until = new Date(0)
  bundles: string[] = []
  cuts: string[] = []
  loads = 0
  broken = false

  prepare(_ca: string): void {}
  async version(): Promise<string> { return '1' }
  close(): void {}

  restart(): void {
    this.refused = undefined
    this.until = new Date(0)
  }

  /** What a phone with this certificate is answered. */
  answer(serialNumber: string, now: Date): 200 | 403 | 503 {
    if (this.refused === undefined || this.until <= now) return 503
    return this.refused.has(serialNumber) ? 403 : 200
  }

  async load(serialNumbers: () => Iterable<string>): Promise<void> {
    this.#mayFail()
    this.refused = new Set(serialNumbers())
    this.loads++
  }

  async add(serialNumbers: readonly string[]): Promise<boolean> {
    this.#mayFail()
    for (const serialNumber of serialNumbers) this.refused?.add(serialNumber)
    return this.refused !== undefined
  }

  async lift(serialNumbers: readonly string[]): Promise<boolean> {
    this.#mayFail()
    for (const serialNumber of serialNumbers) this.refused?.delete(serialNumber)
    return this.refused !== undefined
  }

  async fresh(until: Date): Promise<boolean> {
    this.#mayFail()
    if (this.refused !== undefined) this.until = until
    return this.refused !== undefined
  }

  async bundle(pem: Iterable<string>): Promise<BundleResult> {
    this.#mayFail()
    this.bundles.push([...pem].join(''))
    return { inForce: true, detail: '' }
  }

  async cut(serialNumbers: readonly string[]): Promise<number> {
    this.#mayFail()
    this.cuts.push(...serialNumbers)
    return 0
  }

  #mayFail(): void {
    if (this.broken) throw new Error('the front end does not answer')
  }
}
