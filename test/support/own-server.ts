/** A PostgreSQL server of one's own, gone when it is closed: settings as Debian ships them, but nothing waits for the disk unless it is asked to. */
import { execFile } from 'node:child_process'
import { chmod, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from './free-port.ts'

const run = promisify(execFile)
const debianFolder = '/usr/lib/postgresql'

export type OwnServer = {
  readonly url: string
  start(): Promise<void>
  /** As a crash would: whoever is connected is cut off. */
  stop(): Promise<void>
  close(): Promise<void>
}

const versionsThere = async (): Promise<string[]> => (await readdir(debianFolder).catch(() => [])).sort((a, b) => Number(a) - Number(b))

export const hasServer = async (): Promise<boolean> => (await versionsThere()).length > 0

/** The folder of its programs. */
async function newestPostgres(): Promise<string> {
  const versions = await versionsThere()
  if (versions.length === 0) throw new Error('there is no PostgreSQL here: install it, or name a server with DATABASE_URL')
  return join(debianFolder, versions.at(-1)!, 'bin')
}

/** Of `initdb`. */
export const cluster: readonly string[] = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale']

export type PostgresFolder = { readonly folder: string, asPostgres(program: string, ...args: string[]): Promise<void> }

/** A folder that belongs to whoever runs PostgreSQL's programs, which refuse to run as root. */
export async function postgresFolder(prefix: string): Promise<PostgresFolder> {
  const bin = await newestPostgres()
  const folder = await mkdtemp(join(tmpdir(), prefix))
  const isRoot = process.getuid?.() === 0
  await chmod(folder, 0o711)
  if (isRoot) await run('chown', ['postgres', folder])
  return {
    folder,
    async asPostgres(program, ...args) {
      const [command, rest] = isRoot ? ['runuser', ['-u', 'postgres', '--', join(bin, program), ...args]] : [join(bin, program), args]
      await run(command, rest, { cwd: '/' })
    },
  }
}

/** @param durable  what is committed is on the disk, as an operator would have it */
export async function ownServer({ durable = false } = {}): Promise<OwnServer> {
  const { folder, asPostgres } = await postgresFolder('latchkey-bench-')
  const [data, port] = [join(folder, 'data'), await freePort()]
  await asPostgres('initdb', '-D', data, ...cluster)
  const options = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', durable ? 'fsync=on' : 'fsync=off', 'max_wal_size=8GB'].map(setting => `-c ${setting}`).join(' ')
  const start = async (): Promise<void> => { await asPostgres('pg_ctl', '-w', '-D', data, '-l', join(folder, 'log'), '-o', `-p ${port} ${options}`, 'start') }
  const stop = async (): Promise<void> => { await asPostgres('pg_ctl', '-D', data, '-m', 'immediate', 'stop') }
  await start()
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`, start, stop,
    close: async () => {
      await stop().catch(() => {}) // a test may have stopped it
      await rm(folder, { recursive: true, force: true })
    },
  }
}

