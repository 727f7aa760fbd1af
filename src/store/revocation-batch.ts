/** Revocations by the hundred: what a change of policy stops is read at once and written at once. */
import type { CertificateKey, RevocableCertificate, Revocation, RevocationStore } from '../certificates/revoke.ts'
import { giveChangeNumbers, lockRevocations, revocationOf } from './certificates.ts'
import type { Queryable } from './db.ts'

export type RevocationBatch = RevocationStore & {
  /** Until then nothing of it is on record. */
  write(): Promise<void>
}

const nameOf = ({ authorityId, serialNumber }: CertificateKey): string => `${authorityId} ${serialNumber.toString('hex')}`

/** @param keys  every certificate that may be asked for; all are locked */
export async function revocationBatch(tx: Queryable, keys: readonly CertificateKey[]): Promise<RevocationBatch> {
  await lockRevocations(tx)
  const found = await lockAll(tx, keys)
  const [counter] = await tx.query<{ value: number }>(`select value from counters where name = 'revocation-change' for update`)
  const changed: [RevocableCertificate, Revocation][] = []
  return {
    lock: async key => found.get(nameOf(key)),
    nextChangeNumber: async () => counter!.value + changed.length + 1,
    async put(certificate, revocation) {
      changed.push([certificate, revocation])
      found.set(nameOf(certificate), { ...certificate, revocation })
    },
    async write() {
      if (changed.length === 0) return
      await giveChangeNumbers(tx, changed.length)
      await writeAll(tx, changed)
      changed.length = 0
    },
  }
}

async function lockAll(tx: Queryable, keys: readonly CertificateKey[]): Promise<Map<string, RevocableCertificate>> {
  const rows = await tx.query(`
    select c.authority_id, c.serial_number, c.partition, c.not_after, r.revoked_at, r.reason, r.change_number, r.actor, r.cause
    from certificates c left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
    where (c.authority_id, c.serial_number) in (select * from unnest($1::smallint[], $2::bytea[]))
    order by c.authority_id, c.serial_number for update of c`, [keys.map(key => key.authorityId), keys.map(key => key.serialNumber)])
  return new Map(rows.map((row: any) => {
    const key = { authorityId: row.authority_id, serialNumber: row.serial_number }
    return [nameOf(key), { ...key, partition: row.partition, notAfter: row.not_after, revocation: revocationOf(row) }]
  }))
}

async function writeAll(tx: Queryable, changed: readonly [RevocableCertificate, Revocation][]): Promise<void> {
  await tx.query(`
    insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor, cause)
    select * from unnest($1::smallint[], $2::bytea[], $3::smallint[], $4::timestamptz[], $5::timestamptz[], $6::smallint[], $7::bigint[], $8::text[], $9::text[])
    on conflict (authority_id, serial_number) do update set revoked_at = excluded.revoked_at, reason = excluded.reason,
      change_number = excluded.change_number, actor = excluded.actor, cause = excluded.cause, listed = true`,
  [
    changed.map(([c]) => c.authorityId), changed.map(([c]) => c.serialNumber), changed.map(([c]) => c.partition), changed.map(([c]) => c.notAfter),
    changed.map(([, r]) => r.revokedAt), changed.map(([, r]) => r.reason), changed.map(([, r]) => r.changeNumber), changed.map(([, r]) => r.actor), changed.map(([, r]) => r.cause),
  ])
}
