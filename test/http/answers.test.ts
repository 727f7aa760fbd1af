import test from 'ava'
import { createHash, randomUUID } from 'node:crypto'
import { openAnswers, type Answers } from '../../src/http/answers.ts'
import { silentLog } from '../../src/http/log.ts'
import { Remembered } from '../../src/http/remembered.ts'
import { answerChangeStore, answerTables, answerTablesForNew, mayChangeAnswers } from '../../src/store/answer-changes.ts'
import type { CertificateKey } from '../../src/certificates/revoke.ts'
import { CaError } from '../../src/errors.ts'
import type { Database } from '../../src/store/db.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { openServer } from '../../src/store/server.ts'
import { testDatabase } from '../support/database.ts'
import { holdNow, issueDevice, prepareDevice, releaseNow, revokeNow, type Issued } from '../support/issued.ts'
import { migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { testService, type TestService } from '../support/service.ts'

const answersOn = (db: Database): Answers => openAnswers({ db, log: silentLog, databaseLossSeconds: 5 })

async function untilTrue(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise(resolve => { setTimeout(resolve, 5) })
}

/** Asks until it is remembered. */
async function remembered(answers: Answers, key: CertificateKey): Promise<void> {
  await untilTrue(async () => { await answers.byKey(key); return answers.known.byKey(key) !== undefined })
}

async function addFrontEnd({ db, now }: TestService, name: string): Promise<void> {
  await frontEndStore(db).add({ id: randomUUID(), name, kind: 'nginx', convention: 'nginx', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update('secret').digest(), createdAt: now() })
}

const statusNow = async (answers: Answers, key: CertificateKey) => (await answers.byKey(key))?.revocation?.reason ?? 'good'

/** As another instance sees it: what is done through `db` is done by somebody else. */
const elsewhere = (db: Database): Database => ({ ...db, watchCommits: () => () => {} })

test('what was asked for is remembered, under its serial number and its digest, and read once', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  let reads = 0
  const answers = answersOn({ ...service.db, query: async (text, params) => { reads++; return await service.db.query(text, params) } })
  const sha256 = createHash('sha256').update(issued.certificate.raw).digest()
  // Not while the machine is so busy that nothing counts for the moment.
  await untilTrue(async () => {
    await remembered(answers, issued)
    reads = 0
    const record = await answers.byKey(issued)
    return reads === 0 && record === answers.known.bySha256(sha256)
  })
  t.is(answers.known.byKey({ ...issued, authorityId: issued.authorityId + 1 }), undefined)
})

test('a revocation of this instance is forgotten about before it is told to be done, and in doubt before it is committed', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  const answers = answersOn(service.db)
  await remembered(answers, issued)
  const beforeCommit: unknown[] = []
  service.db.watchCommits({ concerns: mayChangeAnswers, beforeCommit: async () => { beforeCommit.push(answers.known.byKey(issued)); return () => {} } })
  await revokeNow(service, issued)
  t.is(answers.known.byKey(issued), undefined)
  t.deepEqual(beforeCommit, [undefined])
  t.is(await statusNow(answers, issued), 0)
})

test('what was read before a revocation and arrives after it is not remembered', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  let hold: Promise<void> | undefined
  const read = Promise.withResolvers<void>()
  const answers = answersOn({ ...service.db, query: async (text, params) => {
    const rows = await service.db.query<any>(text, params)
    read.resolve()
    await hold
    return rows
  } })
  await remembered(answers, issued)
  answers.forget(issued)
  const held = Promise.withResolvers<void>()
  hold = held.promise
  const [before, late] = [answers.changes(), answers.byKey(issued)]
  await read.promise
  await revokeNow(service, issued)
  held.resolve()
  await late
  t.not(answers.changes(), before)
  t.is(answers.known.byKey(issued), undefined)
  t.is(await statusNow(answers, issued), 0)
})

test('a change that was rolled back leaves nothing in doubt', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  const answers = answersOn(service.db)
  await remembered(answers, issued)
  service.db.watchCommits({ concerns: mayChangeAnswers, beforeCommit: async () => { throw new Error('no') } })
  await t.throwsAsync(revokeNow(service, issued), { message: 'no' })
  await remembered(answers, issued)
  t.is(await statusNow(answers, issued), 'good')
})

const changes: Record<string, (service: TestService, issued: Issued) => Promise<unknown>> = {
  held: holdNow,
  released: async (service, issued) => { await holdNow(service, issued); await releaseNow(service, issued) },
  'revoked by the root': async ({ db, now }, { authorityId }) => await db.query('update authorities set revoked_at = $2 where id = $1', [authorityId, now()]),
  'found to contradict itself': async ({ db }, { deviceId }) => await db.query('update devices set activesync_version = activesync_version + 1 where id = $1', [deviceId]),
  'of somebody with another address': async ({ db }, { deviceId }) => await db.query(`update people set email = 'new@example.org' where id = (select person_id from devices where id = $1)`, [deviceId]),
  'of a simulated phone': async ({ db }, { serialNumber }) => await db.query('update certificates set test = true where serial_number = $1', [serialNumber]),
  'shortened in a transaction': async ({ db, now }, { serialNumber }) => await db.transaction(async tx => await tx.query('update certificates set not_after = $2 where serial_number = $1', [serialNumber, now()])),
}
for (const [what, change] of Object.entries(changes)) {
  test(`a certificate that is ${what} is read anew, here at once and elsewhere soon`, async t => {
    const service = await testService(t)
    const issued = await issueDevice(service)
    const [here, there] = [answersOn(service.db), answersOn(elsewhere(service.db))]
    for (const answers of [here, there]) await remembered(answers, issued)
    await change(service, issued)
    t.is(here.known.byKey(issued), undefined)
    await untilTrue(() => there.known.byKey(issued) === undefined)
    t.deepEqual(await there.byKey(issued), await here.byKey(issued))
  })
}

