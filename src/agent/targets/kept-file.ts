import { statSync } from 'node:fs'
import { replaceFile } from '../files.ts'

/** A file that only we write, and that another program reads whenever it likes. */
export class KeptFile {
  readonly #path: string
  #written: string | undefined

  constructor(path: string) {
    this.#path = path
  }

  write(content: string | Iterable<string>): void {
    this.#written = undefined
    replaceFile(this.#path, content, { mode: 0o644 })
    this.#written = identityOf(this.#path)
  }

  /** Whether it still is what was written. */
  get isThere(): boolean {
    return this.#written !== undefined && identityOf(this.#path) === this.#written
  }
}

function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  // Whatever touches a file changes its ctime, which nobody can set.
  return found && [found.dev, found.ino, found.size, found.ctimeNs].join()
}
