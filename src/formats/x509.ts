import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import {
  bitString, contextTag, explicit, Fields, integer, parseDer, primitiveContextTag, readBitString, readIntegerBytes, readSmallInteger,
  readTime, sequence, tags, time,
} from './der.ts'
import type { Element } from './der.ts'
import { parseExtensions } from './extension-readers.ts'
import { serializeExtension } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { malformedAs } from './malformed-as.ts'
import { parseName } from './names.ts'
import type { Name } from './names.ts'
import { parsePublicKey } from './public-key.ts'
import { algorithmIdentifier, parseSignatureAlgorithm, verifySignature } from './signatures.ts'
import type { SignatureAlgorithm, Signer } from './signatures.ts'

export { extension } from './extension-readers.ts'

/**
 * An X.509 certificate (RFC 5280 §4.1), v1 included: some SCEP clients sign their first message with one.
 * Buffers are views of the bytes that were parsed. Nothing about its signature has been verified.
 */
export type Certificate = {
  readonly raw: Buffer
  readonly tbs: Buffer
  /** Lower-case hex of the content octets, without the 00 that keeps a number positive. */
  readonly serialNumber: string
  readonly issuer: Name
  readonly subject: Name
  readonly notBefore: Date
  readonly notAfter: Date
  readonly subjectPublicKeyInfo: Buffer
  /** Read when first asked for. @throws {CaError} unsupported-algorithm, malformed-certificate */
  readonly publicKey: KeyObject
  readonly extensions: Extension[]
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Buffer
  readonly version: 1 | 2 | 3
}

const maxCertificateBytes = 64 * 1024
// certmonger gives the temporary certificate of its first SCEP message a whole SHA-256.
const maxForeignSerialOctets = 32

/** @throws {CaError} malformed-certificate; unsupported-algorithm when its signature algorithm is not ours */
export function parseCertificate(der: Buffer): Certificate {
  if (der.length > maxCertificateBytes) throw new CaError('malformed-certificate', `certificate is larger than ${maxCertificateBytes} bytes`)
  return malformedAs('malformed-certificate', 'certificate', () => {
    const outer = new Fields(parseDer(der))
    const tbs = outer.next(tags.sequence)
    const algorithm = outer.next(tags.sequence)
    const signature = readBitString(outer.next())
    outer.end()
    const signatureAlgorithm = parseSignatureAlgorithm(algorithm)
    return withPublicKey({ raw: der, tbs: tbs.raw, ...parseTbsCertificate(tbs, algorithm), signatureAlgorithm, signature })
  })
}

function withPublicKey(certificate: Omit<Certificate, 'publicKey'>): Certificate {
  let key: KeyObject | undefined
  return {
    ...certificate,
    get publicKey() { return key ??= malformedAs('malformed-certificate', 'certificate', () => parsePublicKey(certificate.subjectPublicKeyInfo)) },
  }
}

function parseTbsCertificate(tbs: Element, outerAlgorithm: Element): Omit<Certificate, 'raw' | 'tbs' | 'publicKey' | 'signatureAlgorithm' | 'signature'> {
  const fields = new Fields(tbs)
  const version = parseVersion(fields.optional(contextTag(0)))
  const serialNumber = readSerialNumber(fields.next(), maxForeignSerialOctets)
  if (!fields.next().raw.equals(outerAlgorithm.raw)) throw new CaError('malformed-der', 'the two signature algorithms differ')
  const issuer = parseName(fields.next())
  const validity = new Fields(fields.next())
  const notBefore = readTime(validity.next())
  const notAfter = readTime(validity.next())
  validity.end()
  const subject = parseName(fields.next())
  const subjectPublicKeyInfo = fields.next(tags.sequence).raw
  if (version > 1) { fields.optional(primitiveContextTag(1)); fields.optional(primitiveContextTag(2)) }
  const extensions = version === 3 ? fields.optional(contextTag(3)) : undefined
  fields.end()
  return {
    serialNumber, issuer, subject, notBefore, notAfter, subjectPublicKeyInfo, version,
    extensions: extensions === undefined ? [] : parseExtensions(parseDer(extensions.content)),
  }
}

function parseVersion(element: Element | undefined): 1 | 2 | 3 {
  if (element === undefined) return 1
  const version = readSmallInteger(parseDer(element.content))
  if (version === 0) return 1
  if (version === 1) return 2
  if (version === 2) return 3
  throw new CaError('malformed-der', 'certificate version is not 1, 2 or 3')
}

/**
 * A CertificateSerialNumber as this product writes it: lower-case hex, no sign octet.
 * Negative ones are refused, since two numbers would then read the same; zero is somebody else's habit.
 *
 * @throws {CaError} malformed-der, also beyond `maxOctets` (RFC 5280 §4.1.2.2)
 */
export function readSerialNumber(element: Element, maxOctets = 20): string {
  const content = readIntegerBytes(element)
  if (content[0]! >= 0x80) throw new CaError('malformed-der', 'serial number is negative')
  const digits = content.length > 1 && content[0] === 0 ? content.subarray(1) : content
  if (digits.length > maxOctets) throw new CaError('malformed-der', `serial number has more than ${maxOctets} octets`)
  return digits.toString('hex')
}

/** What is signed. `issuer` and `subject` are encoded Names; `serialNumber` is lower-case hex. */
export type CertificateFields = {
  serialNumber: string
  issuer: Buffer
  subject: Buffer
  notBefore: Date
  notAfter: Date
  subjectPublicKeyInfo: Buffer
  extensions: readonly Extension[]
}

/** Version 3; without any extension version 1, as RFC 5280 §4.1.2.1 wants it. */
export async function signCertificate(fields: CertificateFields, signer: Signer): Promise<Buffer> {
  const algorithm = algorithmIdentifier(signer.algorithm)
  const plain = fields.extensions.length === 0
  const tbs = sequence(
    ...plain ? [] : [explicit(0, integer(2))],
    integer(Buffer.from(fields.serialNumber, 'hex')),
    algorithm,
    fields.issuer,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subject,
    fields.subjectPublicKeyInfo,
    ...plain ? [] : [explicit(3, sequence(...fields.extensions.map(serializeExtension)))],
  )
  return sequence(tbs, algorithm, bitString(await signer.sign(tbs)))
}

/** Whether this key made the certificate's signature; names, dates and usages are not looked at. */
export function isIssuedBy(certificate: Certificate, issuerPublicKey: KeyObject): boolean {
  return verifySignature(certificate.signatureAlgorithm, issuerPublicKey, certificate.tbs, certificate.signature)
}

/** SHA-256 of the whole encoding, lower-case hex. */
export const fingerprint = (der: Buffer): string => createHash('sha256').update(der).digest('hex')
