import { createHash } from 'node:crypto'
import { replaceFile } from '../files.ts'

/** The file of lists that a front end reads, and whether what it holds is in force there. */
export class ListFile {
  readonly path: string
  #written = ''
  #inForce = ''
  #bytes = 0

  constructor(path: string) {
    this.path = path
  }

  /** Writes what is new. @returns whether the front end has yet to be told */
  write(pem: Iterable<string>): boolean {
    const hash = createHash('sha256')
    let length = 0
    for (const piece of pem) {
      hash.update(piece)
      length += piece.length
    }
    const digest = hash.digest('hex')
    if (this.#written !== digest) replaceFile(this.path, pem, { mode: 0o644 })
    this.#written = digest
    this.#bytes = length
    return this.#inForce !== digest
  }

  /** The front end has what was written last. */
  isInForce(): void {
    this.#inForce = this.#written
  }

  get bytes(): number {
    return this.#bytes
  }
}
