import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Database } from '../../src/store/db.ts'
import { openServer } from '../../src/store/server.ts'
import { testDatabase } from '../support/database.ts'
import { freePort } from '../support/free-port.ts'
import { until } from '../support/running-agent.ts'

/** Two instances of one database, the first of which has its connections cut by the second. */
async function twoInstances(t: ExecutionContext): Promise<{ db: Database, other: Database, cut: () => Promise<void> } | undefined> {
  const { db, url } = await testDatabase(t)
  if (url === undefined) {
    t.log('skipped: DATABASE_URL names no server')
    t.pass()
    return undefined
  }
  const other = await openServer(url)
  t.teardown(() => other.close())
  const cut = async (): Promise<void> => {
    await other.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()')
  }
  return { db, other, cut }
}

async function urlOf(db: Database): Promise<string> {
  const [{ name }] = await db.query<{ name: string }>('select current_database() as name') as [{ name: string }]
  return Object.assign(new URL(process.env['DATABASE_URL']!), { pathname: `/${name}` }).href
}

/** A way to the same database on which one sees what is sent, and can let nothing through any more. */
async function wayTo(t: ExecutionContext, db: Database): Promise<{ url: string, way: { packets: Buffer[], stall(): void } }> {
  const url = new URL(await urlOf(db))
  const [host, port, packets, sockets] = [url.hostname, Number(url.port || 5432), [] as Buffer[], new Set<Socket>()]
  let stalled = false
  const way = createServer(from => {
    const to = connect(port, host)
    for (const socket of [from, to]) sockets.add(socket.on('error', () => {}))
    from.on('data', packet => { packets.push(packet); if (!stalled) to.write(packet) }).on('end', () => { to.end() })
    to.on('data', packet => { if (!stalled) from.write(packet) }).on('end', () => { from.end() })
  }).listen(0, '127.0.0.1')
  t.teardown(() => { way.close(); for (const socket of sockets) socket.destroy() })
  await once(way, 'listening')
  url.host = `127.0.0.1:${(way.address() as AddressInfo).port}`
  return { url: url.href, way: { packets, stall: () => { stalled = true } } }
}

test('a statement may take as long as its transaction has patience', async t => {
  const two = await twoInstances(t)
  if (two === undefined) return
  const slowly = async (longestStatementMs: number) => await two.db.transaction(async tx => await tx.query('select pg_sleep(0.5)::text as slept'), { longestStatementMs })
  await t.throwsAsync(slowly(100), { code: 'database-unavailable' })
  t.deepEqual(await slowly(60_000), [{ slept: '' }])
})

test('a server that comes back is used again without a restart', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db, cut } = instances
  await t.throwsAsync(db.transaction(async tx => {
    await tx.query('create table half (n integer)')
    await cut()
    await tx.query('select 1')
  }), { code: 'database-unavailable' })
  t.deepEqual(await db.query(`select to_regclass('half') as half`), [{ half: null }])
})

test('a listener whose connection was cut listens again and is told to look again', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db, other, cut } = instances
  const heard: string[] = []
  let next = Promise.withResolvers<void>()
  await db.listen('revocations', payload => { heard.push(payload); next.resolve() })
  await cut()
  await next.promise
  next = Promise.withResolvers<void>()
  await other.query(`select pg_notify('revocations', 'after')`)
  await next.promise
  t.deepEqual(heard, ['', 'after'])
})

test('a listener that finds no server at first listens when there is one', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { other } = instances
  const [{ name }] = await other.query<{ name: string }>('select current_database() as name') as [{ name: string }]
  const server = new URL(process.env['DATABASE_URL']!)
  server.pathname = `/${name}`
  const [port, sockets] = [await freePort(), new Set<Socket>()]
  const direct = new URL(server)
  direct.host = `127.0.0.1:${port}`
  const db = await openServer(server.href, direct.href)
  t.teardown(async () => { await db.close() })
  const heard: string[] = []
  await db.listen('revocations', payload => { heard.push(payload) })
  const way = createServer(from => {
    const to = connect(Number(server.port || 5432), server.hostname)
    for (const socket of [from, to]) sockets.add(socket.on('error', () => {}))
    from.pipe(to).pipe(from)
  }).listen(port, '127.0.0.1')
  t.teardown(() => { way.close(); for (const socket of sockets) socket.destroy() })
  await until(() => heard.includes(''))
  await other.query(`select pg_notify('revocations', 'after')`)
  await until(() => heard.includes('after'))
  t.deepEqual(heard, ['', 'after'])
})

test('what one instance sends another hears', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db, other } = instances
  const heard = Promise.withResolvers<string>()
  await db.listen('revocations', heard.resolve)
  await other.query(`select pg_notify('revocations', '4a17')`)
  t.is(await heard.promise, '4a17')
})

