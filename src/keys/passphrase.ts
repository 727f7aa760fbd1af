import { randomBytes } from 'node:crypto'
import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { CaError } from '../errors.ts'

/**
 * The passphrase of the private keys: from the file the setting names, or one made at the first start and kept
 * with mode 0600 beside the embedded database.
 *
 * @throws {CaError} invalid-configuration
 */
export function readPassphrase(settings: { passphraseFile: string | undefined, dataFolder: string }): string {
  const path = settings.passphraseFile ?? generated(join(settings.dataFolder, 'passphrase'))
  const passphrase = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  if (passphrase.length < 16) throw new CaError('invalid-configuration', 'LATCHKEY_PASSPHRASE_FILE: the passphrase needs at least 16 characters')
  return passphrase
}

function generated(path: string): string {
  if (existsSync(path)) return path
  // wx: two starts at once must not each believe in their own passphrase.
  const file = openSync(path, 'wx', 0o600)
  writeSync(file, `${randomBytes(32).toString('base64url')}\n`)
  fsyncSync(file)
  closeSync(file)
  chmodSync(path, 0o600)
  return path
}
