import { revoke, type CertificateKey, type RevocationStore } from './revoke.ts'

export type SupersedeStore = RevocationStore & {
  /** Certificates of the device that were issued before this one, and are in force or on hold. */
  olderOf(deviceId: string, newer: Buffer, now: Date): Promise<CertificateKey[]>
  markSuperseded(key: CertificateKey, newer: Buffer): Promise<void>
}

/**
 * One live certificate per device: the newer one takes the place of all older ones, in the caller's transaction.
 * A certificate on hold goes too, for a release would otherwise bring a second one to life.
 *
 * @returns those that were revoked
 */
export async function supersedeOlder(tx: SupersedeStore, deviceId: string, serialNumber: Buffer, now: Date): Promise<CertificateKey[]> {
  const revoked: CertificateKey[] = []
  for (const key of await tx.olderOf(deviceId, serialNumber, now)) {
    const order = { ...key, reason: 'superseded', actor: 'latchkey', cause: `superseded by ${serialNumber.toString('hex')}` } as const
    if (!await revoke(tx, order, now)) continue
    await tx.markSuperseded(key, serialNumber)
    revoked.push(key)
  }
  return revoked
}
