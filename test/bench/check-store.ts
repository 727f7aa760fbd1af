/** A store to ask `/check` and OCSP about: certificates of one authority that stand in it like issued ones, most of them revoked. */
import { createHash } from 'node:crypto'
import type { Database } from '../../src/store/db.ts'
import type { Issued } from '../support/issued.ts'

export type Population = { good: number, revoked: number }

/** The serial number of the nth: the first `good` are good, the others are revoked. */
export function serialNumberOf(n: number): Buffer {
  const digest = createHash('md5').update(`serial${n}`).digest()
  digest[0] = 0x40
  return digest
}

/** One that was really issued, with another serial number: nobody asks for its signature any more. */
export function derOf(template: Pick<Issued, 'certificate' | 'serialNumber'>, n: number): Buffer {
  const der = Buffer.from(template.certificate.raw)
  serialNumberOf(n).copy(der, der.indexOf(template.serialNumber))
  return der
}

/** All have been used once, each by a phone of its own. They were issued over most of a year: what looks at the last days or hours finds its share of them. */
export async function fillCheckStore(db: Database, template: Issued, { good, revoked }: Population, at: Date, say: (line: string) => void): Promise<void> {
  const [people, all] = [Math.ceil(good / 10), good + revoked]
  const now = `'${at.toISOString()}'::timestamptz`
  const uuid = (kind: string, n: string): string => `md5('${kind}' || (${n}))::uuid`
  const step = async (name: string, sql: string): Promise<void> => {
    const before = performance.now()
    await db.exec(`begin; set local statement_timeout = 0; set local synchronous_commit = off; set local maintenance_work_mem = '1GB'; ${sql}; commit`)
    say(`${name}: ${((performance.now() - before) / 1000).toFixed(1)} s`)
  }
  const indexes = await db.query<{ name: string, definition: string }>(`select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
    join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'public' and not i.indisunique and c.relname in ('people', 'devices', 'certificates', 'revocations')`)
  await step('indexes put aside', indexes.map(({ name }) => `drop index ${name}`).join('; '))
  await step(`${people} people`, `insert into people (id, name, email, created_at) select ${uuid('person', 'n')}, 'Person ' || n, 'person-' || n || '@example.com', ${now} from generate_series(0, ${people - 1}) n`)
  await step(`${good} phones`, `insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at)
    select ${uuid('device', 'n')}, ${uuid('person', `n % ${people}`)}, 'udid-' || n, 'SERIAL' || n, 'iPhone14,5', 'signed', ${now}, ${now} from generate_series(0, ${good - 1}) n`)
  const place = template.certificate.raw.indexOf(template.serialNumber) + 1
  await step(`${all} certificates`, `insert into certificates (authority_id, serial_number, kind, state, partition, device_id, key_origin, grade, not_before, not_after, der, sha256, public_key_sha256, created_at, first_used_at)
    select ${template.authorityId}, serial, 'device', 'issued', n % 2, ${uuid('device', `n % ${good}`)}, 'device', 'signed', ${now} - interval '1 day', ${now} + interval '364 days', der, sha256(der), sha256(('key' || n)::bytea), ${now} - interval '2 days' - (n % ${good}) * interval '300 days' / ${good}, ${now}
    from (select n, serial, overlay('\\x${template.certificate.raw.toString('hex')}'::bytea placing serial from ${place}) as der
      from (select n, set_byte(decode(md5('serial' || n), 'hex'), 0, 64) as serial from generate_series(0, ${all - 1}) n) k) s`)
  await step(`${revoked} revocations`, `insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
    select ${template.authorityId}, set_byte(decode(md5('serial' || n), 'hex'), 0, 64), n % 2, ${now} + interval '364 days', date_trunc('second', ${now}), 1, row_number() over (), 'Ada Admin' from generate_series(${good}, ${all - 1}) n;
    update counters set value = ${revoked} where name = 'revocation-change'`)
  // Those that people are found by take longest, and nobody looks for one of these.
  for (const { name, definition } of indexes.filter(index => !index.name.endsWith('_search'))) await step(name, definition)
  await db.exec('vacuum analyze certificates, revocations, devices, people')
}
