import { randomBytes, randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import { html } from '../../src/console/html.ts'
import { furtherBack, nothingFound } from '../../src/console/search-field.ts'
import type { Database } from '../../src/store/db.ts'
import { searchCertificates, searchDevices, searchText } from '../../src/store/search.ts'
import { searchPeople } from '../../src/store/search-people.ts'
import { freshDatabase } from '../support/database.ts'
import { overheard } from '../support/plans.ts'

const start = Date.parse('2026-03-01T09:00:00Z')
const models = loadBundledCatalogue().models

type Phone = { name?: string, email?: string, udid?: string, serialNumber?: string, productType?: string, certificate?: string }

/** @returns the id of the device */
async function add(db: Database, phone: Phone, age = 0): Promise<string> {
  const [id, person, at] = [randomUUID(), randomUUID(), new Date(start - age * 60_000)]
  await db.query('insert into people (id, name, email, created_at) values ($1, $2, $3, $4)', [person, phone.name ?? 'Nobody', phone.email ?? `${person}@example.org`, at])
  await db.query(`insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at) values ($1, $2, $3, $4, $5, 'signed', $6, $6)`,
    [id, person, phone.udid ?? '-', phone.serialNumber ?? '-', phone.productType ?? 'iPod1,1', at])
  if (phone.certificate !== undefined) await certificate(db, id, phone.certificate, at)
  return id
}

async function certificate(db: Database, device: string, serialNumber: string, at: Date, kind = 'device'): Promise<void> {
  await db.query(`insert into keys values ('6f1a3c1e-0000-4000-8000-000000000000', 'k', null, $1) on conflict do nothing`, [at])
  await db.query(`insert into authorities (name, role, certificate, key_id, created_at) values ('issuing', 'issuing', 'x', '6f1a3c1e-0000-4000-8000-000000000000', $1) on conflict do nothing`, [at])
  await db.query(`insert into certificates (authority_id, serial_number, kind, state, partition, device_id, not_before, not_after, der, sha256, public_key_sha256, created_at)
    select id, $1::bytea, $2, 'issued', 0, $3, $4, $4, 'der', sha256($1::bytea), 'key', $4 from authorities limit 1`, [Buffer.from(serialNumber, 'hex'), kind, device, at])
}

async function phones(db: Database, question: string): Promise<string[]> {
  const text = await searchText(db, question, models.values())
  return text === undefined ? [] : (await searchDevices(db, text, undefined, 50)).ids
}

async function finds(t: ExecutionContext, db: Database, id: string, questions: string[]): Promise<void> {
  for (const question of questions) t.deepEqual(await phones(db, question), [id], question)
}

async function findsNothing(t: ExecutionContext, db: Database, questions: string[]): Promise<void> {
  for (const question of questions) t.deepEqual(await phones(db, question), [], question)
}

test('a phone is found by the beginning of a word of what is known of it, and by any three letters in a row', async t => {
  const db = await freshDatabase(t)
  const id = await add(db, { name: 'Ines  Roth', email: 'ines@example.com', udid: '00008110-001A2B3C4D5E601E', serialNumber: 'F2LTESTTEST1', productType: 'iPhone14,5', certificate: '4a170000000000000000000000000001' })
  await add(db, { name: 'Tom Weiss', email: 'tom@example.com', productType: 'iPad13,18' })
  await finds(t, db, id, ['in', 'INES', 'nes r', 'ro', 'oth', 'ines@', 'f2', 'TTES', '1a2b3c', '0000', 'iphone14,', '14,5', 'iPhone 13', 'phone 13', '4a17', '4A:17:00', '0001'])
  await findsNothing(t, db, ['th', '2l', 'ines weiss', 'eve', 'zzz', '4a18', '%', '___', 'in_s', '\\'])
})

test('letters are the same with and without accents, small and large, whole and composed', async t => {
  const db = await freshDatabase(t)
  const id = await add(db, { name: 'José Özil' })
  const other = await add(db, { name: 'ΆΘΗΝΑ Йод' })
  await finds(t, db, id, ['jose', 'JOSÉ', 'jose\u0301', 'oz', 'ÖZIL', 'se oz'])
  await finds(t, db, other, ['αθη', 'άθηνα', 'ЙО', 'йод'])
})

test('nothing is found by nothing, and hostile names are looked for as text', async t => {
  const db = await freshDatabase(t)
  const id = await add(db, { name: '\u202e<script>\' or 1=1 --\n\u0000'.replaceAll('\u0000', ''), email: 'x@example.org' })
  await add(db, { name: '=1+1'.repeat(3000) })
  await findsNothing(t, db, ['', ' ', '\n', '\t\t', '\u0301'])
  await finds(t, db, id, ['<script>', '\' or 1=1', '--'])
  t.is((await phones(db, '=1+1')).length, 1)
})

test('a certificate is found by its serial number, its fingerprint, and all that is known of its phone; what is no phone\'s is not', async t => {
  const db = await freshDatabase(t)
  const device = await add(db, { name: 'Ines Roth', serialNumber: 'F2LTESTTEST1', productType: 'iPhone14,5', certificate: '4a170000000000000000000000000001' })
  await certificate(db, device, '4bcd0000000000000000000000000002', new Date(start + 1000))
  await certificate(db, device, '4bcd0000000000000000000000000003', new Date(start), 'bootstrap')
  const found = async (question: string): Promise<string[]> =>
    (await searchCertificates(db, (await searchText(db, question, models.values()))!, undefined, 50)).ids.map(id => id.toString('hex').slice(0, 4))
  t.deepEqual(await found('4a17'), ['4a17'])
  t.deepEqual(await found('4bcd'), ['4bcd'])
  for (const question of ['roth', 'f2l', 'iphone 13', '000000000000']) t.deepEqual(await found(question), ['4bcd', '4a17'], question)
  const [row] = await db.query<{ sha256: Buffer }>(`select sha256 from certificates where serial_number = '\\x4a170000000000000000000000000001'`)
  const fingerprint = row!.sha256.toString('hex')
  t.deepEqual(await found(fingerprint), ['4a17'])
  t.deepEqual(await found(fingerprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')), ['4a17'])
  t.deepEqual(await found(fingerprint.slice(20, 40)), ['4a17'])
})

/** So many certificates that are newer than the others; their numbers are thrown, and begin with a 5. */
async function newerCertificates(db: Database, device: string, count: number): Promise<void> {
  await db.query(`insert into certificates (authority_id, serial_number, kind, state, partition, device_id, not_before, not_after, der, sha256, public_key_sha256, created_at)
    select a.id, set_byte(decode(md5('s' || n), 'hex'), 0, 80), 'device', 'issued', 0, $1, $2, $2, 'der', sha256(('s' || n)::bytea), 'key', $2
    from generate_series(1, $3) n, (select id from authorities limit 1) a`, [device, new Date(start + 60_000), count])
}

test('a certificate is found by the beginning of its number or fingerprint, and by digits from the middle, however many are newer', async t => {
  const db = await freshDatabase(t)
  const device = await add(db, { name: 'Ines Roth', certificate: '4a17c0ffee00000000abcdefabcdef01' })
  await newerCertificates(db, device, 3500)
  const found = async (question: string) => {
    const { ids, lookedBackTo } = await searchCertificates(db, (await searchText(db, question, []))!, undefined, 50)
    return [ids.map(id => id.toString('hex').slice(0, 4)), lookedBackTo]
  }
  const [row] = await db.query<{ sha256: Buffer }>(`select sha256 from certificates where created_at = $1`, [new Date(start)])
  const fingerprint = row!.sha256.toString('hex')
  for (const question of ['4a17c0ffee00000000abcdefabcdef01', '4a17c0ffee000', '4a17c0f', '0000abcdef', fingerprint, fingerprint.slice(0, 13), fingerprint.slice(20, 50)]) t.deepEqual(await found(question), [['4a17'], undefined], question)
})

test('digits that so many certificates must have by chance are not looked for among all of them, and the answer says how far back it goes', async t => {
  const { db, statements } = overheard(await freshDatabase(t))
  const device = await add(db, { name: 'Ines Roth', certificate: '4a17c0ffee00000000abcdefabcdef01' })
  await newerCertificates(db, device, 3500)
  const asks = async (question: string): Promise<boolean> => {
    const text = (await searchText(db, question, []))!
    statements.length = 0
    const { lookedBackTo } = await searchCertificates(db, text, undefined, 1000)
    const asked = statements.some(({ text }) => text.includes('search_grams(E'))
    t.is(lookedBackTo === undefined, asked, question)
    return asked
  }
  t.true(await asks('17c0'))
  await db.query(`update pg_class set reltuples = 10000000 where relname = 'certificates'`)
  t.false(await asks('17c'))
  t.false(await asks('17c0'))
  t.true(await asks('17c0ff'))
})

test('who is called like digits is found however many certificates have those, and the page says what was not looked through', async t => {
  const db = await freshDatabase(t)
  await crowd(db, 3100, index => `New ${index}`)
  const id = await add(db, { name: 'Ada Lovelace', certificate: '4a17c0ffee00000000abcdefabcdef01' }, 1440)
  await db.query(`update pg_class set reltuples = 10000000 where relname = 'certificates'`)
  const { ids, next, lookedBackTo } = await searchDevices(db, (await searchText(db, 'ada', models.values()))!, undefined, 50)
  t.deepEqual([ids.at(-1), next], [id, undefined])
  t.truthy(lookedBackTo)
  t.regex(String(furtherBack(null, lookedBackTo!.toISOString())), /Very many certificates have these digits/)
  t.is(furtherBack(null, null), undefined)
  t.deepEqual([lookedBackTo!.toISOString(), null].map(back => String(nothingFound(back, html`There is none.`))), ['Nothing so far.', 'There is none.'])
})

test('people are looked for among people alone', async t => {
  const { db, statements } = overheard(await freshDatabase(t))
  const device = await add(db, { name: 'Ada Lovelace' })
  const [person] = await db.query<{ id: string }>('select person_id as id from devices where id = $1', [device])
  await db.query(`insert into people (id, name, email, created_at) select gen_random_uuid(), 'Tom', 'e-' || n, $1 from generate_series(1, 3100) n`, [new Date(start + 60_000)])
  const text = (await searchText(db, 'ada', models.values()))!
  statements.length = 0
  t.deepEqual(await searchPeople(db, text, undefined, 50), { ids: [person!.id], next: undefined, lookedBackTo: undefined })
  t.deepEqual(statements.filter(({ text }) => /devices|certificates/.test(text)), [])
})

/** Many people with a phone each, newest first: their names are `name(0)`, `name(1)`, … */
async function crowd(db: Database, count: number, name: (index: number) => string): Promise<void> {
  const people = Array.from({ length: count }, (_, index) => ({ id: randomUUID(), name: name(index), at: new Date(start - index * 1000) }))
  await db.query(`insert into people (id, name, email, created_at) select u.id, u.name, 'e-' || u.id, u.at from unnest($1::uuid[], $2::text[], $3::timestamptz[]) as u (id, name, at)`,
    [people.map(p => p.id), people.map(p => p.name), people.map(p => p.at)])
  await db.query(`insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at)
    select gen_random_uuid(), id, '-', '-', 'iPod1,1', 'signed', created_at, created_at from people`)
}

async function names(db: Database, ids: readonly string[]): Promise<string[]> {
  const rows = await db.query<{ id: string, name: string }>('select d.id, p.name from devices d join people p on p.id = d.person_id where d.id = any($1::uuid[])', [ids])
  const byId = new Map(rows.map(row => [row.id, row.name]))
  return ids.map(id => byId.get(id)!)
}

test('pages of a search go back in time without repeating or leaving out, however far back what they find is', async t => {
  const db = await freshDatabase(t)
  // Seldom and far back; often; often, but only far back.
  await crowd(db, 8000, index => index > 7900 && index % 10 === 0 ? `Rare ${index}` : index < 3500 ? `New ${index}` : `Old ${index}`)
  const all = async (question: string, limit: number): Promise<{ names: string[], stops: number }> => {
    const text = (await searchText(db, question, []))!
    const ids: string[] = []
    let stops = 0
    for (let before; ;) {
      const page = await searchDevices(db, text, before, limit)
      t.true(page.ids.length <= limit)
      ids.push(...page.ids)
      if (page.lookedBackTo !== undefined) stops++
      if (page.next === undefined) return { names: await names(db, ids), stops }
      before = page.next
    }
  }
  t.deepEqual(await all('rare', 4), { names: Array.from({ length: 9 }, (_, index) => `Rare ${7910 + index * 10}`), stops: 0 })
  t.deepEqual((await all('new', 500)).names, Array.from({ length: 3500 }, (_, index) => `New ${index}`))
  const old = await all('old', 500)
  t.is(old.names.length, 8000 - 3500 - 9)
  t.is(old.names[0], 'Old 3500')
  t.is(new Set(old.names).size, old.names.length)
  t.true(old.stops > 0)
})

test('the index holds what is searched for', async t => {
  const db = await freshDatabase(t)
  await crowd(db, 3000, () => randomBytes(8).toString('hex'))
  await db.query('vacuum analyze people')
  const plan = (await db.query<Record<string, string>>(`explain select id from people where search_grams(search) @> $1::text[]`, [['abc', 'bcd', 'cde']])).map(row => row['QUERY PLAN']).join('\n')
  t.regex(plan, /people_search/)
})
