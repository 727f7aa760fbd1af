/**
 * Refused serial numbers as files that another program searches for every request, without keeping anything of them: a
 * large one with those that were loaded, and beside it a small one with what has changed since. Both have lines of one
 * length, sorted, under a first line that counts them, so that a file which was cut off is known as such.
 *
 * Whoever reads looks into the small one first, and whoever writes writes the large one first: what has moved from the
 * one to the other is then seen in at least one of them.
 */
import { join } from 'node:path'
import { SerialNumbers } from '../serial-numbers.ts'
import { KeptFile } from './kept-file.ts'

// Written anew for every addition: 172 kB at most.
const maxChanges = 4_096
const linesAtOnce = 5_000
const digits = 40

type Mark = '+' | '-'

export class RefusedFiles {
  readonly #all: KeptFile
  readonly #changed: KeptFile
  #loaded = SerialNumbers.of([])
  /** By serial number: refused, or not refused any more. */
  readonly #changes = new Map<string, Mark>()

  constructor(folder: string) {
    this.#all = new KeptFile(join(folder, 'refused'))
    this.#changed = new KeptFile(join(folder, 'changed'))
  }

  /** Whether both still are what was written. */
  get areThere(): boolean {
    return this.#all.isThere && this.#changed.isThere
  }

  load(serialNumbers: Iterable<string>): void {
    this.#loaded = SerialNumbers.of(serialNumbers)
    this.#changes.clear()
    this.#all.write(linesOf(this.#loaded.size, refused(this.#loaded)))
    this.#writeChanges()
  }

  add(serialNumbers: readonly string[]): void {
    this.#change(serialNumbers, '+')
  }

  lift(serialNumbers: readonly string[]): void {
    this.#change(serialNumbers, '-')
  }

  #change(serialNumbers: readonly string[], mark: Mark): void {
    for (const serialNumber of serialNumbers) {
      if (this.#loaded.has(serialNumber) === (mark === '+')) this.#changes.delete(serialNumber)
      else this.#changes.set(serialNumber, mark)
    }
    this.#writeChanges()
    // Only now: nobody's refusal waits for the large file.
    if (this.#changes.size > maxChanges) this.load(this.#now())
  }

  /** In order, which spares sorting them all. */
  * #now(): Generator<string> {
    const added = [...this.#changes].filter(([, mark]) => mark === '+').map(([serialNumber]) => serialNumber).sort(inOrder)
    let at = 0
    for (const serialNumber of this.#loaded) {
      while (at < added.length && inOrder(added[at]!, serialNumber) < 0) yield added[at++]!
      if (!this.#changes.has(serialNumber)) yield serialNumber
    }
    yield* added.slice(at)
  }

  #writeChanges(): void {
    this.#changed.write(linesOf(this.#changes.size, [...this.#changes].map(([serialNumber, mark]) => line(serialNumber, mark)).sort()))
  }
}

const inOrder = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : 1)

const line = (text: string, mark: Mark): string => `${text.padStart(digits, '0')}${mark}\n`

function* refused(serialNumbers: SerialNumbers): Generator<string> {
  for (const serialNumber of serialNumbers) yield line(serialNumber, '+')
}

/** The first line is as long as the others. */
function* linesOf(count: number, lines: Iterable<string>): Generator<string> {
  let piece = [`latchkey${String(count).padStart(digits - 7)}\n`]
  for (const next of lines) {
    if (piece.push(next) < linesAtOnce) continue
    yield piece.join('')
    piece = []
  }
  yield piece.join('')
}
