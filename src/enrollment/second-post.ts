import { randomUUID } from 'node:crypto'
import { CaError } from '../errors.ts'
import { assertAllowed, sha256 } from '../certificates/issue.ts'
import { parseDeviceAttributes } from '../devices/attributes.ts'
import type { Certificate } from '../formats/x509.ts'
import { decideDevice } from './decide-device.ts'
import { deliverIdentity } from './deliver.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { OtaAnswer } from './first-post.ts'
import { deviceScepIdentity, finalDocument } from './profiles.ts'
import type { DeviceRecord, EnrollmentRecord, InvitationRecord } from './records.ts'
import { scepChallenge } from './secrets.ts'

const deviceChallengeMs = 3_600_000
/** A phone that lost the answer asks again with the same bytes; nobody else can read it. */
export const finalAnswerMs = 15 * 60_000

/**
 * The second message. Its signer must be the very certificate that this enrollment was given, and the phone must
 * say of itself what it said before.
 *
 * @throws {CaError} bootstrap-identity-mismatch, certificate-expired, device-attributes-changed, malformed-plist,
 *   blocked-by-policy, quarantined-by-policy
 */
export async function answerSecondPost(deps: EnrollmentDeps, enrollment: EnrollmentRecord, signer: Certificate, content: () => Buffer, raw: Buffer): Promise<OtaAnswer> {
  const now = deps.now()
  await assertBootstrapIdentity(deps, enrollment, signer, now)
  if (enrollment.deviceId === null || !['allowed', 'profiled'].includes(enrollment.state)) throw new CaError('enrollment-state', 'this enrollment does not wait for a second message')
  const device = (await deps.store.device(enrollment.deviceId))!
  const invitation = (await deps.store.invitation(enrollment.invitationId))!
  assertSameDevice(device, content())
  assertAllowed(await decideDevice(deps, deps.store, device, invitation, now))
  return { kind: 'document', body: await finalAnswer(deps, enrollment, device, invitation, signer, raw, now) }
}

async function assertBootstrapIdentity(deps: EnrollmentDeps, enrollment: EnrollmentRecord, signer: Certificate, now: Date): Promise<void> {
  const issued = await deps.store.certificateBySha256(sha256(signer.raw))
  if (issued === undefined || issued.kind !== 'bootstrap' || issued.enrollmentId !== enrollment.id || issued.revoked) {
    throw new CaError('bootstrap-identity-mismatch', 'the message is not signed by the identity that this enrollment was given')
  }
  if (now < issued.notBefore || issued.notAfter < now) throw new CaError('certificate-expired', 'the identity of this enrollment has run out: begin again')
}

function assertSameDevice(device: DeviceRecord, content: Buffer): void {
  const now = parseDeviceAttributes(content)
  if (now.challenge !== undefined) throw new CaError('device-attributes-changed', 'the second message must not carry a challenge')
  if (now.udid !== device.udid || now.serialNumber !== device.serialNumber || now.productType !== device.productType) {
    throw new CaError('device-attributes-changed', 'the phone says something else of itself than before')
  }
}

async function finalAnswer(deps: EnrollmentDeps, enrollment: EnrollmentRecord, device: DeviceRecord, invitation: InvitationRecord, recipient: Certificate, raw: Buffer, now: Date): Promise<Buffer> {
  const delivery = invitation.keyOrigin === 'delivered' ? await deliverIdentity(deps, enrollment, device, invitation, now) : undefined
  const identity = delivery?.identity ?? deviceScepIdentity(deps, enrollment.id)
  const body = await finalDocument(deps, enrollment.id, invitation, identity, recipient, now)
  await deps.store.transaction(async tx => {
    const locked = await tx.lockEnrollment(enrollment.id)
    // Two at once, or a new message after an answer that was lost: a delivered key exists once.
    if (locked.state !== 'allowed' && !(locked.state === 'profiled' && delivery === undefined)) throw new CaError('enrollment-state', 'this enrollment was answered already')
    await tx.addEvidence({
      id: randomUUID(), deviceId: device.id, kind: 'ota-second-post', grade: device.grade, test: device.test, raw, receivedAt: now,
      attributes: { udid: device.udid, serialNumber: device.serialNumber, productType: device.productType },
    })
    if (delivery === undefined) {
      await tx.addChallenge({
        challengeSha256: sha256(Buffer.from(scepChallenge(deps.keyring, 'device', enrollment.id))), enrollmentId: enrollment.id,
        purpose: 'device', expiresAt: new Date(now.getTime() + deviceChallengeMs),
      })
    } else {
      await delivery.complete(tx)
    }
    await tx.saveEnrollment(enrollment.id, {
      state: delivery === undefined ? 'profiled' : 'issued', secondPostSha256: sha256(raw), finalAnswer: body,
      finalAnswerUntil: new Date(now.getTime() + finalAnswerMs), lastError: null, lastErrorStep: null,
    }, now)
  })
  return body
}
