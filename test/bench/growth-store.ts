/** A store of one size, with a service on it that runs as an operator starts it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import type { Database } from '../../src/store/db.ts'
import { newToken } from '../support/api.ts'
import { newSession } from '../support/console.ts'
import { served, type Served } from '../support/served.ts'
import type { TestService } from '../support/service.ts'
import { openStore } from './open-store.ts'

const partitions = 16
const passphrase = 'a passphrase of tests'
/** What a store has to do first, such as counting everybody, is over by then; otherwise it is said. */
const longestSettlingMs = 15 * 60_000

export type GrowthStore = {
  readonly certificates: number
  /** Prepared here; what is measured is asked of `running`. */
  readonly service: TestService
  readonly db: Database
  readonly running: Served
  readonly headers: Readonly<Record<string, string>>
  readonly ready: { seconds: number, megabytes: number }
  readonly kilobytes: number
  readonly version: string
  close(): Promise<void>
}

/** @param deviceCa  certificate of those who made the phones that enroll */
export async function openGrowthStore(certificates: number, serverUrl: string, deviceCa: string, say: (line: string) => void): Promise<GrowthStore> {
  const name = `growth_${certificates}`
  const undo: (() => Promise<void>)[] = []
  const close = async (): Promise<void> => { for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step() }
  try {
    const { service, version, close: closeStore } = await openStore({ certificates, database: name, serverUrl, partitions, say: line => { say(`${certificates}: ${line}`) } })
    undo.push(closeStore)
    const { db } = service
    // Those who run have the time of day, whenever the store was made.
    service.clock.set(new Date().toISOString())
    await openInvitation(db, new Date(service.now().getTime() + 7 * 86_400_000))
    const { token } = await newSession(service, 'admin')
    const headers = { cookie: `latchkey=${token}`, authorization: `Bearer ${await newToken(service, 'admin')}`, 'accept-language': 'en' }
    const folder = await mkdtemp(join(tmpdir(), 'latchkey-growth-'))
    undo.push(async () => await rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'passphrase'), passphrase)
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    const running = await served(join(folder, 'data'), {
      DATABASE_URL: url.href, LATCHKEY_PASSPHRASE_FILE: join(folder, 'passphrase'), LATCHKEY_PKI_URL: service.config.pkiUrl, LATCHKEY_CRL_PARTITIONS: String(partitions), LATCHKEY_TEST_DEVICE_CA: deviceCa,
    })
    undo.push(async () => await running.stop())
    const started = performance.now()
    await running.start()
    const ready = { seconds: (performance.now() - started) / 1000, megabytes: await residentMb(running.pid()!) }
    const [size] = await db.query<{ kilobytes: number }>('select pg_database_size(current_database()) / 1000 as kilobytes')
    say(`${certificates}: ready after ${ready.seconds.toFixed(1)} s with ${ready.megabytes.toFixed(0)} MB, the database has ${(size!.kilobytes / 1000).toFixed(0)} MB`)
    return { certificates, service, db, running, headers, ready, version, kilobytes: size!.kilobytes, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The one whose token is `bench-token`: of an earlier run, or one of the newest. */
async function openInvitation(db: Database, expiresAt: Date): Promise<void> {
  await db.query(`update invitations set token_sha256 = $1, ended_at = null, expires_at = $2 where id = coalesce((select id from invitations where token_sha256 = $1),
    (select id from invitations order by created_at desc offset 17 limit 1))`, [tokenSha256('bench-token'), expiresAt])
}

/** What it counts at its start has been counted. @returns what was not */
export async function settled({ certificates, db }: GrowthStore): Promise<string | undefined> {
  const until = Date.now() + longestSettlingMs
  while (Date.now() < until) {
    const [row] = await db.query<{ done: boolean }>("select counted_at is not null and ((select count(*) from inventory) <= 2000 or exists (select 1 from settings where name = 'inventory-standing')) as done from counted")
    if (row?.done === true) return undefined
    await wait(500)
  }
  return `with ${certificates} certificates, what is counted unasked was not counted in ${longestSettlingMs / 60_000} minutes`
}

/** Of one minute in which nobody asks anything. PostgreSQL tells it a second late. */
export async function idleMs(stores: readonly GrowthStore[]): Promise<number[]> {
  const read = async (): Promise<number[]> => await Promise.all(stores.map(async ({ db }) =>
    (await db.query<{ ms: number }>('select active_time as ms from pg_stat_database where datname = current_database()'))[0]!.ms))
  const before = await read()
  await wait(60_000)
  return (await read()).map((ms, index) => ms - before[index]!)
}

async function residentMb(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}
