import { randomBytes } from 'node:crypto'
import { CaError } from '../../errors.ts'
import { authorityById, signerInForce, signersFor, type Authority, type AuthoritySigner } from '../../certificates/authority.ts'
import type { EnrollmentDeps } from '../../enrollment/deps.ts'
import { answerScepRequest, findPendingRequest, type ScepOutcome } from '../../enrollment/scep-request.ts'
import { parseCertificationRequest } from '../../formats/certification-request.ts'
import { issuerAndSerialNumber } from '../../formats/cms-common.ts'
import { certsOnly } from '../../formats/cms-sign.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData, type Cipher } from '../../formats/enveloped-data.ts'
import { oids } from '../../formats/oids.ts'
import {
  findTransaction, messageTypes, parseIssuerAndSubject, parsePkiMessage, pkiStatuses, signPkiMessage, type PkiMessage, type Transaction,
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
    const outcome = await outcomeOf(deps, authority, message)
    return await reply(deps, authority, message, outcome.status === 'pending'
      ? { pkiStatus: pkiStatuses.PENDING }
      : { pkiStatus: pkiStatuses.SUCCESS, envelope: encryptEnvelope(certsOnly([outcome.certificate]), message.signerCertificate, cipherOf(message)) })
  } catch (error) {
    if (!(error instanceof CaError) || isOutage(error)) throw error
    const transaction = message ?? findTransaction(raw)
    if (transaction === undefined) throw error
    deps.onScepRefusal?.(authority.name, error.code)
    return await reply(deps, authority, transaction, { pkiStatus: pkiStatuses.FAILURE, failInfo: failInfoFor(error.code) })
  }
}

const isOutage = (error: CaError): boolean => error.code === 'database-unavailable' || error.code === 'key-unavailable'

/** An allow-list with a refusing default: a message type that nobody checks must never reach a signature. */
async function outcomeOf(deps: EnrollmentDeps, authority: Authority, message: PkiMessage): Promise<ScepOutcome> {
  switch (message.messageType) {
    case messageTypes.PKCSReq:
    case messageTypes.RenewalReq:
      return await request(deps, authority, message, await openMessage(deps, authority, message))
    case messageTypes.GetCertInitial: {
      parseIssuerAndSubject(await openMessage(deps, authority, message))
      const pending = await findPendingRequest(deps, authority, message.transactionID, message.signerCertificate)
      if (pending === undefined) throw new CaError('certificate-not-found', 'there is no pending request of this transaction')
      return await request(deps, authority, message, pending)
    }
    default:
      throw new CaError('malformed-request', 'this message type is not answered here')
  }
}

async function request(deps: EnrollmentDeps, authority: Authority, message: PkiMessage, csr: Buffer): Promise<ScepOutcome> {
  const certificationRequest = parseCertificationRequest(csr)
  if (certificationRequest.publicKey.asymmetricKeyType !== 'rsa') throw new CaError('unsupported-algorithm', 'SCEP takes RSA keys only')
  return await answerScepRequest(deps, { authority, transactionId: message.transactionID, signer: message.signerCertificate, certificationRequest })
}

/** Decrypts with whichever registration authority the message was encrypted to: an older one may still be in use. */
async function openMessage(deps: EnrollmentDeps, authority: Authority, message: PkiMessage): Promise<Buffer> {
  if (message.envelope === undefined) throw new CaError('malformed-scep-message', 'the message is empty')
  const envelope = parseEnvelopedData(message.envelope, { maxBytes: maxPkiMessageBytes })
  const signers = signersFor(deps.authorities(), authority.id, 'scep-ra')
  const recipient = signers.find(signer => envelope.recipients.some(({ rid }) => isRecipient(signer, rid))) ?? signers[0]
  if (recipient === undefined) throw new CaError('key-unavailable', 'there is no registration authority')
  return await openEnvelope(envelope, recipient.certificate, async encryptedKey => await deps.keyring.decrypt(recipient.key, encryptedKey))
}

const isRecipient = (signer: AuthoritySigner, rid: { issuerAndSerialNumber: Buffer } | { subjectKeyIdentifier: Buffer }): boolean =>
  'issuerAndSerialNumber' in rid && rid.issuerAndSerialNumber.equals(issuerAndSerialNumber(signer.certificate.raw))

/** The answer uses the cipher of the question, which its sender can surely read; Apple's never sends AES-256. */
function cipherOf(message: PkiMessage): Cipher {
  const { cipher } = parseEnvelopedData(message.envelope!, { maxBytes: maxPkiMessageBytes })
  return cipherNames[cipher] ?? 'aes-128-cbc'
}

const cipherNames: Record<string, Cipher> = {
  [oids['aes128-CBC']]: 'aes-128-cbc', [oids['aes192-CBC']]: 'aes-192-cbc', [oids['aes256-CBC']]: 'aes-256-cbc', [oids['des-ede3-cbc']]: 'des-ede3-cbc',
}

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
