import { CaError } from '../errors.ts'

/** CRLReason (RFC 5280 §5.3.1); keyCompromise for devices we know are lost is the admin's call. */
export const revocationReasons = {
  unspecified: 0, keyCompromise: 1, affiliationChanged: 3, superseded: 4, cessationOfOperation: 5,
  certificateHold: 6, privilegeWithdrawn: 9,
} as const
export type RevocationReason = keyof typeof revocationReasons
/** A release that has not yet stood on a complete CRL. */
export const removeFromCrl = 8

export const reasonName = (code: number): RevocationReason =>
  (Object.keys(revocationReasons) as RevocationReason[]).find(name => revocationReasons[name] === code) ?? 'unspecified'

export type CertificateKey = { authorityId: number, serialNumber: Buffer }
export type Revocation = { revokedAt: Date, reason: number, changeNumber: number, actor: string, cause: string }
export type RevocableCertificate = CertificateKey & { partition: number, notAfter: Date, revocation: Revocation | null }

export type RevocationStore = {
  /** The certificate under its row's lock, in any state; undefined when there is none. */
  lock(key: CertificateKey): Promise<RevocableCertificate | undefined>
  nextChangeNumber(): Promise<number>
  put(certificate: RevocableCertificate, revocation: Revocation): Promise<void>
}

export type Order = CertificateKey & { actor: string, cause: string }

/**
 * Revokes, in the caller's transaction. The first revocation stands: asked again, neither date nor reason move.
 * A certificate on hold becomes revoked from the date of its hold.
 *
 * @returns true when something changed
 * @throws {CaError} certificate-not-found
 */
export async function revoke(tx: RevocationStore, order: Order & { reason: Exclude<RevocationReason, 'certificateHold'> }, now: Date): Promise<boolean> {
  const certificate = await find(tx, order)
  const before = certificate.revocation
  if (before !== null && before.reason !== revocationReasons.certificateHold && before.reason !== removeFromCrl) return false
  const revokedAt = before?.reason === revocationReasons.certificateHold ? before.revokedAt : now
  await put(tx, certificate, order, revokedAt, revocationReasons[order.reason])
  return true
}

/** Holds: like a revocation, but can be released. @throws {CaError} certificate-already-revoked */
export async function hold(tx: RevocationStore, order: Order, now: Date): Promise<boolean> {
  const certificate = await find(tx, order)
  const reason = certificate.revocation?.reason
  if (reason === revocationReasons.certificateHold) return false
  if (reason !== undefined && reason !== removeFromCrl) {
    throw new CaError('certificate-already-revoked', 'the certificate is revoked for good and cannot be held')
  }
  await put(tx, certificate, order, now, revocationReasons.certificateHold)
  return true
}

/** Releases from hold; front ends learn it from a signed list only. @throws {CaError} certificate-not-held */
export async function release(tx: RevocationStore, order: Order, now: Date): Promise<boolean> {
  const certificate = await find(tx, order)
  const reason = certificate.revocation?.reason
  if (reason === removeFromCrl) return false
  if (reason !== revocationReasons.certificateHold) {
    throw new CaError('certificate-not-held', 'only a certificate on hold can be released')
  }
  await put(tx, certificate, order, now, removeFromCrl)
  return true
}

async function find(tx: RevocationStore, key: CertificateKey): Promise<RevocableCertificate> {
  const certificate = await tx.lock(key)
  if (certificate === undefined) throw new CaError('certificate-not-found', 'there is no certificate with this serial number')
  return certificate
}

async function put(tx: RevocationStore, certificate: RevocableCertificate, order: Order, revokedAt: Date, reason: number): Promise<void> {
  // Whole seconds: a CRL cannot say more, and OCSP must not say something else.
  const seconds = new Date(Math.floor(revokedAt.getTime() / 1000) * 1000)
  const changeNumber = await tx.nextChangeNumber()
  await tx.put(certificate, { revokedAt: seconds, reason, changeNumber, actor: order.actor, cause: order.cause })
}
