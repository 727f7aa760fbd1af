/** What the parts of the benchmark share: the database server, sizes, folders, and an end to everything that was started. */
import pg from 'pg'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { outsideTests } from '../support/context.ts'
import { ownServer } from '../support/own-server.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { createUnlessThere, onServer } from './open-store.ts'
import { parentOf } from './processes.ts'

/**
 * @property certificates  issued in the large store; @property revoked  of them
 * @property lists  sizes of the lists that are signed, ascending
 * @property seconds  that each is measured in each round; @property samples  of what is done one at a time, in each round
 */
export type Sizes = { certificates: number, revoked: number, lists: readonly number[], seconds: number, rounds: number, phones: number, samples: number }

export const fullSizes: Sizes = { certificates: 1_000_000, revoked: 100_000, lists: [10_000, 100_000, 1_000_000], seconds: 2.5, rounds: 3, phones: 300, samples: 8 }
export const quickSizes: Sizes = { certificates: 50_000, revoked: 5_000, lists: [10_000, 100_000], seconds: 1, rounds: 2, phones: 40, samples: 4 }

export type Stage = {
  readonly t: ExecutionContext
  readonly sizes: Sizes
  /** Where each service writes where its time went (`node --cpu-prof`). */
  readonly profiles: string | undefined
  say(line: string): void
  /** An empty folder, gone at the end. */
  folder(): Promise<string>
  /** A new database of the one server, gone at the end. @returns its address */
  database(name: string): Promise<string>
  /** The server's first process: what it and its children use is what the database costs. */
  serverPid(): Promise<number>
  /** In words. */
  server(): Promise<string>
  /** What several parts use: made by the first that asks, gone with the whole stage. */
  shared<T>(name: string, make: (stage: Stage) => Promise<T>): Promise<T>
  /** A stage of one part: what is started on it ends when it is closed. */
  part(): Stage & { close(): Promise<void> }
}

export function openStage({ sizes, profiles, say }: Pick<Stage, 'sizes' | 'profiles' | 'say'>): Stage & { close(): Promise<void> } {
  const { t, close } = outsideTests()
  let opened: Promise<string> | undefined
  const serverUrl = async (): Promise<string> => await (opened ??= openServer(t))
  const shared = {
    sizes, profiles, say,
    serverPid: async () => await ask(await serverUrl(), async client => await parentOf(Number((await client.query('select pg_backend_pid() as pid')).rows[0].pid))),
    server: async () => await ask(await serverUrl(), async client => {
      const { rows: [row] } = await client.query("select current_setting('server_version') as version, current_setting('fsync') as fsync")
      return `PostgreSQL ${row.version}, fsync ${row.fsync}`
    }),
  }
  const made = new Map<string, Promise<any>>()
  const on = (t: ExecutionContext): Stage => ({
    ...shared, t,
    shared: async (name, make) => {
      if (!made.has(name)) made.set(name, make(base))
      return await made.get(name)
    },
    folder: async () => await temporaryFolder(t),
    database: async name => await newDatabase(t, await serverUrl(), name),
    part: () => {
      const own = outsideTests()
      t.teardown(own.close) // it may be cut off
      return { ...on(own.t), close: own.close }
    },
  })
  const base = on(t)
  return { ...base, close }
}

async function openServer(t: ExecutionContext): Promise<string> {
  const named = process.env['DATABASE_URL']
  if (named !== undefined && named !== '') return named
  const server = await ownServer({ durable: true })
  t.teardown(server.close)
  return server.url
}

async function newDatabase(t: ExecutionContext, serverUrl: string, name: string): Promise<string> {
  const full = `latchkey_bench_${process.pid}_${name}`
  await createUnlessThere(serverUrl, full)
  t.teardown(async () => { await onServer(serverUrl, `drop database ${full} with (force)`) })
  const url = new URL(serverUrl)
  url.pathname = `/${full}`
  return url.href
}

async function ask<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

const peerFolder = join(process.env['LATCHKEY_BENCH_PEERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'latchkey-bench'), 'bin')

/** A program that test/bench/peers/install.sh puts there; undefined where it was not. */
export function peerProgram(name: string): string | undefined {
  const path = join(peerFolder, name)
  try {
    accessSync(path, constants.X_OK)
    return path
  } catch {
    return undefined
  }
}

export const notInstalled = (name: string): string => `${name} is not installed: test/bench/peers/install.sh does that`
