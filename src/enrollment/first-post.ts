import { randomUUID } from 'node:crypto'
import { CaError } from '../errors.ts'
import { sha256 } from '../certificates/issue.ts'
import type { DeviceAnchor } from '../devices/device-identity.ts'
import { parseDeviceAttributes, type DeviceAttributes } from '../devices/attributes.ts'
import type { Decision } from '../policy/decide.ts'
import { decideDevice } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import { bootstrapDocument } from './profiles.ts'
import type { DeviceRecord, EnrollmentRecord, EnrollmentState, EnrollmentWrites, InvitationRecord, NewChallenge } from './records.ts'
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
    const [locked, invitation] = await Promise.all([tx.lockEnrollment(enrollment.id), tx.invitation(enrollment.invitationId)])
    if (locked.state !== 'invited') {
      if (locked.firstPostSha256?.equals(sha256(raw))) return locked.state
      throw new CaError('challenge-used', 'this challenge was answered already')
    }
    return await keepAndDecide(deps, tx, enrollment, invitation!, anchor, attributes, raw, now)
  })
  return await answerAgain(deps, enrollment, state)
}

function assertChallenge(enrollment: EnrollmentRecord, challenge: string | undefined, now: Date): void {
  if (challenge === undefined || !matchesHash(challenge, enrollment.challengeSha256)) {
    throw new CaError('bad-challenge', 'the challenge is not the one that was given to this enrollment')
  }
  if (enrollment.challengeExpiresAt < now) throw new CaError('challenge-expired', 'the downloaded profile was installed too late')
}

/** The answer to a first message that was decided about: the same whenever it is asked for. */
export async function answerAgain(deps: EnrollmentDeps, { id, invitationId }: Pick<EnrollmentRecord, 'id' | 'invitationId'>, state: EnrollmentState): Promise<OtaAnswer> {
  if (state === 'refused' || state === 'quarantined') return { kind: 'page', enrollmentId: id }
  const [enrollment, invitation] = await deps.store.together(async reads => await Promise.all([reads.enrollment(id), reads.invitation(invitationId)]))
  return { kind: 'document', body: await bootstrapDocument(deps, id, invitation!, enrollment!.decidedAt!) }
}

async function keepAndDecide(deps: EnrollmentDeps, tx: EnrollmentWrites, enrollment: EnrollmentRecord, invitation: InvitationRecord, anchor: DeviceAnchor, attributes: DeviceAttributes, raw: Buffer, now: Date): Promise<EnrollmentState> {
  const device = await tx.putDevice({
    personId: invitation.person.id, udid: attributes.udid, serialNumber: attributes.serialNumber, productType: attributes.productType,
    build: attributes.build ?? null, osVersion: attributes.osVersion ?? null, grade: 'signed', test: anchor.test, knownAt: now,
  }, now)
  const [evidenceId, decision, hasPlace] = await Promise.all([
    keepEvidence(tx, device, attributes, raw, now), decideDevice(deps, tx, device, invitation, now), tx.hasPlace(invitation.id, device.id),
  ])
  const obstacle = invitation.expiresAt < now ? 'invitation-expired' : placeObstacle(invitation, hasPlace)
  const state = obstacle === undefined ? stateOf[decision.verdict] : 'refused'
  const challenge: NewChallenge = {
    challengeSha256: sha256(Buffer.from(scepChallenge(deps.keyring, 'bootstrap', enrollment.id))), enrollmentId: enrollment.id,
    purpose: 'bootstrap', expiresAt: new Date(now.getTime() + bootstrapChallengeMs),
  }
  await Promise.all([
    tx.saveEnrollment(enrollment.id, {
      state, deviceId: device.id, evidenceId, decision, decidedAt: now, firstPostSha256: sha256(raw),
      lastError: obstacle ?? null, lastErrorStep: obstacle === undefined ? null : 'first-post',
    }, now),
    state === 'allowed' ? tx.addChallenge(challenge) : undefined,
    tx.audit({ at: now, actor: 'phone', action: `enrollment.${state}`, subject: `device:${device.id}`, detail: { code: obstacle ?? decision.code, productType: device.productType } }),
  ])
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

/** Why a device cannot have a place, if it cannot. The device that has one takes no other. */
export function placeObstacle(invitation: InvitationRecord, hasPlace: boolean): 'invitation-ended' | 'invitation-used-up' | undefined {
  if (invitation.endedAt !== null) return 'invitation-ended'
  return hasPlace || invitation.placesTaken < invitation.devicesMax ? undefined : 'invitation-used-up'
}
