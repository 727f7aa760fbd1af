/** SCEP (RFC 8894) in the shapes that Apple's client sends, and with the checks it makes of replies. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { signCertificationRequest } from '../formats/certification-request.ts'
import { parseSignedData } from '../formats/cms.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../formats/enveloped-data.ts'
import { keyUsage } from '../formats/extensions.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { messageTypes, parsePkiMessage, pkiStatuses, serializeIssuerAndSubject, signPkiMessage } from '../formats/scep-message.ts'
import { parseCertificate, signCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import type { PhoneIdentity } from './device-identity.ts'
import { request } from './http.ts'
import type { Answer } from './http.ts'
import { decryptWithKey, pkcs1PublicKeyOf, signerOfKey, subjectPublicKeyInfoOf } from './keys.ts'
import { parseCaCertificates, parseCapabilities } from './scep-authority.ts'
import type { ScepAuthority, ScepCapabilities } from './scep-authority.ts'
import type { ScepPayload } from './scep-payload.ts'

/** One conversation: what is asked for, with which key, of whom. */
export type ScepTransaction = {
  readonly payload: ScepPayload
  /** the key that is to be certified */
  readonly privateKey: KeyObject
  /** who signs the messages and is encrypted to: a temporary identity, or the old one when renewing */
  readonly signer: Pick<PhoneIdentity, 'certificate' | 'privateKey'>
  readonly authority: ScepAuthority
  readonly capabilities: ScepCapabilities
  readonly transactionID: string
}

export type ScepResult =
  | { readonly pkiStatus: 'SUCCESS', readonly certificate: Certificate }
  | { readonly pkiStatus: 'FAILURE', readonly failInfo: string | undefined }
  | { readonly pkiStatus: 'PENDING' }

export type ScepOptions = {
  readonly now: () => Date
  /** lets the time between two questions pass */
  readonly wait: (seconds: number) => Promise<void>
  /** signs in place of a temporary identity: this makes it a renewal */
  readonly oldIdentity?: Pick<PhoneIdentity, 'certificate' | 'privateKey'>
}

/**
 * Gets a certificate for `privateKey`. While the answer is PENDING it asks again as the payload says,
 * the first time at once.
 *
 * @throws {CaError} server-unreachable, malformed-scep-message and others, where the server does not keep to the protocol
 */
export async function enrollByScep(payload: ScepPayload, privateKey: KeyObject, options: ScepOptions): Promise<ScepResult> {
  const transaction = await beginTransaction(payload, privateKey, options)
  let result = await exchange(transaction, await pkcsReq(transaction))
  for (let asked = 0; result.pkiStatus === 'PENDING' && asked < payload.retries; asked++) {
    if (asked > 0) await options.wait(payload.retryDelaySeconds)
    result = await exchange(transaction, await getCertInitial(transaction))
  }
  return result
}

/** Asks the server what it can and who it is. */
export async function beginTransaction(payload: ScepPayload, privateKey: KeyObject, options: Pick<ScepOptions, 'now' | 'oldIdentity'>): Promise<ScepTransaction> {
  const caps = await ask(payload, 'GetCACaps')
  const capabilities = parseCapabilities(caps.body.toString('latin1'))
  const { contentType, body } = await ask(payload, 'GetCACert')
  return {
    payload, privateKey, capabilities,
    authority: parseCaCertificates(contentType, body, payload.caFingerprint),
    signer: options.oldIdentity ?? { certificate: await temporaryCertificate(privateKey, capabilities, options.now()), privateKey },
    transactionID: createHash('sha1').update(pkcs1PublicKeyOf(privateKey)).digest('hex').toUpperCase(),
  }
}

function addressOf({ url }: ScepPayload, operation: string, message?: string): string {
  const query = `operation=${operation}${message === undefined ? '' : `&message=${message}`}`
  return `${url}${url.includes('?') ? '&' : '?'}${query}`
}

async function ask(payload: ScepPayload, operation: 'GetCACaps' | 'GetCACert'): Promise<Answer> {
  const answer = await request(addressOf(payload, operation, encodeURIComponent(payload.caName)))
  if (answer.status !== 200) throw new CaError('malformed-scep-message', `${operation} was answered with status ${answer.status}`)
  return answer
}

