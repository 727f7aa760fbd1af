/** What a SCEP client asks for, decided: a first certificate with a challenge, or the renewal of one. */
import { createPublicKey } from 'node:crypto'
import { CaError } from '../errors.ts'
import { activeAuthority, authorityById, type Authority } from '../certificates/authority.ts'
import { bootstrapCertificate, validityFrom } from '../certificates/certificate-profile.ts'
import { complete, prepare, sha256 } from '../certificates/issue.ts'
import type { CertificationRequest } from '../formats/certification-request.ts'
import { isIssuedBy, type Certificate } from '../formats/x509.ts'
import type { Decision } from '../policy/decide.ts'
import { decideDevice } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import { completeDevice, prepareDevice, takePlace, type DeviceOrder } from './issue-device.ts'
import type { DeviceRecord, EnrollmentRecord, InvitationRecord, IssuedCertificate, ScepChallenge } from './records.ts'

/** A request as the protocol read it: whose, in which transaction, for which key. */
export type ScepRequest = {
  authority: Authority
  transactionId: string
  signer: Certificate
  certificationRequest: CertificationRequest
}

export type ScepOutcome = { status: 'issued', certificate: Buffer } | { status: 'pending' }

const bootstrapMs = 3_600_000
const pendingMs = 7 * 86_400_000

/** What makes two requests the same one: signer, transaction and CSR. */
export const requestHash = (request: ScepRequest): Buffer => sha256(Buffer.concat([
  sha256(signerIdentity(request.signer)), sha256(Buffer.from(request.transactionId, 'utf8')), request.certificationRequest.raw,
]))

/**
 * A temporary certificate may be another one at every attempt; there the key stands for the signer. An issued one stands
 * for itself: a renewal that keeps its key repeats transaction and CSR byte for byte, and must not look like the first request.
 */
const signerIdentity = ({ subject, issuer, subjectPublicKeyInfo, raw }: Certificate): Buffer =>
  subject.raw.equals(issuer.raw) ? subjectPublicKeyInfo : raw

/**
 * Issues, or says that a person has to decide first. The same request again finds the same certificate.
 *
 * @throws {CaError} bad-challenge, challenge-used, challenge-expired, device-mismatch, renewal-not-allowed,
 *   evidence-too-old, blocked-by-policy, and those of the invitation
 */
export async function answerScepRequest(deps: EnrollmentDeps, request: ScepRequest): Promise<ScepOutcome> {
  const now = deps.now()
  const hash = requestHash(request)
  const known = await deps.store.certificateByRequest(hash)
  if (known !== undefined) return answerKnown(known, request, now)
  const renewed = await certificateOfSigner(deps, request)
  if (renewed !== undefined) return await renew(deps, request, renewed, hash, now)
  // RFC 8894 §2.3: a first request is signed with the key that it is about.
  if (!request.signer.subjectPublicKeyInfo.equals(request.certificationRequest.subjectPublicKeyInfo)) {
    throw new CaError('device-mismatch', 'a first request must be signed with the key it asks a certificate for')
  }
  const challenge = await findChallenge(deps, request, now)
  return challenge.purpose === 'bootstrap'
    ? await issueBootstrap(deps, request, challenge, hash, now)
    : await issueFirst(deps, request, challenge, hash, now)
}

function answerKnown(known: IssuedCertificate, request: ScepRequest, now: Date): ScepOutcome {
  if (known.authorityId !== request.authority.id || known.revoked || known.notAfter < now) {
    throw new CaError('challenge-used', 'the certificate of this request no longer counts')
  }
  return { status: 'issued', certificate: known.der }
}

