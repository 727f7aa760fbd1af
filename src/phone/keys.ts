/** The phone's own keys. They are RSA: SCEP has no other, and neither had the built-in identity (RSA-1024). */
import { constants, createPublicKey, generateKeyPair, privateDecrypt, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { signatureAlgorithms } from '../formats/signatures.ts'
import type { SignatureAlgorithm, Signer } from '../formats/signatures.ts'

const generate = promisify(generateKeyPair)

export async function newRsaKey(bits: number): Promise<KeyObject> {
  return (await generate('rsa', { modulusLength: bits })).privateKey
}

export function signerOfKey(privateKey: KeyObject, algorithm: SignatureAlgorithm): Signer {
  return {
    algorithm,
    publicKey: createPublicKey(privateKey),
    sign: async data => sign(signatureAlgorithms[algorithm].digest, data, privateKey),
  }
}

/** RSA PKCS #1 v1.5 decryption for `openEnvelope`; a bad padding gives random bytes. */
export const decryptWithKey = (key: KeyObject) => async (encryptedKey: Buffer): Promise<Buffer> =>
  privateDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, encryptedKey)

export const subjectPublicKeyInfoOf = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ type: 'spki', format: 'der' })

/** The "external representation" of Apple's Security framework: RSAPublicKey of PKCS #1, without its algorithm. */
export const pkcs1PublicKeyOf = (key: KeyObject): Buffer =>
  createPublicKey(key).export({ type: 'pkcs1', format: 'der' })

export const keyToPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string
