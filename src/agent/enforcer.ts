/**
 * Brings a front end to what is wanted of it, step by step and one step at a time: refusals first, then what lifts,
 * then the word that phones may be let in. A step that fails leaves everything after it undone, and is tried again at
 * the next turn; without the last step the front end soon refuses everybody.
 */
import type { Target } from './target.ts'

export type Wanted = {
  serialNumbers: () => Iterable<string>
  has: (serialNumber: string) => boolean
  /** Whether the lists in force name every certificate that is refused. */
  allListed: () => boolean
  /** The lists in force; asked only when they are to be written. */
  bundle: () => Iterable<string>
}

export type EnforcerEvents = {
  /** Everything asked for until `mark` is in force. */
  done(mark: number): void
  failed(step: string, error: unknown): void
  /** A turn went through. */
  answered(): void
  restarted(): void
  bundled(detail: string): void
  cut(count: number): void
}

// The lists may have many megabytes: they are not written anew at every turn.
const restTurns = 4
const failedRestTurns = 20

export class Enforcer {
  readonly #target: Target
  readonly #wanted: Wanted
  readonly #events: EnforcerEvents
  #loaded = false
  #begun = false
  #everLoaded = false
  #adds: string[] = []
  #lifts: string[] = []
  #cuts: string[] = []
  #until = new Date(0)
  #ready = false
  #bundleDue = false
  #rest = 0
  #placing = false
  #mark = 0
  #told = 0
  #marked = 0
  #turn: Promise<void> | undefined
  #cutting: Promise<void> | undefined
  #bundling: Promise<void> | undefined
  #again = false
  #closed = false

  constructor(target: Target, wanted: Wanted, events: EnforcerEvents) {
    this.#target = target
    this.#wanted = wanted
    this.#events = events
  }

  /** From now on there is a whole set to load: every list has been verified. */
  ready(): void {
    this.#ready = true
  }

