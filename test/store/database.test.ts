import test from 'ava'
import { DatabaseError, isUniqueViolation, json, type Database } from '../../src/store/db.ts'
import { openServer } from '../../src/store/server.ts'
import { testDatabase } from '../support/database.ts'

const types = `create table samples (
  int8 bigint, int4 integer, float double precision, exact numeric, truth boolean, word text, bytes bytea,
  instant timestamptz, day date, wall timestamp, id uuid, document jsonb, plain json,
  words text[], numbers bigint[], blobs bytea[], instants timestamptz[], documents jsonb[])`

const sample = {
  int8: Number.MAX_SAFE_INTEGER, int4: -7, float: 0.1, exact: '12345678901234567890.5', truth: true, word: 'ünï\n"\\', bytes: Buffer.from([0, 255, 92]),
  instant: new Date('2026-03-01T09:00:00.123Z'), day: '2026-03-01', wall: '2026-03-01 09:00:00',
  id: '8c3e1b3e-6a4d-4d5e-9a0e-3a0e7f9d2b11', document: { a: [1, null, 'x"y'] }, plain: ['\u2028'],
  words: ['a', 'b "c"', 'NULL', '', ',{}\\', null], numbers: [1, -2], blobs: [Buffer.from('x'), Buffer.alloc(0)],
  instants: [new Date('2026-03-01T09:00:00Z')], documents: [{ k: '"}' }, []],
}

async function insertSample(db: Database): Promise<void> {
  const { document, plain, documents, ...rest } = sample
  const values = { ...rest, document: json(document), plain: json(plain), documents: documents.map(json) }
  const names = Object.keys(values)
  await db.query(`insert into samples (${names.join()}) values (${names.map((_, i) => `$${i + 1}`).join()})`, Object.values(values))
}

test('a value comes back from the database as the value that went in', async t => {
  const { db } = await testDatabase(t)
  await db.exec(types)
  await insertSample(db)
  t.deepEqual(await db.query('select * from samples'), [sample])
  t.deepEqual(await db.query('select count(*), sum(int4) as sum from samples'), [{ count: 1, sum: -7 }])
})

test('null and undefined both become null', async t => {
  const { db } = await testDatabase(t)
  const [row] = await db.query('select $1::text as a, $2::bytea as b, $3::text[] as c', [null, undefined, []])
  t.deepEqual(row, { a: null, b: null, c: [] })
})

test('a bigint that a number cannot hold is an error, not another number', async t => {
  const { db } = await testDatabase(t)
  const error = await t.throwsAsync(db.query('select 9007199254740993::bigint as n'), { instanceOf: DatabaseError })
  t.is((error as DatabaseError).code, '22003')
  t.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
})

test('an object is no parameter unless it says that it is json', async t => {
  const { db } = await testDatabase(t)
  await t.throwsAsync(db.query('select $1::jsonb', [{ a: 1 }]), { instanceOf: TypeError })
  t.deepEqual(await db.query('select $1::jsonb as a', [json({ a: 1 })]), [{ a: { a: 1 } }])
})

test('a broken constraint is named, and says nothing about the row', async t => {
  const { db } = await testDatabase(t)
  await db.exec('create table people (name text constraint people_name_once unique, age integer check (age > 0))')
  await db.query(`insert into people values ('ada', 36)`)
  const error = await t.throwsAsync(db.query(`insert into people values ('ada', 37)`), { instanceOf: DatabaseError })
  t.true(isUniqueViolation(error, 'people_name_once'))
  t.false(isUniqueViolation(error, 'people_pkey'))
  t.notRegex(error.message, /ada/)
  t.true((error.stack ?? '').length < 4000)
  const checked = await t.throwsAsync(db.query(`insert into people values ('bob', -1)`), { instanceOf: DatabaseError })
  t.is((checked as DatabaseError).constraint, 'people_age_check')
})

test('a query is one statement', async t => {
  const { db } = await testDatabase(t)
  await t.throwsAsync(db.query('select 1; select 2'), { instanceOf: DatabaseError })
  await db.exec('create table a (n integer); insert into a values (1)')
  t.deepEqual(await db.query('select n from a'), [{ n: 1 }])
})