/** The certificate of ours with which the request is signed, if it is one: then this is a renewal, whatever its type says. */
async function certificateOfSigner(deps: EnrollmentDeps, request: ScepRequest): Promise<IssuedCertificate | undefined> {
  const issuer = deps.authorities().all.find(authority => authority.certificate.subject.raw.equals(request.signer.issuer.raw))
  if (issuer === undefined) return undefined
  const key = createPublicKey({ key: issuer.certificate.subjectPublicKeyInfo, format: 'der', type: 'spki' })
  if (!isIssuedBy(request.signer, key)) return undefined
  const found = await deps.store.certificateBySha256(sha256(request.signer.raw))
  // Ours by its signature, but not on record as issued: pending, abandoned, or a CA. None of them renews anything.
  if (found === undefined) throw new CaError('renewal-not-allowed', 'the certificate of the signer cannot be renewed')
  return found
}

async function findChallenge(deps: EnrollmentDeps, request: ScepRequest, now: Date): Promise<ScepChallenge> {
  const { challengePassword } = request.certificationRequest
  const challenge = challengePassword === undefined ? undefined : await deps.store.challenge(sha256(Buffer.from(challengePassword, 'utf8')))
  const wanted = request.authority.role === 'enrollment' ? 'bootstrap' : 'device'
  if (challenge === undefined || challenge.purpose !== wanted) throw new CaError('bad-challenge', 'the challenge password is not one that was given out here')
  if (challenge.consumedAt !== null) throw new CaError('challenge-used', 'the challenge password was used already')
  if (challenge.expiresAt <= now) throw new CaError('challenge-expired', 'the challenge password has run out')
  return challenge
}

type Situation = { enrollment: EnrollmentRecord, device: DeviceRecord, invitation: InvitationRecord, decision: Decision }

async function situationOf(deps: EnrollmentDeps, enrollmentId: string, now: Date): Promise<Situation> {
  const enrollment = (await deps.store.enrollment(enrollmentId))!
  const device = (await deps.store.device(enrollment.deviceId!))!
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  return { enrollment, device, invitation, decision: await decideDevice(deps, deps.store, device, invitation, now) }
}

async function issueBootstrap(deps: EnrollmentDeps, request: ScepRequest, challenge: ScepChallenge, hash: Buffer, now: Date): Promise<ScepOutcome> {
  const { enrollment, device, invitation, decision } = await situationOf(deps, challenge.enrollmentId, now)
  if (decision.verdict === 'quarantine') return await wait(deps, request, hash, now)
  const prepared = await prepare(deps, decision, {
    authority: request.authority, kind: 'bootstrap', subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
    holder: { deviceId: device.id, enrollmentId: enrollment.id, invitationId: invitation.id, keyOrigin: 'device', grade: device.grade, test: device.test },
    validity: validityFrom(now, bootstrapMs, request.authority.certificate.notAfter),
    profile: (subject, issuer) => bootstrapCertificate(subject, issuer, enrollment.id),
  }, now)
  await deps.store.transaction(async tx => {
    await tx.lockEnrollment(enrollment.id)
    await consume(tx, challenge, now)
    await complete(tx, prepared, await decideDevice(deps, tx, device, invitation, now), hash)
    await tx.removePending(hash)
  })
  return { status: 'issued', certificate: prepared.certificate.raw }
}

async function issueFirst(deps: EnrollmentDeps, request: ScepRequest, challenge: ScepChallenge, hash: Buffer, now: Date): Promise<ScepOutcome> {
  const { enrollment, device, invitation, decision } = await situationOf(deps, challenge.enrollmentId, now)
  if (decision.verdict === 'quarantine') return await wait(deps, request, hash, now)
  const order: DeviceOrder = {
    device, invitation, enrollmentId: enrollment.id, keyOrigin: 'device',
    subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
  }
  const prepared = await prepareDevice(deps, decision, order, now)
  await deps.store.transaction(async tx => {
    await tx.lockEnrollment(enrollment.id)
    await consume(tx, challenge, now)
    await takePlace(tx, order, now)
    await completeDevice(deps, tx, prepared, order, hash, now)
    await tx.saveEnrollment(enrollment.id, { state: 'issued', lastError: null, lastErrorStep: null }, now)
    await tx.removePending(hash)
  })
  return { status: 'issued', certificate: prepared.certificate.raw }
}

