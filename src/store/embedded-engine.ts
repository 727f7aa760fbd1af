/** PGlite as an `Engine`: one session inside this process, and each query blocks it for as long as it takes. */
import { PGlite, type PGliteOptions, type Transaction as PGliteTransaction } from '@electric-sql/pglite'
import { CaError } from '../errors.ts'
import { refusedStatement, type Engine, type Notification, type Queryable, type Row, type Transaction } from './db.ts'
import { parameter, parsers } from './values.ts'

/** @throws {CaError} database-unavailable when the files are not those of a database */
export async function startPglite(options: PGliteOptions): Promise<PGlite> {
  try {
    const pg = await PGlite.create(options)
    pg.parsers = Object.fromEntries(parsers)
    // Parameters arrive as text (`parameter`). For these two types PGlite would insist on its own conversion.
    pg.serializers[16] = pg.serializers[17] = text => text
    return pg
  } catch (error) {
    throw new CaError('database-unavailable', 'the embedded database does not start', { cause: readable(error) })
  }
}

/** @param afterClose  what to give back once the database is closed, such as its lock */
export class EmbeddedEngine implements Engine {
  readonly kind = 'embedded'
  readonly #pg: PGlite
  readonly #afterClose: () => Promise<void>
  #stopped: Error | undefined

  constructor(pg: PGlite, afterClose: () => Promise<void>) {
    this.#pg = pg
    this.#afterClose = afterClose
  }

  async query(text: string, params: readonly unknown[]): Promise<Row[]> {
    return await this.#sessionOn(this.#pg).query(text, params)
  }

  /** There is one session, so it waits all the same; but nobody else is there to be waited for. */
  async queryApart(text: string, params: readonly unknown[]): Promise<Row[]> {
    return await this.query(text, params)
  }

  async exec(sql: string): Promise<void> {
    await this.#sessionOn(this.#pg).exec(sql)
  }

  async together<T>(work: (session: Queryable) => Promise<T>): Promise<T> {
    return await work(this.#sessionOn(this.#pg))
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const outcome = await this.#run(() => this.#pg.transaction(async tx => {
      try {
        return { value: await work(this.#sessionOn(tx)) }
      } catch (error) {
        await tx.rollback()
        return { error }
      }
    }))
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  async listen(channel: string, handler: Notification): Promise<() => Promise<void>> {
    const stop = await this.#run(() => this.#pg.listen(channel, handler))
    return async () => { if (this.#stopped === undefined) await this.#run(() => stop()) }
  }

  async close(): Promise<void> {
    const wasRunning = this.#stopped === undefined
    this.#stopped ??= new CaError('database-unavailable', 'the database is closed')
    try {
      if (wasRunning) await this.#pg.close()
    } finally {
      await this.#afterClose()
    }
  }

  #sessionOn(session: Pick<PGliteTransaction, 'query' | 'exec'>): Transaction {
    return {
      query: async <T>(text: string, params: readonly unknown[] = []) => {
        const values = params.map(parameter)
        return (await this.#run(() => session.query<Row>(text, values))).rows as T[]
      },
      exec: async sql => { await this.#run(() => session.exec(sql)) },
    }
  }

  /** A statement can only be refused. Anything else means that the engine broke, and nothing it says later counts. */
  async #run<T>(call: () => Promise<T>): Promise<T> {
    if (this.#stopped !== undefined) throw this.#stopped
    try {
      return await call()
    } catch (error) {
      const refusal = refusedStatement(error)
      if (refusal !== undefined) throw refusal
      this.#stopped ??= new CaError('database-unavailable', 'the embedded database has stopped', { cause: readable(error) })
      throw this.#stopped
    }
  }
}

/** PGlite's stack quotes 30 kB of minified source. */
function readable(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return new Error(`${name}: ${message}`.slice(0, 500))
}
