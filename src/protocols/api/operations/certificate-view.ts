import { z } from 'zod'
import { authorityById, type Authorities } from '../../../certificates/authority.ts'
import { reasonName, removeFromCrl, revocationReasons, type RevocationReason } from '../../../certificates/revoke.ts'
import type { CertificateRecord } from '../../../store/certificates.ts'
import { at, atOrNull, id, instant } from '../fields.ts'
import { grade } from './decision-view.ts'

export const reasonNames = Object.keys(revocationReasons) as [RevocationReason]

export const certificateFields = {
  serialNumber: z.string(), fingerprint: z.string().nullable(), authority: z.string(), kind: z.enum(['device', 'bootstrap', 'signer', 'agent', 'canary']),
  /** `held` can be released, `revoked` cannot. */
  status: z.enum(['good', 'held', 'revoked', 'expired']),
  deviceId: id.nullable(), personId: id.nullable(), personName: z.string().nullable(), personEmail: z.string().nullable(), productType: z.string().nullable(),
  grade: grade.nullable(), test: z.boolean(), keyOrigin: z.enum(['device', 'delivered']).nullable(),
  notBefore: instant, notAfter: instant, createdAt: instant, firstUsedAt: instant.nullable(),
  revocation: z.strictObject({ revokedAt: instant, reason: z.enum(reasonNames), actor: z.string(), cause: z.string() }).nullable(),
}
export const certificateView = z.strictObject(certificateFields)
export type CertificateView = z.input<typeof certificateView>

export function viewOfCertificate(authorities: Authorities, c: CertificateRecord, now: Date): z.input<typeof certificateView> {
  const revocation = c.revocation === null || c.revocation.reason === removeFromCrl ? null : c.revocation
  return {
    serialNumber: c.serialNumber.toString('hex'), fingerprint: c.sha256?.toString('hex') ?? null, authority: authorityById(authorities, c.authorityId).name,
    kind: c.kind, status: statusOf(c, revocation, now), deviceId: c.deviceId, personId: c.personId, personName: c.personName, personEmail: c.personEmail,
    productType: c.productType, grade: c.grade, test: c.test, keyOrigin: c.keyOrigin, notBefore: at(c.notBefore), notAfter: at(c.notAfter),
    createdAt: at(c.createdAt), firstUsedAt: atOrNull(c.firstUsedAt),
    revocation: revocation === null ? null
      : { revokedAt: at(revocation.revokedAt), reason: reasonName(revocation.reason), actor: revocation.actor, cause: revocation.cause },
  }
}

function statusOf(c: CertificateRecord, revocation: CertificateRecord['revocation'], now: Date): z.input<typeof certificateFields.status> {
  if (revocation !== null) return revocation.reason === revocationReasons.certificateHold ? 'held' : 'revoked'
  if (c.issuerRevokedAt !== null || c.state === 'abandoned') return 'revoked'
  return now > c.notAfter ? 'expired' : 'good'
}
