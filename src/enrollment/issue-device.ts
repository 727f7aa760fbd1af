import { activeAuthority, chainOf } from '../certificates/authority.ts'
import { days, deviceCertificate, validityFrom } from '../certificates/certificate-profile.ts'
import { complete, prepare, type Prepared } from '../certificates/issue.ts'
import type { KeyOrigin } from '../certificates/issue.ts'
import { evidenceOids } from '../devices/evidence.ts'
import { CaError } from '../errors.ts'
import type { Decision } from '../policy/decide.ts'
import type { EnrollmentDeps } from './deps.ts'
import { placeObstacle } from './first-post.ts'
import type { EnrollmentWrites } from './records.ts'
import type { Outlook, Standing } from './standing.ts'

/** For whom, as things stood when it was prepared. */
export type DeviceOrder = {
  outlook: Outlook
  enrollmentId: string | null
  keyOrigin: KeyOrigin
  subjectPublicKeyInfo: Buffer
}

/**
 * A phone needs one a year. Who asks for thousands makes thousands of entries on lists that every front end loads,
 * because each is superseded by the next.
 */
const maxCertificatesPerDay = 50

/** Signs a device certificate that nobody may see before `completeDevice`. @throws {CaError} rate-limited, blocked-by-policy, quarantined-by-policy */
export async function prepareDevice(deps: EnrollmentDeps, order: DeviceOrder, now: Date): Promise<Prepared> {
  const { outlook: { device, invitation, decision, madeWithinDay }, keyOrigin, subjectPublicKeyInfo } = order
  const { person } = invitation
  if (madeWithinDay >= maxCertificatesPerDay) {
    throw new CaError('rate-limited', 'this phone was given too many certificates within a day')
  }
  const authority = activeAuthority(deps.authorities(), 'issuing')
  const policies = deps.gradeInCertificate ? [evidenceOids[device.grade], ...device.test ? [evidenceOids.test] : []] : []
  return await prepare(deps, decision, {
    authority, kind: 'device', subjectPublicKeyInfo,
    holder: { deviceId: device.id, enrollmentId: order.enrollmentId, invitationId: invitation.id, keyOrigin, grade: device.grade, test: device.test },
    validity: validityFrom(now, days(deps.certificateDays), earliest(decision.approvalEndsAt, authority.certificate.notAfter)),
    profile: (subject, issuer) => deviceCertificate(subject, issuer, {
      deviceId: device.id, name: person.name, email: person.email, policies,
      ...person.userPrincipalName === null ? {} : { userPrincipalName: person.userPrincipalName },
    }),
  }, now)
}

/** A certificate never outlives the approval it rests on, nor its issuer. */
const earliest = (approvalEndsAt: Date | null, issuerEnds: Date): Date =>
  approvalEndsAt === null || issuerEnds < approvalEndsAt ? issuerEnds : approvalEndsAt

/**
 * Makes it valid, in the caller's transaction, under the decision made there.
 *
 * @param standing  as it is there, locked
 * @throws {CaError} blocked-by-policy, quarantined-by-policy, decision-changed
 */
export async function completeDevice(tx: EnrollmentWrites, standing: Standing, prepared: Prepared, order: DeviceOrder, requestSha256: Buffer | null, now: Date): Promise<void> {
  const { device, decision } = standing
  const { device: before } = order.outlook
  // What was signed says what was known: were that to change between, the certificate would say something else.
  if (device.grade !== before.grade || device.test !== before.test || endsTooLate(decision, prepared)) {
    throw new CaError('decision-changed', 'what the certificate rests on has changed: ask again')
  }
  const serialNumber = prepared.certificate.serialNumber
  await Promise.all([
    complete(tx, prepared, decision, requestSha256),
    tx.audit({ at: now, actor: 'phone', action: 'certificate.issue', subject: `certificate:${serialNumber}`, detail: { deviceId: device.id, code: decision.code } }),
  ])
}

const endsTooLate = (decision: Decision, prepared: Prepared): boolean =>
  decision.approvalEndsAt !== null && decision.approvalEndsAt < prepared.certificate.notAfter

/** Counts the device's place, under the invitation's lock. @throws {CaError} invitation-ended, invitation-used-up */
export async function takePlace(tx: EnrollmentWrites, { invitation, device, hasPlace }: Standing, now: Date): Promise<void> {
  const obstacle = placeObstacle(invitation, hasPlace)
  if (obstacle !== undefined) throw new CaError(obstacle, 'the invitation has no place for this phone')
  await tx.takePlace(invitation.id, device.id, now)
}

/** The certificates above a device certificate: issuing CA first. */
export function deviceChain(deps: EnrollmentDeps): Buffer[] {
  const authorities = deps.authorities()
  return chainOf(authorities, activeAuthority(authorities, 'issuing')).map(authority => authority.certificate.raw)
}
