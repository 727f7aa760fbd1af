/**
 * What the rest of the program knows of PostgreSQL: text, parameters, rows. The same SQL runs on the
 * embedded engine and on a server, and comes back as the same types (see `values.ts`).
 */
import { AsyncLocalStorage } from 'node:async_hooks'

/** Column name → value. int8 → number, bytea → Buffer, timestamptz → Date, json(b) → parsed, arrays → arrays. */
export type Row = Record<string, any>

export type Queryable = {
  /** Runs one statement with `$1`-style parameters. A json(b) parameter goes through `json()`. */
  query<T = Row>(text: string, params?: readonly unknown[]): Promise<T[]>
}

export type Notification = (payload: string) => void

/** What the work of a transaction is given. It ends with the callback. */
export type Transaction = Queryable & {
  /** Any number of statements, no parameters. */
  exec(sql: string): Promise<void>
}

/** For work that nobody waits for: how long each of its statements may take on a server, instead of half a minute. */
export type Patience = { readonly longestStatementMs: number }

/** What an engine must do; `database()` adds what both have in common. */
export type Engine = {
  readonly kind: 'embedded' | 'server'
  query(text: string, params: readonly unknown[]): Promise<Row[]>
  /** Gives `work` one connection without a transaction. */
  together<T>(work: (session: Queryable) => Promise<T>): Promise<T>
  /** Runs `work` between `begin` (read committed) and `commit`; rolls back when it throws. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, patience?: Patience): Promise<T>
  /** Any number of statements, no parameters; one implicit transaction unless the text says otherwise. */
  exec(sql: string): Promise<void>
  /**
   * Calls `handler` with each payload sent to `channel` (lower-case letters and `_`), and with '' when
   * notifications may have been missed: look again. Returns the way to stop.
   */
  listen(channel: string, handler: Notification): Promise<() => Promise<void>>
  /** One statement that waits for none of the others, on a connection of its own; given up after two seconds. */
  queryApart(text: string, params: readonly unknown[]): Promise<Row[]>
  close(): Promise<void>
}

/** Whoever has to know of a change that this process makes before anybody can see it. */
export type CommitWatch = {
  /** Whether a statement may make such a change. */
  concerns(text: string): boolean
  /** Inside a transaction with such a statement, before its commit. What it answers is called when the transaction has ended, either way. */
  beforeCommit(tx: Queryable): Promise<() => void>
}

/**
 * A database that is open. Refusals of a statement throw DatabaseError; a database that cannot be reached
 * throws CaError `database-unavailable`.
 *
 * `transaction` runs its work in one read-committed transaction and returns its value. When the engine
 * asks for it (serialization failure, deadlock) the work runs again, so it must do nothing but query.
 * Inside it only the transaction may be used: the database itself throws at once.
 */
export type Database = Queryable & Omit<Engine, 'query' | 'queryApart' | 'together'> & {
  /** For reads only. Those that `work` asks in one go travel together; each sees what is committed when its turn comes. */
  together<T>(work: (reads: Queryable) => Promise<T>): Promise<T>
  queryApart<T = Row>(text: string, params?: readonly unknown[]): Promise<T[]>
  /** Returns the way to stop. A statement outside a transaction that concerns somebody becomes one. */
  watchCommits(watch: CommitWatch): () => void
}

/** A statement that PostgreSQL refused. A defect, unless the caller expected this very constraint. */
export class DatabaseError extends Error {
  /** SQLSTATE, five characters (PostgreSQL manual, Appendix A). */
  readonly code: string
  /** Name of the violated constraint or unique index, where there is one. */
  readonly constraint: string | undefined
  constructor(message: string, code: string, constraint: string | undefined) {
    super(message)
    this.name = 'DatabaseError'
    this.code = code
    this.constraint = constraint
  }
}

/** True when `error` is a unique violation, of the named constraint where one is named. */
export const isUniqueViolation = (error: unknown, constraint?: string): boolean =>
  error instanceof DatabaseError && error.code === '23505' && (constraint === undefined || error.constraint === constraint)

/** A value as a json or jsonb parameter. */
export const json = (value: unknown): string => JSON.stringify(value)

