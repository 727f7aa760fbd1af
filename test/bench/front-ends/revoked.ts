/** A hundred thousand certificates that are revoked already, written straight into the database. */
import type { TestService } from '../../support/service.ts'

export async function seedRevoked({ db, now, authorities, config }: TestService, count: number): Promise<void> {
  const { id } = authorities().all.find(({ role, active }) => role === 'issuing' && active)!
  const at = `'${now().toISOString()}'::timestamptz`
  // What makes finding fast makes writing slow.
  const [index] = await db.query<{ definition: string }>(`select pg_get_indexdef('certificates_search'::regclass) as definition`)
  await db.exec(`begin; set local statement_timeout = 0; drop index certificates_search;
    insert into certificates (authority_id, serial_number, kind, state, partition, grade, not_before, not_after, der, sha256, public_key_sha256, created_at)
      select ${id}, set_byte(decode(md5('serial' || n), 'hex'), 0, 64), 'device', 'issued', n % ${config.crlPartitions}, 'signed', ${at}, ${at} + interval '1 year', 'der', sha256(('der' || n)::bytea), 'key', ${at}
      from generate_series(0, ${count - 1}) n;
    insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
      select authority_id, serial_number, partition, not_after, ${at}, 0, row_number() over (), 'ada' from certificates where authority_id = ${id} and kind = 'device';
    update counters set value = ${count} where name = 'revocation-change';
    ${index!.definition}; commit; analyze`)
}
