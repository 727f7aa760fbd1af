/** The database that all instances share: certificates to ask about, and a front end that may. */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { activeAuthority, type Authority } from '../../../src/certificates/authority.ts'
import { frontEndStore } from '../../../src/store/front-ends.ts'
import { migrate, migrationsFolder, readMigrations } from '../../../src/store/migrate.ts'
import { openServer } from '../../../src/store/server.ts'
import { fakeClock } from '../../support/clock.ts'
import { issueDevice, type Issued } from '../../support/issued.ts'
import { ownServer } from '../../support/own-server.ts'
import { testService } from '../../support/service.ts'
import { fillCheckStore, type Population } from '../check-store.ts'
import { createUnlessThere, onServer } from '../open-store.ts'
import type { Undo } from './undo.ts'

export const secret = 'a-secret-of-the-front-end'

export type WidthStore = {
  readonly population: Population
  readonly serverUrl: string
  readonly databaseUrl: string
  readonly passphraseFile: string
  readonly folder: string
  readonly issuer: Authority
  readonly template: Issued
  readonly version: string
  /** The number of a good one that nobody was given before. From `asked` on the good ones are kept for this. */
  nextGood(): number
  readonly asked: number
}

export async function openWidthStore(population: Population, undo: Undo, say: (line: string) => void): Promise<WidthStore> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  undo.push(async () => await rm(folder, { recursive: true, force: true }))
  const passphraseFile = join(folder, 'passphrase')
  await writeFile(passphraseFile, 'a passphrase of tests', { mode: 0o600 })
  const server = process.env['DATABASE_URL'] === undefined ? await ownServer() : undefined
  if (server !== undefined) undo.push(server.close)
  const [serverUrl, name] = [server?.url ?? process.env['DATABASE_URL']!, `latchkey_bench_${process.pid}`]
  await createUnlessThere(serverUrl, name)
  if (server === undefined) undo.push(async () => await onServer(serverUrl, `drop database ${name} with (force)`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const db = await openServer(url.href)
  try {
    await migrate(db, await readMigrations(migrationsFolder))
    // Outside the test runner there is nothing that its context would be for: the database is our own.
    const service = await testService(undefined as unknown as ExecutionContext, { db, clock: fakeClock(new Date().toISOString()), config: { crlPartitions: 16 } })
    const template = await issueDevice(service, { email: 'template@example.com' })
    await fillCheckStore(db, template, population, service.now(), say)
    await frontEndStore(db).add({ id: randomUUID(), name: 'bench', kind: 'nginx', convention: 'nginx', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(secret).digest(), createdAt: service.now() })
    await service.publish(true)
    const [version] = await db.query<{ server_version: string }>('show server_version')
    const asked = Math.floor(population.good / 2)
    let next = population.good
    return {
      population, serverUrl, databaseUrl: url.href, passphraseFile, folder, template, issuer: activeAuthority(service.authorities(), 'issuing'), version: `PostgreSQL ${version!.server_version}`,
      asked,
      nextGood() {
        if (next <= asked) throw new Error('there are too few good certificates for so many revocations: --good')
        return --next
      },
    }
  } finally {
    await db.close()
  }
}
