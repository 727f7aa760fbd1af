/** Thousands of phones at once, written straight into the database: each has its owner, its invitation and a certificate. */
import type { TestService } from './service.ts'

/**
 * @param count  phones, all on iOS 17.1, of as many people: `Person 1`, `person-1@example.com`
 * @param people  who own them, in turn
 */
export async function seedFleet({ db, now }: TestService, count: number, people = 100): Promise<void> {
  // What makes finding fast makes writing slow, and nobody looks for one of these.
  await db.query('drop index certificates_search, devices_search')
  await db.query(`insert into people (id, name, email, created_at)
    select gen_random_uuid(), 'Person ' || n, 'person-' || n || '@example.com', $2 from generate_series(1, $1::int) n`, [people, now()])
  await db.query(`insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, created_at, created_by)
    select gen_random_uuid(), id, sha256(id::text::bytea), 'default', 'device', 1000, $1::timestamptz + interval '7 days', $1, 'ada' from people where email like 'person-%@example.com'`, [now()])
  await db.query(`insert into devices (id, person_id, udid, serial_number, product_type, os_version, grade, known_at, created_at)
    select gen_random_uuid(), p.id, 'udid-' || n, 'SERIAL' || n, 'iPhone14,5', '17.1', 'signed', $3, $3
    from generate_series(1, $1::int) n join people p on p.email = 'person-' || (n % $2::int + 1) || '@example.com'`, [count, people, now()])
  await db.query(`insert into certificates (authority_id, serial_number, kind, state, partition, device_id, invitation_id, key_origin, grade, not_before, not_after, der, sha256, public_key_sha256, created_at)
    select a.id, decode(replace(d.id::text, '-', ''), 'hex'), 'device', 'issued', 0, d.id, i.id, 'device', 'signed', $1, $1::timestamptz + interval '1 year', 'der', sha256(d.id::text::bytea), 'key', $1
    from devices d join invitations i on i.person_id = d.person_id join authorities a on a.name = 'issuing' where d.udid like 'udid-%'`, [now()])
}
