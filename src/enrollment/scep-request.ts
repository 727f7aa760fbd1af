/** What a SCEP client asks for, decided: a first certificate with a challenge, or the renewal of one. */
import { CaError } from '../errors.ts'
import { bootstrapCertificate, validityFrom } from '../certificates/certificate-profile.ts'
import { complete, prepare, sha256 } from '../certificates/issue.ts'
import type { Decision } from '../policy/decide.ts'
import { decideDevice } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import { completeDevice, prepareDevice, takePlace, type DeviceOrder } from './issue-device.ts'
import type { DeviceRecord, EnrollmentRecord, EnrollmentWrites, InvitationRecord, ScepChallenge } from './records.ts'
import { remember } from './remember.ts'
import { certificateOfSigner, renew } from './scep-renewal.ts'
import { findAnswered, findPending, purposeOf, requestHash, wait, type ScepOutcome, type ScepRequest } from './scep-transaction.ts'

const bootstrapMs = 3_600_000

/**
 * Issues, or says that a person has to decide first. The same request again finds the same certificate.
 *
 * @throws {CaError} bad-challenge, challenge-used, challenge-expired, device-mismatch, renewal-not-allowed,
 *   evidence-too-old, blocked-by-policy, and those of the invitation
 */
export async function answerScepRequest(deps: EnrollmentDeps, request: ScepRequest): Promise<ScepOutcome> {
  const now = deps.now()
  const renewed = await certificateOfSigner(deps, request.signer)
  const hash = requestHash(request, renewed)
  const answered = await findAnswered(deps.store, hash, now)
  if (answered !== undefined) return answered
  if (renewed !== undefined) return await renew(deps, request, renewed, hash, now)
  // RFC 8894 §2.3: a first request is signed with the key that it is about.
  if (!request.signer.subjectPublicKeyInfo.equals(request.certificationRequest.subjectPublicKeyInfo)) {
    throw new CaError('device-mismatch', 'a first request must be signed with the key it asks a certificate for')
  }
  const first: First = { request, hash, now, challenge: await findChallenge(deps, request), cameAt: await arrivalOf(deps, request, now) }
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
type First = { request: ScepRequest, hash: Buffer, challenge: ScepChallenge, now: Date, cameAt: Date }

async function arrivalOf(deps: EnrollmentDeps, request: ScepRequest, now: Date): Promise<Date> {
  const pending = await findPending(deps, request.authority, request.transactionId, request.signer)
  return pending?.request.equals(request.certificationRequest.raw) === true ? pending.createdAt : now
}

async function findChallenge(deps: EnrollmentDeps, request: ScepRequest): Promise<ScepChallenge> {
  const { challengePassword } = request.certificationRequest
  const challenge = challengePassword === undefined ? undefined : await deps.store.challenge(sha256(Buffer.from(challengePassword, 'utf8')))
  if (challenge === undefined || challenge.purpose !== purposeOf(request.authority)) throw new CaError('bad-challenge', 'the challenge password is not one that was given out here')
  return challenge
}

function assertUnused({ challenge, cameAt }: First): void {
  if (challenge.consumedAt !== null) throw new CaError('challenge-used', 'the challenge password was used already')
  if (challenge.expiresAt <= cameAt) throw new CaError('challenge-expired', 'the challenge password has run out')
}

type Situation = { enrollment: EnrollmentRecord, device: DeviceRecord, invitation: InvitationRecord, decision: Decision }

async function situationOf(deps: EnrollmentDeps, { challenge: { enrollmentId }, now }: First): Promise<Situation> {
  const enrollment = (await deps.store.enrollment(enrollmentId))!
  const device = (await deps.store.device(enrollment.deviceId!))!
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  return { enrollment, device, invitation, decision: await decideDevice(deps, deps.store, device, invitation, now) }
}

async function issueBootstrap(deps: EnrollmentDeps, first: First): Promise<ScepOutcome> {
  const { request, hash, now } = first
  const { enrollment, device, invitation, decision } = await situationOf(deps, first)
  if (decision.verdict === 'quarantine') return await wait(deps, request, now)
  const prepared = await prepare(deps, decision, {
    authority: request.authority, kind: 'bootstrap', subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
    holder: { deviceId: device.id, enrollmentId: enrollment.id, invitationId: invitation.id, keyOrigin: 'device', grade: device.grade, test: device.test },
    validity: validityFrom(now, bootstrapMs, request.authority.certificate.notAfter),
    profile: (subject, issuer) => bootstrapCertificate(subject, issuer, enrollment.id),
  }, now)
  return await onceFor(deps, first, prepared.certificate.raw, async tx => {
    await complete(tx, prepared, await decideDevice(deps, tx, await tx.lockDevice(device.id), invitation, now), hash)
    await tx.saveEnrollment(enrollment.id, { lastError: null, lastErrorStep: null }, now)
  })
}

async function issueFirst(deps: EnrollmentDeps, first: First): Promise<ScepOutcome> {
  const { request, hash, now } = first
  const { enrollment, device, invitation, decision } = await situationOf(deps, first)
  if (decision.verdict === 'quarantine') return await wait(deps, request, now)
  const order: DeviceOrder = {
    device, invitation, enrollmentId: enrollment.id, keyOrigin: 'device',
    subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
  }
  const prepared = await prepareDevice(deps, decision, order, now)
  return await onceFor(deps, first, prepared.certificate.raw, async tx => {
    await takePlace(tx, order, now)
    await completeDevice(deps, tx, prepared, order, hash, now)
    await tx.saveEnrollment(enrollment.id, { state: 'issued', lastError: null, lastErrorStep: null }, now)
  })
}

/** Consumes the challenge and issues as one, behind the enrollment's lock; a copy of the request that came first is answered alike. */
async function onceFor(deps: EnrollmentDeps, { challenge, hash, now, cameAt }: First, certificate: Buffer, issue: (tx: EnrollmentWrites) => Promise<void>): Promise<ScepOutcome> {
  return await deps.store.transaction(async tx => {
    await tx.lockEnrollment(challenge.enrollmentId)
    const answered = await findAnswered(tx, hash, now)
    if (answered !== undefined) return answered
    if (!await tx.consumeChallenge(challenge.challengeSha256, now, cameAt)) throw new CaError('challenge-used', 'the challenge password was used already')
    await issue(tx)
    return { status: 'issued', certificate }
  })
}
