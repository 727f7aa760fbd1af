/** The service as an operator starts it (`node src/main.ts`), on a database that was prepared. */
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appleDeviceAnchor, testDeviceAnchor } from '../../src/devices/device-identity.ts'
import { makeDeviceCa } from '../../src/phone/make-ca.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { migrate, migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { openServer } from '../../src/store/server.ts'
import { newToken } from '../support/api.ts'
import { fakeClock } from '../support/clock.ts'
import { served, type Place, type Served } from '../support/served.ts'
import { testService, type TestService } from '../support/service.ts'
import type { Stage } from './stage.ts'

export const frontEnd = { name: 'bench', secret: 'a-secret-of-the-front-end' } as const
const passphrase = 'a passphrase of tests'

/** @property service  the same database seen from here, to prepare it; it serves nobody */
export type Latchkey = Served & { readonly port: number, readonly databaseUrl: string, readonly service: TestService, readonly deviceCaDir: string, readonly token: string }

/** @property fill  run once, before the first lists are published; @property publish  left out where the schedule is to do it */
export type Preparation = { fill?: (service: TestService) => Promise<void>, publish?: boolean }

/** @returns not started yet */
export async function latchkeyOn(stage: Stage, name: string, { fill, publish = true }: Preparation = {}): Promise<Latchkey> {
  const { t } = stage
  const folder = await stage.folder()
  await writeFile(join(folder, 'passphrase'), passphrase, { mode: 0o600 })
  const deviceCaDir = join(folder, 'device-ca')
  await makeDeviceCa(deviceCaDir)
  const testDeviceCa = join(deviceCaDir, 'ca.pem')
  const databaseUrl = await stage.database(name)
  const running = await served(join(folder, 'data'), { DATABASE_URL: databaseUrl, LATCHKEY_PASSPHRASE_FILE: join(folder, 'passphrase'), LATCHKEY_TEST_DEVICE_CA: testDeviceCa }, profiled(stage, name))
  const db = await openServer(databaseUrl)
  t.teardown(async () => { await db.close() })
  await migrate(db, await readMigrations(migrationsFolder))
  const service = await testService(t, {
    db, clock: fakeClock(new Date().toISOString()), config: { crlPartitions: 16, url: running.url, pkiUrl: running.url, testDeviceCa },
    anchors: [appleDeviceAnchor(), testDeviceAnchor(readFileSync(testDeviceCa, 'utf8'))],
  })
  await fill?.(service)
  await furnish(service)
  if (publish) await service.publish(true)
  t.teardown(async () => { await running.stop() })
  return { ...running, port: Number(new URL(running.url).port), databaseUrl, service, deviceCaDir, token: await newToken(service, 'admin') }
}

/** Written when the service ends in order. */
const profiled = ({ profiles }: Stage, name: string): Place =>
  profiles === undefined ? {} : { within: ['/usr/bin/env', `NODE_OPTIONS=--cpu-prof --cpu-prof-dir=${profiles} --cpu-prof-name=${name}.cpuprofile`] }

/** A front end that may ask, and a model that is let in. */
async function furnish({ db, now }: TestService): Promise<void> {
  const secretSha256 = createHash('sha256').update(frontEnd.secret).digest()
  await frontEndStore(db).add({ id: randomUUID(), name: frontEnd.name, kind: 'nginx', convention: 'nginx', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', secretSha256, createdAt: now() })
  await db.query(`insert into approvals (id, pattern, least_evidence, reason, author, not_before) values ($1, 'iPhone14,5', 'signed', 'a bench', 'ada', $2)`, [randomUUID(), now()])
}
