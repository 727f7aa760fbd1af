import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { CaError } from '../errors.ts'

/**
 * The passphrase of the private keys: from the file the setting names, or one made at the first start and kept
 * with mode 0600 beside the embedded database.
 *
 * @param settings.keysExist  there are private keys already; a new passphrase would open none of them
 * @throws {CaError} invalid-configuration
 */
export function readPassphrase(settings: { passphraseFile: string | undefined, dataFolder: string, keysExist: boolean }): string {
  const { passphraseFile, dataFolder, keysExist } = settings
  const path = passphraseFile ?? join(dataFolder, 'passphrase')
  if (passphraseFile === undefined && !existsSync(path)) {
    if (keysExist) throw new CaError('invalid-configuration', `${path} is gone, and without it the private keys in the database cannot be opened: bring it back`)
    generate(dataFolder, path)
  }
  const passphrase = readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  if (passphrase.length < 16) throw new CaError('invalid-configuration', 'LATCHKEY_PASSPHRASE_FILE: the passphrase needs at least 16 characters')
  return passphrase
}

/** Written beside, synced, and linked into place whole: a start that is cut off leaves all of it or nothing. */
function generate(dataFolder: string, path: string): void {
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  const file = openSync(draft, 'wx', 0o600)
  try {
    writeSync(file, `${randomBytes(32).toString('base64url')}\n`)
    fsyncSync(file)
    closeSync(file)
    // Fails where another start was first: its passphrase is the one.
    if (!existsSync(path)) linkSync(draft, path)
  } finally {
    rmSync(draft, { force: true })
  }
  const folder = openSync(dataFolder, 'r')
  fsyncSync(folder)
  closeSync(folder)
}
