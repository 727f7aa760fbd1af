/** A new certificate for the device that holds a good one. */
import { CaError } from '../errors.ts'
import { authorityById } from '../certificates/authority.ts'
import { sha256 } from '../certificates/issue.ts'
import { isIssuedBy, type Certificate } from '../formats/x509.ts'
import type { EnrollmentDeps } from './deps.ts'
import { completeDevice, prepareDevice, type DeviceOrder } from './issue-device.ts'
import type { IssuedCertificate } from './records.ts'
import { answerOf, requestHash, wait, type ScepOutcome, type ScepRequest } from './scep-transaction.ts'
import { lockStanding, outlookFor } from './standing.ts'

/**
 * For a signer whose certificate is not on record as issued. Pending, abandoned, or the certificate of a CA: none of them
 * renews anything.
 *
 * @throws {CaError} renewal-not-allowed when one of our authorities signed it
 */
export function assertNotOurs(deps: EnrollmentDeps, signer: Certificate): void {
  if (isOurs(deps, signer)) throw new CaError('renewal-not-allowed', 'the certificate of the signer cannot be renewed')
}

/** By signature: a name can be anybody's, and two of our authorities may have the same. */
const isOurs = (deps: EnrollmentDeps, signer: Certificate): boolean => deps.authorities().all.some(({ certificate }) =>
  certificate.subject.raw.equals(signer.issuer.raw) && isIssuedBy(signer, certificate.publicKey))

/**
 * Renews. Policy is decided again; the challenge that Apple's client sends along once more is not looked at.
 *
 * @throws {CaError} renewal-not-allowed, evidence-too-old, blocked-by-policy
 */
export async function renew(deps: EnrollmentDeps, request: ScepRequest, old: IssuedCertificate, now: Date): Promise<ScepOutcome> {
  const hash = requestHash(request, old)
  const before = answerOf(await deps.store.certificateByRequest(hash), now)
  if (before !== undefined) return before
  assertRenewable(deps, request, old, now)
  const ids = { deviceId: old.deviceId!, invitationId: old.invitationId! }
  const outlook = await deps.store.together(async reads => await outlookFor(deps, reads, ids, now))
  const { device, decision } = outlook
  if (now.getTime() - device.knownAt.getTime() > deps.evidenceMaxAgeDays * 86_400_000) {
    throw new CaError('evidence-too-old', 'what is known of this phone is too old: it has to enroll again')
  }
  if (decision.verdict === 'quarantine') {
    await deps.store.transaction(async tx => await tx.setAside(device.id, decision, now))
    return await wait(deps, request, now)
  }
  const order: DeviceOrder = {
    outlook, enrollmentId: old.enrollmentId, keyOrigin: 'device', subjectPublicKeyInfo: request.certificationRequest.subjectPublicKeyInfo,
  }
  const prepared = await prepareDevice(deps, order, now)
  return await deps.store.transaction(async tx => {
    const locked = await lockStanding(deps, tx, ids, now)
    const [known, again] = await Promise.all([tx.certificateByRequest(hash), tx.certificateBySha256(sha256(old.der))])
    const answered = answerOf(known, now)
    if (answered !== undefined) return answered
    if (again === undefined || again.revoked) throw new CaError('renewal-not-allowed', 'the certificate of the signer was revoked')
    await completeDevice(tx, locked, prepared, order, hash, now)
    return { status: 'issued', certificate: prepared.certificate.raw }
  })
}

function assertRenewable(deps: EnrollmentDeps, request: ScepRequest, old: IssuedCertificate, now: Date): void {
  const refuse = (why: string): never => { throw new CaError('renewal-not-allowed', why) }
  if (old.kind !== 'device' || old.deviceId === null || old.invitationId === null) refuse('only a device certificate renews a device certificate')
  // Whoever got hold of the file would else turn it into a certificate that says its key was born on the phone.
  if (old.keyOrigin === 'delivered') refuse('a key that was delivered is delivered anew')
  if (old.revoked) refuse('the certificate of the signer is revoked or held')
  if (now < old.notBefore || old.notAfter < now) refuse('the certificate of the signer is outside its dates')
  // An issuing CA that was replaced still vouches for its holders; the new certificate comes from the active one.
  if (authorityById(deps.authorities(), old.authorityId).role !== 'issuing' || request.authority.role !== 'issuing') refuse('this authority renews nothing')
}