const mostRetries = 5
const isRetryable = (error: unknown): boolean =>
  error instanceof DatabaseError && (error.code === '40001' || error.code === '40P01')

/** The transaction whose callback the current code was called from. */
type Running = AsyncLocalStorage<{ open: boolean, watched: boolean }>

/** Adds to an engine what both engines need alike: the guard against nested use, and retries. */
export function database(engine: Engine): Database {
  // Inside a transaction's callback the outer handle would wait for that very transaction (embedded),
  // or silently work outside it (server). Both are defects, so both throw.
  const running: Running = new AsyncLocalStorage()
  const outside = (): Engine => {
    if (running.getStore()?.open === true) throw new Error('the database was used inside its own transaction: use the transaction')
    return engine
  }
  let closed: Promise<void> | undefined
  const watches = new Set<CommitWatch>()
  const transaction: Engine['transaction'] = async (work, patience) => await retried(() => inTransaction(outside(), running, watches, work, patience))
  return {
    kind: engine.kind,
    query: async <T>(text: string, params: readonly unknown[] = []) =>
      isWatched(watches, text) ? await transaction(async tx => await tx.query<T>(text, params)) : await outside().query(text, params) as T[],
    queryApart: async <T>(text: string, params: readonly unknown[] = []) => await outside().queryApart(text, params) as T[],
    together: async work => await outside().together(async session => await work({
      query: async (text, params) => {
        if (!isRead(text)) throw new Error('only what is read is asked together')
        return await session.query(text, params)
      },
    })),
    transaction,
    exec: async sql => await outside().exec(sql),
    watchCommits: watch => {
      watches.add(watch)
      return () => { watches.delete(watch) }
    },
    listen: async (channel, handler) => {
      if (!/^[a-z_]{1,63}$/.test(channel)) throw new TypeError(`${channel} is no channel`)
      return await outside().listen(channel, handler)
    },
    close: async () => await (closed ??= outside().close()),
  }
}

/** A statement as this program writes what only reads; none of its functions changes anything. */
export const isRead = (text: string): boolean => /^\s*select\b/i.test(text)

const isWatched = (watches: ReadonlySet<CommitWatch>, text: string): boolean => {
  for (const watch of watches) if (watch.concerns(text)) return true
  return false
}

async function inTransaction<T>(engine: Engine, running: Running, watches: ReadonlySet<CommitWatch>, work: (tx: Transaction) => Promise<T>, patience: Patience | undefined): Promise<T> {
  const state = { open: true, watched: false }
  const ends: (() => void)[] = []
  const guardedWork = async (tx: Transaction): Promise<T> => {
    const inside = (text: string): Transaction => {
      if (!state.open) throw new Error('the transaction was used after it had ended')
      state.watched ||= isWatched(watches, text)
      return tx
    }
    const guarded: Transaction = {
      query: async (text, params) => await inside(text).query(text, params),
      exec: async sql => await inside(sql).exec(sql),
    }
    try {
      const value = await running.run(state, () => work(guarded))
      if (state.watched) for (const watch of watches) ends.push(await watch.beforeCommit(tx))
      return value
    } finally {
      state.open = false
    }
  }
  try {
    return await engine.transaction(guardedWork, patience)
  } finally {
    for (const end of ends) end()
  }
}

async function retried<T>(attempt: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isRetryable(error) || retries === mostRetries) throw error
    }
  }
}

/** Class 08 and 57P01–57P05 (the server or the way to it is gone), 53300 (it takes no more connections), 25006 (it has become a standby). */
const isOutage = (sqlState: string): boolean => /^08|^57P0[1-5]$|^53300$|^25006$/.test(sqlState)

/** What a driver threw, as a DatabaseError when PostgreSQL refused the statement; undefined for all else. */
export function refusedStatement(error: unknown): DatabaseError | undefined {
  if (error instanceof DatabaseError) return error
  const { code, constraint, message } = error as { code?: unknown, constraint?: unknown, message?: unknown }
  // No SQLSTATE begins with E, but EPIPE and its like do.
  if (typeof code !== 'string' || !/^(?!E)[0-9A-Z]{5}$/.test(code) || isOutage(code)) return undefined
  return new DatabaseError(String(message), code, typeof constraint === 'string' ? constraint : undefined)
}
