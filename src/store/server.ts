/**
 * A PostgreSQL server, also behind a pooler in transaction mode: nothing outlives its transaction on a
 * connection (no `set`, no session locks; named statements only where there is no pooler), except on the one that listens.
 */
import pg from 'pg'
import { CaError } from '../errors.ts'
import { database, DatabaseError, refusedStatement, type Database, type Engine, type Row, type Transaction } from './db.ts'
import { Listener } from './listener.ts'
import { forgetNames, isDirect, longestConnectMs, Servers } from './servers.ts'
import { isNameRefused, StatementNames } from './statement-names.ts'
import { parameter, parsers } from './values.ts'

// A statement that takes longer meets a server that went away without saying so.
const longestStatementMs = 30_000
// What is asked several times a second is better asked anew.
const longestApartMs = 2_000

const types = { getTypeParser: (oid: number) => parsers.get(oid) ?? ((text: string) => text) } as pg.CustomTypesConfig

/**
 * Connects to `databaseUrl`, which may name several servers: whichever takes writes is used, also when that changes.
 *
 * @param directUrl  the same database past any transaction pooler, for LISTEN
 * @throws {CaError} database-unavailable when no connection can be made
 */
export async function openServer(databaseUrl: string, directUrl = databaseUrl): Promise<Database> {
  const servers = new Servers(databaseUrl)
  const pool = servers.pool({ types, keepAlive: true, connectionTimeoutMillis: longestConnectMs, application_name: 'latchkey' })
  const apart = servers.pool({ types, keepAlive: true, max: 1, connectionTimeoutMillis: longestApartMs, application_name: 'latchkey' })
  for (const each of [pool, apart]) each.on('error', () => {}) // an idle connection that broke: the pool has dropped it already
  const engine = engineOf(servers, pool, apart, directUrl)
  try {
    await engine.query('select 1', [])
  } catch (error) {
    await engine.close()
    throw error
  }
  return database(engine)
}

function engineOf(servers: Servers, pool: pg.Pool, apart: pg.Pool, directUrl: string): Engine {
  const notifications = new Listener(new Servers(directUrl))
  const once = <T>(work: (session: Transaction) => Promise<T>): Promise<T> =>
    withConnection(servers, pool, async client => await work(sessionOn(client)))
  return {
    kind: 'server',
    query: async (text, params) => await once(async session => await session.query(text, params)),
    queryApart: async (text, params) => await withConnection(servers, apart, async client => await sessionOn(client, { longestMs: longestApartMs }).query(text, params)),
    exec: async sql => { await once(async session => { await session.exec(sql) }) },
    transaction: async work => await withConnection(servers, pool, async client => await inTransaction(client, work)),
    listen: async (channel, handler) => await notifications.listen(channel, handler),
    close: async () => {
      await notifications.close()
      await Promise.all([pool.end(), apart.end()])
    },
  }
}

async function withConnection<T>(servers: Servers, pool: pg.Pool, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
  const client = await servers.eachInTurn(async () => await pool.connect()).catch((error: unknown) => { throw unavailable(error) })
  let broken = false
  const onError = (): void => { broken = true } // the statement that is running fails as well, and reports it
  client.on('error', onError)
  try {
    return await work(client)
  } catch (error) {
    broken ||= isUnavailable(error)
    throw error
  } finally {
    client.off('error', onError)
    client.release(broken)
  }
}

async function inTransaction<T>(client: pg.PoolClient, work: (tx: Transaction) => Promise<T>): Promise<T> {
  const session = sessionOn(client, { inTransaction: true })
  await session.query('begin isolation level read committed')
  try {
    const value = await work(session)
    // A transaction in which a statement failed answers COMMIT with ROLLBACK, and no error.
    const { command } = await run(() => client.query(limited('commit')))
    if (command !== 'COMMIT') throw new DatabaseError('the transaction was rolled back instead of committed', '25P02', undefined)
    return value
  } catch (error) {
    // On a connection that does not answer it would only be waited for; closing it rolls back too.
    if (!isUnavailable(error)) await session.query('rollback')
    throw error
  }
}

/** `extended` even without parameters: one statement, as on the embedded engine. */
const limited = (text: string, values: (string | Uint8Array | null)[] = [], longestMs = longestStatementMs): pg.QueryConfig & { queryMode: string, query_timeout: number } =>
  ({ text, values, queryMode: 'extended', query_timeout: longestMs })

/** A list may have 35 MB: as text it would be twice that, several times over. */
const bytesAsTheyAre = (value: unknown): string | Uint8Array | null => value instanceof Uint8Array ? value : parameter(value)

// As of a transaction that others were quicker than.
const serializationFailure = '40001'
const names = new StatementNames()

function sessionOn(client: pg.PoolClient, { longestMs = longestStatementMs, inTransaction = false } = {}): Transaction {
  const ask = async (query: pg.QueryConfig): Promise<Row[]> => (await run(() => client.query<Row>(query))).rows
  return {
    query: async <T>(text: string, params: readonly unknown[] = []) => {
      const query = limited(text, params.map(bytesAsTheyAre), longestMs)
      const name = isDirect(client) ? names.of(text) : undefined
      if (name === undefined) return await ask(query) as T[]
      try {
        return await ask({ ...query, name }) as T[]
      } catch (error) {
        if (!(error instanceof DatabaseError) || !isNameRefused(error.code)) throw error
        forgetNames(client)
        // A transaction is over with its first error; as one that lost a race it is made again.
        if (inTransaction) throw new DatabaseError(error.message, serializationFailure, undefined)
        return await ask(query) as T[]
      }
    },
    exec: async sql => { await run(() => client.query(sql)) },
  }
}

/** A driver call: PostgreSQL refuses the statement, or the connection cannot be used any more. */
async function run<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw refusedStatement(error) ?? unavailable(error)
  }
}

const unavailable = (cause: unknown): CaError => new CaError('database-unavailable', 'the database is not reachable', { cause })

const isUnavailable = (error: unknown): boolean => error instanceof CaError && error.code === 'database-unavailable'
