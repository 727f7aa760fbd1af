/**
 * How fast `/check` and OCSP answer with a large store: `npm run bench:check`. Makes a store with a million revoked
 * certificates on a PostgreSQL server of its own (or on that of DATABASE_URL), starts the service as an operator would, offers
 * requests at a constant rate from another process, and says how long answers took. The same run asks a bare `node:http` server.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { migrate, migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import type { Database } from '../../src/store/db.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { openServer } from '../../src/store/server.ts'
import { fakeClock } from '../support/clock.ts'
import { issueDevice, type Issued } from '../support/issued.ts'
import { served } from '../support/served.ts'
import { testService, type TestService } from '../support/service.ts'
import { ask, bareServer, checkMicroseconds, warmRate, type Asked } from './asking.ts'
import { checkRequest, ocspRequest } from './check-requests.ts'
import { fillCheckStore, type Population } from './check-store.ts'
import { createUnlessThere, onServer } from './open-store.ts'
import { residentMb } from './processes.ts'
import { ownServer } from '../support/own-server.ts'

const { values: options } = parseArgs({ options: {
  good: { type: 'string', default: '100000' }, revoked: { type: 'string', default: '1000000' }, rate: { type: 'string', default: '10000' }, seconds: { type: 'string', default: '10' },
  rounds: { type: 'string', default: '3' }, connections: { type: 'string', default: '64' }, json: { type: 'boolean', default: false }, only: { type: 'string' }, database: { type: 'string' },
  'seed-only': { type: 'boolean', default: false },
} })
const say = (line: string): void => { process.stderr.write(`${line}\n`) }
const population: Population = { good: Number(options.good), revoked: Number(options.revoked) }
const [rate, connections, warmUpSeconds] = [Number(options.rate), Number(options.connections), 15]
const secret = 'a-secret-of-the-front-end'
const passphrase = 'a passphrase of tests'

type Case = { name: string, rate: number, bare?: 'bare' | 'working', requests: () => { bytes: Buffer[], expected: number[] } }
type Row = { name: string, offered: number, rounds: Asked[] }

const undo: (() => Promise<void>)[] = []
try {
  const { url, service, db, template } = await openCheckStore()
  if (!options['seed-only']) {
    const rows = await bench(url, service, template)
    const [version] = await db.query<{ server_version: string }>('show server_version')
    const about = { ...population, seconds: options.seconds, connections, machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database: `PostgreSQL ${version!.server_version}` }
    process.stdout.write(options.json ? `${JSON.stringify({ about, rows }, null, 2)}\n` : reportOf(about, rows))
  }
} finally {
  for (const step of undo.reverse()) await step()
}

async function openCheckStore(): Promise<{ url: string, service: TestService, db: Database, template: Issued }> {
  const server = process.env['DATABASE_URL'] === undefined ? await ownServer() : undefined
  if (server !== undefined) undo.push(server.close)
  const [serverUrl, name] = [server?.url ?? process.env['DATABASE_URL']!, options.database ?? `latchkey_bench_${process.pid}`]
  const isNew = await createUnlessThere(serverUrl, name)
  if (options.database === undefined && server === undefined) undo.push(async () => await onServer(serverUrl, `drop database ${name} with (force)`))
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  const db = await openServer(url.href)
  undo.push(async () => await db.close())
  await migrate(db, await readMigrations(migrationsFolder))
  // Outside the test runner there is nothing that its context would be for: the database is our own.
  const service = await testService(undefined as unknown as ExecutionContext, { db, clock: fakeClock(new Date().toISOString()), config: { crlPartitions: 16 } })
  if (isNew) {
    const template = await issueDevice(service, { email: 'template@example.com' })
    await fillCheckStore(db, template, population, service.now(), say)
    await frontEndStore(db).add({ id: randomUUID(), name: 'bench', kind: 'nginx', convention: 'nginx', authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(secret).digest(), createdAt: service.now() })
    await service.publish(true)
  }
  const [row] = await db.query<{ der: Buffer, serial: Buffer, authority: number }>(`select der, c.serial_number as serial, authority_id as authority from certificates c
    join devices d on d.id = c.device_id join people p on p.id = d.person_id where p.email = 'template@example.com'`)
  return { url: url.href, service, db, template: { certificate: parseCertificate(row!.der), serialNumber: row!.serial, authorityId: row!.authority } as Issued }
}

/** Each case once in every round, so that what else the machine does falls on all of them. */
async function bench(databaseUrl: string, service: TestService, template: Issued): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  undo.push(async () => await rm(folder, { recursive: true, force: true }))
  await writeFile(join(folder, 'passphrase'), passphrase)
  const started = performance.now()
  const latchkey = await served(folder, { DATABASE_URL: databaseUrl, LATCHKEY_PASSPHRASE_FILE: join(folder, 'passphrase'), LATCHKEY_PKI_URL: service.config.pkiUrl })
  await latchkey.start()
  say(`ready after ${((performance.now() - started) / 1000).toFixed(1)} s with ${(await residentMb(latchkey.pid()!)).toFixed(0)} MB`)
  undo.push(async () => await latchkey.stop())
  const undoing = { teardown: (step: () => void) => { undo.push(async () => { step() }) } }
  const bare = { bare: await bareServer(undoing), working: await bareServer(undoing, checkMicroseconds) }
  const cases = casesOf(service, template).filter(({ name }) => new RegExp(options.only ?? '').test(name))
  const rows = cases.map(({ name, rate }): Row => ({ name, offered: rate, rounds: [] }))
  const targetOf = (each: Case): { port: number, pid: number } => each.bare !== undefined ? bare[each.bare] : { port: Number(new URL(latchkey.url).port), pid: latchkey.pid()! }
  // A service runs for weeks. In its first seconds V8 compiles what is asked often, beside it and on the same processors.
  const first = new Map(cases.toReversed().map(each => [targetOf(each).pid, each])).values()
  for (const each of first) await measure({ ...each, rate }, targetOf(each), warmUpSeconds)
  for (let round = 1; round <= Number(options.rounds); round++) {
    for (const [index, each] of cases.entries()) {
      const measured = await measure(each, targetOf(each))
      rows[index]!.rounds.push(measured)
      say(`${round}/${options.rounds} ${each.name}: ${measured.perSecond}/s, p50 ${measured.p50.toFixed(2)}, p99 ${measured.p99.toFixed(2)}, max ${measured.max.toFixed(1)} ms${measured.wire === undefined ? '' : `, at the service p99 ${measured.wire.p99.toFixed(2)}, max ${measured.wire.max.toFixed(1)} ms (${measured.wire.answered}, ${measured.wire.dropped} dropped)`}, CPU ${(measured.server * 100).toFixed(0)} %, wrong ${measured.wrong}`)
    }
  }
  return rows
}

