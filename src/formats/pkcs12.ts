/**
 * PKCS #12 (RFC 7292) in the two forms that iOS imports. node-forge does the password-based encryption;
 * the bags are written here, since forge reads RSA certificates only and leaves them in the clear.
 */
import { createHash, createHmac, randomBytes } from 'node:crypto'
import forge from 'node-forge'
import { digestAlgorithmIdentifier } from './cms-common.ts'
import { explicit, Fields, implicit, integer, octetString, oid, parseDer, readOctetString, sequence, setOf, tags, tlv } from './der.ts'
import { oids } from './oids.ts'

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

type SchemeParts = { readonly algorithm: '3des' | 'aes256', readonly digest: 'sha1' | 'sha256', readonly macBytes: number }

const schemes: Readonly<Record<Pkcs12Scheme, SchemeParts>> = {
  '3des-sha1': { algorithm: '3des', digest: 'sha1', macBytes: 20 },
  'aes256-sha256': { algorithm: 'aes256', digest: 'sha256', macBytes: 32 },
}

// What every reader copes with; one was seen refusing a longer salt. The strength is in the password, which is random.
const iterations = 2048
const saltBytes = 8
const macKeyId = 3

/** One identity and the certificates above it, key and certificates encrypted alike, tied by localKeyId. */
export function buildPkcs12({ privateKeyPkcs8, certificate, chain, password, scheme, friendlyName }: Pkcs12Fields): Buffer {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new TypeError('the password of a PKCS #12 is printable ASCII')
  const parts = schemes[scheme]
  const attributes = bagAttributes(certificate, friendlyName)
  const certificates = sequence(certBag(certificate, attributes), ...chain.map(issuer => certBag(issuer)))
  const key = sequence(keyBag(encrypt(privateKeyPkcs8, password, parts), attributes))
  const authenticatedSafe = sequence(encryptedContentInfo(encrypt(certificates, password, parts)), dataContentInfo(key))
  return sequence(integer(3), dataContentInfo(authenticatedSafe), macData(authenticatedSafe, password, parts))
}

const dataContentInfo = (content: Buffer): Buffer => sequence(oid(oids.data), explicit(0, octetString(content)))

/** EncryptedData (RFC 5652 §8): the same two fields that an EncryptedPrivateKeyInfo has, tagged otherwise. */
function encryptedContentInfo(encryptedPrivateKeyInfo: Buffer): Buffer {
  const fields = new Fields(parseDer(encryptedPrivateKeyInfo))
  const algorithm = fields.next(tags.sequence).raw
  const encrypted = implicit(0, readOctetString(fields.next()))
  const content = sequence(oid(oids.data), algorithm, encrypted)
  return sequence(oid(oids.encryptedData), explicit(0, sequence(integer(0), content)))
}

const certBag = (certificate: Buffer, attributes?: Buffer): Buffer =>
  bag(oids.certBag, sequence(oid(oids.x509Certificate), explicit(0, octetString(certificate))), attributes)

const keyBag = (encryptedPrivateKeyInfo: Buffer, attributes: Buffer): Buffer =>
  bag(oids.pkcs8ShroudedKeyBag, encryptedPrivateKeyInfo, attributes)

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

/**
 * EncryptedPrivateKeyInfo around any SEQUENCE. forge is handed its bytes as one opaque value:
 * it would otherwise decode and encode them again, which need not give the same bytes.
 */
function encrypt(der: Buffer, password: string, { algorithm, digest }: SchemeParts): Buffer {
  const { content } = parseDer(der)
  const opaque = forge.asn1.create(forge.asn1.Class.UNIVERSAL, tags.sequence as forge.asn1.Type, false, content.toString('latin1'))
  const encrypted = forge.pki.encryptPrivateKeyInfo(opaque, password, {
    algorithm, count: iterations, saltSize: saltBytes, prfAlgorithm: digest,
  })
  return Buffer.from(forge.asn1.toDer(encrypted).getBytes(), 'latin1')
}

/** MacData (RFC 7292 §4). Ours, because forge's own is always SHA-1. */
function macData(authenticatedSafe: Buffer, password: string, { digest, macBytes }: SchemeParts): Buffer {
  const salt = randomBytes(saltBytes)
  const saltBuffer = forge.util.createBuffer(salt.toString('latin1'))
  const key = forge.pkcs12.generateKey(password, saltBuffer, macKeyId, iterations, macBytes, forge.md[digest].create())
  const mac = createHmac(digest, Buffer.from(key.getBytes(), 'latin1')).update(authenticatedSafe).digest()
  return sequence(sequence(digestAlgorithmIdentifier(digest), octetString(mac)), octetString(salt), integer(iterations))
}
