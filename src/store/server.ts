/**
 * A PostgreSQL server, also behind a pooler in transaction mode: nothing outlives its transaction on a
 * connection (no `set`, no session locks; named statements only where there is no pooler), except on the one that listens.
 */
import pg from 'pg'
import { CaError } from '../errors.ts'
import { database, DatabaseError, isRead, refusedStatement, type Database, type Engine, type Row, type Transaction } from './db.ts'
import { Listener } from './listener.ts'
import { forgetNames, isDirect, longestConnectMs, Servers } from './servers.ts'
import { isNameRefused, StatementNames } from './statement-names.ts'
import { parameter, parsers } from './values.ts'

// A statement that takes longer, those before it on its connection included, meets a server that went away without saying so.
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
    together: async work => await once(async session => await whileAsking(session, work)),
    transaction: async (work, patience) => await withConnection(servers, pool, async client => await inTransaction(client, work, patience?.longestStatementMs)),
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

/**
 * Lets `work` ask on a connection that is its own until then. What was asked is answered before the connection is anybody
 * else's, and before the transaction ends, whether `work` waits for it or has failed meanwhile.
 */
async function whileAsking<T>(session: Transaction, work: (session: Transaction) => Promise<T>): Promise<T> {
  const answers: Promise<unknown>[] = []
  let isOver = false
  const asked = async <Answer>(ask: () => Promise<Answer>): Promise<Answer> => {
    if (isOver) throw new Error('a connection was used after it had been given back')
    const answer = ask()
    answers.push(answer)
    return await answer
  }
  try {
    return await work({
      query: async <Row>(text: string, params?: readonly unknown[]) => await asked(async () => await session.query<Row>(text, params)),
      exec: async sql => { await asked(async () => { await session.exec(sql) }) },
    })
  } finally {
    isOver = true
    await Promise.allSettled(answers)
  }
}

async function inTransaction<T>(client: pg.PoolClient, work: (tx: Transaction) => Promise<T>, longestMs = longestStatementMs): Promise<T> {
  try {
    const value = await whileAsking(begun(sessionOn(client, { inTransaction: true, longestMs })), work)
    // A transaction in which a statement failed answers COMMIT with ROLLBACK, and no error.
    const { command } = await run(() => client.query(limited('commit')))
    if (command !== 'COMMIT') throw new DatabaseError('the transaction was rolled back instead of committed', inFailedTransaction, undefined)
    return value
  } catch (error) {
    // On a connection that does not answer it would only be waited for; closing it rolls back too.
    if (!isUnavailable(error)) await run(() => client.query(limited('rollback')))
    throw error
  }
}

// What every statement after one that failed is answered with.
const inFailedTransaction = '25P02'

/**
 * Begins. What is read first travels together with `begin`: should that fail, nothing was changed outside a transaction.
 * Of statements that were asked together the first that fails says why.
 */
function begun(session: Transaction): Transaction {
  let [isOpen, mayPass] = [false, true] // nothing overtakes what has to wait
  const answers: Promise<unknown>[] = []
  let failure: unknown
  const told = async <T>(answer: Promise<T>): Promise<T> => {
    const before = answers.push(answer) - 1
    const value = await answer.catch(async (error: unknown) => {
      if (error instanceof DatabaseError && error.code === inFailedTransaction) await Promise.allSettled(answers.slice(0, before))
      failure ??= error
    })
    if (failure !== undefined) throw failure
    return value as T
  }
  const begin = told(session.query('begin isolation level read committed')).then(() => { isOpen = true })
  begin.catch(() => {}) // whoever asks something is told
  return {
    async query<T>(text: string, params?: readonly unknown[]): Promise<T[]> {
      if (!isOpen && !(mayPass &&= isRead(text))) await begin
      return await told(session.query<T>(text, params))
    },
    async exec(sql) {
      mayPass &&= isOpen
      if (!isOpen) await begin
      await told(session.exec(sql))
    },
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
