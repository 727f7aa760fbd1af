/**
 * A store of some years: made by the database itself, a set at a time, so that a million certificates take minutes. How far it has come
 * stands in the database until it is done, so that ten million, which take an hour, go on where they were cut off.
 */
import type { Database } from '../../src/store/db.ts'

/** @property der  a device certificate in which the serial number is put, so that every row can be read like a real one @property partitions  of the lists, 2 where left out */
export type Seed = { certificates: number, der: Buffer, serialNumber: Buffer, authorityId: number, now: Date, productTypes: readonly string[], template: string, partitions?: number }

/** Beside a million certificates stand 400,000 phones of 300,000 people; the rest is in proportion. */
export type Sizes = { certificates: number, phones: number, people: number, waiting: number }
export const sizesFor = (certificates: number): Sizes => ({
  certificates, phones: Math.ceil(certificates * 0.4), people: Math.ceil(certificates * 0.3), waiting: Math.max(60, Math.ceil(certificates * 0.004)),
})

const firstNames = ['Ada', 'Ines', 'Jürgen', 'Zoë', 'Mohammed', 'Wei', 'Olga', 'Søren', 'Łukasz', 'Anne-Marie', 'Joao', 'Priya', 'Kwame', 'Björn', 'Élodie', 'Giulia', 'Yuki', 'Fatima', 'Tom', 'Maria',
  'Peter', 'Hanna', 'Nikolaus', 'Sofia', 'Lars', 'Chiara', 'Ahmed', 'Eva', 'Paul', 'Katarzyna', 'Dmitri', 'Laura', 'Felix', 'Nora', 'Ben', 'Claudia', 'Ravi', 'Aoife', 'Marek', 'Julia']
const lastNames = ['Roth', 'Lovelace', 'Müller', 'Nguyen', 'García', 'Smith', 'Kowalska', 'Ødegård', 'van der Berg', 'O’Neill', 'Rossi', 'Tanaka', 'Okafor', 'Ivanova', 'Schmidt', 'Dubois', 'Novák', 'Haddad', 'Kim', 'Silva',
  'Fischer', 'Weber', 'Meyer', 'Wagner', 'Becker', 'Hoffmann', 'Schulz', 'Keller', 'Huber', 'Berger', 'Lindqvist', 'Jansen', 'Peeters', 'Moreau', 'Bianchi', 'Costa', 'Papadopoulos', 'Yılmaz', 'Horvat', 'Popescu',
  'Brown', 'Taylor', 'Wilson', 'Evans', 'Walker', 'Wright', 'Green', 'Baker', 'Hall', 'Young', 'Zimmermann', 'Krüger', 'Hartmann', 'Lange', 'Krause', 'Lehmann', 'Maier', 'Köhler', 'Vogel', 'Friedrich']

const list = (texts: readonly string[]): string => `array[${texts.map(text => `'${text.replaceAll('\'', '\'\'')}'`).join(',')}]`
/** The same id for the same number, so that rows find each other without being looked up. */
const uuid = (kind: string, n: string): string => `overlay(overlay(md5('${kind}' || (${n})) placing '4' from 13) placing 'a' from 17)::uuid`
const enrollment = (kind: 'seed' | 'past', n: string): string => `'${kind}-' || lpad((${n})::text, 17, '0')`
const of = (texts: readonly string[], n: string): string => `(${list(texts)})[1 + (${n}) % ${texts.length}]`
/** Numbers that look thrown, and are the same every time. */
const thrown = (n: string, below: number): string => `(hashint8((${n})::bigint)::bigint + 2147483648) % ${below}`

