/** What makes a SCEP request the same one again, and what waits for a person. */
import { CaError } from '../errors.ts'
import type { Authority } from '../certificates/authority.ts'
import { sha256 } from '../certificates/issue.ts'
import type { CertificationRequest } from '../formats/certification-request.ts'
import type { Certificate } from '../formats/x509.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { EnrollmentReads, IssuedCertificate, ScepPending, ScepPurpose } from './records.ts'

/** A request as the protocol read it: whose, in which transaction, for which key. */
export type ScepRequest = {
  authority: Authority
  transactionId: string
  signer: Certificate
  certificationRequest: CertificationRequest
}

export type ScepOutcome = { status: 'issued', certificate: Buffer } | { status: 'pending' }

/** What a door is for, whichever authority answers behind it. */
export const purposeOf = ({ role }: Authority): ScepPurpose => role === 'enrollment' ? 'bootstrap' : 'device'

const pendingMs = 7 * 86_400_000

/**
 * What makes two requests the same one: door, signer, transaction and CSR. Who has no certificate yet is known by the
 * key, for a client may make itself a new one to sign with; who has one of ours is known by that, because two phones
 * that share a key are still two.
 */
export const requestHash = (request: ScepRequest, renewed: IssuedCertificate | undefined): Buffer => sha256(Buffer.concat([
  sha256(Buffer.from(purposeOf(request.authority), 'utf8')), sha256(renewed?.der ?? request.signer.subjectPublicKeyInfo),
  sha256(Buffer.from(request.transactionId, 'utf8')), request.certificationRequest.raw,
]))

/**
 * The answer with the certificate that this very request got. Looked for inside the transaction that issues, behind its
 * lock, it is also what a copy of the request that was sent at the same time has got there first.
 *
 * @throws {CaError} challenge-used when it no longer counts
 */
export function answerOf(known: IssuedCertificate | undefined, now: Date): ScepOutcome | undefined {
  if (known === undefined) return undefined
  if (known.revoked || known.notAfter < now) throw new CaError('challenge-used', 'the certificate of this request no longer counts')
  return { status: 'issued', certificate: known.der }
}

/** Keeps a request until a person has decided; the client asks again with GetCertInitial. */
export async function wait(deps: EnrollmentDeps, request: ScepRequest, now: Date): Promise<ScepOutcome> {
  await deps.store.transaction(async tx => await tx.putPending({
    purpose: purposeOf(request.authority), transactionId: request.transactionId, signerKeySha256: sha256(request.signer.subjectPublicKeyInfo),
    request: request.certificationRequest.raw, createdAt: now, expiresAt: new Date(now.getTime() + pendingMs),
  }))
  return { status: 'pending' }
}

/**
 * The request that a GetCertInitial asks about: by transaction and signer's key, for the issuer it names may be the RA's.
 * It stays when it is answered, so that an answer that was lost can be asked for once more.
 */
export async function findPending(reads: Pick<EnrollmentReads, 'pending'>, authority: Authority, transactionId: string, signer: Certificate, now: Date): Promise<ScepPending | undefined> {
  const pending = await reads.pending(purposeOf(authority), transactionId, sha256(signer.subjectPublicKeyInfo))
  return pending === undefined || pending.expiresAt < now ? undefined : pending
}
