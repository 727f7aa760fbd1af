/**
 * PostgreSQL inside this process (PGlite), for a service that has no database server.
 *
 * PGlite as it comes never syncs: a killed process loses nothing, a power cut may lose what was
 * acknowledged. `SyncedFS` and `startParams` make each commit wait for the disk. They reach into PGlite,
 * hence its pinned version and the test that counts the syncs.
 */
import fs from 'node:fs'
import { open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, type PGliteOptions, type Transaction as PGliteTransaction } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { CaError } from '../errors.ts'
import { database, refusedStatement, type Database, type Engine, type Row, type Transaction } from './db.ts'
import { lockFolder } from './folder-lock.ts'
import { parameter, parsers } from './values.ts'

const errnoEio = 29

class SyncedFS extends NodeFS {
  override async init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pg, options)
    const addSync = (module: any): void => {
      module.NODEFS.stream_ops.fsync = (stream: { nfd?: number }) => {
        try {
          if (stream.nfd !== undefined) fs.fdatasyncSync(stream.nfd)
        } catch {
          throw new module.FS.ErrnoError(errnoEio) // PostgreSQL stops, rather than trust a disk that failed once
        }
      }
    }
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...emscriptenOpts.preRun ?? [], addSync] } }
  }
}

const settings = (values: Record<string, string>): string[] =>
  Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])

// One session and a small data set: the default 128 MB of buffers would only be resident memory.
const smallMemory = settings({ shared_buffers: '16MB', wal_buffers: '256kB', max_connections: '5' })
const unsyncedParams = [...PGlite.defaultStartParams, ...smallMemory]
// fdatasync and open_datasync, the other methods, are not passed on by the WebAssembly system calls.
const syncedParams = [
  ...unsyncedParams.filter(param => param !== '-F'),
  ...settings({ fsync: 'on', wal_sync_method: 'fsync', full_page_writes: 'on' }),
]

/**
 * Opens the database kept in `dataFolder`, and creates it when there is none (2–6 s).
 *
 * @throws {CaError} data-folder-locked while any process has it open
 */
export async function openEmbedded(dataFolder: string): Promise<Database> {
  const lock = await lockFolder(dataFolder)
  try {
    const folder = join(dataFolder, 'postgres')
    if (!fs.existsSync(folder)) await createCluster(folder)
    const pg = await start({ fs: new SyncedFS(folder), startParams: syncedParams })
    return database(engineOf(pg, () => lock.release()))
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * A database in memory, for tests: gone when closed. Also gives the way to copy it.
 *
 * @param copy  what `copy()` of another one answered; without it a new cluster is created
 */
export async function openInMemory(copy?: Blob): Promise<{ db: Database, copy: () => Promise<Blob> }> {
  const pg = await start({
    startParams: unsyncedParams, initDbStartParams: ['--wal-segsize=1'],
    ...copy === undefined ? {} : { loadDataDir: copy },
  })
  const takeCopy = async (): Promise<Blob> => {
    await pg.exec('checkpoint')
    return await pg.dumpDataDir('none')
  }
  return { db: database(engineOf(pg, async () => {})), copy: takeCopy }
}

/** Builds beside and renames, so that a first start cut short leaves nothing that looks like a database. */
async function createCluster(folder: string): Promise<void> {
  const unfinished = `${folder}.new`
  await rm(unfinished, { recursive: true, force: true })
  const pg = await start({ fs: new SyncedFS(unfinished), startParams: syncedParams })
  await pg.close()
  await syncTree(unfinished)
  await rename(unfinished, folder)
  await syncPath(join(folder, '..'))
}

async function syncTree(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await syncTree(path)
    else await syncPath(path)
  }
  await syncPath(folder)
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function start(options: PGliteOptions): Promise<PGlite> {
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

function engineOf(pg: PGlite, afterClose: () => Promise<void>): Engine {
  // A statement can only be refused. Anything else means that the engine itself stopped, and no later
  // answer of it can be trusted.
  let stopped: Error | undefined
  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (stopped !== undefined) throw stopped
    try {
      return await work()
    } catch (error) {
      const refusal = refusedStatement(error)
      if (refusal !== undefined) throw refusal
      stopped ??= new CaError('database-unavailable', 'the embedded database has stopped', { cause: readable(error) })
      throw stopped
    }
  }

  const on = (session: Pick<PGliteTransaction, 'query' | 'exec'>): Transaction => ({
    query: async <T>(text: string, params: readonly unknown[] = []) => {
      const values = params.map(parameter)
      return (await run(() => session.query<Row>(text, values))).rows as T[]
    },
    exec: async sql => { await run(() => session.exec(sql)) },
  })

  return {
    kind: 'embedded',
    query: async (text, params) => await on(pg).query(text, params),
    exec: on(pg).exec,
    transaction: async work => {
      const outcome = await run(() => pg.transaction(async tx => {
        try {
          return { value: await work(on(tx)) }
        } catch (error) {
          await tx.rollback()
          return { error }
        }
      }))
      if ('error' in outcome) throw outcome.error
      return outcome.value
    },
    listen: async (channel, handler) => {
      const stop = await run(() => pg.listen(channel, handler))
      return async () => { if (stopped === undefined) await run(() => stop()) }
    },
    close: async () => {
      if (stopped === undefined) await pg.close()
      stopped ??= new CaError('database-unavailable', 'the database is closed')
      await afterClose()
    },
  }
}

/** PGlite's stack quotes 30 kB of minified source. */
function readable(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  return new Error(`${name}: ${message}`.slice(0, 500))
}
