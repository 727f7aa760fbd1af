/** Files that another program relies on: whole or not there, and on the disk before anybody is told. */
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

export type WriteOptions = {
  mode?: number
  /** Whether what was read back from the disk is what the reader needs. Throws where it is not. */
  check?: (bytes: Buffer) => void
}

/**
 * Replaces a file as one: a new one beside it, written, synced, read back, then renamed over it.
 * Whatever goes wrong, the old file stays as it was and the new one is gone.
 *
 * @throws errors of the file system, and what `check` throws
 */
export function replaceFile(path: string, content: Buffer | string, { mode = 0o600, check }: WriteOptions = {}): void {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  const fresh = join(dirname(path), `.${basename(path)}.new`)
  // Left by a process that ended in the middle; its mode may be another.
  rmSync(fresh, { force: true })
  try {
    writeSynced(fresh, bytes, mode)
    const written = readFileSync(fresh)
    if (!written.equals(bytes)) throw new Error(`${fresh} does not hold what was written to it`)
    check?.(written)
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** Adds to the end of a file, on the disk when this returns. */
export function appendFile(path: string, text: string, mode = 0o600): void {
  const file = openSync(path, 'a', mode)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

export const makeFolder = (path: string, mode = 0o700): void => { mkdirSync(path, { recursive: true, mode }) }

function writeSynced(path: string, bytes: Buffer, mode: number): void {
  const file = openSync(path, 'wx', mode)
  try {
    for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

/** A rename is on the disk only when its folder is. */
function syncFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