test('a transaction keeps everything or nothing', async t => {
  const { db } = await testDatabase(t)
  await db.exec('create table marks (n integer)')
  await db.transaction(async tx => { await tx.query('insert into marks values ($1)', [1]) })
  const refusal = new Error('second thoughts')
  const thrown = await t.throwsAsync(db.transaction(async tx => {
    await tx.query('insert into marks values ($1)', [2])
    throw refusal
  }))
  t.is(thrown, refusal)
  t.deepEqual(await db.query('select n from marks'), [{ n: 1 }])
})

test('a transaction that swallowed the failure of a statement does not pretend to have committed', async t => {
  const { db } = await testDatabase(t)
  await db.exec('create table marks (n integer)')
  const error = await t.throwsAsync(db.transaction(async tx => {
    await tx.query('insert into marks values (1)')
    await tx.query('select * from nowhere').catch(() => {})
  }), { instanceOf: DatabaseError })
  t.is((error as DatabaseError).code, '25P02')
  t.deepEqual(await db.query('select n from marks'), [])
})

test('using the database inside its own transaction throws at once, and the transaction can go on', async t => {
  const { db } = await testDatabase(t)
  const value = await db.transaction(async tx => {
    await t.throwsAsync(db.query('select 1'), { message: /inside its own transaction/ })
    await t.throwsAsync(db.exec('select 1'), { message: /inside its own transaction/ })
    await t.throwsAsync(db.transaction(async () => {}), { message: /inside its own transaction/ })
    return (await tx.query<{ n: number }>('select 5 as n'))[0]?.n
  })
  t.is(value, 5)
})

test('a transaction that has ended cannot be used any more', async t => {
  const { db } = await testDatabase(t)
  const { tx } = await db.transaction(async tx => ({ tx }))
  await t.throwsAsync(tx.query('select 1'), { message: /after it had ended/ })
})

test('work started inside a transaction may use the database once the transaction has ended', async t => {
  const { db } = await testDatabase(t)
  const ended = Promise.withResolvers<void>()
  const { later } = await db.transaction(async () => ({ later: ended.promise.then(() => db.query('select 1 as n')) }))
  ended.resolve()
  t.deepEqual(await later, [{ n: 1 }])
})

test('a transaction runs again when the database asks for it, and gives up in the end', async t => {
  const { db } = await testDatabase(t)
  await db.exec(`create function conflict() returns void language plpgsql as $$ begin raise sqlstate '40001'; end $$`)
  let runs = 0
  const value = await db.transaction(async tx => {
    runs++
    if (runs < 3) await tx.query('select conflict()')
    return 'done'
  })
  t.is(value, 'done')
  t.is(runs, 3)
  const error = await t.throwsAsync(db.transaction(async tx => await tx.query('select conflict()')), { instanceOf: DatabaseError })
  t.is((error as DatabaseError).code, '40001')
})

test('a listener hears what is sent by transactions that commit, until it stops listening', async t => {
  const { db } = await testDatabase(t)
  const heard: string[] = []
  const first = Promise.withResolvers<void>()
  const last = Promise.withResolvers<void>()
  const stop = await db.listen('revocations', payload => { heard.push(payload); first.resolve() })
  await db.listen('others', () => last.resolve())
  await db.transaction(async tx => { await tx.query(`select pg_notify('revocations', 'rolled back')`); throw new Error('no') }).catch(() => {})
  await db.transaction(async tx => { await tx.query(`select pg_notify('revocations', 'committed')`) })
  await first.promise
  await stop()
  await db.query(`select pg_notify('revocations', 'unheard')`)
  await db.query(`select pg_notify('others', '')`)
  await last.promise
  t.deepEqual(heard, ['committed'])
  await t.throwsAsync(db.listen('a; drop table b', () => {}), { instanceOf: TypeError })
})

test('a database that is closed is unavailable, and closing it again changes nothing', async t => {
  const { db } = await testDatabase(t)
  await db.close()
  await db.close()
  await t.throwsAsync(db.query('select 1'), { code: 'database-unavailable' })
})

test('a server that cannot be reached is an outage whose text names no address', async t => {
  const error = await t.throwsAsync(openServer('postgresql://nobody:secret@127.0.0.1:1/none'), { code: 'database-unavailable' })
  t.notRegex(error.message, /secret|127/)
})
