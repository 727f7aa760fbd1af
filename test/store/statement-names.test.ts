import test, { type ExecutionContext } from 'ava'
import type { Queryable } from '../../src/store/db.ts'
import { openServer } from '../../src/store/server.ts'
import { isPlannedOnce, StatementNames } from '../../src/store/statement-names.ts'
import { testDatabase } from '../support/database.ts'
import { peer } from '../support/peers.ts'
import { startPgBouncer } from '../support/pgbouncer.ts'

test('a statement gets a name when it is asked again and again, and keeps it', t => {
  const names = new StatementNames()
  const given = Array.from({ length: 6 }, () => names.of('select 1'))
  t.deepEqual(given, [undefined, undefined, undefined, given[3], given[3], given[3]])
  t.truthy(given[3])
})

test('two instances give the same name to the same statement, whatever they asked before, and never to two', t => {
  const [one, other] = [new StatementNames(), new StatementNames()]
  for (let use = 0; use < 4; use++) other.of('select 2')
  const named = (names: StatementNames, text: string): string | undefined => [1, 2, 3, 4].map(() => names.of(text)).at(-1)
  t.is(named(one, 'select 1'), named(other, 'select 1'))
  t.not(named(one, 'select 1'), named(other, 'select 2'))
  t.true(named(one, 'select 1')!.length < 64)
})

test('a page of a list, and what is asked with or without some value, have no name', t => {
  t.false(isPlannedOnce('select id from people where id > $1 order by id LIMIT 50'))
  t.false(isPlannedOnce('select id from people where ($1::uuid is null or id = $1)'))
  t.true(isPlannedOnce('select id from people where id = $1'))
})

test('names are given to so many statements and no more', t => {
  const names = new StatementNames()
  const given = new Set<string | undefined>()
  for (let statement = 0; statement < 1000; statement++) for (let use = 0; use < 4; use++) given.add(names.of(`select ${statement}`))
  t.is(given.size, 401)
})

/** @returns the address of an empty database, where there is a server */
async function onServer(t: ExecutionContext): Promise<string | undefined> {
  if (process.env['DATABASE_URL'] !== undefined) return (await testDatabase(t)).url
  t.log('skipped: needs a PostgreSQL server, DATABASE_URL names none')
  return undefined
}

/** Those of the connection that is asked. */
const preparedIn = async (db: Queryable): Promise<string[]> =>
  (await db.query<{ statement: string }>(`select statement from pg_prepared_statements where name like 'latchkey%'`)).map(({ statement }) => statement)

const often = async (tx: Queryable, text: string, params: unknown[] = []): Promise<unknown[]> => {
  let rows: unknown[] = []
  for (let use = 0; use < 6; use++) rows = await tx.query(text, params)
  return rows
}

test('a server plans a statement once that is asked again and again', async t => {
  const url = await onServer(t)
  if (url === undefined) return t.pass()
  const db = await openServer(url)
  t.teardown(async () => { await db.close() })
  const prepared = await db.transaction(async tx => {
    await often(tx, 'select $1::int + 1 as planned_once', [1])
    return await preparedIn(tx)
  })
  t.deepEqual(prepared.filter(text => text.includes('planned_once')), ['select $1::int + 1 as planned_once'])
})

test('when a table has changed since, a statement with a name is planned anew, in transactions as well', async t => {
  const url = await onServer(t)
  if (url === undefined) return t.pass()
  const db = await openServer(url)
  t.teardown(async () => { await db.close() })
  await db.exec('create table changing (a int); insert into changing values (1)')
  t.deepEqual(await often(db, 'select * from changing'), [{ a: 1 }])
  await db.exec('alter table changing add column b int default 2')
  t.deepEqual(await often(db, 'select * from changing'), [{ a: 1, b: 2 }])
  await db.transaction(async tx => { await often(tx, 'select * from changing where a = 1') })
  await db.exec('alter table changing add column c int default 3')
  t.deepEqual(await db.transaction(async tx => await often(tx, 'select * from changing where a = 1')), [{ a: 1, b: 2, c: 3 }])
})

test('through a pooler in transaction mode no statement has a name', async t => {
  const [url, program] = [await onServer(t), peer(t, 'pgbouncer')]
  if (url === undefined || program === undefined) return t.pass()
  const pooler = await startPgBouncer(program, url)
  t.teardown(pooler.end)
  const db = await openServer(pooler.before(url), url)
  t.teardown(async () => { await db.close() })
  await Promise.all(Array.from({ length: 20 }, async () => { await often(db, 'select 1 as pooled') }))
  t.deepEqual(await preparedIn(db), [])
})
