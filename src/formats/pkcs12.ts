/**
 * PKCS #12 (RFC 7292) in the two forms that iOS imports. The bags are written here, since node-forge reads RSA certificates only
 * and leaves them in the clear; its password-based encryption, all of it JavaScript, took ten times as long.
 */
import { createCipheriv, createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { setImmediate as othersFirst } from 'node:timers/promises'
import { algorithmWithNull, digestAlgorithmIdentifier } from './cms-common.ts'
import { explicit, implicit, integer, octetString, oid, sequence, setOf, tags, tlv } from './der.ts'
import { oids } from './oids.ts'
import { deriveKey, purposes } from './pkcs12-key.ts'

/**
 * `3des-sha1` is all that iOS up to 17 reads. `aes256-sha256` (PBES2, PBKDF2 with HMAC-SHA-256, SHA-256 MAC)
 * is read from iOS 18 on; no other combination of PBES2 is.
 */
export type Pkcs12Scheme = '3des-sha1' | 'aes256-sha256'

export type Pkcs12Fields = {
  /** unencrypted PrivateKeyInfo, DER; RSA or EC */
  readonly privateKeyPkcs8: Buffer
  readonly certificate: Buffer
  /** the issuers of `certificate`, nearest first */
  readonly chain: readonly Buffer[]
  /** printable ASCII, not empty: readers disagree about what anything else derives */
  readonly password: string
  readonly scheme: Pkcs12Scheme
  readonly friendlyName: string
}

/** How one part of a file is encrypted. `algorithm` is the AlgorithmIdentifier that says so. */
type Encryption = { readonly algorithm: Buffer, readonly cipher: 'des-ede3-cbc' | 'aes-256-cbc', readonly key: Buffer, readonly iv: Buffer }
/** What a password is made into, which takes longer than all the rest and can be done before the identity is known. For one file. */
export type Pkcs12Keys = { readonly forKey: Encryption, readonly forCertificates: Encryption, readonly mac: { readonly salt: Buffer, readonly key: Buffer } }

type SchemeParts = { readonly digest: 'sha1' | 'sha256', readonly macBytes: number, encryption(password: string): Encryption }

const schemes: Readonly<Record<Pkcs12Scheme, SchemeParts>> = {
  '3des-sha1': { digest: 'sha1', macBytes: 20, encryption: tripleDes },
  'aes256-sha256': { digest: 'sha256', macBytes: 32, encryption: aes },
}

// What every reader copes with; one was seen refusing a longer salt. The strength is in the password, which is random.
const iterations = 2048
const saltBytes = 8

/** @param password  printable ASCII, as in `Pkcs12Fields` */
export async function pkcs12Keys(password: string, scheme: Pkcs12Scheme): Promise<Pkcs12Keys> {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new TypeError('the password of a PKCS #12 is printable ASCII')
  const { digest, macBytes, encryption } = schemes[scheme]
  const forKey = encryption(password)
  await othersFirst()
  const forCertificates = encryption(password)
  await othersFirst()
  const salt = randomBytes(saltBytes)
  return { forKey, forCertificates, mac: { salt, key: deriveKey(password, salt, iterations, purposes.mac, digest, macBytes) } }
}

/**
 * One identity and the certificates above it, key and certificates encrypted alike, tied by localKeyId.
 *
 * @param ready  of this password and scheme, where they were made ahead
 */
export async function buildPkcs12({ privateKeyPkcs8, certificate, chain, password, scheme, friendlyName }: Pkcs12Fields, ready?: Pkcs12Keys): Promise<Buffer> {
  const { forKey, forCertificates, mac } = ready ?? await pkcs12Keys(password, scheme)
  const attributes = bagAttributes(certificate, friendlyName)
  const certificates = sequence(certBag(certificate, attributes), ...chain.map(issuer => certBag(issuer)))
  const key = sequence(keyBag(privateKeyPkcs8, forKey, attributes))
  const authenticatedSafe = sequence(encryptedContentInfo(certificates, forCertificates), dataContentInfo(key))
  return sequence(integer(3), dataContentInfo(authenticatedSafe), macData(authenticatedSafe, mac, schemes[scheme].digest))
}

const dataContentInfo = (content: Buffer): Buffer => sequence(oid(oids.data), explicit(0, octetString(content)))

/** EncryptedData (RFC 5652 §8). */
function encryptedContentInfo(bytes: Buffer, encryption: Encryption): Buffer {
  const encryptedContent = sequence(oid(oids.data), encryption.algorithm, implicit(0, encrypt(bytes, encryption)))
  return sequence(oid(oids.encryptedData), explicit(0, sequence(integer(0), encryptedContent)))
}

const certBag = (certificate: Buffer, attributes?: Buffer): Buffer =>
  bag(oids.certBag, sequence(oid(oids.x509Certificate), explicit(0, octetString(certificate))), attributes)

/** EncryptedPrivateKeyInfo (RFC 5958 §3). */
const keyBag = (privateKeyPkcs8: Buffer, encryption: Encryption, attributes: Buffer): Buffer =>
  bag(oids.pkcs8ShroudedKeyBag, sequence(encryption.algorithm, octetString(encrypt(privateKeyPkcs8, encryption))), attributes)

const bag = (type: string, value: Buffer, attributes: Buffer = Buffer.alloc(0)): Buffer =>
  sequence(oid(type), explicit(0, value), attributes)

function bagAttributes(certificate: Buffer, friendlyName: string): Buffer {
  const localKeyId = createHash('sha1').update(certificate).digest()
  const bmpString = tlv(tags.bmpString, Buffer.from(friendlyName, 'utf16le').swap16())
  return setOf(
    sequence(oid(oids.localKeyId), setOf(octetString(localKeyId))),
    sequence(oid(oids.friendlyName), setOf(bmpString)),
  )
}

/** pbeWithSHAAnd3-KeyTripleDES-CBC (RFC 7292, Appendix C). */
function tripleDes(password: string): Encryption {
  const salt = randomBytes(saltBytes)
  return {
    algorithm: sequence(oid(oids['pbeWithSHAAnd3-KeyTripleDES-CBC']), sequence(octetString(salt), integer(iterations))), cipher: 'des-ede3-cbc',
    key: deriveKey(password, salt, iterations, purposes.key, 'sha1', 24), iv: deriveKey(password, salt, iterations, purposes.iv, 'sha1', 8),
  }
}

/** PBES2 (RFC 8018 §6.2) of PBKDF2 with HMAC-SHA-256 and AES-256-CBC. */
function aes(password: string): Encryption {
  const [salt, iv, keyBytes] = [randomBytes(saltBytes), randomBytes(16), 32]
  const derivation = sequence(oid(oids.PBKDF2), sequence(octetString(salt), integer(iterations), integer(keyBytes), algorithmWithNull(oids.hmacWithSHA256)))
  const algorithm = sequence(oid(oids.PBES2), sequence(derivation, sequence(oid(oids['aes256-CBC']), octetString(iv))))
  return { algorithm, cipher: 'aes-256-cbc', key: pbkdf2Sync(password, salt, iterations, keyBytes, 'sha256'), iv }
}

function encrypt(bytes: Buffer, { cipher: name, key, iv }: Encryption): Buffer {
  const cipher = createCipheriv(name, key, iv)
  return Buffer.concat([cipher.update(bytes), cipher.final()])
}

/** MacData (RFC 7292 §4). */
function macData(authenticatedSafe: Buffer, { salt, key }: Pkcs12Keys['mac'], digest: 'sha1' | 'sha256'): Buffer {
  const mac = createHmac(digest, key).update(authenticatedSafe).digest()
  return sequence(sequence(digestAlgorithmIdentifier(digest), octetString(mac)), octetString(salt), integer(iterations))
}
