import { CaError } from '../errors.ts'
import {
  bitString, childrenOf, contextTag, enumerated, expectTag, explicit, Fields, generalizedTime, implicit, octetString, oid, parseDer,
  readOctetString, readOid, readSmallInteger, sequence, tags, tlv,
} from './der.ts'
import type { Element } from './der.ts'
import { parseExtensions } from './extension-readers.ts'
import { serializeExtension } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { malformedAs } from './malformed-as.ts'
import { oids } from './oids.ts'
import { algorithmIdentifier } from './signatures.ts'
import type { Signer } from './signatures.ts'
import { readSerialNumber } from './x509.ts'

/**
 * Which certificate is asked about (RFC 6960 §4.1.1).
 * @property hashAlgorithm dotted; any, so that the caller can say which it serves
 * @property serialNumber lower-case hex
 * @property raw the whole CertID: an answer repeats it as it came
 */
export type CertId = { hashAlgorithm: string, issuerNameHash: Buffer, issuerKeyHash: Buffer, serialNumber: string, raw: Buffer }

export type OcspRequest = { requests: [{ certId: CertId }], nonce?: Buffer }

const maxRequestBytes = 4096
const maxNonceOctets = 128

/**
 * Reads a request for exactly one certificate, as RFC 9919 allows a lightweight responder to ask.
 * A signature on the request is ignored: anybody may ask.
 *
 * @throws {CaError} malformed-ocsp-request
 */
export function parseOcspRequest(der: Buffer): OcspRequest {
  if (der.length > maxRequestBytes) throw new CaError('malformed-ocsp-request', `OCSP request is larger than ${maxRequestBytes} bytes`)
  return malformedAs('malformed-ocsp-request', 'OCSP request', () => {
    const outer = new Fields(parseDer(der))
    const tbs = new Fields(outer.next())
    outer.optional(contextTag(0))
    outer.end()
    const version = tbs.optional(contextTag(0))
    if (version !== undefined && readSmallInteger(parseDer(version.content)) !== 0) throw new CaError('malformed-der', 'version is not 1')
    tbs.optional(contextTag(1)) // requestorName
    const [request, ...more] = childrenOf(expectTag(tbs.next(), tags.sequence))
    const extensions = tbs.optional(contextTag(2))
    tbs.end()
    if (request === undefined || more.length > 0) throw new CaError('malformed-der', 'a request asks about exactly one certificate')
    const nonce = extensions && readNonce(parseKnownExtensions(extensions))
    return { requests: [{ certId: parseRequest(request) }], ...nonce && { nonce } }
  })
}

function parseRequest(element: Element): CertId {
  const fields = new Fields(element)
  const certId = fields.next(tags.sequence)
  const extensions = fields.optional(contextTag(0))
  fields.end()
  if (extensions !== undefined) parseKnownExtensions(extensions)
  const parts = new Fields(certId)
  const algorithm = new Fields(parts.next())
  const hashAlgorithm = readOid(algorithm.next())
  const issuerNameHash = readOctetString(parts.next())
  const issuerKeyHash = readOctetString(parts.next())
  const serialNumber = readSerialNumber(parts.next())
  parts.end()
  return { hashAlgorithm, issuerNameHash, issuerKeyHash, serialNumber, raw: certId.raw }
}

/** The nonce is the only extension that we act on; a critical one of another kind cannot be passed over. */
function parseKnownExtensions(element: Element): Extension[] {
  const extensions = parseExtensions(parseDer(element.content))
  const unknown = extensions.find(extension => extension.critical && extension.oid !== oids.ocspNonce)
  if (unknown !== undefined) throw new CaError('malformed-der', `critical extension ${unknown.oid} is not supported`)
  return extensions
}

/** RFC 9654 §2.1: an OCTET STRING of 1 to 128 octets. */
function readNonce(extensions: readonly Extension[]): Buffer | undefined {
  const extension = extensions.find(candidate => candidate.oid === oids.ocspNonce)
  if (extension === undefined) return undefined
  const nonce = readOctetString(parseDer(extension.value))
  if (nonce.length < 1 || nonce.length > maxNonceOctets) throw new CaError('malformed-der', `a nonce has 1 to ${maxNonceOctets} octets`)
  return nonce
}

/** @property reason CRLReason (RFC 5280 §5.3.1); 0 is written as no reason at all */
export type CertStatus = 'good' | 'unknown' | { revokedAt: Date, reason: number }

/**
 * An answer about one certificate. The responder is named by its key's SHA-1 (RFC 6960 §4.2.1) or its encoded Name.
 * @property single.certId the `raw` of the CertID that was asked about
 * @property certificate DER of the responder's certificate: clients build their trust in the answer from it
 */
export type OcspResponseFields = ({ responderKeyHash: Buffer } | { responderName: Buffer }) & {
  producedAt: Date
  single: { certId: Buffer, status: CertStatus, thisUpdate: Date, nextUpdate: Date }
  nonce?: Buffer
  certificate: Buffer
}

/** A `successful` OCSPResponse with a BasicOCSPResponse (RFC 6960 §4.2.1). */
export async function signOcspResponse(fields: OcspResponseFields, signer: Signer): Promise<Buffer> {
  const responseData = sequence(
    'responderKeyHash' in fields ? explicit(2, octetString(fields.responderKeyHash)) : explicit(1, fields.responderName),
    generalizedTime(fields.producedAt),
    sequence(singleResponse(fields.single)),
    ...fields.nonce === undefined ? [] : [explicit(1, sequence(nonceExtension(fields.nonce)))],
  )
  const basic = sequence(
    responseData, algorithmIdentifier(signer.algorithm), bitString(await signer.sign(responseData)),
    explicit(0, sequence(fields.certificate)),
  )
  return sequence(enumerated(0), explicit(0, sequence(oid(oids.ocspBasic), octetString(basic))))
}

function singleResponse({ certId, status, thisUpdate, nextUpdate }: OcspResponseFields['single']): Buffer {
  return sequence(certId, certStatus(status), generalizedTime(thisUpdate), explicit(0, generalizedTime(nextUpdate)))
}

function certStatus(status: CertStatus): Buffer {
  if (status === 'good') return implicit(0, Buffer.alloc(0))
  if (status === 'unknown') return implicit(2, Buffer.alloc(0))
  const reason = status.reason === 0 ? [] : [explicit(0, enumerated(status.reason))]
  return tlv(contextTag(1), generalizedTime(status.revokedAt), ...reason)
}

const nonceExtension = (nonce: Buffer): Buffer =>
  serializeExtension({ oid: oids.ocspNonce, critical: false, value: octetString(nonce) })

/** The statuses of OCSPResponseStatus (RFC 6960 §4.2.1) that we send, by their numbers. */
const responseStatus = { malformedRequest: 1, internalError: 2, tryLater: 3, unauthorized: 6 } as const

/** An answer that is not signed and says only that there is none. */
export const ocspError = (status: keyof typeof responseStatus): Buffer => sequence(enumerated(responseStatus[status]))
