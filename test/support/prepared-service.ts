/** A service with phones and front ends of its own, prepared here, which then runs as a process of its own. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { fingerprint } from '../../src/formats/x509.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { migrate, migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { openDatabase } from '../../src/store/open.ts'
import { newToken } from './api.ts'
import { issueDevice, type Issued } from './issued.ts'
import { serverDatabase } from './server-database.ts'
import { served, type Place, type Served } from './served.ts'
import { testService, type TestService } from './service.ts'
import { temporaryFolder } from './temporary.ts'

export type PreparedService = Served & {
  readonly phones: readonly Issued[]
  /** Bearer token of an admin. */
  readonly token: string
  /** SHA-256 of the root certificate. */
  readonly rootFingerprint: string
  /** What a front end was given when it was added. */
  secretOf(frontEnd: string): string
  /** What the process is started with. */
  readonly env: Readonly<Record<string, string>>
}

export type PrepareOptions = {
  /** A database of a server, empty or migrated; embedded where left out. */
  databaseUrl?: string | undefined
  phones: number
  frontEnds: readonly { name: string, kind: 'haproxy' | 'nginx' | 'apache', maxAgeSeconds?: number }[]
  partitions?: number
  env?: Record<string, string>
  /** Where the service runs, where that is not here. */
  place?: Place
  /** Run before the first lists are published. */
  fill?: (service: TestService) => Promise<void>
}

const passphrase = 'a passphrase of tests'
const now = (): Date => new Date()
const admin = { name: 'ada', source: 'test', role: 'admin' } as never

/** Everything that has to be in the database is there when this returns; nothing runs yet. It ends with the test. */
export async function prepareService(t: ExecutionContext<any>, options: PrepareOptions): Promise<PreparedService> {
  const { databaseUrl, partitions = 4 } = options
  const folder = await temporaryFolder(t)
  writeFileSync(join(folder, 'passphrase'), `${passphrase}\n`, { mode: 0o600 })
  const env = {
    LATCHKEY_PASSPHRASE_FILE: join(folder, 'passphrase'), LATCHKEY_CRL_PARTITIONS: String(partitions), DATABASE_URL: databaseUrl ?? '', ...options.env,
  }
  const running = await served(join(folder, 'data'), env, options.place)
  t.teardown(() => running.stop())
  const { url, dataFolder } = running
  const db = await openDatabase({ databaseUrl, dataFolder })
  try {
    await migrate(db, await readMigrations(migrationsFolder))
    const service = await testService(t, { db, clock: { now, advance: () => {}, set: () => {} }, config: { crlPartitions: partitions, pkiUrl: url, url } })
    await options.fill?.(service)
    const phones: Issued[] = []
    for (let phone = 0; phone < options.phones; phone++) phones.push(await issueDevice(service))
    const secrets = new Map<string, string>()
    for (const frontEnd of options.frontEnds) {
      secrets.set(frontEnd.name, (await frontEndAdd.run(service, admin, frontEndAdd.input.parse(frontEnd))).secret)
    }
    await service.publish(true)
    return {
      ...running, phones, env, token: await newToken(service, 'admin'), secretOf: name => secrets.get(name)!,
      rootFingerprint: fingerprint(activeAuthority(service.authorities(), 'root').certificate.raw),
    }
  } finally {
    await db.close()
  }
}

/** A new database of the server that DATABASE_URL names, gone with the test; undefined where the embedded one is meant. */
export async function databaseForProcess(t: ExecutionContext<any>, serverUrl = process.env['DATABASE_URL']): Promise<string | undefined> {
  if (serverUrl === undefined) return undefined
  const { url, drop } = await serverDatabase(serverUrl, await readMigrations(migrationsFolder))
  t.teardown(drop)
  return url
}
