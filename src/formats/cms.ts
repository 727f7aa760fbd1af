/**
 * CMS SignedData (RFC 5652 §5), read and verified. Three steps, so that a caller can judge the signer
 * before it looks at the content: `parseSignedData`, `signerOf`, `verifyContent`.
 */
import { createHash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import type { BerLimits } from './ber.ts'
import {
  digestOf, issuerAndSerialNumber, onlyChild, readAttribute, readContentInfo, readPlainAlgorithm,
} from './cms-common.ts'
import type { Attribute, Digest } from './cms-common.ts'
import {
  childrenOf, contextTag, Fields, parseDer, primitiveContextTag, readOctetString, readOid, readSmallInteger, setOf, tags,
} from './der.ts'
import type { Element } from './der.ts'
import { readSubjectKeyIdentifier } from './extension-readers.ts'
import { malformedAs } from './malformed-as.ts'
import { oids } from './oids.ts'
import { parseSignatureAlgorithm, verifySignature } from './signatures.ts'
import type { SignatureAlgorithm } from './signatures.ts'
import { parseCertificate } from './x509.ts'
import type { Certificate } from './x509.ts'

/** SignerIdentifier (RFC 5652 §5.3): the DER of an IssuerAndSerialNumber, or the bytes of a key identifier. */
export type SignerIdentifier = { readonly issuerAndSerialNumber: Buffer } | { readonly subjectKeyIdentifier: Buffer }

export type SignerInfo = {
  readonly sid: SignerIdentifier
  /** dotted OID; nothing is judged before `verifyContent` */
  readonly digestAlgorithm: string
  readonly signedAttributes: readonly Attribute[] | undefined
  /** what a signature over attributes covers: their SET OF in DER order, with the SET tag (RFC 5652 §5.4) */
  readonly signedAttributesDer: Buffer | undefined
  /** AlgorithmIdentifier, DER */
  readonly signatureAlgorithm: Buffer
  readonly signature: Buffer
}

export type SignedData = {
  readonly contentType: string
  /** the octets inside eContent's OCTET STRING; undefined when detached */
  readonly content: Buffer | undefined
  /** X.509 certificates as they came, in their order; other kinds are left out */
  readonly certificates: readonly Buffer[]
  readonly signerInfos: readonly SignerInfo[]
}

export type MessageSigner = { readonly certificate: Certificate, readonly signerInfo: SignerInfo }

export type VerifyOptions = {
  /** SHA-1 is among the defaults: it is what phones sign with */
  readonly digests?: readonly Digest[]
  /** off by default: nothing here is signed with ECDSA unless the caller says so */
  readonly allowEcdsa?: boolean
}

const maxCertificates = 32
const minRsaBits = 1024

/**
 * Reads a SignedData in BER or DER. Nothing is verified yet.
 *
 * @throws {CaError} malformed-cms, body-too-large (64 KiB unless told otherwise)
 */
export function parseSignedData(bytes: Uint8Array, limits: Partial<BerLimits> = {}): SignedData {
  return malformedAs('malformed-cms', 'SignedData', () => {
    const fields = new Fields(readContentInfo(bytes, oids.signedData, limits))
    readSmallInteger(fields.next(tags.integer))
    fields.next(tags.set)
    const { contentType, content } = readEncapsulatedContentInfo(fields.next())
    const certificates = fields.optional(contextTag(0))
    fields.optional(contextTag(1))
    const signerInfos = childrenOf(fields.next(tags.set)).map(readSignerInfo)
    fields.end()
    return { contentType, content, certificates: certificates === undefined ? [] : readCertificates(certificates), signerInfos }
  })
}

function readEncapsulatedContentInfo(element: Element): { contentType: string, content: Buffer | undefined } {
  const fields = new Fields(element)
  const contentType = readOid(fields.next())
  const content = fields.optional(contextTag(0))
  fields.end()
  return { contentType, content: content === undefined ? undefined : readOctetString(onlyChild(content)) }
}

function readCertificates(element: Element): Buffer[] {
  const certificates = childrenOf(element).filter(choice => choice.tag === tags.sequence).map(choice => choice.raw)
  if (certificates.length > maxCertificates) throw new CaError('malformed-cms', `more than ${maxCertificates} certificates`)
  return certificates
}

function readSignerInfo(element: Element): SignerInfo {
  const fields = new Fields(element)
  readSmallInteger(fields.next(tags.integer))
  const sid = readSignerIdentifier(fields.next())
  const digestAlgorithm = readPlainAlgorithm(fields.next())
  const signed = fields.optional(contextTag(0))
  const signatureAlgorithm = fields.next(tags.sequence).raw
  const signature = readOctetString(fields.next())
  fields.optional(contextTag(1))
  fields.end()
  const attributes = signed === undefined ? undefined : childrenOf(signed)
  return {
    sid, digestAlgorithm, signatureAlgorithm, signature,
    signedAttributes: attributes?.map(readAttribute),
    signedAttributesDer: attributes === undefined ? undefined : setOf(...attributes.map(attribute => attribute.raw)),
  }
}

function readSignerIdentifier(element: Element): SignerIdentifier {
  if (element.tag === tags.sequence) return { issuerAndSerialNumber: element.raw }
  if (element.tag === primitiveContextTag(0)) return { subjectKeyIdentifier: element.content }
  throw new CaError('malformed-cms', 'signer identifier has an unknown form')
}

/**
 * The one signer and the certificate it names. Which certificate that is depends on the message alone,
 * so what a caller checks here is what `verifyContent` verifies with.
 *
 * @throws {CaError} cms-signer-count, cms-signer-certificate-missing, malformed-cms, malformed-certificate
 */
export function signerOf(message: SignedData): MessageSigner {
  const [signerInfo, ...more] = message.signerInfos
  if (signerInfo === undefined || more.length > 0) {
    throw new CaError('cms-signer-count', `expected one signer, found ${message.signerInfos.length}`)
  }
  const { sid } = signerInfo
  const matching = malformedAs('malformed-cms', 'SignedData', () =>
    message.certificates.filter(certificate => isNamedBy(sid, certificate)))
  const [found, ...others] = matching
  if (found === undefined) throw new CaError('cms-signer-certificate-missing', 'the certificate of the signer is not in the message')
  // A sender repeating a certificate does no harm; two certificates under one name leave the choice to the reader.
  if (others.some(other => !other.equals(found))) throw new CaError('malformed-cms', 'two certificates fit the signer')
  return { certificate: parseCertificate(found), signerInfo }
}

function isNamedBy(sid: SignerIdentifier, certificate: Buffer): boolean {
  if ('issuerAndSerialNumber' in sid) return issuerAndSerialNumber(certificate).equals(sid.issuerAndSerialNumber)
  return readSubjectKeyIdentifier(parseCertificate(certificate))?.equals(sid.subjectKeyIdentifier) ?? false
}

/**
 * The content, once the signature over it holds (RFC 5652 §5.4, §5.6). Who signed is the caller's to judge.
 *
 * @throws {CaError} cms-content-missing, cms-digest-mismatch, cms-signed-attributes-invalid, signature-invalid,
 *   unsupported-algorithm, weak-key, and those of `signerOf`
 */
export function verifyContent(message: SignedData, options: VerifyOptions = {}): Buffer {
  const { digests = ['sha1', 'sha256', 'sha384', 'sha512'], allowEcdsa = false } = options
  const { certificate, signerInfo } = signerOf(message)
  if (message.content === undefined) throw new CaError('cms-content-missing', 'the message does not carry its content')
  if (message.contentType !== oids.data) throw new CaError('malformed-cms', `signed content is of type ${message.contentType}`)
  const digest = digestOf(signerInfo.digestAlgorithm, digests)
  const { publicKey } = certificate
  const algorithm = signatureAlgorithmOf(signerInfo, digest, publicKey, allowEcdsa)
  const signed = signedBytes(signerInfo, message.contentType, message.content, digest)
  if (!verifySignature(algorithm, publicKey, signed, signerInfo.signature)) {
    throw new CaError('signature-invalid', 'the signature does not fit the message')
  }
  return message.content
}

function signatureAlgorithmOf(signerInfo: SignerInfo, digest: Digest, publicKey: KeyObject, allowEcdsa: boolean): SignatureAlgorithm {
  const named = malformedAs('malformed-cms', 'SignerInfo', () => readSignatureAlgorithm(signerInfo.signatureAlgorithm, digest))
  const expected = publicKey.asymmetricKeyType === 'ec' && allowEcdsa ? ecdsaWith(digest) : rsaWith(digest)
  if (named !== expected) throw new CaError('unsupported-algorithm', `signature algorithm ${named} is not accepted here`)
  if (publicKey.asymmetricKeyType === 'ec') return named
  if (publicKey.asymmetricKeyType !== 'rsa') throw new CaError('unsupported-algorithm', 'the key of the signer is of an unknown type')
  const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0
  if (bits < minRsaBits) throw new CaError('weak-key', `an RSA key of ${bits} bits is too short`)
  return named
}

/** Plain rsaEncryption takes its digest from `digestAlgorithm` (RFC 3370 §3.2). */
function readSignatureAlgorithm(der: Buffer, digest: Digest): SignatureAlgorithm {
  const element = parseDer(der)
  const isPlain = readOid(new Fields(element).next()) === oids.rsaEncryption
  if (!isPlain) return parseSignatureAlgorithm(element)
  readPlainAlgorithm(element)
  return rsaWith(digest)
}

const rsaWith = (digest: Digest): SignatureAlgorithm => `${digest}WithRSAEncryption`

function ecdsaWith(digest: Digest): SignatureAlgorithm {
  switch (digest) {
    case 'sha256': return 'ecdsa-with-SHA256'
    case 'sha384': return 'ecdsa-with-SHA384'
    case 'sha512': return 'ecdsa-with-SHA512'
    case 'sha1': throw new CaError('unsupported-algorithm', 'ECDSA with SHA-1 is not accepted here')
  }
}

/** What the signature must cover; with attributes, only after they are tied to this very content. */
function signedBytes(signerInfo: SignerInfo, contentType: string, content: Buffer, digest: Digest): Buffer {
  const { signedAttributes, signedAttributesDer } = signerInfo
  if (signedAttributes === undefined || signedAttributesDer === undefined) {
    refuseAttributesAsContent(content)
    return content
  }
  const types = signedAttributes.map(attribute => attribute.type)
  if (new Set(types).size !== types.length) throw invalidAttributes('an attribute occurs twice')
  malformedAs('cms-signed-attributes-invalid', 'signed attributes', () => {
    const type = readOid(signedAttribute(signerInfo, oids.contentType))
    if (type !== contentType) throw invalidAttributes('contentType is not that of the content')
    const expected = readOctetString(signedAttribute(signerInfo, oids.messageDigest))
    if (!createHash(digest).update(content).digest().equals(expected)) {
      throw new CaError('cms-digest-mismatch', 'messageDigest is not that of the content')
    }
  })
  return signedAttributesDer
}

/**
 * A signature over attributes is also one over a content that consists of those bytes: cutting the attributes
 * off would turn them into a message that nobody sent. No content here is a SET.
 */
function refuseAttributesAsContent(content: Buffer): void {
  if (content[0] === tags.set) throw invalidAttributes('the content looks like signed attributes')
}

/**
 * The single value of a signed attribute.
 *
 * @throws {CaError} cms-signed-attributes-invalid unless it occurs once, with one value
 */
export function signedAttribute(signerInfo: SignerInfo, type: string): Element {
  const found = findSignedAttribute(signerInfo, type)
  if (found === undefined) throw invalidAttributes(`attribute ${type} is missing`)
  return found
}

/** Like `signedAttribute`, for one that may be absent. */
export function findSignedAttribute(signerInfo: SignerInfo, type: string): Element | undefined {
  const attributes = (signerInfo.signedAttributes ?? []).filter(attribute => attribute.type === type)
  if (attributes.length === 0) return undefined
  const [value, ...more] = attributes.flatMap(attribute => attribute.values)
  if (value === undefined || more.length > 0) throw invalidAttributes(`attribute ${type} does not have one value`)
  return parseDer(value)
}

const invalidAttributes = (why: string): CaError => new CaError('cms-signed-attributes-invalid', why)
