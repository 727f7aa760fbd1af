import { removeFromCrl, revocationReasons, type Revocation } from './revoke.ts'

/** What is on record about one certificate. */
export type StatusRecord = {
  state: 'issued' | 'abandoned'
  notBefore: Date
  notAfter: Date
  revocation: Pick<Revocation, 'revokedAt' | 'reason'> | null
  /** When the root took the issuing CA back, and with it everything that it issued. */
  issuerRevokedAt: Date | null
}

/** RFC 6960 §2.2. `unknown`: never issued here, or not yet. */
export type CertificateStatus = { status: 'good' } | { status: 'unknown' } | { status: 'revoked', revokedAt: Date, reason: number }

export function statusOf(record: StatusRecord | undefined): CertificateStatus {
  if (record === undefined) return { status: 'unknown' }
  const { revocation } = record
  if (revocation !== null && revocation.reason !== removeFromCrl) return { status: 'revoked', revokedAt: revocation.revokedAt, reason: revocation.reason }
  if (record.issuerRevokedAt !== null) return { status: 'revoked', revokedAt: record.issuerRevokedAt, reason: revocationReasons.unspecified }
  // An abandoned certificate is always revoked as well; should that row be missing, it is still not good.
  return record.state === 'issued' ? { status: 'good' } : { status: 'unknown' }
}

export const isInForce = (record: Pick<StatusRecord, 'notBefore' | 'notAfter'>, now: Date): boolean =>
  record.notBefore <= now && now <= record.notAfter