/** Self-signed, over the key that is to be certified: what the reply is encrypted to. */
async function temporaryCertificate(privateKey: KeyObject, { digest }: ScepCapabilities, now: Date): Promise<Certificate> {
  const name = serializeName([{ type: oids.commonName, value: randomUUID().toUpperCase() }])
  const certificate = await signCertificate({
    serialNumber: '01', issuer: name, subject: name, subjectPublicKeyInfo: subjectPublicKeyInfoOf(privateKey),
    notBefore: now, notAfter: new Date(now.getTime() + 365 * 86_400_000),
    extensions: [keyUsage('digitalSignature', 'keyEncipherment')],
  }, signerOfKey(privateKey, `${digest}WithRSAEncryption`))
  return parseCertificate(certificate)
}

/** PKCSReq (RFC 8894 §3.3.1). Renewals are the same message with another signer: Apple's client knows no RenewalReq. */
export async function pkcsReq(transaction: ScepTransaction): Promise<Buffer> {
  const { payload, privateKey, capabilities } = transaction
  const certificationRequest = await signCertificationRequest({
    subject: serializeName(payload.subject), subjectPublicKeyInfo: subjectPublicKeyInfoOf(privateKey), extensions: payload.extensions,
    ...payload.challenge === undefined ? {} : { challengePassword: payload.challenge },
  }, signerOfKey(privateKey, `${capabilities.digest}WithRSAEncryption`))
  return signedMessage(transaction, messageTypes.PKCSReq, certificationRequest)
}

/** GetCertInitial (RFC 8894 §3.3.3); for issuer it names the registration authority. */
export function getCertInitial(transaction: ScepTransaction): Promise<Buffer> {
  const { authority, payload } = transaction
  return signedMessage(transaction, messageTypes.GetCertInitial,
    serializeIssuerAndSubject(authority.issuer.subject.raw, serializeName(payload.subject)))
}

function signedMessage(transaction: ScepTransaction, messageType: string, content: Buffer): Promise<Buffer> {
  const { authority, capabilities, signer, transactionID } = transaction
  return signPkiMessage({
    messageType, transactionID, senderNonce: randomBytes(16), encoding: 'ber',
    envelope: encryptEnvelope(content, authority.recipient, capabilities.cipher, { encoding: 'ber' }),
    signer: signerOfKey(signer.privateKey, `${capabilities.digest}WithRSAEncryption`), certificate: signer.certificate.raw,
  })
}

/** Sends a pkiMessage and reads the CertRep. */
export async function exchange(transaction: ScepTransaction, message: Buffer): Promise<ScepResult> {
  const { payload, capabilities } = transaction
  const answer = capabilities.post
    ? await request(addressOf(payload, 'PKIOperation'), { method: 'POST', contentType: 'application/x-pki-message', body: message })
    // As Apple's client does it: '=' is escaped, '+' and '/' are not.
    : await request(addressOf(payload, 'PKIOperation', message.toString('base64').replaceAll('=', '%3D')))
  if (answer.status !== 200 || answer.contentType !== 'application/x-pki-message') {
    throw new CaError('malformed-scep-message', `PKIOperation was answered with status ${answer.status}, ${answer.contentType || 'no content type'}`)
  }
  return readReply(transaction, answer.body)
}

/**
 * The checks of `SecSCEPVerifyReply`. It looks at neither transactionID nor recipientNonce; other clients do,
 * so those are checked in the tests of the server.
 */
export async function readReply(transaction: ScepTransaction, bytes: Buffer): Promise<ScepResult> {
  const reply = parsePkiMessage(bytes)
  if (!reply.signerCertificate.raw.equals(transaction.authority.replySigner.raw)) throw malformed('the reply is not signed by the registration authority')
  if (reply.messageType !== messageTypes.CertRep) throw malformed(`the reply is of type ${reply.messageType}`)
  if (reply.pkiStatus === pkiStatuses.FAILURE) return { pkiStatus: 'FAILURE', failInfo: reply.failInfo }
  if (reply.pkiStatus === pkiStatuses.PENDING) return { pkiStatus: 'PENDING' }
  if (reply.pkiStatus !== pkiStatuses.SUCCESS || reply.envelope === undefined) throw malformed('the reply says neither yes nor no')
  const { certificate, privateKey } = transaction.signer
  const content = await openEnvelope(parseEnvelopedData(reply.envelope), certificate, decryptWithKey(privateKey))
  // The first certificate is taken for the phone's own, whatever it is.
  const [der] = parseSignedData(content).certificates
  if (der === undefined) throw malformed('the reply holds no certificate')
  const issued = parseCertificate(der)
  if (!issued.subjectPublicKeyInfo.equals(subjectPublicKeyInfoOf(transaction.privateKey))) throw malformed('the certificate is for another key')
  return { pkiStatus: 'SUCCESS', certificate: issued }
}

const malformed = (why: string): CaError => new CaError('malformed-scep-message', why)
