/** CMS EnvelopedData with RSA key transport (RFC 5652 §6, RFC 3370 §4.2.1): SCEP messages and encrypted profiles. */
import { constants, createCipheriv, createDecipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { chunkedOctetString, indefinite } from './ber.ts'
import type { BerEncoding, BerLimits } from './ber.ts'
import { algorithmWithNull, issuerAndSerialNumber, readContentInfo } from './cms-common.ts'
import {
  childrenOf, contextTag, explicit, expectTag, Fields, implicit, integer, octetString, oid, primitiveContextTag,
  readOctetString, readOid, readSmallInteger, sequence, setOf, tags,
} from './der.ts'
import type { Element } from './der.ts'
import { readSubjectKeyIdentifier } from './extension-readers.ts'
import { malformedAs } from './malformed-as.ts'
import { oids } from './oids.ts'
import type { Certificate } from './x509.ts'

export type Cipher = 'aes-128-cbc' | 'aes-192-cbc' | 'aes-256-cbc' | 'des-ede3-cbc'

/** A cipher by its name in OpenSSL; sizes in bytes. */
type CipherParts = { readonly name: Cipher, readonly oid: string, readonly keyBytes: number, readonly blockBytes: number }

// Single DES is not here, and so is refused before anything is decrypted.
const ciphers: readonly CipherParts[] = [
  { name: 'aes-128-cbc', oid: oids['aes128-CBC'], keyBytes: 16, blockBytes: 16 },
  { name: 'aes-192-cbc', oid: oids['aes192-CBC'], keyBytes: 24, blockBytes: 16 },
  { name: 'aes-256-cbc', oid: oids['aes256-CBC'], keyBytes: 32, blockBytes: 16 },
  { name: 'des-ede3-cbc', oid: oids['des-ede3-cbc'], keyBytes: 24, blockBytes: 8 },
]

/** KeyTransRecipientInfo; `rid` names the certificate by one of two forms (RFC 5652 §6.2.1). */
export type Recipient = {
  readonly rid: { readonly issuerAndSerialNumber: Buffer } | { readonly subjectKeyIdentifier: Buffer }
  /** dotted OID */
  readonly keyEncryptionAlgorithm: string
  readonly encryptedKey: Buffer
}

export type EnvelopedData = {
  /** those with key transport; other kinds are left out */
  readonly recipients: readonly Recipient[]
  /** dotted OID of the content encryption algorithm */
  readonly cipher: string
  /** undefined where the algorithm's parameters are no OCTET STRING */
  readonly iv: Buffer | undefined
  readonly encryptedContent: Buffer
}

const maxRecipients = 16

/** @throws {CaError} malformed-cms, body-too-large (64 KiB unless told otherwise) */
export function parseEnvelopedData(bytes: Uint8Array, limits: Partial<BerLimits> = {}): EnvelopedData {
  return malformedAs('malformed-cms', 'EnvelopedData', () => {
    const fields = new Fields(readContentInfo(bytes, oids.envelopedData, limits))
    readSmallInteger(fields.next(tags.integer))
    fields.optional(contextTag(0))
    const recipientInfos = childrenOf(fields.next(tags.set))
    if (recipientInfos.length > maxRecipients) throw new CaError('malformed-cms', `more than ${maxRecipients} recipients`)
    const encrypted = readEncryptedContentInfo(fields.next())
    fields.optional(contextTag(1))
    fields.end()
    const recipients = recipientInfos.filter(info => info.tag === tags.sequence).map(readRecipient)
    return { recipients, ...encrypted }
  })
}

function readRecipient(element: Element): Recipient {
  const fields = new Fields(element)
  readSmallInteger(fields.next(tags.integer))
  const rid = fields.next()
  const keyEncryption = new Fields(fields.next())
  const recipient = {
    rid: rid.tag === primitiveContextTag(0)
      ? { subjectKeyIdentifier: rid.content }
      : { issuerAndSerialNumber: expectTag(rid, tags.sequence).raw },
    keyEncryptionAlgorithm: readOid(keyEncryption.next()),
    encryptedKey: readOctetString(fields.next()),
  }
  fields.end()
  return recipient
}

function readEncryptedContentInfo(element: Element): Omit<EnvelopedData, 'recipients'> {
  const fields = new Fields(element)
  readOid(fields.next())
  const algorithm = new Fields(fields.next())
  const cipher = readOid(algorithm.next())
  const iv = algorithm.optional(tags.octetString)?.content
  const encryptedContent = readImplicitOctetString(fields.next())
  fields.end()
  return { cipher, iv, encryptedContent }
}

/** [0] IMPLICIT OCTET STRING. `berToDer` cannot know what is under the tag, so chunks are still chunks here. */
function readImplicitOctetString(element: Element): Buffer {
  if (element.tag === primitiveContextTag(0)) return element.content
  return Buffer.concat(childrenOf(expectTag(element, contextTag(0))).map(readOctetString))
}

/** By its name. @throws {CaError} unsupported-algorithm (single DES, for one) */
export const cipherOf = (envelope: EnvelopedData): Cipher => partsOf(envelope).name

function partsOf({ cipher }: EnvelopedData): CipherParts {
  const parts = ciphers.find(known => known.oid === cipher)
  if (parts === undefined) throw new CaError('unsupported-algorithm', `content encryption ${cipher} is not accepted`)
  return parts
}

/**
 * Decrypts the content. After the checks of what anybody can see, every failure is the same error, and a content
 * key that does not decrypt is replaced by a random one: nobody learns which of the two was wrong.
 *
 * @param decryptKey  RSA PKCS#1 v1.5 decryption that rejects implicitly: random bytes in place of an error
 * @throws {CaError} unsupported-algorithm (single DES, for one), malformed-scep-message
 */
export async function openEnvelope(
  envelope: EnvelopedData, recipientCertificate: Certificate, decryptKey: (encryptedKey: Buffer) => Promise<Buffer>,
): Promise<Buffer> {
  const cipher = partsOf(envelope)
  const { iv, encryptedContent } = envelope
  if (iv?.length !== cipher.blockBytes || encryptedContent.length % cipher.blockBytes !== 0) throw cannotOpen()
  const encryptedKey = encryptedKeyFor(envelope, recipientCertificate)
  const decrypted = await decryptKey(encryptedKey)
  const key = decrypted.length === cipher.keyBytes ? decrypted : randomBytes(cipher.keyBytes)
  try {
    const decipher = createDecipheriv(cipher.name, key, iv)
    return Buffer.concat([decipher.update(encryptedContent), decipher.final()])
  } catch {
    throw cannotOpen()
  }
}

const cannotOpen = (): CaError => new CaError('malformed-scep-message', 'the envelope cannot be opened')

function encryptedKeyFor(envelope: EnvelopedData, certificate: Certificate): Buffer {
  const recipient = envelope.recipients.find(({ rid }) => 'issuerAndSerialNumber' in rid
    ? rid.issuerAndSerialNumber.equals(issuerAndSerialNumber(certificate.raw))
    : readSubjectKeyIdentifier(certificate)?.equals(rid.subjectKeyIdentifier) ?? false)
  if (recipient === undefined) throw cannotOpen()
  if (recipient.keyEncryptionAlgorithm !== oids.rsaEncryption) {
    throw new CaError('unsupported-algorithm', `key encryption ${recipient.keyEncryptionAlgorithm} is not accepted`)
  }
  // OpenSSL throws at these two, where an implicit rejection never does. Both can be seen from outside.
  const modulus = modulusOf(certificate.publicKey)
  const { encryptedKey } = recipient
  if (encryptedKey.length !== modulus.length || encryptedKey.compare(modulus) >= 0) throw cannotOpen()
  return encryptedKey
}

/** @throws {CaError} unsupported-algorithm: only RSA keys receive by key transport */
function modulusOf(key: KeyObject): Buffer {
  if (key.asymmetricKeyType !== 'rsa') throw new CaError('unsupported-algorithm', 'the recipient has no RSA key')
  return Buffer.from(key.export({ format: 'jwk' }).n ?? '', 'base64url')
}

/**
 * Encrypts to one recipient, RSA PKCS#1 v1.5, the form that phones open.
 *
 * @throws {CaError} unsupported-algorithm when the recipient's key is not RSA
 */
export function encryptEnvelope(
  content: Uint8Array, recipientCertificate: Certificate, cipher: Cipher, options: { encoding?: BerEncoding } = {},
): Buffer {
  const parts = ciphers.find(known => known.name === cipher)!
  const { publicKey } = recipientCertificate
  modulusOf(publicKey)
  const key = randomBytes(parts.keyBytes)
  const iv = randomBytes(parts.blockBytes)
  const cipheriv = createCipheriv(cipher, key, iv)
  const encrypted = Buffer.concat([cipheriv.update(content), cipheriv.final()])
  const recipientInfos = setOf(sequence(
    integer(0),
    issuerAndSerialNumber(recipientCertificate.raw),
    algorithmWithNull(oids.rsaEncryption),
    octetString(publicEncrypt({ key: publicKey, padding: constants.RSA_PKCS1_PADDING }, key)),
  ))
  return wrap(recipientInfos, sequence(oid(parts.oid), octetString(iv)), encrypted, options.encoding ?? 'der')
}

function wrap(recipientInfos: Buffer, algorithm: Buffer, encrypted: Buffer, encoding: BerEncoding): Buffer {
  if (encoding === 'der') {
    const contentInfo = sequence(oid(oids.data), algorithm, implicit(0, encrypted))
    return sequence(oid(oids.envelopedData), explicit(0, sequence(integer(0), recipientInfos, contentInfo)))
  }
  const contentInfo = indefinite(tags.sequence, oid(oids.data), algorithm, chunkedOctetString(encrypted, contextTag(0)))
  const envelopedData = indefinite(tags.sequence, integer(0), recipientInfos, contentInfo)
  return indefinite(tags.sequence, oid(oids.envelopedData), indefinite(contextTag(0), envelopedData))
}