async function consume(tx: { consumeChallenge(hash: Buffer, now: Date): Promise<boolean> }, challenge: ScepChallenge, now: Date): Promise<void> {
  if (!await tx.consumeChallenge(challenge.challengeSha256, now)) throw new CaError('challenge-used', 'the challenge password was used already')
}

/**
 * A new certificate for the device that holds a good one. Policy is decided again; the challenge that Apple's client
 * sends along once more is not looked at.
 */
async function renew(deps: EnrollmentDeps, request: ScepRequest, old: IssuedCertificate, hash: Buffer, now: Date): Promise<ScepOutcome> {
  assertRenewable(deps, request, old, now)
  const device = (await deps.store.device(old.deviceId!))!
  const invitation = (await deps.store.invitation(old.invitationId!))!
  if (now.getTime() - device.knownAt.getTime() > deps.evidenceMaxAgeDays * 86_400_000) {
    throw new CaError('evidence-too-old', 'what is known of this phone is too old: it has to enroll again')
  }
  const decision = await decideDevice(deps, deps.store, device, invitation, now)
  if (decision.verdict === 'quarantine') return await wait(deps, request, hash, now)
  const order: DeviceOrder = {
    device, invitation, enrollmentId: old.enrollmentId, keyOrigin: 'device',
    subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
  }
  const prepared = await prepareDevice(deps, decision, order, now)
  await deps.store.transaction(async tx => {
    const again = await tx.certificateBySha256(sha256(old.der))
    if (again === undefined || again.revoked) throw new CaError('renewal-not-allowed', 'the certificate of the signer was revoked')
    await completeDevice(deps, tx, prepared, order, hash, now)
    await tx.removePending(hash)
  })
  return { status: 'issued', certificate: prepared.certificate.raw }
}

function assertRenewable(deps: EnrollmentDeps, request: ScepRequest, old: IssuedCertificate, now: Date): void {
  const refuse = (why: string): never => { throw new CaError('renewal-not-allowed', why) }
  if (old.kind !== 'device' || old.deviceId === null || old.invitationId === null) refuse('only a device certificate renews a device certificate')
  if (old.revoked) refuse('the certificate of the signer is revoked or held')
  if (now < old.notBefore || old.notAfter < now) refuse('the certificate of the signer is outside its dates')
  // An issuing CA that was replaced still vouches for its holders; the new certificate comes from the active one.
  if (authorityById(deps.authorities(), old.authorityId).role !== 'issuing' || request.authority.role !== 'issuing') refuse('this authority renews nothing')
}

/** Keeps a request until a person has decided; the client asks again with GetCertInitial. */
async function wait(deps: EnrollmentDeps, request: ScepRequest, hash: Buffer, now: Date): Promise<ScepOutcome> {
  await deps.store.transaction(async tx => await tx.addPending({
    requestSha256: hash, authorityId: request.authority.id, transactionId: request.transactionId,
    signerKeySha256: sha256(request.signer.subjectPublicKeyInfo), challengeSha256: null, request: request.certificationRequest.raw,
    createdAt: now, expiresAt: new Date(now.getTime() + pendingMs),
  }))
  return { status: 'pending' }
}

/** The request that a GetCertInitial asks about: by transaction and signer's key, for the issuer it names may be the RA's. */
export async function findPendingRequest(deps: EnrollmentDeps, authority: Authority, transactionId: string, signer: Certificate): Promise<Buffer | undefined> {
  const pending = await deps.store.pending(authority.id, transactionId, sha256(signer.subjectPublicKeyInfo))
  return pending === undefined || pending.expiresAt < deps.now() ? undefined : pending.request
}

/** Refuses to issue from an authority that was retired. */
export function assertActive(deps: EnrollmentDeps, authority: Authority): void {
  if (activeAuthority(deps.authorities(), authority.role).id !== authority.id) throw new CaError('authority-not-found', 'this authority was replaced and issues no more')
}

