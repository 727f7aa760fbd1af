import { constants, privateDecrypt } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** RSA PKCS #1 v1.5 decryption as the service's keys do it: a bad padding gives random bytes, not an error. */
export const decryptWith = (key: KeyObject) => async (encryptedKey: Buffer): Promise<Buffer> =>
  privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encryptedKey)