  add(serialNumbers: readonly string[]): void {
    // The first load brings them with all the others: a million need not wait here for a front end to be started.
    if (!this.#begun) return
    this.#adds.push(...serialNumbers)
  }

  lift(serialNumbers: readonly string[]): void {
    this.#lifts.push(...serialNumbers)
  }

  /** The lists have changed: front ends that check them at the handshake get them. */
  bundleChanged(): void {
    this.#bundleDue = true
  }

  /** What has been asked for so far has this number; `done` tells when it is in force. */
  mark(mark: number): void {
    this.#mark = Math.max(this.#mark, mark)
  }

  letInUntil(until: Date): void {
    this.#until = until
  }

  get loaded(): boolean {
    return this.#loaded
  }

  /** Whether everything that was asked for is in force. */
  get isUpToDate(): boolean {
    return this.#marked >= this.#mark
  }

  /** Resolves when nothing is being done beside the turns. */
  async settled(): Promise<void> {
    await this.#turn
    await this.#cutting
    await this.#bundling
  }

  /** Works until nothing is left to do, or a step fails. Many calls at once are one turn, and one more after it. */
  async turn(): Promise<void> {
    this.#again = true
    this.#turn ??= this.#run().finally(() => { this.#turn = undefined })
    await this.#turn
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.settled()
    this.#target.close()
  }

  async #run(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      if (!this.#ready) return await this.#beforeReady()
      await this.#steps()
    }
  }

  /** Lists that an earlier process put in place let phones in by themselves, for no longer than they may. */
  async #beforeReady(): Promise<void> {
    if (this.#target.knowsListsOnly === true) await this.#target.fresh(this.#until).catch((error: unknown) => { this.#events.failed('fresh', error) })
  }

  async #steps(): Promise<void> {
    const told = await this.#tell()
    // These may take long, and no refusal waits for them, nor does the one for the other.
    if (told) this.#cutting ??= this.#cut().catch((error: unknown) => { this.#events.failed('cut', error) }).finally(() => { this.#cutting = undefined })
    // A front end that is not running yet may need the lists to start.
    this.#bundling ??= this.#bundle().catch((error: unknown) => { this.#events.failed('bundle', error) }).finally(() => { this.#bundling = undefined })
  }

  /** @returns whether the front end is as it is wanted */
  async #tell(): Promise<boolean> {
    let step = 'load'
    try {
      if (!this.#loaded) await this.#load()
      step = 'add'
      const mark = this.#mark
      if (!await this.#each(this.#adds, batch => this.#add(batch))) return this.#lost()
      step = 'lift'
      // Refused once more meanwhile: the later word counts, whatever the order in which the two came here.
      const lift = (batch: readonly string[]): Promise<boolean> => this.#target.lift(batch.filter(serialNumber => !this.#wanted.has(serialNumber)))
      if (!await this.#each(this.#lifts, lift)) return this.#lost()
      step = 'fresh'
      if (!await this.#target.fresh(this.#until)) return this.#lost()
      this.#events.answered()
      this.#told = mark
      this.#settle()
      return true
    } catch (error) {
      // What a failed load or addition left behind is not known: the next turn loads the whole.
      if (step !== 'fresh') this.#loaded = false
      this.#events.failed(step, error)
      return false
    }
  }

  /** What was told is in force; where only lists are known, as soon as they have it and are in place. */
  #settle(): void {
    const isPlaced = this.#target.knowsListsOnly !== true || !this.#bundleDue && !this.#placing && this.#wanted.allListed()
    if (this.#told <= this.#marked || !isPlaced) return
    this.#marked = this.#told
    this.#events.done(this.#told)
  }

  async #load(): Promise<void> {
    // Whatever is added while this runs is told once more, which does no harm.
    this.#begun = true
    const brought = this.#adds.splice(0)
    this.#lifts = []
    try {
      await this.#target.load(this.#wanted.serialNumbers)
    } catch (error) {
      this.#adds.unshift(...brought)
      throw error
    }
    this.#loaded = true
    // It may only just have been started: what failed before is worth another try.
    this.#rest = 0
    if (this.#everLoaded) this.#cuts.push(...brought)
    this.#everLoaded = true
  }

  /** Cut off is who is refused already: a phone whose request ends asks again at once. */
  async #add(batch: readonly string[]): Promise<boolean> {
    const told = await this.#target.add(batch)
    if (told) this.#cuts.push(...batch)
    return told
  }

  #lost(): false {
    this.#loaded = false
    this.#again = true
    this.#events.restarted()
    return false
  }

  async #each(pending: string[], tell: (batch: readonly string[]) => Promise<boolean>): Promise<boolean> {
    while (pending.length > 0) {
      const batch = pending.slice(0, 500)
      if (!await tell(batch)) return false
      pending.splice(0, batch.length)
    }
    return true
  }

  /** Until nothing is left: what is told while this runs does not wait for another turn. */
  async #cut(): Promise<void> {
    while (this.#cuts.length > 0 && !this.#closed) {
      const cuts = this.#cuts.splice(0)
      try {
        const count = await this.#target.cut(cuts)
        if (count > 0) this.#events.cut(count)
      } catch (error) {
        this.#cuts.unshift(...cuts)
        throw error
      }
    }
  }

  async #bundle(): Promise<void> {
    if (!this.#bundleDue || this.#rest-- > 0) return
    this.#bundleDue = false
    this.#placing = true
    try {
      const { inForce, detail } = await this.#target.bundle(this.#wanted.bundle())
      if (inForce) this.#events.bundled(detail)
      else this.#bundleLater(restTurns)
    } catch (error) {
      this.#bundleLater(failedRestTurns)
      throw error
    } finally {
      this.#placing = false
    }
    this.#settle()
  }

  #bundleLater(turns: number): void {
    this.#bundleDue = true
    this.#rest = turns
  }
}
