import { randomUUID } from 'node:crypto'
import { CaError } from '../errors.ts'
import { sha256 } from '../certificates/issue.ts'
import { parseDeviceAttributes } from '../devices/attributes.ts'
import type { Certificate } from '../formats/x509.ts'
import type { Decision } from '../policy/decide.ts'
import { deliverIdentity } from './deliver.ts'
import type { EnrollmentDeps } from './deps.ts'
import { placeObstacle, stateOf, type OtaAnswer } from './first-post.ts'
import { deviceScepIdentity, finalDocument } from './profiles.ts'
import type { DeviceRecord, EnrollmentRecord, EnrollmentState, IssuedCertificate, NewChallenge } from './records.ts'
import { scepChallenge } from './secrets.ts'
import { outlookFor, type Outlook } from './standing.ts'

const deviceChallengeMs = 3_600_000
/** A phone that lost the answer asks again with the same bytes; nobody else can read it. */
export const finalAnswerMs = 15 * 60_000

/** The first message was answered with a document, and the certificate is not issued yet. */
const isUnderWay = (state: EnrollmentState): boolean => state === 'allowed' || state === 'profiled'

/**
 * The second message. Its signer must be the very certificate that this enrollment was given, and the phone must
 * say of itself what it said before.
 *
 * @throws {CaError} bootstrap-identity-mismatch, certificate-expired, enrollment-state, device-attributes-changed,
 *   malformed-plist, invitation-ended, invitation-used-up
 */
export async function answerSecondPost(deps: EnrollmentDeps, enrollment: EnrollmentRecord, signer: Certificate, content: () => Buffer, raw: Buffer): Promise<OtaAnswer> {
  const now = deps.now()
  const { deviceId, invitationId } = enrollment
  const [issued, first, outlook] = await deps.store.together(async reads => await Promise.all([
    reads.certificateBySha256(sha256(signer.raw)), reads.firstAttributes(enrollment.id),
    deviceId === null ? undefined : outlookFor(deps, reads, { deviceId, invitationId }, now),
  ]))
  assertBootstrapIdentity(enrollment, issued, now)
  if (outlook === undefined || !isUnderWay(enrollment.state)) throw new CaError('enrollment-state', 'this enrollment does not wait for a second message')
  const { device, invitation, decision, hasPlace } = outlook
  assertSameDevice(device, first, content())
  if (decision.verdict !== 'allow') return await turnAway(deps, enrollment.id, device, decision, now)
  // SCEP would refuse it too, but where nobody reads why.
  const obstacle = placeObstacle(invitation, hasPlace)
  if (obstacle !== undefined) throw new CaError(obstacle, 'the invitation has no place for this phone')
  return { kind: 'document', body: await finalAnswer(deps, enrollment, outlook, signer, raw, now) }
}

function assertBootstrapIdentity(enrollment: EnrollmentRecord, issued: IssuedCertificate | undefined, now: Date): void {
  if (issued === undefined || issued.kind !== 'bootstrap' || issued.enrollmentId !== enrollment.id || issued.revoked) {
    throw new CaError('bootstrap-identity-mismatch', 'the message is not signed by the identity that this enrollment was given')
  }
  if (now < issued.notBefore || issued.notAfter < now) throw new CaError('certificate-expired', 'the identity of this enrollment has run out: begin again')
}

/** The same as in this enrollment's first message, and as it stands: another message of the device may have changed that. */
function assertSameDevice(device: DeviceRecord, first: Record<string, string> | undefined, content: Buffer): void {
  const now = parseDeviceAttributes(content)
  if (now.challenge !== undefined) throw new CaError('device-attributes-changed', 'the second message must not carry a challenge')
  for (const before of [device, first]) {
    if (now.udid === before?.['udid'] && now.serialNumber === before['serialNumber'] && now.productType === before['productType']) continue
    throw new CaError('device-attributes-changed', 'the phone says something else of itself than before')
  }
}

/** Policy has changed since the first message: the enrollment ends on the page that says how, as it would have there. */
async function turnAway(deps: EnrollmentDeps, enrollmentId: string, device: DeviceRecord, decision: Decision, now: Date): Promise<OtaAnswer> {
  await deps.store.transaction(async tx => {
    const { state: before } = await tx.lockEnrollment(enrollmentId)
    if (!isUnderWay(before)) return
    const state = stateOf[decision.verdict]
    await tx.saveEnrollment(enrollmentId, { state, decision, decidedAt: now, lastError: null, lastErrorStep: null }, now)
    await tx.audit({ at: now, actor: 'phone', action: `enrollment.${state}`, subject: `device:${device.id}`, detail: { code: decision.code, productType: device.productType } })
  })
  return { kind: 'page', enrollmentId }
}

async function finalAnswer(deps: EnrollmentDeps, enrollment: EnrollmentRecord, outlook: Outlook, recipient: Certificate, raw: Buffer, now: Date): Promise<Buffer> {
  const { device, invitation } = outlook
  const delivery = invitation.keyOrigin === 'delivered' ? await deliverIdentity(deps, enrollment, outlook, now) : undefined
  const identity = delivery?.identity ?? deviceScepIdentity(deps, enrollment.id)
  const body = await finalDocument(deps, enrollment.id, invitation, identity, recipient, now)
  return await deps.store.transaction(async tx => {
    const locked = await tx.lockEnrollment(enrollment.id)
    if (locked.secondPostSha256?.equals(sha256(raw)) && locked.finalAnswer !== null) return locked.finalAnswer
    // Two at once, or a new message after an answer that was lost: a delivered key exists once.
    if (locked.state !== 'allowed' && !(locked.state === 'profiled' && delivery === undefined)) throw new CaError('enrollment-state', 'this enrollment was answered already')
    const challenge: NewChallenge = {
      challengeSha256: sha256(Buffer.from(scepChallenge(deps.keyring, 'device', enrollment.id))), enrollmentId: enrollment.id,
      purpose: 'device', expiresAt: new Date(now.getTime() + deviceChallengeMs),
    }
    await Promise.all([
      tx.addEvidence({
        id: randomUUID(), deviceId: device.id, kind: 'ota-second-post', grade: device.grade, test: device.test, raw, receivedAt: now,
        attributes: { udid: device.udid, serialNumber: device.serialNumber, productType: device.productType },
      }),
      delivery?.complete(tx) ?? tx.addChallenge(challenge),
      tx.saveEnrollment(enrollment.id, {
        state: delivery === undefined ? 'profiled' : 'issued', secondPostSha256: sha256(raw), finalAnswer: body,
        finalAnswerUntil: new Date(now.getTime() + finalAnswerMs), lastError: null, lastErrorStep: null,
      }, now),
    ])
    return body
  })
}
