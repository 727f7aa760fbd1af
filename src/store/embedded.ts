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
import { PGlite, type MemoryFS } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { database, type Database } from './db.ts'
import { EmbeddedEngine, startPglite } from './embedded-engine.ts'
import { lockFolder } from './folder-lock.ts'

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
const smallParams = [...PGlite.defaultStartParams, ...smallMemory]
// Its template is copied for every test: no more of a log than it needs.
const unsyncedParams = [...smallParams, ...settings({ min_wal_size: '2MB' })]
// fdatasync and open_datasync, the other methods, are not passed on by the WebAssembly system calls.
const syncedParams = [
  ...smallParams.filter(param => param !== '-F'),
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
    const pg = await startPglite({ fs: new SyncedFS(folder), startParams: syncedParams })
    return database(new EmbeddedEngine(pg, () => lock.release()))
  } catch (error) {
    await lock.release()
    throw error
  }
}

/**
 * A database in memory, for tests: gone when closed. Also gives the way to copy it, as a tar archive of its files.
 *
 * @param files  of a cluster; without them a new one is created
 */
export async function openInMemory(files?: MemoryFS): Promise<{ db: Database, copy: () => Promise<Blob> }> {
  const pg = await startPglite({
    startParams: unsyncedParams, initDbStartParams: ['--wal-segsize=1'],
    ...files === undefined ? {} : { fs: files },
  })
  const takeCopy = async (): Promise<Blob> => {
    await pg.exec('checkpoint')
    return await pg.dumpDataDir('none')
  }
  return { db: database(new EmbeddedEngine(pg, async () => {})), copy: takeCopy }
}

/** Builds beside and renames, so that a first start cut short leaves nothing that looks like a database. */
async function createCluster(folder: string): Promise<void> {
  const unfinished = `${folder}.new`
  await rm(unfinished, { recursive: true, force: true })
  const pg = await startPglite({ fs: new SyncedFS(unfinished), startParams: syncedParams })
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