test('a front end that has ended, or has another secret, is known no more, here at once and elsewhere soon', async t => {
  const service = await testService(t)
  const [here, there] = [answersOn(service.db), answersOn(elsewhere(service.db))]
  const isKnown = async (answers: Answers, name: string): Promise<void> =>
    await untilTrue(async () => { await answers.frontEnd(name); return answers.known.frontEnd(name) !== undefined })
  for (const change of ['set ended_at = now()', `set secret_sha256 = sha256('other')`, `set activesync = 'refuse'`]) {
    await addFrontEnd(service, 'edge')
    for (const answers of [here, there]) await isKnown(answers, 'edge')
    await service.db.query(`update front_ends ${change} where name = 'edge'`)
    t.is(here.known.frontEnd('edge'), undefined)
    await untilTrue(() => there.known.frontEnd('edge') === undefined)
    await service.db.query(`update front_ends set ended_at = now() where ended_at is null`)
  }
  t.is(await here.frontEnd('edge'), undefined)
})

test('without notifications another instance still sees a revocation', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  const answers = answersOn({ ...elsewhere(service.db), listen: async () => { throw new Error('behind a pooler') } })
  await remembered(answers, issued)
  await revokeNow(service, issued)
  await untilTrue(() => answers.known.byKey(issued) === undefined)
  t.is(await statusNow(answers, issued), 0)
})

test('who cannot look any more remembers nothing, and begins anew when it can', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  let lost = false
  const answers = answersOn({ ...elsewhere(service.db), queryApart: async (text, params) => {
    if (lost) throw new Error('lost')
    return await service.db.queryApart(text, params)
  } })
  await remembered(answers, issued)
  lost = true
  await untilTrue(() => answers.known.byKey(issued) === undefined && answers.size() === 0)
  await answers.byKey(issued)
  t.is(answers.size(), 0)
  await holdNow(service, issued)
  lost = false
  await remembered(answers, issued)
  t.is(await statusNow(answers, issued), 6)
})

const lostDatabase = (): CaError => new CaError('database-unavailable', 'the database is not reachable')

test('while the database is lost what is remembered is answered with for as long as the policy says, and no longer; nothing new is remembered', async t => {
  const service = await testService(t)
  const [issued, other] = [await issueDevice(service), await issueDevice(service)]
  let lost = false
  const unlessLost = <T>(work: () => Promise<T>): Promise<T> => lost ? Promise.reject(lostDatabase()) : work()
  const db: Database = {
    ...elsewhere(service.db), query: async (text, params) => await unlessLost(() => service.db.query(text, params)),
    queryApart: async (text, params) => await unlessLost(() => service.db.queryApart(text, params)),
  }
  const [patient, strict] = [openAnswers({ db, log: silentLog, databaseLossSeconds: 3600 }), openAnswers({ db, log: silentLog, databaseLossSeconds: 1 })]
  for (const answers of [patient, strict]) await remembered(answers, issued)
  lost = true
  t.is((await patient.byKey(issued))!.revocation, null)
  // Longer than what counts while the database is there.
  await untilTrue(() => strict.known.byKey(issued) === undefined)
  await t.throwsAsync(strict.byKey(issued), { code: 'database-unavailable' })
  t.is((await patient.byKey(issued))!.revocation, null)
  await untilTrue(() => patient.known.byKey(issued) !== undefined)
  await t.throwsAsync(patient.byKey(other), { code: 'database-unavailable' })

  await revokeNow(service, issued)
  lost = false
  await untilTrue(() => patient.known.byKey(issued) === undefined)
  for (const answers of [patient, strict]) t.is(await statusNow(answers, issued), 0)
})

test('of a database that comes back as another server nothing that is remembered counts', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  let state: 'first' | 'lost' | 'second' = 'first'
  let failed = 0
  const answers = openAnswers({ log: silentLog, databaseLossSeconds: 3600, db: { ...elsewhere(service.db), queryApart: async <T>(text: string, params: readonly unknown[] = []) => {
    if (state === 'lost') {
      failed++
      throw lostDatabase()
    }
    const rows = await service.db.queryApart<{ era: string }>(text, params)
    return rows.map(row => state === 'second' ? { ...row, era: 'another' } : row) as T[]
  } } })
  await remembered(answers, issued)
  state = 'lost'
  await untilTrue(() => failed >= 6 && answers.known.byKey(issued) !== undefined)
  // Done where that server cannot tell of it.
  await service.db.exec(`alter table revocations disable trigger user`)
  await revokeNow(service, issued)
  state = 'second'
  await untilTrue(() => answers.known.byKey(issued) === undefined)
  t.is(await statusNow(answers, issued), 0)
})

