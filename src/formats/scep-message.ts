/** SCEP pkiMessages (RFC 8894 §3): a SignedData whose signed attributes say what it is, around an EnvelopedData. */
import { CaError } from '../errors.ts'
import type { BerEncoding, BerLimits } from './ber.ts'
import { findSignedAttribute, parseSignedData, signerOf, verifyContent } from './cms.ts'
import type { SignedData, SignerInfo } from './cms.ts'
import { digestOf } from './cms-common.ts'
import type { Attribute, Digest } from './cms-common.ts'
import { signData } from './cms-sign.ts'
import { expectTag, Fields, octetString, parseDer, printableString, readOctetString, sequence, tags } from './der.ts'
import { malformedAs } from './malformed-as.ts'
import { parseName } from './names.ts'
import type { Name } from './names.ts'
import { oids } from './oids.ts'
import type { Signer } from './signatures.ts'
import type { Certificate } from './x509.ts'

/** messageType values (RFC 8894 §3.2.1.2). What arrives may be any other text. */
export const messageTypes = { CertRep: '3', RenewalReq: '17', PKCSReq: '19', GetCertInitial: '20', GetCert: '21', GetCRL: '22' } as const
/** pkiStatus values (RFC 8894 §3.2.1.3). */
export const pkiStatuses = { SUCCESS: '0', FAILURE: '2', PENDING: '3' } as const
/** failInfo values (RFC 8894 §3.2.1.4). */
export const failInfos = { badAlg: '0', badMessageCheck: '1', badRequest: '2', badTime: '3', badCertId: '4' } as const

/** What a reply has to repeat. `transactionID` is opaque text, the nonce mostly 16 bytes. */
export type Transaction = { readonly transactionID: string, readonly senderNonce: Buffer }

export type PkiMessage = Transaction & {
  readonly messageType: string
  readonly recipientNonce: Buffer | undefined
  readonly pkiStatus: string | undefined
  readonly failInfo: string | undefined
  readonly signerCertificate: Certificate
  readonly digestAlgorithm: Digest
  /** pkcsPKIEnvelope, still encrypted; undefined where it was left out or is empty, as in a refusal */
  readonly envelope: Buffer | undefined
  readonly raw: Buffer
}

export type ParsePkiMessageOptions = {
  readonly limits?: Partial<BerLimits>
  /** SHA-1 is not among the defaults: whoever advertises SHA-256 is not sent it */
  readonly digests?: readonly Digest[]
}

const maxTextLength = 256
const maxNonceBytes = 64

/**
 * Reads a pkiMessage and verifies its signature with the certificate it brings along. Whether that
 * certificate means anything, and what the envelope holds, is the caller's to find out.
 *
 * @throws {CaError} malformed-scep-message, and those of `parseSignedData` and `verifyContent`
 */
export function parsePkiMessage(bytes: Buffer, options: ParsePkiMessageOptions = {}): PkiMessage {
  const { limits = {}, digests = ['sha256', 'sha384', 'sha512'] } = options
  const message = parseSignedData(bytes, limits)
  const { certificate, signerInfo } = signerOf(message)
  const content = verifyContent(withContent(message), { digests })
  return {
    ...readTransaction(signerInfo),
    messageType: required(readText(signerInfo, oids.scepMessageType), 'messageType'),
    recipientNonce: readNonce(signerInfo, oids.scepRecipientNonce),
    pkiStatus: readText(signerInfo, oids.scepPkiStatus),
    failInfo: readText(signerInfo, oids.scepFailInfo),
    signerCertificate: certificate,
    digestAlgorithm: digestOf(signerInfo.digestAlgorithm, digests),
    envelope: content.length === 0 ? undefined : content,
    raw: bytes,
  }
}

/** A refusal carries no envelope (RFC 8894 §3.3.2.2); some leave the content out, some make it empty. */
const withContent = (message: SignedData): SignedData => ({ ...message, content: message.content ?? Buffer.alloc(0) })

/**
 * What a refusal has to repeat, read from a message that could not be verified. Good for addressing
 * the answer, and for nothing else. Undefined when the message does not even say that.
 */
