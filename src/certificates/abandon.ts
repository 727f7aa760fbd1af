import { revoke, type CertificateKey, type RevocationStore } from './revoke.ts'

export type AbandonStore = RevocationStore & {
  /** False where there is no such reservation any more. */
  abandon(key: CertificateKey): Promise<boolean>
}

/**
 * Ends a reservation, in the caller's transaction: it is never completed, and what was perhaps signed under it is revoked.
 *
 * @returns false where it was completed meanwhile, or somebody else was first
 */
export async function abandon(tx: AbandonStore, key: CertificateKey, now: Date): Promise<boolean> {
  return await tx.abandon(key) && await revoke(tx, { ...key, reason: 'cessationOfOperation', actor: 'latchkey', cause: 'never completed' }, now)
}
