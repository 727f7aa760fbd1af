/**
 * How fast the console answers with a large store: `npm run bench:console`. Makes a store of a million certificates on a
 * PostgreSQL server of its own (or on that of DATABASE_URL), asks every page and every list of the API many times, and says
 * what took how long and was how large. Ends with 1 when anything is over the bounds.
 */
import { createServer } from 'node:http'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import type { AddressInfo } from 'node:net'
import { createApp } from '../../src/app.ts'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { consoleRouter } from '../../src/console/router.ts'
import { personRouter } from '../../src/console/person/router.ts'
import { enrollmentDeps } from '../../src/http/enrollment-deps.ts'
import { apiQuestions, pathsOf, questionsFor, thingsIn, type Question } from './addresses.ts'
import { measure, type Answer, type Measured } from './measure.ts'
import { openStore } from './open-store.ts'
import { sortsIn } from './sorts.ts'
import { reportOf } from './report.ts'
import { newSession } from '../support/console.ts'
import { newToken } from '../support/api.ts'
import type { TestService } from '../support/service.ts'

const { values: options } = parseArgs({ options: {
  certificates: { type: 'string', default: '1000000' }, times: { type: 'string', default: '30' }, rounds: { type: 'string', default: '3' },
  json: { type: 'boolean', default: false }, only: { type: 'string' }, database: { type: 'string' }, 'seed-only': { type: 'boolean', default: false },
} })
const say = (line: string): void => { process.stderr.write(`${line}\n`) }

const store = await openStore({ certificates: Number(options.certificates), database: options.database, serverUrl: process.env['DATABASE_URL'], say })
try {
  if (!options['seed-only']) {
    const measured = await bench(store.service, store.timed)
    const about = { certificates: Number(options.certificates), times: Number(options.times), rounds: Number(options.rounds), machine: `${cpus().length} × ${cpus()[0]?.model ?? '?'}`, database: store.version }
    process.stdout.write(options.json ? `${JSON.stringify({ about, measured }, null, 2)}\n` : reportOf(about, measured))
    if (measured.some(({ over }) => over)) process.exitCode = 1
  }
} finally {
  await store.close()
}

async function bench(service: TestService, timed: { databaseMs: number, queries: number }): Promise<Measured[]> {
  const { db } = service
  await db.query("update invitations set token_sha256 = $1, ended_at = null, expires_at = $2 where id = (select id from invitations order by created_at desc offset 17 limit 1)", [tokenSha256('bench-token'), new Date(service.now().getTime() + 7 * 86_400_000)])
  const app = createApp(service)
  let last: Answer = { ms: 0, cpuMs: 0, databaseMs: 0, queries: 0 }
  const server = createServer((request, response) => {
    const [began, cpu, database, queries] = [performance.now(), process.threadCpuUsage(), timed.databaseMs, timed.queries]
    response.on('finish', () => {
      const used = process.threadCpuUsage(cpu)
      last = { ms: performance.now() - began, cpuMs: (used.user + used.system) / 1000, databaseMs: timed.databaseMs - database, queries: timed.queries - queries }
    })
    void app(request, response)
  })
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { token: session } = await newSession(service, 'admin')
  const headers = { cookie: `latchkey=${session}`, authorization: `Bearer ${await newToken(service, 'admin')}`, 'accept-language': 'en' }
  const ask = async (address: string): Promise<{ status: number, body: Buffer, answer: Answer }> => {
    const response = await fetch(`${origin}${address}`, { headers, redirect: 'manual' })
    const body = Buffer.from(await response.arrayBuffer())
    // The last byte is read before the server's own note is made.
    await new Promise<void>(resolve => { setImmediate(resolve) })
    return { status: response.status, body, answer: last }
  }
  try {
    return await measure(await questions(service, ask), ask, { times: Number(options.times), rounds: Number(options.rounds), say })
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

type Ask = (address: string) => Promise<{ status: number, body: Buffer }>

async function questions(service: TestService, ask: Ask): Promise<Question[]> {
  const things = await thingsIn(service.db)
  const paths = [...new Set([...pathsOf(consoleRouter(service)), ...pathsOf(personRouter(service, enrollmentDeps(service)))])]
  const sorts = await sortsIn(paths.filter(path => !path.endsWith('.csv')), async path => (await ask(path)).body.toString())
  const all = [...questionsFor(paths.filter(path => !path.endsWith('.csv')), things, address => sorts.get(address) ?? []), ...apiQuestions(things)]
  return options.only === undefined ? all : all.filter(({ page, address }) => page.includes(options.only!) || address.includes(options.only!))
}