test('of two transactions that wait for each other both come through', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db, other } = instances
  await db.exec(`create table counters (name text primary key, n integer not null); insert into counters values ('a', 0), ('b', 0)`)
  const bothHaveOne = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const
  const add = async (instance: Database, mine: 0 | 1, names: readonly string[]): Promise<void> => {
    await instance.transaction(async tx => {
      await tx.query('update counters set n = n + 1 where name = $1', [names[0]])
      bothHaveOne[mine].resolve()
      await Promise.all(bothHaveOne.map(held => held.promise))
      await tx.query('update counters set n = n + 1 where name = $1', [names[1]])
    })
  }
  await Promise.all([add(db, 0, ['a', 'b']), add(other, 1, ['b', 'a'])])
  t.deepEqual(await db.query('select name, n from counters order by name'), [{ name: 'a', n: 2 }, { name: 'b', n: 2 }])
})

test('of statements that a transaction asks together the first that fails says why', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db } = instances
  await db.exec('create table numbers (n integer primary key)')
  const deeper = async (work: () => Promise<unknown>): Promise<unknown> => await (async () => await work())()
  const refused = await t.throwsAsync(db.transaction(async tx => {
    await tx.query('insert into numbers values (1)')
    await Promise.all([deeper(async () => await deeper(async () => await tx.query('insert into numbers values (1)'))), tx.query('select 1')])
  }))
  t.like(refused, { code: '23505', constraint: 'numbers_pkey' })
  t.deepEqual(await db.query('select n from numbers'), [])
})

test('what a transaction asks together is done in that order, whatever waits for its beginning', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db } = instances
  await db.exec('create table numbers (n integer primary key)')
  const count = 'select count(*)::int as count from numbers'
  const answers = await db.transaction(async tx => await Promise.all([
    tx.query(count), tx.query('insert into numbers values (1)'), tx.query(count), tx.query('insert into numbers values (2)'), tx.query(count),
  ]))
  t.deepEqual([answers[0], answers[2], answers[4]], [[{ count: 0 }], [{ count: 1 }], [{ count: 2 }]])
})

test('what a transaction reads first travels with its beginning, and what it asks together travels together', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { url, way: { packets } } = await wayTo(t, instances.other)
  const db = await openServer(url)
  t.teardown(async () => { await db.close() })
  packets.length = 0
  await db.transaction(async tx => {
    await Promise.all([tx.query('select 11'), tx.query('select 12')])
    await Promise.all([tx.query('select 3'), tx.query('select 4'), tx.query('select 5')])
  })
  t.is(packets.length, 3)
  t.true(['begin', 'select 11', 'select 12'].every(text => packets[0]!.includes(text)))
  t.true(['select 3', 'select 4', 'select 5'].every(text => packets[1]!.includes(text)))
  t.true(packets[2]!.includes('commit'))
})

test('a transaction that fails changes nothing, whatever it had asked for meanwhile', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db } = instances
  await db.exec('create table numbers (n integer primary key)')
  const refuse = async (): Promise<void> => { throw new Error('refused') }
  await t.throwsAsync(db.transaction(async tx => await Promise.all([tx.query('select 1'), tx.query('insert into numbers values (1)'), refuse()])), { message: 'refused' })
  await t.throwsAsync(db.transaction(async tx => await Promise.all([tx.exec('insert into numbers values (2)'), refuse()])), { message: 'refused' })
  t.deepEqual(await db.query('select n from numbers'), [])
  await db.transaction(async tx => { void tx.query('insert into numbers values (3)') })
  t.deepEqual(await db.query('select n from numbers'), [{ n: 3 }], 'and one that has succeeded keeps all of it')
})

test('what is read together is answered before the connection is anybody else’s', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { db } = instances
  await db.exec('create table numbers (n integer primary key)')
  for (const later of ['select 2/0', 'select 2']) {
    await t.throwsAsync(db.together(async reads => await Promise.all([
      reads.query('select 1/0'), (async () => { await reads.query('select pg_sleep(0.1)'); await reads.query(later) })(),
    ])), { code: '22012' })
    await db.transaction(async tx => {
      await tx.query('set transaction isolation level repeatable read')
      await tx.query('delete from numbers')
      await tx.query('insert into numbers values (1)')
    })
  }
  t.deepEqual(await db.query('select n from numbers'), [{ n: 1 }])
})

test('nothing but reads is asked together', async t => {
  const { db } = await testDatabase(t)
  for (const text of ['delete from numbers', 'with gone as (delete from numbers returning 1) select 1', 'commit']) {
    await t.throwsAsync(db.together(async reads => await reads.query(text)), { message: 'only what is read is asked together' })
  }
})

test('a database is closed although its listener’s server does not answer any more', async t => {
  const instances = await twoInstances(t)
  if (instances === undefined) return
  const { url, way } = await wayTo(t, instances.other)
  const db = await openServer(await urlOf(instances.other), url)
  await db.listen('one', () => {})
  way.stall()
  db.listen('two', () => {}).catch(() => {})
  await t.notThrowsAsync(db.close())
})
