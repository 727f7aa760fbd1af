/**
 * One process per data folder. The lock is a listening Unix socket, which the kernel closes however the
 * process ends; a number in a file would outlive a kill and mean another process later.
 *
 * Sockets are named `lock.<n>.sock`, n counting upwards. Whoever finds the highest one dead may create
 * the next, already listening, by link(2), which exactly one racer achieves. The highest is never removed,
 * not even at release, so nobody can take a number that is below a living one without noticing.
 */
import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, rm, type FileHandle } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { CaError } from '../errors.ts'

export type FolderLock = { release(): Promise<void> }

/**
 * Takes the lock of `folder`, which is created with mode 0700 where it is missing.
 *
 * @throws {CaError} data-folder-locked while another process, or this one, holds it
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const handle = await open(folder, 'r')
  try {
    const at = (name: string): string => socketPath(folder, handle, name)
    const server = await takeLock(folder, at)
    return { release: async () => { await stop(server); await handle.close() } }
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function takeLock(folder: string, at: (name: string) => string): Promise<Server> {
  for (;;) {
    const highest = Math.max(0, ...await generations(folder))
    if (highest > 0 && await isAlive(at(lockName(highest)))) {
      throw new CaError('data-folder-locked', `another Latchkey is running in ${folder}; each instance needs a folder of its own (LATCHKEY_DATA), also with a database server`)
    }
    const mine = highest + 1
    const server = await listenAs(folder, at, mine)
    if (server === undefined) continue
    // Between looking and linking others may have come and gone, and cleaned up the number we took.
    if (Math.max(...await generations(folder)) === mine) {
      await removeOlder(folder, at, mine)
      return server
    }
    await rm(join(folder, lockName(mine)), { force: true })
    await stop(server)
  }
}

const lockName = (generation: number): string => `lock.${generation}.sock`

async function generations(folder: string): Promise<number[]> {
  const names = await readdir(folder)
  return names.flatMap(name => /^lock\.(\d{1,15})\.sock$/.exec(name)?.[1] ?? []).map(Number)
}

/** Listens under a name of its own, then links it to the numbered one; undefined when that exists by now. */
async function listenAs(folder: string, at: (name: string) => string, generation: number): Promise<Server | undefined> {
  const own = `lock.${randomUUID()}.sock`
  const server = createServer(socket => { socket.destroy() })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at(own), resolve)
  })
  server.unref()
  try {
    await link(join(folder, own), join(folder, lockName(generation)))
    return server
  } catch (error) {
    await stop(server)
    // ENOENT: the winner, tidying up, took our socket for a dead one.
    if (isErrno(error, 'EEXIST') || isErrno(error, 'ENOENT')) return undefined
    throw error
  } finally {
    await rm(join(folder, own), { force: true })
  }
}

/** Only a refused connection proves that nobody listens; a full backlog, for one, proves the opposite. */
async function isAlive(path: string): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect(path)
    socket.once('connect', () => { socket.destroy(); resolve(true) })
    socket.once('error', error => { resolve(!isErrno(error, 'ECONNREFUSED') && !isErrno(error, 'ENOENT')) })
  })
}

async function removeOlder(folder: string, at: (name: string) => string, mine: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const match = /^lock\.(?:(\d{1,15})|[0-9a-f-]{36})\.sock$/.exec(name)
    if (match === null || Number(match[1] ?? 0) >= mine) continue
    if (match[1] !== undefined || !await isAlive(at(name))) await rm(join(folder, name), { force: true })
  }
}

/** Socket addresses hold about 100 bytes (unix(7)); a longer path goes through the open folder. */
function socketPath(folder: string, handle: FileHandle, name: string): string {
  const path = join(folder, name)
  return Buffer.byteLength(path) < 100 || process.platform !== 'linux' ? path : `/proc/self/fd/${handle.fd}/${name}`
}

const stop = async (server: Server): Promise<void> => await new Promise(resolve => { server.close(() => resolve()) })

const isErrno = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code
