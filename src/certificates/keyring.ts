import type { KeyObject } from 'node:crypto'
import type { Pkcs12Scheme } from '../formats/pkcs12.ts'
import type { Signer } from '../formats/signatures.ts'

export type KeyAlgorithm = 'P-256' | 'P-384' | 'RSA-2048' | 'RSA-3072'

/** A private key as it is stored: encrypted PKCS#8, or null when it was taken away. `publicKey` is SPKI DER. */
export type SealedKey = { id: string, publicKey: Buffer, privateKey: Buffer | null }

/** What may be done with private keys. Only `keys/` ever holds an open one. */
export type Keyring = {
  generate(algorithm: KeyAlgorithm): Promise<SealedKey>
  seal(privateKey: KeyObject): SealedKey
  /** @throws {CaError} key-unavailable when the private key was taken away */
  signer(key: SealedKey): Signer
  /**
   * RSAES-PKCS1-v1_5 with implicit rejection: bad padding yields random bytes of a random length,
   * in the same time, so nobody can use us as a padding oracle.
   */
  decrypt(key: SealedKey, ciphertext: Buffer): Promise<Buffer>
  /** Lets go of an open key: it was taken away, perhaps by another instance. */
  forget(key: Pick<SealedKey, 'id'>): void
  /** Encrypted PKCS#8 PEM under a passphrase of the caller's, for the root's way out. */
  exportKey(key: SealedKey, passphrase: string): Promise<string>
  /** A device's key that has to be made here. It leaves in one PKCS#12 file and is kept nowhere. */
  newLeafKey(): Promise<LeafKey>
  /** 32 bytes that only this installation can compute, the same for the same purpose and subject. */
  secret(purpose: string, subject: string): Buffer
}

export type LeafKey = {
  subjectPublicKeyInfo: Buffer
  /** A random one, made with the key: with this one its file is made sooner. */
  password: string
  toPkcs12(file: { certificate: Buffer, chain: Buffer[], password: string, scheme: Pkcs12Scheme, friendlyName: string }): Promise<Buffer>
}
