import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { CaError } from '../errors.ts'
import { toPem } from '../formats/pem.ts'

/** The text of a file; `-` is standard input. @throws {CaError} invalid-argument */
export function readText(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    throw new CaError('invalid-argument', `${path} cannot be read`, { cause })
  }
}

/** The bytes of a file, for text in an encoding of its own; `-` is standard input. @throws {CaError} invalid-argument */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path === '-' ? 0 : path)
  } catch (cause) {
    throw new CaError('invalid-argument', `${path} cannot be read`, { cause })
  }
}

/** @throws {CaError} invalid-argument */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readText(path))
  } catch (cause) {
    if (cause instanceof CaError) throw cause
    throw new CaError('invalid-argument', `${path} is not JSON`, { cause })
  }
}

/** A certificate as PEM, whether the file has it so or in DER. @throws {CaError} invalid-argument */
export function readCertificateFile(path: string): string {
  const bytes = readBytes(path)
  // DER begins with a SEQUENCE.
  return bytes[0] === 0x30 ? toPem('CERTIFICATE', bytes) : bytes.toString('utf8')
}

/** The first line: an editor ends it with a newline that nobody means. */
export const readPassphraseFile = (path: string): string => readText(path).replace(/\r?\n$/, '')

/** Writes a file that only its owner can read, and that is on the disk when this returns. @throws {CaError} conflict when it exists */
export function writeSecretFile(path: string, text: string): void {
  let file: number
  try {
    file = openSync(path, 'wx', 0o600)
  } catch (cause) {
    throw new CaError((cause as NodeJS.ErrnoException).code === 'EEXIST' ? 'conflict' : 'invalid-argument', `${path} cannot be created`, { cause })
  }
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
