import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import {
  bitString, childrenOf, contextTag, expectTag, explicit, Fields, integer, oid, parseDer, printableString, readBitString, readOid,
  readSmallInteger, readString, sequence, setOf, tags, utf8String,
} from './der.ts'
import type { Element } from './der.ts'
import { parseExtensions } from './extension-readers.ts'
import { serializeExtension } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { malformedAs } from './malformed-as.ts'
import { parseName } from './names.ts'
import type { Name } from './names.ts'
import { oids } from './oids.ts'
import { parsePublicKey } from './public-key.ts'
import { algorithmIdentifier, parseSignatureAlgorithm, signatureAlgorithms, verifySignature } from './signatures.ts'
import type { SignatureAlgorithm, Signer } from './signatures.ts'

/** A PKCS #10 request (RFC 2986) whose signature is good: the sender holds the private key. */
export type CertificationRequest = {
  readonly raw: Buffer
  readonly subject: Name
  readonly subjectPublicKeyInfo: Buffer
  readonly publicKey: KeyObject
  readonly challengePassword: string | undefined
  /** From extensionRequest (RFC 2985 §5.4.2); what is asked for, never what is issued. */
  readonly extensions: Extension[]
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Buffer
}

const maxRequestBytes = 32 * 1024
const rsaBits = { least: 2048, most: 4096 }

/**
 * Reads a request, verifies its own signature, and refuses what is too weak to certify.
 *
 * @throws {CaError} those of `readCertificationRequest` and `assertStrongRequest`
 */
export function parseCertificationRequest(der: Buffer): CertificationRequest {
  const request = readCertificationRequest(der)
  assertStrongRequest(request)
  return request
}

/**
 * Reads a request and verifies its own signature, strong or not: whose request it is stands before what is wrong with it.
 *
 * @throws {CaError} malformed-certification-request; unsupported-algorithm (those that cannot be verified, curves other
 *   than P-256, P-384 and P-521); signature-invalid
 */
export function readCertificationRequest(der: Buffer): CertificationRequest {
  if (der.length > maxRequestBytes) {
    throw new CaError('malformed-certification-request', `certification request is larger than ${maxRequestBytes} bytes`)
  }
  return malformedAs('malformed-certification-request', 'certification request', () => {
    const outer = new Fields(parseDer(der))
    const info = outer.next(tags.sequence)
    const signatureAlgorithm = parseSignatureAlgorithm(outer.next())
    const signature = readBitString(outer.next())
    outer.end()
    const request = parseInfo(info)
    const publicKey = parsePublicKey(request.subjectPublicKeyInfo)
    if (!verifySignature(signatureAlgorithm, publicKey, info.raw, signature)) {
      throw new CaError('signature-invalid', 'certification request is not signed with the key it names')
    }
    return { raw: der, ...request, publicKey, signatureAlgorithm, signature }
  })
}

/** @throws {CaError} unsupported-algorithm (SHA-1); weak-key (RSA outside 2048 to 4096 bits) */
export function assertStrongRequest({ publicKey, signatureAlgorithm }: CertificationRequest): void {
  if (signatureAlgorithms[signatureAlgorithm].digest === 'sha1') {
    throw new CaError('unsupported-algorithm', 'certification requests signed with SHA-1 are not accepted')
  }
  const bits = publicKey.asymmetricKeyDetails?.modulusLength
  if (bits !== undefined && (bits < rsaBits.least || bits > rsaBits.most)) {
    throw new CaError('weak-key', `RSA keys have ${rsaBits.least} to ${rsaBits.most} bits; this one has ${bits}`)
  }
}

type Info = Pick<CertificationRequest, 'subject' | 'subjectPublicKeyInfo' | 'challengePassword' | 'extensions'>

function parseInfo(element: Element): Info {
  const fields = new Fields(element)
  if (readSmallInteger(fields.next(tags.integer)) !== 0) throw new CaError('malformed-der', 'version is not 1')
  const subject = parseName(fields.next())
  const subjectPublicKeyInfo = fields.next(tags.sequence).raw
  // RFC 2986 demands the attributes even when there are none; some encoders leave them out.
  const attributes = parseAttributes(fields.optional(contextTag(0)))
  fields.end()
  const challenge = attributes.get(oids.challengePassword)
  const extensionRequest = attributes.get(oids.extensionRequest)
  return {
    subject, subjectPublicKeyInfo,
    challengePassword: challenge && readChallenge(challenge),
    extensions: extensionRequest === undefined ? [] : parseExtensions(extensionRequest),
  }
}

// Both attributes we read are single-valued; a second value or a second attribute would leave open which one counts.
function parseAttributes(element: Element | undefined): Map<string, Element> {
  const attributes = new Map<string, Element>()
  for (const child of element === undefined ? [] : childrenOf(element)) {
    const fields = new Fields(child)
    const type = readOid(fields.next())
    const values = childrenOf(expectTag(fields.next(), tags.set))
    fields.end()
    if (type !== oids.challengePassword && type !== oids.extensionRequest) continue
    const [value] = values
    if (value === undefined || values.length > 1) throw new CaError('malformed-der', `attribute ${type} must have one value`)
    if (attributes.has(type)) throw new CaError('malformed-der', `attribute ${type} appears twice`)
    attributes.set(type, value)
  }
  return attributes
}

/** PrintableString, or UTF8String where the text needs it (RFC 2985 §5.4.1); IA5String as openssl's tools may write. */
function readChallenge(element: Element): string {
  const { tag, content } = element
  if (tag !== tags.printableString && tag !== tags.utf8String && tag !== tags.ia5String) {
    throw new CaError('malformed-der', 'challengePassword is not a PrintableString or UTF8String')
  }
  if (content.length > 255) throw new CaError('malformed-der', 'challengePassword has more than 255 octets')
  return readString(element)
}

/** What is asked for. `subject` is an encoded Name. */
export type CertificationRequestFields = {
  subject: Buffer
  subjectPublicKeyInfo: Buffer
  challengePassword?: string
  extensions?: readonly Extension[]
}

/** @param signer holds the key that `subjectPublicKeyInfo` names */
export async function signCertificationRequest(fields: CertificationRequestFields, signer: Signer): Promise<Buffer> {
  const attributes: Buffer[] = []
  if (fields.challengePassword !== undefined) attributes.push(attribute(oids.challengePassword, challengeString(fields.challengePassword)))
  if (fields.extensions !== undefined && fields.extensions.length > 0) {
    attributes.push(attribute(oids.extensionRequest, sequence(...fields.extensions.map(serializeExtension))))
  }
  const info = sequence(integer(0), fields.subject, fields.subjectPublicKeyInfo, explicit(0, ...attributes.sort(Buffer.compare)))
  return sequence(info, algorithmIdentifier(signer.algorithm), bitString(await signer.sign(info)))
}

const attribute = (type: string, value: Buffer): Buffer => sequence(oid(type), setOf(value))

/** PrintableString where every character allows it, as phones do. */
const challengeString = (text: string): Buffer =>
  /^[A-Za-z0-9 '()+,\-./:=?]*$/.test(text) ? printableString(text) : utf8String(text)
