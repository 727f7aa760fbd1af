/** What a SCEP client asks for, decided: a first certificate with a challenge, or the renewal of one. */
import { CaError } from '../errors.ts'
import { bootstrapCertificate, validityFrom } from '../certificates/certificate-profile.ts'
import { complete, prepare, sha256 } from '../certificates/issue.ts'
import type { EnrollmentDeps } from './deps.ts'
import { completeDevice, prepareDevice, takePlace, type DeviceOrder } from './issue-device.ts'
import type { EnrollmentReads, EnrollmentWrites, GivenChallenge, IssuedCertificate, ScepPending } from './records.ts'
import { remember } from './remember.ts'
import { assertNotOurs, renew } from './scep-renewal.ts'
import { answerOf, findPending, purposeOf, requestHash, wait, type ScepOutcome, type ScepRequest } from './scep-transaction.ts'
import { lockStanding, outlookFor, type Outlook, type Standing } from './standing.ts'

const bootstrapMs = 3_600_000

/**
 * Issues, or says that a person has to decide first. The same request again finds the same certificate.
 *
 * @throws {CaError} bad-challenge, challenge-used, challenge-expired, device-mismatch, renewal-not-allowed,
 *   evidence-too-old, blocked-by-policy, and those of the invitation
 */
export async function answerScepRequest(deps: EnrollmentDeps, request: ScepRequest): Promise<ScepOutcome> {
  const now = deps.now()
  const hash = requestHash(request, undefined)
  const known = await deps.store.together(async reads => await whatIsKnown(reads, request, hash, now))
  // The certificate of ours with which the request is signed, if it is one: then this is a renewal, whatever its type says.
  if (known.signer !== undefined) return await renew(deps, request, known.signer, now)
  assertNotOurs(deps, request.signer)
  const answered = answerOf(known.answered, now)
  if (answered !== undefined) return answered
  // RFC 8894 §2.3: a first request is signed with the key that it is about.
  if (!request.signer.subjectPublicKeyInfo.equals(request.certificationRequest.subjectPublicKeyInfo)) {
    throw new CaError('device-mismatch', 'a first request must be signed with the key it asks a certificate for')
  }
  const first: First = { request, hash, now, challenge: challengeOf(known, request), cameAt: arrivalOf(known, request, now) }
  try {
    assertUnused(first)
    return first.challenge.purpose === 'bootstrap' ? await issueBootstrap(deps, first) : await issueFirst(deps, first)
  } catch (error) {
    // SCEP clients show no reason, so the page has to.
    if (error instanceof CaError) await remember(deps, first.challenge.enrollmentId, error, first.challenge.purpose === 'bootstrap' ? 'bootstrap-scep' : 'device-scep')
    throw error
  }
}

/** `cameAt`: a challenge that was sent in time stays good while the request waits for a person. */
type First = { request: ScepRequest, hash: Buffer, challenge: GivenChallenge, now: Date, cameAt: Date }

type Known = { signer: IssuedCertificate | undefined, answered: IssuedCertificate | undefined, challenge: GivenChallenge | undefined, pending: ScepPending | undefined }

/** @param hash  of the request as one by somebody who has no certificate yet */
async function whatIsKnown(reads: EnrollmentReads, request: ScepRequest, hash: Buffer, now: Date): Promise<Known> {
  const { challengePassword } = request.certificationRequest
  const [signer, answered, challenge, pending] = await Promise.all([
    reads.certificateBySha256(sha256(request.signer.raw)), reads.certificateByRequest(hash),
    challengePassword === undefined ? undefined : reads.challenge(sha256(Buffer.from(challengePassword, 'utf8'))),
    findPending(reads, request.authority, request.transactionId, request.signer, now),
  ])
  return { signer, answered, challenge, pending }
}

const arrivalOf = ({ pending }: Known, request: ScepRequest, now: Date): Date =>
  pending?.request.equals(request.certificationRequest.raw) === true ? pending.createdAt : now

function challengeOf({ challenge }: Known, request: ScepRequest): GivenChallenge {
  if (challenge === undefined || challenge.purpose !== purposeOf(request.authority)) throw new CaError('bad-challenge', 'the challenge password is not one that was given out here')
  return challenge
}

function assertUnused({ challenge, cameAt }: First): void {
  if (challenge.consumedAt !== null) throw new CaError('challenge-used', 'the challenge password was used already')
  if (challenge.expiresAt <= cameAt) throw new CaError('challenge-expired', 'the challenge password has run out')
}

/** Of the device that the enrollment has found, before any challenge was given. */
const idsOf = ({ challenge: { deviceId, invitationId } }: First): { deviceId: string, invitationId: string } => ({ deviceId: deviceId!, invitationId })

const outlookOf = async (deps: EnrollmentDeps, first: First): Promise<Outlook> =>
  await deps.store.together(async reads => await outlookFor(deps, reads, idsOf(first), first.now))

async function issueBootstrap(deps: EnrollmentDeps, first: First): Promise<ScepOutcome> {
  const { request, hash, now, challenge: { enrollmentId } } = first
  const { device, invitation, decision } = await outlookOf(deps, first)
  if (decision.verdict === 'quarantine') return await wait(deps, request, now)
  const prepared = await prepare(deps, decision, {
    authority: request.authority, kind: 'bootstrap', subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
    holder: { deviceId: device.id, enrollmentId, invitationId: invitation.id, keyOrigin: 'device', grade: device.grade, test: device.test },
    validity: validityFrom(now, bootstrapMs, request.authority.certificate.notAfter),
    profile: (subject, issuer) => bootstrapCertificate(subject, issuer, enrollmentId),
  }, now)
  return await onceFor(deps, first, prepared.certificate.raw, (tx, standing) => [
    complete(tx, prepared, standing.decision, hash),
    tx.saveEnrollment(enrollmentId, { lastError: null, lastErrorStep: null }, now),
  ])
}

async function issueFirst(deps: EnrollmentDeps, first: First): Promise<ScepOutcome> {
  const { request, hash, now, challenge: { enrollmentId } } = first
  const order: DeviceOrder = {
    outlook: await outlookOf(deps, first), enrollmentId, keyOrigin: 'device', subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
  }
  if (order.outlook.decision.verdict === 'quarantine') return await wait(deps, request, now)
  const prepared = await prepareDevice(deps, order, now)
  return await onceFor(deps, first, prepared.certificate.raw, (tx, standing) => [
    takePlace(tx, standing, now),
    completeDevice(tx, standing, prepared, order, hash, now),
    tx.saveEnrollment(enrollmentId, { state: 'issued', lastError: null, lastErrorStep: null }, now),
  ])
}

/** Consumes the challenge and issues as one, behind the enrollment's lock; a copy of the request that came first is answered alike. */
async function onceFor(deps: EnrollmentDeps, first: First, certificate: Buffer, issue: (tx: EnrollmentWrites, standing: Standing) => Promise<void>[]): Promise<ScepOutcome> {
  const { challenge, hash, now, cameAt } = first
  return await deps.store.transaction(async tx => {
    const [, known, standing] = await Promise.all([tx.lockEnrollment(challenge.enrollmentId), tx.certificateByRequest(hash), lockStanding(deps, tx, idsOf(first), now)])
    const answered = answerOf(known, now)
    if (answered !== undefined) return answered
    const [consumed] = await Promise.all([tx.consumeChallenge(challenge.challengeSha256, now, cameAt), ...issue(tx, standing)])
    if (!consumed) throw new CaError('challenge-used', 'the challenge password was used already')
    return { status: 'issued', certificate }
  })
}
