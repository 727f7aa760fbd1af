/** Files that another program relies on: whole or not there, and on the disk before anybody is told. */
import { createHash } from 'node:crypto'
import { closeSync, fstatSync, fsyncSync, ftruncateSync, mkdirSync, openSync, readFileSync, readSync, renameSync, rmSync, writeSync } from 'node:fs'
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
 * @param content  in pieces where it is large: no more than one of them is in memory
 * @throws errors of the file system, and what `check` throws
 */
export function replaceFile(path: string, content: Buffer | string | Iterable<string>, { mode = 0o600, check }: WriteOptions = {}): void {
  const pieces = typeof content === 'string' || Buffer.isBuffer(content) ? [content] : content
  const fresh = join(dirname(path), `.${basename(path)}.new`)
  // Left by a process that ended in the middle; its mode may be another.
  rmSync(fresh, { force: true })
  try {
    const written = writeSynced(fresh, pieces, mode)
    if (digestOf(fresh) !== written) throw new Error(`${fresh} does not hold what was written to it`)
    check?.(readFileSync(fresh))
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
  syncFolder(dirname(path))
}

/** Adds to the end of a file, on the disk when this returns. Where the disk does not take all of it, nothing is added. */
export function appendFile(path: string, text: string, mode = 0o600): void {
  const file = openSync(path, 'a', mode)
  const { size } = fstatSync(file)
  try {
    writeWhole(file, Buffer.from(text))
    fsyncSync(file)
  } catch (error) {
    // Half a line would spoil the next one as well.
    ftruncateSync(file, size)
    throw error
  } finally {
    closeSync(file)
  }
}

export const makeFolder = (path: string, mode = 0o700): void => { mkdirSync(path, { recursive: true, mode }) }

/** @returns SHA-256 of what was to be written */
function writeSynced(path: string, pieces: Iterable<Buffer | string>, mode: number): string {
  const hash = createHash('sha256')
  const file = openSync(path, 'wx', mode)
  try {
    for (const piece of pieces) {
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece
      hash.update(bytes)
      writeWhole(file, bytes)
    }
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
}

/** A disk that is nearly full takes a part, and says so only at the next one. */
function writeWhole(file: number, bytes: Buffer): void {
  for (let offset = 0; offset < bytes.length;) offset += writeSync(file, bytes, offset)
}

function digestOf(path: string): string {
  const hash = createHash('sha256')
  const piece = Buffer.alloc(256 * 1024)
  const file = openSync(path, 'r')
  try {
    for (let length = readSync(file, piece); length > 0; length = readSync(file, piece)) hash.update(piece.subarray(0, length))
  } finally {
    closeSync(file)
  }
  return hash.digest('hex')
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
