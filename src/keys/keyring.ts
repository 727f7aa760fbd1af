import {
  createHmac, createPrivateKey, createPublicKey, createSign, generateKeyPair, hkdfSync, privateDecrypt, randomBytes, randomUUID, sign,
  constants, type KeyObject,
} from 'node:crypto'
import { setImmediate as othersFirst, setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CaError } from '../errors.ts'
import { defaultAlgorithm, type Signer } from '../formats/signatures.ts'
import { toPem } from '../formats/pem.ts'
import { buildPkcs12, pkcs12Keys } from '../formats/pkcs12.ts'
import { encryptPrivateKeyInfo } from '../formats/pkcs8.ts'
import type { KeyAlgorithm, Keyring, LeafKey, SealedKey } from '../certificates/keyring.ts'
import { spareKeys } from './spare-keys.ts'

const generate = promisify(generateKeyPair)
const cipher = 'aes-256-cbc'
// A family's phones, one after the other.
const mostSpareKeys = 4
// An answer takes less; a key that is looked for meanwhile would take a processor from it.
const restMs = 250

/**
 * Private keys in this process. They rest as encrypted PKCS#8 (PBES2, AES-256) and are opened on first use.
 * @param passphrase  bytes of the passphrase file; at least 16, so that guessing is not worth trying
 */
export function openKeyring(passphrase: string): Keyring {
  if (passphrase.length < 16) throw new CaError('invalid-configuration', 'the passphrase needs at least 16 characters')
  const opened = new Map<string, KeyObject>()
  const signers = new WeakMap<KeyObject, Signer>()
  const newLeafKey = spareKeys(makeLeafKey, mostSpareKeys, async () => { await wait(restMs, undefined, { ref: false }) })
  const root = Buffer.from(hkdfSync('sha256', passphrase, 'latchkey', 'secrets', 32))

  function open(key: SealedKey): KeyObject {
    // First, so that a key that was taken away is gone from a process that had opened it, too.
    if (key.privateKey === null) {
      opened.delete(key.id)
      throw new CaError('key-unavailable', 'this private key is not kept here')
    }
    const known = opened.get(key.id)
    if (known !== undefined) return known
    const privateKey = unseal(key.privateKey, passphrase)
    opened.set(key.id, privateKey)
    return privateKey
  }

  function seal(privateKey: KeyObject): SealedKey {
    const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
    const key = { id: randomUUID(), publicKey, privateKey: privateKey.export({ type: 'pkcs8', format: 'der', cipher, passphrase }) }
    opened.set(key.id, privateKey)
    return key
  }

  return {
    seal,
    generate: async algorithm => seal(await generatePrivateKey(algorithm)),
    signer: key => {
      const privateKey = open(key)
      const signer = signers.get(privateKey) ?? signerOf(privateKey)
      signers.set(privateKey, signer)
      return signer
    },
    decrypt: async (key, ciphertext) => decryptPkcs1(open(key), ciphertext),
    forget: key => { opened.delete(key.id) },
    newLeafKey,
    exportKey: async (key, outside) => toPem('ENCRYPTED PRIVATE KEY', await encryptPrivateKeyInfo(open(key).export({ type: 'pkcs8', format: 'der' }), outside)),
    secret: (purpose, subject) => createHmac('sha256', root).update(`${purpose}\0${subject}`).digest(),
  }
}

/** With what a file for an old phone needs: its password is slow to be made into keys, that for a new one is not. */
async function makeLeafKey(): Promise<LeafKey> {
  const privateKey = await generatePrivateKey('RSA-2048')
  const password = randomBytes(18).toString('base64url')
  const ready = await pkcs12Keys(password, '3des-sha1')
  return {
    subjectPublicKeyInfo: createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), password,
    toPkcs12: async file => await buildPkcs12(
      { ...file, privateKeyPkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }) },
      file.scheme === '3des-sha1' && file.password === password ? ready : undefined,
    ),
  }
}

function unseal(encrypted: Buffer, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: encrypted, format: 'der', type: 'pkcs8', passphrase })
  } catch (cause) {
    throw new CaError('key-passphrase-wrong', 'the passphrase does not open the stored private keys', { cause })
  }
}

async function generatePrivateKey(algorithm: KeyAlgorithm): Promise<KeyObject> {
  switch (algorithm) {
    case 'P-256': return (await generate('ec', { namedCurve: 'P-256' })).privateKey
    case 'P-384': return (await generate('ec', { namedCurve: 'P-384' })).privateKey
    case 'RSA-2048': return (await generate('rsa', { modulusLength: 2048 })).privateKey
    case 'RSA-3072': return (await generate('rsa', { modulusLength: 3072 })).privateKey
  }
}

/** What P-256 signs in less time than it takes to hand it to another thread: 24 µs, and a few for its digest. */
const mostSignedHere = 16_384
/** What is handed to a thread is copied first. Of a list, which is all that is larger, there is no second one. */
const mostCopied = 256 * 1024

/** Signs on libuv's threads, so that an RSA signature does not hold up other requests; the digest of a long list is made piece by piece. */
export function signerOf(privateKey: KeyObject): Signer {
  const publicKey = createPublicKey(privateKey)
  const algorithm = defaultAlgorithm(publicKey)
  const digest = algorithm === 'ecdsa-with-SHA384' ? 'sha384' : 'sha256'
  const signOnThread = promisify(sign) as (algorithm: string, data: Uint8Array, key: KeyObject) => Promise<Buffer>
  return {
    algorithm, publicKey,
    async sign(data) {
      if (algorithm === 'ecdsa-with-SHA256' && data.length <= mostSignedHere) return sign(digest, data, privateKey)
      return data.length > mostCopied ? await signInPieces(digest, data, privateKey) : await signOnThread(digest, data, privateKey)
    },
  }
}

async function signInPieces(digest: string, data: Uint8Array, privateKey: KeyObject): Promise<Buffer> {
  const signing = createSign(digest)
  for (let start = 0; start < data.length; start += mostCopied) {
    signing.update(data.subarray(start, start + mostCopied))
    await othersFirst()
  }
  return signing.sign(privateKey)
}

function decryptPkcs1(privateKey: KeyObject, ciphertext: Buffer): Buffer {
  try {
    return privateDecrypt({ key: privateKey, padding: constants.RSA_PKCS1_PADDING }, ciphertext)
  } catch {
    // Only a ciphertext of the wrong length, or not below the modulus, gets here: its sender knows that already.
    return Buffer.alloc(0)
  }
}