export function findTransaction(bytes: Buffer, limits: Partial<BerLimits> = {}): Transaction | undefined {
  try {
    const [signerInfo, ...more] = parseSignedData(bytes, limits).signerInfos
    return signerInfo === undefined || more.length > 0 ? undefined : readTransaction(signerInfo)
  } catch (error) {
    if (error instanceof CaError) return undefined
    throw error
  }
}

function readTransaction(signerInfo: SignerInfo): Transaction {
  return {
    transactionID: required(readText(signerInfo, oids.scepTransactionID), 'transactionID'),
    senderNonce: required(readNonce(signerInfo, oids.scepSenderNonce), 'senderNonce'),
  }
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new CaError('malformed-scep-message', `${name} is missing`)
  return value
}

function readText(signerInfo: SignerInfo, type: string): string | undefined {
  return malformedAs('malformed-scep-message', 'signed attributes', () => {
    const element = findSignedAttribute(signerInfo, type)
    if (element === undefined) return undefined
    const text = expectTag(element, tags.printableString).content.toString('latin1')
    if (text.length > maxTextLength || !/^[\x20-\x7e]+$/.test(text)) {
      throw new CaError('malformed-scep-message', 'an attribute is not readable text')
    }
    return text
  })
}

function readNonce(signerInfo: SignerInfo, type: string): Buffer | undefined {
  return malformedAs('malformed-scep-message', 'signed attributes', () => {
    const element = findSignedAttribute(signerInfo, type)
    if (element === undefined) return undefined
    const nonce = readOctetString(element)
    if (nonce.length === 0 || nonce.length > maxNonceBytes) throw new CaError('malformed-scep-message', 'a nonce has a bad length')
    return nonce
  })
}

export type PkiMessageFields = Transaction & {
  readonly messageType: string
  readonly recipientNonce?: Buffer
  readonly pkiStatus?: string
  readonly failInfo?: string
  /** pkcsPKIEnvelope; left out in a refusal and while pending */
  readonly envelope?: Buffer
  readonly signer: Signer
  readonly certificate: Buffer
  readonly extraCertificates?: readonly Buffer[]
  readonly signingTime?: Date
  readonly encoding?: BerEncoding
}

/**
 * Signs a request or a CertRep. The signature is named plain rsaEncryption, which every client reads
 * and strongSwan insists on. Without an envelope the content is an empty OCTET STRING: readers built
 * on OpenSSL take absent content for a detached signature and refuse it.
 */
export function signPkiMessage(fields: PkiMessageFields): Promise<Buffer> {
  const { signer, certificate, extraCertificates = [], encoding = 'der', signingTime, envelope = Buffer.alloc(0) } = fields
  return signData({
    content: envelope, signer, certificate, extraCertificates, encoding, plainRsaOid: true,
    signedAttributes: attributesOf(fields),
    ...signingTime === undefined ? {} : { signingTime },
  })
}

function attributesOf({ messageType, transactionID, senderNonce, recipientNonce, pkiStatus, failInfo }: PkiMessageFields): Attribute[] {
  const texts: [string, string | undefined][] = [
    [oids.scepTransactionID, transactionID], [oids.scepMessageType, messageType], [oids.scepPkiStatus, pkiStatus], [oids.scepFailInfo, failInfo],
  ]
  const nonces: [string, Buffer | undefined][] = [[oids.scepSenderNonce, senderNonce], [oids.scepRecipientNonce, recipientNonce]]
  return [
    ...texts.flatMap(([type, value]) => value === undefined ? [] : [{ type, values: [printableString(value)] }]),
    ...nonces.flatMap(([type, value]) => value === undefined ? [] : [{ type, values: [octetString(value)] }]),
  ]
}

/** IssuerAndSubject (RFC 8894 §3.3.3), the content of GetCertInitial. Both are encoded Names. */
export const serializeIssuerAndSubject = (issuer: Buffer, subject: Buffer): Buffer => sequence(issuer, subject)

/** @throws {CaError} malformed-scep-message */
export function parseIssuerAndSubject(der: Buffer): { issuer: Name, subject: Name } {
  return malformedAs('malformed-scep-message', 'IssuerAndSubject', () => {
    const fields = new Fields(parseDer(der))
    const issuer = parseName(fields.next())
    const subject = parseName(fields.next())
    fields.end()
    return { issuer, subject }
  })
}
