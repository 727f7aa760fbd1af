import { randomUUID } from 'node:crypto'
import { CaError } from '../errors.ts'
import { sha256 } from '../certificates/issue.ts'
import type { DeviceAnchor } from '../devices/device-identity.ts'
import { parseDeviceAttributes, type DeviceAttributes } from '../devices/attributes.ts'
import type { Decision } from '../policy/decide.ts'
import { decideDevice } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import { bootstrapDocument } from './profiles.ts'
import type { DeviceRecord, EnrollmentRecord, EnrollmentState, EnrollmentWrites, InvitationRecord } from './records.ts'
import { matchesHash, scepChallenge } from './secrets.ts'

/** What a phone's message is answered with: a document, or the page that says why there is none. */
export type OtaAnswer = { kind: 'document', body: Buffer } | { kind: 'page', enrollmentId: string }

const bootstrapChallengeMs = 15 * 60_000
export const stateOf: Record<Decision['verdict'], EnrollmentState> = { allow: 'allowed', quarantine: 'quarantined', block: 'refused' }

/**
 * The first message, its signature already verified up to `anchor`: checks the challenge, keeps the evidence, decides.
 *
 * @param content  the signed property list
 * @param raw      the message as it came, kept as evidence
 * @throws {CaError} malformed-plist, device-attributes-missing, bad-challenge, challenge-expired, challenge-used
 */
export async function answerFirstPost(deps: EnrollmentDeps, enrollment: EnrollmentRecord, anchor: DeviceAnchor, content: Buffer, raw: Buffer): Promise<OtaAnswer> {
  const now = deps.now()
  const attributes = parseDeviceAttributes(content)
  assertChallenge(enrollment, attributes.challenge, now)
  const state = await deps.store.transaction(async tx => {
    const locked = await tx.lockEnrollment(enrollment.id)
    if (locked.state !== 'invited') {
      if (locked.firstPostSha256?.equals(sha256(raw))) return locked.state
      throw new CaError('challenge-used', 'this challenge was answered already')
    }
    return await keepAndDecide(deps, tx, enrollment, anchor, attributes, raw, now)
  })
  return await answerAgain(deps, enrollment.id, state)
}

function assertChallenge(enrollment: EnrollmentRecord, challenge: string | undefined, now: Date): void {
  if (challenge === undefined || !matchesHash(challenge, enrollment.challengeSha256)) {
    throw new CaError('bad-challenge', 'the challenge is not the one that was given to this enrollment')
  }
  if (enrollment.challengeExpiresAt < now) throw new CaError('challenge-expired', 'the downloaded profile was installed too late')
}

/** The answer to a first message that was decided about: the same whenever it is asked for. */
export async function answerAgain(deps: EnrollmentDeps, enrollmentId: string, state: EnrollmentState): Promise<OtaAnswer> {
  if (state === 'refused' || state === 'quarantined') return { kind: 'page', enrollmentId }
  const enrollment = (await deps.store.enrollment(enrollmentId))!
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  return { kind: 'document', body: await bootstrapDocument(deps, enrollmentId, invitation, enrollment.decidedAt!) }
}

async function keepAndDecide(deps: EnrollmentDeps, tx: EnrollmentWrites, enrollment: EnrollmentRecord, anchor: DeviceAnchor, attributes: DeviceAttributes, raw: Buffer, now: Date): Promise<EnrollmentState> {
  const invitation = (await tx.invitation(enrollment.invitationId))!
  const device = await tx.putDevice({
    personId: invitation.person.id, udid: attributes.udid, serialNumber: attributes.serialNumber, productType: attributes.productType,
    build: attributes.build ?? null, osVersion: attributes.osVersion ?? null, grade: 'signed', test: anchor.test, knownAt: now,
  }, now)
  const evidenceId = await keepEvidence(tx, device, attributes, raw, now)
  const decision = await decideDevice(deps, tx, device, invitation, now)
  const obstacle = invitation.expiresAt < now ? 'invitation-expired' : await placeObstacle(tx, invitation, device)
  const state = obstacle === undefined ? stateOf[decision.verdict] : 'refused'
  await tx.saveEnrollment(enrollment.id, {
    state, deviceId: device.id, evidenceId, decision, decidedAt: now, firstPostSha256: sha256(raw),
    lastError: obstacle ?? null, lastErrorStep: obstacle === undefined ? null : 'first-post',
  }, now)
  if (state === 'allowed') {
    await tx.addChallenge({
      challengeSha256: sha256(Buffer.from(scepChallenge(deps.keyring, 'bootstrap', enrollment.id))), enrollmentId: enrollment.id,
      purpose: 'bootstrap', expiresAt: new Date(now.getTime() + bootstrapChallengeMs),
    })
  }
  await tx.audit({ at: now, actor: 'phone', action: `enrollment.${state}`, subject: `device:${device.id}`, detail: { code: obstacle ?? decision.code, productType: device.productType } })
  return state
}

async function keepEvidence(tx: EnrollmentWrites, device: DeviceRecord, attributes: DeviceAttributes, raw: Buffer, now: Date): Promise<string> {
  const id = randomUUID()
  const { udid, serialNumber, productType, build } = attributes
  await tx.addEvidence({
    id, deviceId: device.id, kind: 'ota-first-post', grade: device.grade, test: device.test, raw, receivedAt: now,
    attributes: { udid, serialNumber, productType, ...build === undefined ? {} : { build } },
  })
  return id
}

/** Why this device cannot have a place, if it cannot. The device that has one takes no other. */
export async function placeObstacle(tx: Pick<EnrollmentWrites, 'hasPlace'>, invitation: InvitationRecord, device: DeviceRecord): Promise<'invitation-ended' | 'invitation-used-up' | undefined> {
  if (invitation.endedAt !== null) return 'invitation-ended'
  if (invitation.placesTaken < invitation.devicesMax || await tx.hasPlace(invitation.id, device.id)) return undefined
  return 'invitation-used-up'
}
