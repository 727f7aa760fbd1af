/** Certificates that are revoked already, written straight into the database. */
import type { TestService } from '../../support/service.ts'

/** @property from  so many are there from an earlier time; @property searchable  whether they can be found by a part of their serial number, which takes most of the time */
type Seeding = { from?: number, searchable?: boolean }

export async function seedRevoked({ db, now, authorities, config }: TestService, count: number, { from = 0, searchable = true }: Seeding = {}): Promise<void> {
  const { id } = authorities().all.find(({ role, active }) => role === 'issuing' && active)!
  const at = `'${now().toISOString()}'::timestamptz`
  // What makes finding fast makes writing slow.
  const [index] = await db.query<{ definition: string }>(`select indexdef as definition from pg_indexes where indexname = 'certificates_search'`)
  const [serial, numbers] = [`set_byte(decode(md5('serial' || n), 'hex'), 0, 64)`, `generate_series(${from}, ${count - 1}) n`]
  await db.exec(`begin; set local statement_timeout = 0; set local synchronous_commit = off; drop index if exists certificates_search;
    insert into certificates (authority_id, serial_number, kind, state, partition, grade, not_before, not_after, der, sha256, public_key_sha256, created_at)
      select ${id}, ${serial}, 'device', 'issued', n % ${config.crlPartitions}, 'signed', ${at}, ${at} + interval '1 year', 'der', sha256(('der' || n)::bytea), 'key', ${at} from ${numbers};
    insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
      select ${id}, ${serial}, n % ${config.crlPartitions}, ${at} + interval '1 year', ${at}, 0, n + 1, 'ada' from ${numbers};
    update counters set value = ${count} where name = 'revocation-change';
    ${searchable ? index!.definition : 'select'}; commit`)
  await db.exec('vacuum analyze certificates, revocations')
}