/** @returns what was made, in words, with how long it took */
export async function seed(db: Database, { certificates, der, serialNumber, authorityId, now, productTypes, template, partitions = 2 }: Seed, say: (line: string) => void): Promise<void> {
  const sizes = sizesFor(certificates)
  const { phones, people, waiting } = sizes
  await db.exec('create table if not exists seed_progress (step text primary key, detail text)')
  const done = new Map((await db.query<{ step: string, detail: string | null }>('select step, detail from seed_progress')).map(({ step, detail }) => [step, detail]))
  /** What was found at the beginning, and is not found again. */
  const atFirst = async <T>(name: string, find: () => Promise<T> | T): Promise<T> => {
    if (done.has(name)) return JSON.parse(done.get(name)!) as T
    const found = await find()
    await db.query('insert into seed_progress (step, detail) values ($1, $2)', [name, JSON.stringify(found)])
    return found
  }
  const at = `'${await atFirst('time', () => now.toISOString())}'::timestamptz`
  const step = async (name: string, sql: string): Promise<void> => {
    if (done.has(name)) return
    const before = performance.now()
    await db.exec(`begin; set local statement_timeout = 0; set local synchronous_commit = off; set local maintenance_work_mem = '1GB'; ${sql}; insert into seed_progress (step) values ('${name}'); commit`)
    say(`${name}: ${((performance.now() - before) / 1000).toFixed(1)} s`)
  }
  const decision = (verdict: string, code: string, model: string): string => `jsonb_build_object('verdict', ${verdict}, 'code', ${code}, 'because', jsonb_build_object('kind', 'approval', 'id', 'seed', 'reason', 'phones that the company bought'),
    'known', jsonb_build_object('productType', jsonb_build_object('value', ${model}, 'evidence', 'signed'), 'modelName', null, 'inCatalogue', true, 'build', null, 'osVersion', null, 'serialNumber', null, 'udid', null,
      'inventoryAgrees', null, 'buildRanOnModel', null, 'modelEvidence', 'signed', 'test', false),
    'textForPerson', 'This phone is one that your company lets in.', 'textForAdmin', 'The model ' || ${model} || ' is known well enough, and its approval holds.', 'approvalEndsAt', null)`
  const indexes = await atFirst('indexes', async () => await db.query<{ name: string, definition: string }>(`select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
    join pg_class c on c.oid = i.indrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and not i.indisunique and c.relname in ('people', 'devices', 'invitations', 'enrollments', 'evidence', 'certificates', 'revocations', 'audit', 'outbox', 'policy_effects')`))
  await step('indexes put aside', indexes.map(({ name }) => `drop index ${name}`).join('; ') || 'select 1')

  await step(`${people} people`, `insert into people (id, name, email, user_principal_name, groups, created_at)
    select ${uuid('person', 'n')}, f || ' ' || l, lower(translate(f || '.' || l, 'üöäßéëøØŁłñíãıŐ’Éç ', 'uoaseeooLlniaioxEc.')) || n || '@example.com', 'u' || n || '@corp.example.com',
      case n % 7 when 0 then array['sales'] when 1 then array['sales', 'board'] when 2 then array['engineering'] else '{}' end, ${at} - interval '3 years' * (1 - n::float / ${people})
    from (select n, ${of(firstNames, 'n / 3')} as f, ${of(lastNames, thrown('n', 7919))} as l from generate_series(0, ${people - 1}) n) s`)

  // The newest few have not been decided about: somebody has to.
  const first = phones - waiting
  await step(`${phones} phones`, `insert into devices (id, person_id, udid, serial_number, product_type, build, os_version, grade, test, known_at, created_at, locked_out, waiting_since)
    select ${uuid('device', 'n')}, ${uuid('person', `n % ${people}`)}, '0000' || (8000 + n % 140) || '-' || upper(substr(md5('udid' || n), 1, 16)), upper(translate(substr(md5('sn' || n), 1, 12), 'io01', 'xyzw')),
      ${of(productTypes, `(${thrown('n', 1000)} * ${thrown('n', 1000)} / 1000 * ${productTypes.length} / 1000)`)}, ${of(['21A329', '20A362', '19H12', '22A3354', '21F90'], thrown('n', 97))},
      ${of(['17.0', '16.0', '15.6.1', '18.0', '17.5.1'], thrown('n', 97))}, case n % 20 when 0 then 'attested' when 1 then 'listed' when 2 then 'claimed' else 'signed' end, false, made, made,
      case when n % 300 = 1 then 'revoked' when n % 500 = 2 then 'held' end, case when n >= ${first} then made end
    from (select n, ${at} - interval '3 years' * (1 - n::float / ${phones}) as made from generate_series(0, ${phones - 1}) n) s`)

  await step(`${people} invitations`, `insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, ended_at, created_at, created_by)
    select ${uuid('invitation', 'n')}, ${uuid('person', 'n')}, sha256(('token' || n)::bytea), '${template}', case when n % 50 = 0 then 'delivered' else 'device' end, 1 + n % 3, made + interval '7 days',
      case when n % 40 = 0 then made + interval '2 days' end, made, ${of(['Ada Admin', 'Olaf Operator', 'import'], 'n')}
    from (select n, ${at} - interval '3 years' * (1 - n::float / ${people}) as made from generate_series(0, ${people - 1}) n) s`)

  await step(`${phones * 1.25} enrollments`, `alter table enrollments disable trigger user; insert into enrollments (id, invitation_id, challenge_sha256, challenge_expires_at, state, device_id, decision, decided_at, created_at, updated_at, last_error, last_error_step)
    select ${enrollment('seed', 'n')}, ${uuid('invitation', `n % ${people}`)}, sha256(('challenge' || n)::bytea), d.created_at + interval '1 hour',
      case when n >= ${first} then 'quarantined' when n % 50 = 7 then 'refused' else 'issued' end, d.id,
      case when n >= ${first} then ${decision('\'quarantine\'', '\'model-unknown\'', 'd.product_type')} when n % 50 = 7 then ${decision('\'block\'', '\'model-not-approved\'', 'd.product_type')} else ${decision('\'allow\'', '\'allowed\'', 'd.product_type')} end,
      d.created_at, d.created_at, d.created_at, null, null
    from generate_series(0, ${phones - 1}) n join devices d on d.id = ${uuid('device', 'n')};
    insert into enrollments (id, invitation_id, challenge_sha256, challenge_expires_at, state, device_id, decision, decided_at, created_at, updated_at, last_error, last_error_step)
    select ${enrollment('past', 'n')}, ${uuid('invitation', `n % ${people}`)}, sha256(('earlier' || n)::bytea), d.created_at - interval '1 hour', case when n % 8 = 0 then 'quarantined' else 'refused' end, d.id,
      ${decision('case when n % 8 = 0 then \'quarantine\' else \'block\' end', '\'evidence-too-weak\'', 'd.product_type')}, d.created_at - interval '2 hours', d.created_at - interval '2 hours', d.created_at - interval '2 hours', 'evidence-too-weak', 'second-post'
    from generate_series(0, ${phones - 1}, 4) n join devices d on d.id = ${uuid('device', 'n')};
    insert into invitation_devices (invitation_id, device_id, taken_at) select invitation_id, device_id, created_at from enrollments where state = 'issued'; alter table enrollments enable trigger user`)

  await step(`${phones} pieces of evidence`, `insert into evidence (id, device_id, kind, grade, test, attributes, raw, raw_sha256, received_at)
    select ${uuid('evidence', 'n')}, d.id, 'ota-first-post', d.grade, false, jsonb_build_object('PRODUCT', d.product_type, 'VERSION', d.build, 'UDID', d.udid, 'SERIAL', d.serial_number),
      decode(repeat(md5('raw' || n), 16), 'hex'), sha256(('raw' || n)::bytea), d.created_at from generate_series(0, ${phones - 1}) n join devices d on d.id = ${uuid('device', 'n')}`)

  // Each phone has had two or three: the newest of the last year, the earlier ones a year before, each renewed a month ahead.
  const place = der.indexOf(serialNumber) + 1
  const turn = `n / ${first}`
  await step(`${certificates} certificates`, `insert into certificates (authority_id, serial_number, kind, state, partition, device_id, enrollment_id, invitation_id, key_origin, grade, decision, not_before, not_after, der, sha256,
      public_key_sha256, created_at, first_used_at, superseded_by)
    select ${authorityId}, serial, 'device', 'issued', n % ${partitions}, d.id, case when n < ${phones} then ${enrollment('seed', `n % ${first}`)} end, ${uuid('invitation', `(n % ${first}) % ${people}`)}, 'device', d.grade, ${decision('\'allow\'', '\'allowed\'', 'd.product_type')},
      made, made + interval '365 days', body, sha256(body), sha256(('key' || n)::bytea), made, case when n % 9 > 0 then made + interval '1 hour' end, case when ${turn} > 0 then set_byte(decode(md5('serial' || (n - ${first})), 'hex'), 0, 64) end
    from (select n, serial, ${at} - interval '365 days' * (${thrown(`n % ${first}`, 100000)} / 100000.0) - (${turn}) * interval '335 days' as made,
        overlay('\\x${der.toString('hex')}'::bytea placing serial from ${place}) as body
      from (select n, set_byte(decode(md5('serial' || n), 'hex'), 0, 64) as serial from generate_series(0, ${certificates - 1}) n) k) s join devices d on d.id = ${uuid('device', `n % ${first}`)}`)

  await step('revocations', `alter table revocations disable trigger user; insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor, cause, listed)
    select authority_id, serial_number, partition, not_after, case when superseded_by is not null then created_at + interval '336 days' else created_at + (${at} - created_at) * 0.7 end,
      case when superseded_by is not null then 4 else (array[1, 6, 0, 8, 5, 1])[1 + get_byte(sha256, 5) % 6] end, row_number() over (), 'Ada Admin', 'the phone was lost', not_after > ${at}
    from certificates where kind = 'device' and state = 'issued' and superseded_by is not null or get_byte(sha256, 4) < 20;
    alter table revocations enable trigger user; update counters set value = (select count(*) from revocations) where name = 'revocation-change'`)

  await step(`${certificates} records`, `insert into audit (at, actor, source, action, subject, detail)
    select ${at} - interval '3 years' * (1 - n::float / ${certificates}), ${of(['Ada Admin', 'Olaf Operator', 'Ines Roth', 'enrollment', 'enrollment', 'enrollment', 'enrollment'], 'n')}, 'console from 192.0.2.7',
      ${of(['certificate.issue', 'certificate.issue', 'device.decide', 'device.decide', 'invitation.create', 'certificate.revoke', 'person.update', 'certificate.use'], thrown('n', 9973))},
      case n % 3 when 0 then 'device:' || ${uuid('device', `n % ${phones}`)} when 1 then 'invitation:' || ${uuid('invitation', `n % ${people}`)} else 'certificate:' || encode(set_byte(decode(md5('serial' || n), 'hex'), 0, 64), 'hex') end,
      jsonb_build_object('reason', 'as every day', 'before', jsonb_build_object('state', 'profiled'), 'after', jsonb_build_object('state', 'issued', 'number', n))
    from generate_series(1, ${certificates}) n`)

  await step('outbox', `insert into outbox (kind, event, recipient, subject, body, created_at, due_at, attempts, ended_at, sent)
    select 'mail', 'invitation', 'u' || n || '@example.com', 'Your invitation', null, made, made, 1, made, n % 200 > 0
    from (select n, ${at} - interval '30 days' * (1 - n::float / 50000) as made from generate_series(1, 50000) n) s`)

  await step('inventory', `insert into inventory (serial_number, udid, product_types, model, owner_email, asset_tag, imported_at, imported_by)
    select distinct on (upper(serial_number)) upper(serial_number), null, array[product_type], 'iPhone', 'u' || n || '@example.com', 'A-' || n, ${at}, 'Ada Admin'
    from generate_series(0, ${Math.min(phones, 100_000) - 1}) n join devices d on d.id = ${uuid('device', 'n')} where serial_number is not null`)

  await step('changes of policy', `insert into policy_changes (id, edit, state, created_at, created_by, source, total, checked, action, due_at, applied_at, applied_by)
    select ${uuid('change', 'n')}, jsonb_build_object('kind', 'add-rule', 'rule', jsonb_build_object('id', ${uuid('rule', 'n')}, 'verdict', 'block', 'conditions', jsonb_build_object('osVersion', jsonb_build_object('below', '15.' || n % 8)), 'reason', 'holes that are known', 'author', 'Ada Admin', 'createdAt', made)),
      'applied', made, 'Ada Admin', 'console from 192.0.2.7', ${phones}, ${phones}, 'hold', made, made, 'Ada Admin'
    from (select n, ${at} - interval '3 years' * (1 - n::float / 200) as made from generate_series(1, 200) n) s;
    alter table policy_effects disable trigger user; insert into policy_effects (change_id, device_id, serial_number, authority_id, invitation_id, effect, verdict, help, why, person_text, outcome)
    select ${uuid('change', `case when n < ${phones / 4} then 200 else 150 + n % 50 end`)}, c.device_id, c.serial_number, c.authority_id, c.invitation_id, 'stops', 'block', 'update', 'Blocked because iOS is older than 15.8.', 'Update your phone.', 'held'
    from generate_series(0, ${phones / 2 - 1}) n join certificates c on c.authority_id = ${authorityId} and c.serial_number = set_byte(decode(md5('serial' || n), 'hex'), 0, 64);
    alter table policy_effects enable trigger user;
    update policy_changes c set certificates = e.certificates, people = e.people, phones = e.phones, updatable = e.phones, held = e.certificates
      from (select change_id, count(*) as certificates, count(distinct d.person_id) as people, count(distinct device_id) as phones from policy_effects join devices d on d.id = device_id group by change_id) e where c.id = e.change_id`)

  await step('approvals, rules, exemptions, people who administer', `
    insert into approvals (id, pattern, least_evidence, reason, author, not_before, not_after)
      select ${uuid('approval', 'n')}, (${list(productTypes)})[n], 'signed', 'phones that the company bought', 'Ada Admin', ${at} - interval '3 years', case when n % 2 = 0 then ${at} + interval '1 year' end from generate_series(1, ${productTypes.length}) n;
    insert into rules (id, verdict, conditions, reason, author, created_at)
      select ${uuid('rule', 'n')}, 'block', jsonb_build_object('osVersion', jsonb_build_object('below', '15.' || n % 8)), 'holes that are known', 'Ada Admin', ${at} - interval '3 years' * (1 - n::float / 12) from generate_series(1, 12) n;
    insert into exemptions (id, device_id, invitation_id, verdict, least_evidence, reason, author, created_at, not_after, ended_at)
      select ${uuid('exemption', 'n')}, ${uuid('device', 'n')}, ${uuid('invitation', `n % ${people}`)}, case when n % 3 = 0 then 'block' else 'allow' end, 'signed', 'looked at by hand', 'Olaf Operator', ${at} - interval '100 days', ${at} + interval '200 days' * (n / 20 % 5 - 1), null
      from generate_series(0, ${first - 1}, 20) n;
    insert into front_ends (id, name, kind, convention, secret_sha256, created_at) values (${uuid('front-end', '1')}, 'mail', 'nginx', 'nginx', sha256('front-end'), ${at});
    insert into admins (id, name, email, role, created_at) select ${uuid('admin', 'n')}, 'Admin ' || n, 'admin' || n || '@example.com', 'operator', ${at} from generate_series(1, 60) n;
    insert into tokens (id, name, role, token_sha256, admin_id, created_at) select ${uuid('token', 'n')}, 'token ' || n, 'auditor', sha256(('api' || n)::bytea), ${uuid('admin', 'n')}, ${at} from generate_series(1, 60) n`)

  // Those that people and numbers are found by take longest; meanwhile the others are made.
  const unbuilt = indexes.toSorted((a, b) => Number(b.name.endsWith('_search')) - Number(a.name.endsWith('_search')))
  const build = async (): Promise<void> => {
    for (let index = unbuilt.shift(); index !== undefined; index = unbuilt.shift()) await step(index.name, index.definition)
  }
  await Promise.all([build(), build()])
  const before = performance.now()
  await db.exec('set statement_timeout = 0; analyze')
  say(`analyze: ${((performance.now() - before) / 1000).toFixed(1)} s`)
  await db.exec('drop table seed_progress')
}
