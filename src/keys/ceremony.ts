import { randomBytes, type KeyObject } from 'node:crypto'
import type { Keyring, SealedKey } from '../certificates/keyring.ts'
import { openKeyring } from './keyring.ts'

/** A keyring for one use of one key: when it is let go of, so is the key. */
export function openCeremony(privateKey: KeyObject): { keyring: Keyring, key: SealedKey } {
  const keyring = openKeyring(randomBytes(32).toString('hex'))
  return { keyring, key: keyring.seal(privateKey) }
}