/** The same numbers every time. */
function seeded(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return seed / 2 ** 32
  }
}

function casesOf(service: TestService, template: Issued): Case[] {
  const all = population.good + population.revoked
  const issuer = activeAuthority(service.authorities(), 'issuing')
  const numbers = (count: number, among: number): number[] => {
    const next = seeded(among + count)
    return Array.from({ length: count }, () => Math.floor(next() * among))
  }
  const checks = (count: number, among: number) => () => {
    const asked = numbers(count, among)
    return { bytes: asked.map(n => checkRequest(template, n, secret)), expected: asked.map(n => n < population.good ? 200 : 403) }
  }
  /** @param serials  so many different ones */
  const ocsp = (count: number, serials: number, nonce = false) => () => {
    const asked = numbers(serials, all)
    return { bytes: Array.from({ length: count }, (_, i) => ocspRequest(issuer, asked[i % serials]!, nonce)), expected: [200] }
  }
  return [
    { name: 'bare node:http', rate, bare: 'bare', requests: checks(1000, population.good) },
    { name: `bare node:http that works ${checkMicroseconds} µs for each`, rate, bare: 'working', requests: checks(1000, population.good) },
    { name: 'bare node:http, at most', rate: 0, bare: 'bare', requests: checks(1000, population.good) },
    { name: 'check, at most', rate: 0, requests: checks(1000, population.good) },
    { name: 'check, 1,000 phones', rate, requests: checks(1000, population.good) },
    { name: 'check, good and revoked, 20,000', rate, requests: checks(20_000, all) },
    { name: 'check, each another one', rate, requests: checks(100_000, all) },
    { name: 'OCSP, distinct, at most', rate: 0, requests: ocsp(100_000, 100_000) },
    { name: 'OCSP, repeated, at most', rate: 0, requests: ocsp(1000, 1000) },
    { name: 'OCSP, with nonce, at most', rate: 0, requests: ocsp(50_000, 1000, true) },
  ]
}

async function measure({ rate, requests }: Case, target: { port: number, pid: number }, seconds = Number(options.seconds)): Promise<Asked> {
  const { bytes, expected } = requests()
  // So many certificates are remembered; with more of them nothing can be.
  const warmSeconds = bytes.length > 50_000 ? 2 : 2 + bytes.length / warmRate
  return await ask({ ...target, rate, seconds, connections, requests: bytes, expected, warmSeconds })
}

function reportOf(about: Record<string, unknown>, rows: readonly Row[]): string {
  const median = (values: number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
  const spread = (values: number[], digits: number): string => `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`
  const bare = rows.find(({ name, offered }) => name.startsWith('bare') && offered === 0)
  const bareCost = bare && median(bare.rounds.map(({ server, perSecond }) => server / perSecond))
  const lines = rows.map(({ name, offered, rounds }) => {
    const of = (value: (round: Asked) => number, digits: number): string => spread(rounds.map(value), digits)
    const ratio = bareCost === undefined ? '' : (median(rounds.map(({ server, perSecond }) => server / perSecond)) / bareCost).toFixed(1)
    return `| ${[name, offered || 'at most', of(r => r.perSecond, 0), of(r => r.p50, 2), of(r => r.p99, 2), of(r => r.max, 1), rounds.some(({ wire }) => wire === undefined) ? '' : of(r => r.wire!.p99, 2), of(r => r.server * 100, 0), of(r => r.perSecond / r.server, 0), ratio, of(r => r.lateMs, 2), median(rounds.map(r => r.residentMb)).toFixed(0), rounds.reduce((sum, r) => sum + r.wrong, 0)].join(' | ')} |`
  })
  return [
    JSON.stringify(about), '',
    '| what | offered /s | answered /s | p50 ms | p99 ms | max ms | at the service p99 ms | CPU % | /s per core | × bare | asker late p99 ms | MB | wrong |', '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |', ...lines, '',
  ].join('\n')
}
