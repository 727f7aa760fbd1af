/**
 * How long a revoked phone is still let in: `npm run bench:front-ends`. A service on PostgreSQL with 100,000 revoked
 * certificates, agents and front ends run as an operator runs them, with the configurations that Latchkey prints. Phones
 * ask on new, kept-alive and resumed connections, without a pause, while they are revoked over the API. Time alone never
 * fails it: it ends with 1 when somebody is let in for ever.
 */
import { cpus } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { frontEndKindsMeasured, type FrontEndKind, type Running } from './front-ends/kinds.ts'
import { measurePings, phoneOf, revokeWhileAsking, soon, type Phone, type Version } from './front-ends/measure.ts'
import { reportOf, rowsOf, type FrontEndMeasured } from './front-ends/report.ts'
import { seedRevoked } from './front-ends/revoked.ts'
import { outsideTests } from '../support/context.ts'
import { hasServer, ownServer } from '../support/own-server.ts'
import { peer } from '../support/peers.ts'
import { databaseForProcess, prepareService, type PreparedService } from '../support/prepared-service.ts'
import type { Way } from '../support/prober.ts'
import { get } from '../support/tls-client.ts'

const { values: options } = parseArgs({ options: {
  revoked: { type: 'string', default: '100000' }, revocations: { type: 'string' }, 'stream-limit': { type: 'string' }, pause: { type: 'string', default: '1500' }, quick: { type: 'boolean', default: false },
  only: { type: 'string' }, json: { type: 'boolean', default: false },
} })
const revocations = Number(options.revocations ?? (options.quick ? 5 : 50))
const streamLimitSeconds = Number(options['stream-limit'] ?? (options.quick ? 5 : 20))
// Lists are signed and brought within a second: one revocation is measured, and not what the one before it has left to do.
const pauseMs = Number(options.pause)
const pingCount = options.quick ? 2 : 10
const versions: readonly Version[] = ['TLSv1.2', 'TLSv1.3']
const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const outside = outsideTests()
const { t } = outside
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void outside.close().finally(() => { process.exit(130) }) })
try {
  const kinds = frontEndKindsMeasured.filter(({ name, program }) => (options.only === undefined || name.includes(options.only)) && peer(t, program) !== undefined)
  const perKind = versions.length * revocations + pingCount + 1
  const databaseUrl = await database()
  const service = await prepareService(t, {
    databaseUrl, partitions: 16, phones: kinds.length * perKind,
    frontEnds: kinds.flatMap(({ name, kind }) => [{ name, kind }, { name: `${name}-resuming`, kind }]),
    fill: async prepared => { await seedRevoked(prepared, Number(options.revoked)) },
  })
  await service.start()
  say('the service runs')
  const chain = await (await fetch(`${service.url}/ca/chain.pem`)).text()
  const measured: FrontEndMeasured[] = []
  for (const [index, kind] of kinds.entries()) {
    const phones = service.phones.slice(index * perKind, (index + 1) * perKind).map(phone => phoneOf(phone, chain))
    measured.push(await measureKind(kind, service, phones))
  }
  const about = {
    revoked: Number(options.revoked), revocations, streamLimitSeconds, pauseMs, machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database: databaseUrl === undefined ? 'embedded database' : 'PostgreSQL server',
  }
  process.stdout.write(options.json ? `${JSON.stringify({ about, rows: measured.flatMap(rowsOf), measured }, null, 2)}\n` : reportOf(about, measured))
} catch (error) {
  say(error instanceof Error ? error.stack ?? error.message : String(error))
  process.exitCode = 1
} finally {
  await outside.close()
}
// Connections that a front end keeps to the back end would hold the process up.
process.exit()

/** @returns undefined for the embedded one */
async function database(): Promise<string | undefined> {
  let serverUrl = process.env['DATABASE_URL']
  if (serverUrl === undefined && await hasServer()) {
    const server = await ownServer()
    t.teardown(server.close)
    serverUrl = server.url
  }
  return await databaseForProcess(t, serverUrl)
}

async function measureKind(kind: FrontEndKind, service: PreparedService, [first, ...phones]: Phone[]): Promise<FrontEndMeasured> {
  const own = outsideTests()
  t.teardown(own.close)
  try {
    const start = async (resuming: boolean): Promise<Running> =>
      await kind.start(own.t, peer(own.t, kind.program)!, { service, frontEnd: resuming ? `${kind.name}-resuming` : kind.name, streamLimitSeconds, resuming })
    const running = await start(false)
    const ports = new Map<Way, number>([['new', running.port], ['kept-alive', running.port]])
    if (kind.resumes !== 'never') ports.set('resumed', kind.resumes === 'as-printed' ? running.port : (await start(true)).port)
    for (const asked of new Set(ports.values())) await soon(async () => await get(asked, { identity: first!.identity }).then(({ status }) => status === 200, () => false), () => `nobody is let in by ${kind.title}`)
    const latencies: FrontEndMeasured['latencies'][number][] = []
    for (const version of versions) {
      const each = []
      for (let n = 0; n < revocations; n++) {
        await wait(pauseMs)
        each.push(...await revokeWhileAsking(own.t, service, phones.shift()!, ports, version))
      }
      latencies.push({ version, latencies: each })
      say(`${kind.title}, ${version}: ${revocations} revocations`)
    }
    return { kind, latencies, pings: await measurePings(own.t, service, phones.splice(0, pingCount), running) }
  } finally {
    await own.close()
  }
}
