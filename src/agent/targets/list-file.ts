import { createHash } from 'node:crypto'
import { replaceFile } from '../files.ts'

/** The file of lists that a front end reads, and whether what it holds is in force there. */
export class ListFile {
  readonly path: string
  #written = ''
  #inForce = ''

  constructor(path: string) {
    this.path = path
  }

  /** Writes what is new. @returns whether the front end has yet to be told */
  write(pem: string): boolean {
    const digest = createHash('sha256').update(pem).digest('hex')
    if (this.#written !== digest) replaceFile(this.path, pem, { mode: 0o644 })
    this.#written = digest
    return this.#inForce !== digest
  }

  /** The front end has what was written last. */
  isInForce(): void {
    this.#inForce = this.#written
  }
}