test('who may not be without the database for a moment remembers nothing', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  const answers = openAnswers({ db: service.db, log: silentLog, databaseLossSeconds: 0 })
  // A busy machine may not answer within the tenth of a second that is waited then.
  for (let i = 0; i < 5; i++) await answers.byKey(issued).catch(() => undefined)
  t.is(answers.size(), 0)
})

test('what takes long to be committed is seen then, by whoever has looked many times since it began', async t => {
  const { db, url } = await testDatabase(t, await readMigrations(migrationsFolder))
  if (url === undefined) {
    t.log('skipped: DATABASE_URL names no server')
    t.pass()
    return
  }
  const service = await testService(t, { db })
  const issued = await issueDevice(service)
  const other = await openServer(url)
  t.teardown(() => other.close())
  const answers = answersOn(other)
  await remembered(answers, issued)
  const [begun, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const changing = db.transaction(async tx => {
    await tx.query('update certificates set test = true where serial_number = $1', [issued.serialNumber])
    begun.resolve()
    await commit.promise
  })
  await begun.promise
  // Later transactions that have ended before, each seen by a look of its own.
  for (let i = 0; i < 3; i++) {
    const another = await issueDevice(service)
    await remembered(answers, another)
    await revokeNow(service, another)
    await untilTrue(() => answers.known.byKey(another) === undefined)
  }
  await remembered(answers, issued)
  commit.resolve()
  await changing
  await untilTrue(() => answers.known.byKey(issued) === undefined)
  t.true((await answers.byKey(issued))?.test)
})

test('garbage, and what is not complete, takes nobody\'s place', async t => {
  const service = await testService(t)
  const answers = answersOn(service.db)
  await remembered(answers, await issueDevice(service))
  await answers.byKey(await prepareDevice(service))
  for (let i = 0; i < 20; i++) await answers.bySha256(createHash('sha256').update(`garbage ${i}`).digest())
  t.true(answers.size() <= 1)
})

test('of more than so many the one asked for longest ago is forgotten', t => {
  const known = new Remembered<number>(100)
  for (let i = 0; i < 10_000; i++) {
    known.set(`${i}`, i)
    known.get('0')
    t.true(known.size <= 100)
  }
  t.is(known.get('0'), 0)
  t.is(known.get('9999'), 9999)
  t.is(known.get('5000'), undefined)
})

test('every table with such a trigger is one whose statements are looked at, and no other', async t => {
  const { db } = await testService(t)
  const rows = await db.query<{ name: string }>(`select distinct tgrelid::regclass::text as name from pg_trigger where tgname like 'answer_changes%' order by 1`)
  t.deepEqual(rows.map(({ name }) => name), [...answerTables])
  // Bit 2 of tgtype: the trigger is for inserts (PostgreSQL, pg_trigger.h).
  const forNew = await db.query<{ name: string }>(`select distinct tgrelid::regclass::text as name from pg_trigger where tgname like 'answer_changes%' and tgtype & 4 <> 0 order by 1`)
  t.deepEqual(forNew.map(({ name }) => name), [...answerTablesForNew])
})

test('a statement that can fire such a trigger is looked at, and a new row that cannot is not', t => {
  for (const text of [
    'update certificates set state = $1', 'UPDATE only public.certificates set state = $1', 'delete from "revocations"', 'truncate table front_ends', 'merge into devices using x on true',
    'insert into revocations (reason) values (1)', 'with a as (insert into front_end_probes values (1) returning 1) select 1 from a',
    'insert into devices (id) values ($1)\non conflict (id) do update set udid = excluded.udid',
  ]) t.true(mayChangeAnswers(text), text)
  for (const text of ['insert into certificates (state) values ($1)', 'insert into devices (id) values ($1) on conflict do nothing', 'select * from certificates', 'update enrollments set state = $1']) {
    t.false(mayChangeAnswers(text), text)
  }
})

test('what is written down about changes is forgotten once everybody has seen it, and not before', async t => {
  const service = await testService(t)
  const count = async (): Promise<number> => (await service.db.query<{ count: number }>('select count(*) from answer_changes'))[0]!.count
  const store = answerChangeStore(service.db)
  await store.prune()
  await revokeNow(service, await issueDevice(service))
  const before = await count()
  t.true(before > 0)
  await store.prune()
  t.is(await count(), before)
  const tenMinutesAgo = `update counters set changed_at = changed_at - interval '11 minutes' where name = 'answer-changes-finished'`
  await service.db.query(tenMinutesAgo)
  await store.prune()
  t.is(await count(), before)
  // Not at the next time, where a transaction of somebody else was open at this one.
  await untilTrue(async () => {
    await service.db.query(tenMinutesAgo)
    await store.prune()
    return await count() === 0
  })
  t.pass()
})
