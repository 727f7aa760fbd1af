import { randomBytes } from 'node:crypto'
import { CaError } from '../../errors.ts'
import { authorityById, signerInForce, signersFor, type Authority, type AuthoritySigner } from '../../certificates/authority.ts'
import type { EnrollmentDeps } from '../../enrollment/deps.ts'
import { answerScepRequest } from '../../enrollment/scep-request.ts'
import { findPending, type ScepOutcome } from '../../enrollment/scep-transaction.ts'
import { assertStrongRequest, readCertificationRequest, type CertificationRequest } from '../../formats/certification-request.ts'
import { issuerAndSerialNumber } from '../../formats/cms-common.ts'
import { certsOnly } from '../../formats/cms-sign.ts'
import { cipherOf, encryptEnvelope, openEnvelope, parseEnvelopedData, type EnvelopedData } from '../../formats/enveloped-data.ts'
import {
  findTransaction, messageTypes, parsePkiMessage, pkiStatuses, signPkiMessage, type PkiMessage, type Transaction,
} from '../../formats/scep-message.ts'
import { failInfoFor } from './fail-info.ts'

export const maxPkiMessageBytes = 64 * 1024

/**
 * Answers one PKIOperation with a CertRep. Refusals are answers too (failInfo); only a message that does not even say
 * what to repeat, an outage or a defect is thrown.
 */
export async function answerPkiOperation(deps: EnrollmentDeps, authority: Authority, raw: Buffer): Promise<Buffer> {
  let message: PkiMessage | undefined
  try {
    message = parsePkiMessage(raw, { limits: { maxBytes: maxPkiMessageBytes } })
    return await reply(deps, authority, message, await answer(deps, authority, message))
  } catch (error) {
    if (!(error instanceof CaError) || isOutage(error)) throw error
    const transaction = message ?? findTransaction(raw, { maxBytes: maxPkiMessageBytes })
    if (transaction === undefined) throw error
    deps.onScepRefusal?.(authority.name, reasonOf(error))
    return await reply(deps, authority, transaction, { pkiStatus: pkiStatuses.FAILURE, failInfo: failInfoFor(error.code) })
  }
}

const isOutage = (error: CaError): boolean => error.code === 'database-unavailable' || error.code === 'key-unavailable'

/** What the log says, and the client is not told: why a request that was decrypted could not be read. */
const reasonOf = ({ code, cause }: CaError): string => cause instanceof CaError && cause.code !== 'malformed-der' ? cause.code : code

async function answer(deps: EnrollmentDeps, authority: Authority, message: PkiMessage): Promise<Reply> {
  assertKnownType(message)
  if (message.envelope === undefined) throw new CaError('malformed-scep-message', 'the message is empty')
  const envelope = parseEnvelopedData(message.envelope, { maxBytes: maxPkiMessageBytes })
  // The answer uses the cipher of the question, which its sender can surely read; Apple's never sends AES-256.
  const cipher = cipherOf(envelope)
  const outcome = await outcomeOf(deps, authority, message, envelope)
  if (outcome.status === 'pending') return { pkiStatus: pkiStatuses.PENDING }
  return { pkiStatus: pkiStatuses.SUCCESS, envelope: encryptEnvelope(certsOnly([outcome.certificate]), message.signerCertificate, cipher) }
}

/** An allow-list with a refusing default: a message type that nobody checks must never reach a signature. */
function assertKnownType({ messageType }: PkiMessage): void {
  const known: readonly string[] = [messageTypes.PKCSReq, messageTypes.RenewalReq, messageTypes.GetCertInitial]
  if (!known.includes(messageType)) throw new CaError('malformed-request', 'this message type is not answered here')
}

async function outcomeOf(deps: EnrollmentDeps, authority: Authority, message: PkiMessage, envelope: EnvelopedData): Promise<ScepOutcome> {
  const certificationRequest = message.messageType === messageTypes.GetCertInitial
    ? await pendingRequest(deps, authority, message)
    : readRequest(await openMessage(deps, authority, envelope))
  assertStrongRequest(certificationRequest)
  if (certificationRequest.publicKey.asymmetricKeyType !== 'rsa') throw new CaError('unsupported-algorithm', 'SCEP takes RSA keys only')
  return await answerScepRequest(deps, { authority, transactionId: message.transactionID, signer: message.signerCertificate, certificationRequest })
}

/**
 * Before the request's own signature has been found good, all failures are one: who can tell a bad padding from a
 * strange algorithm, by sending somebody's envelope again with other blocks, can read what is in it.
 */
function readRequest(opened: Buffer): CertificationRequest {
  try {
    return readCertificationRequest(opened)
  } catch (error) {
    if (error instanceof CaError) throw new CaError('malformed-scep-message', 'the envelope holds no certification request', { cause: error })
    throw error
  }
}

/**
 * The envelope is left closed: clients name the registration authority or the CA for issuer, so what is inside
 * decides nothing, and an answer that depends on it would only help whoever wants to read another's.
 */
async function pendingRequest(deps: EnrollmentDeps, authority: Authority, message: PkiMessage): Promise<CertificationRequest> {
  const pending = await findPending(deps.store, authority, message.transactionID, message.signerCertificate, deps.now())
  if (pending === undefined) throw new CaError('certificate-not-found', 'there is no pending request of this transaction')
  return readCertificationRequest(pending.request)
}

/** Decrypts with whichever registration authority the message was encrypted to: an older one, also of an authority that was replaced, may still be in use. */
async function openMessage(deps: EnrollmentDeps, authority: Authority, envelope: EnvelopedData): Promise<Buffer> {
  const authorities = deps.authorities()
  const signers = [authority, ...authorities.all.filter(({ role, id }) => role === authority.role && id !== authority.id)]
    .flatMap(({ id }) => signersFor(authorities, id, 'scep-ra'))
  const recipient = signers.find(signer => envelope.recipients.some(({ rid }) => isRecipient(signer, rid))) ?? signers[0]
  if (recipient === undefined) throw new CaError('key-unavailable', 'there is no registration authority')
  return await openEnvelope(envelope, recipient.certificate, async encryptedKey => await deps.keyring.decrypt(recipient.key, encryptedKey))
}

const isRecipient = (signer: AuthoritySigner, rid: { issuerAndSerialNumber: Buffer } | { subjectKeyIdentifier: Buffer }): boolean =>
  'issuerAndSerialNumber' in rid && rid.issuerAndSerialNumber.equals(issuerAndSerialNumber(signer.certificate.raw))

type Reply = { pkiStatus: string, failInfo?: string, envelope?: Buffer }

async function reply(deps: EnrollmentDeps, authority: Authority, to: Transaction, content: Reply): Promise<Buffer> {
  const now = deps.now()
  const registration = signerInForce(deps.authorities(), authority.id, 'scep-ra', now)
  return await signPkiMessage({
    messageType: messageTypes.CertRep, transactionID: to.transactionID, senderNonce: randomBytes(16), recipientNonce: to.senderNonce, ...content,
    signer: deps.keyring.signer(registration.key), certificate: registration.certificate.raw,
    extraCertificates: [authorityById(deps.authorities(), authority.id).certificate.raw], signingTime: now,
  })
}
