/** The store that is asked: made anew, or one that an earlier run left, done or not. */
import pg from 'pg'
import type { ExecutionContext } from 'ava'
import type { Database, Queryable } from '../../src/store/db.ts'
import { migrate, migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { openServer } from '../../src/store/server.ts'
import { fakeClock } from '../support/clock.ts'
import { issueDevice } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'
import { ownServer } from '../support/own-server.ts'
import { seed } from './seed.ts'

/** @property database  a database of that server to keep and to use again @property partitions  of the lists, 2 where left out */
type Order = { certificates: number, database: string | undefined, serverUrl: string | undefined, partitions?: number, say: (line: string) => void }
export type Store = { service: TestService, timed: { databaseMs: number, queries: number }, version: string, close: () => Promise<void> }

export async function openStore({ certificates, database, serverUrl, partitions = 2, say }: Order): Promise<Store> {
  const server = serverUrl === undefined ? await ownServer() : undefined
  const [url, name] = [server?.url ?? serverUrl!, database ?? `latchkey_bench_${process.pid}`]
  const undo: (() => Promise<void>)[] = server === undefined ? [] : [server.close]
  const close = async (): Promise<void> => { for (const step of undo.reverse()) await step() }
  try {
    const isNew = await createUnlessThere(url, name)
    if (database === undefined && server === undefined) undo.push(async () => await onServer(url, `drop database ${name} with (force)`))
    const address = new URL(url)
    address.pathname = `/${name}`
    const plain = await openServer(address.href)
    undo.push(async () => await plain.close())
    for (const applied of await migrate(plain, await readMigrations(migrationsFolder))) say(`applied ${applied}`)
    const isWhole = !isNew && !(await plain.query<{ found: boolean }>("select to_regclass('seed_progress') is not null as found"))[0]!.found
    const now = isWhole ? (await plain.query<{ at: Date }>('select max(at) as at from audit'))[0]!.at : new Date(Math.floor(Date.now() / 1000) * 1000)
    const { db, timed } = timedDatabase(plain)
    // Outside the test runner there is nothing that its context would be for: the database is our own.
    const service = await testService(undefined as unknown as ExecutionContext, { db, clock: fakeClock(now.toISOString()), config: { crlPartitions: partitions } })
    if (!isWhole) await fill(service, plain, certificates, say)
    const [version] = await plain.query<{ server_version: string }>('show server_version')
    return { service, timed, version: `PostgreSQL ${version!.server_version}`, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function fill(service: TestService, db: Database, certificates: number, say: (line: string) => void): Promise<void> {
  const issued = await issueDevice(service)
  const productTypes = [...service.catalogue().models.values()].filter(model => /^(iPhone|iPad)/.test(model.identifier)).map(model => model.identifier).slice(-90)
  await seed(db, { certificates, der: issued.certificate.raw, serialNumber: issued.serialNumber, authorityId: issued.authorityId, now: service.now(), productTypes, template: 'default', partitions: service.config.crlPartitions }, say)
  await service.publish(true)
}

/** How long was waited for the database, and how often it was asked. */
function timedDatabase(db: Database): { db: Database, timed: { databaseMs: number, queries: number } } {
  const timed = { databaseMs: 0, queries: 0 }
  const query: Queryable['query'] = async (text, params) => {
    const before = performance.now()
    try {
      return await db.query(text, params)
    } finally {
      timed.databaseMs += performance.now() - before
      timed.queries++
    }
  }
  return { db: { ...db, query }, timed }
}

/** @returns false when it was there */
export async function createUnlessThere(url: string, name: string): Promise<boolean> {
  if (!/^[a-z_0-9]{1,60}$/.test(name)) throw new Error(`${name} is no name for a database`)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    if ((await client.query('select from pg_database where datname = $1', [name])).rowCount === 1) return false
    await client.query(`create database ${name} template template0 encoding 'UTF8'`)
    return true
  } finally {
    await client.end()
  }
}

export async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}
