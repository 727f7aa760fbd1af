import test from 'ava'
import { createHash, randomUUID } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { toPem } from '../../src/formats/pem.ts'
import { openAnswers } from '../../src/http/answers.ts'
import type { Log } from '../../src/http/log.ts'
import { conventionFor, type FrontEndKind } from '../../src/protocols/check/kinds.ts'
import { checkHandler } from '../../src/protocols/check/handler.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import type { Database } from '../../src/store/db.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { holdNow, issueBootstrap, issueDevice, prepareDevice, releaseNow, revokeNow, type Issued } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { testService, type TestService } from '../support/service.ts'

const secret = 'a-secret-of-the-front-end'

async function addFrontEnd({ db, now }: TestService, name: string, kind: FrontEndKind, authorityId: number | null = null): Promise<void> {
  await frontEndStore(db).add({
    id: randomUUID(), name, kind, convention: conventionFor(kind, authorityId), authorityId,
    maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(secret).digest(), createdAt: now(),
  })
}

const escapedPem = ({ pem }: Pick<Issued, 'pem'>): Record<string, string> => ({ 'x-ssl-client-escaped-cert': encodeURIComponent(pem) })

type Answer = { status: number, decision: string | null, headers: Headers }

async function ask(origin: string, headers: Record<string, string>, options: { path?: string, method?: string, authorization?: string } = {}): Promise<Answer> {
  const response = await fetch(`${origin}/check/${options.path ?? 'edge'}`, {
    method: options.method ?? 'GET', headers: { authorization: options.authorization ?? `Bearer ${secret}`, ...headers },
  })
  return { status: response.status, decision: response.headers.get('latchkey-decision'), headers: response.headers }
}

async function edge(t: Parameters<typeof testService>[0], kind: FrontEndKind = 'nginx', log?: Log) {
  const service = await testService(t, log === undefined ? {} : { log })
  await addFrontEnd(service, 'edge', kind)
  return { service, origin: await listen(t, [checkHandler(service)]) }
}

test('a good certificate passes, and the front end learns whose it is', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service, { email: 'ada@example.org' })
  const { status, decision, headers } = await ask(origin, escapedPem(issued))
  t.is(status, 200)
  t.is(decision, 'good')
  t.is(headers.get('latchkey-device'), issued.deviceId)
  t.is(headers.get('latchkey-person'), 'ada@example.org')
  t.is(headers.get('latchkey-serial'), issued.certificate.serialNumber)
  t.is(headers.get('cache-control'), 'no-store')
})

test('front ends ask by any method, and below the address too', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  for (const method of ['GET', 'POST', 'OPTIONS', 'PROPFIND', 'DELETE', 'HEAD']) {
    for (const path of ['edge', 'edge/', 'edge/Microsoft-Server-ActiveSync?Cmd=Sync', 'edge/a/b/c']) {
      t.is((await ask(origin, escapedPem(issued), { method, path })).status, 200, `${method} ${path}`)
    }
  }
})

test('revoked, held and released count from the very next question', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  const decision = async () => { const answer = await ask(origin, escapedPem(issued)); return [answer.status, answer.decision] }
  t.deepEqual(await decision(), [200, 'good'])
  await holdNow(service, issued)
  t.deepEqual(await decision(), [403, 'held'])
  await releaseNow(service, issued)
  t.deepEqual(await decision(), [200, 'good'])
  await revokeNow(service, issued)
  t.deepEqual(await decision(), [403, 'revoked'])
})

test('a question that was on its way when the revocation was committed is refused as well', async t => {
  const service = await testService(t)
  await addFrontEnd(service, 'edge', 'nginx')
  const issued = await issueDevice(service)
  const [read, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const db: Database = { ...service.db, query: async (text, params) => {
    const rows = await service.db.query<any>(text, params)
    if (!text.includes('c.sha256 = any')) return rows
    read.resolve()
    await held.promise
    return rows
  } }
  const origin = await listen(t, [checkHandler({ ...service, answers: openAnswers({ db, log: service.log, databaseLossSeconds: 5 }) })])
  const asked = ask(origin, escapedPem(issued))
  await read.promise
  await revokeNow(service, issued)
  held.resolve()
  t.is((await asked).decision, 'revoked')
})

test('whoever has been asked often forgets all of it with the database', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  await until(async () => { await ask(origin, escapedPem(issued)); return service.answers.known.byKey(issued) !== undefined })
  await service.db.close()
  await until(async () => (await ask(origin, escapedPem(issued))).status === 503)
  for (let i = 0; i < 3; i++) t.is((await ask(origin, escapedPem(issued))).status, 503)
})

test('outside its dates a certificate is refused', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service, { validityDays: 1 })
  service.clock.set('2026-03-01T08:54:59Z')
  t.is((await ask(origin, escapedPem(issued))).decision, 'not-yet-valid')
  service.clock.set('2026-03-02T08:59:59Z')
  t.is((await ask(origin, escapedPem(issued))).status, 200)
  service.clock.set('2026-03-02T09:00:00Z')
  const late = await ask(origin, escapedPem(issued))
  t.deepEqual([late.status, late.decision], [403, 'expired'])
})

test('bootstrap identities, signers, authorities and what was never completed open nothing', async t => {
  const { service, origin } = await edge(t)
  const pending = await prepareDevice(service)
  const pems = [
    pending.pem, (await issueBootstrap(service)).pem,
    ...service.authorities().signers.map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)),
    ...service.authorities().all.map(({ certificate }) => toPem('CERTIFICATE', certificate.raw)),
  ]
  for (const pem of pems) {
    const { status, decision, headers } = await ask(origin, escapedPem({ pem }))
    t.deepEqual([status, decision, headers.get('latchkey-device')], [403, 'unknown', null])
  }
})

test('one changed bit makes another certificate', async t => {
  const { service, origin } = await edge(t, 'haproxy')
  const { certificate } = await issueDevice(service)
  const changed = Buffer.from(certificate.raw)
  changed[changed.length - 1]! ^= 1
  t.is((await ask(origin, { 'x-ssl-client-cert': certificate.raw.toString('base64') })).status, 200)
  t.is((await ask(origin, { 'x-ssl-client-cert': changed.toString('base64') })).decision, 'unknown')
})

test('without a certificate, with a damaged one, or with two, nobody passes', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  t.deepEqual([(await ask(origin, {})).decision, (await ask(origin, { 'x-ssl-client-escaped-cert': '' })).decision], ['no-certificate', 'no-certificate'])
  t.is((await ask(origin, { 'x-ssl-client-escaped-cert': 'hello' })).decision, 'malformed')
  const [, value] = Object.entries(escapedPem(issued))[0]!
  const twice = await new Promise<number | undefined>((resolve, reject) => {
    const request = httpRequest(`${origin}/check/edge`, { headers: { authorization: `Bearer ${secret}`, 'x-ssl-client-escaped-cert': [value, value] } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    request.on('error', reject)
    request.end()
  })
  t.is(twice, 403)
})

test('headers of other conventions are ignored, and their names are logged once a minute', async t => {
  const lines: [string, unknown][] = []
  const { service, origin } = await edge(t, 'nginx', (_level, event, fields) => { lines.push([event, fields]) })
  const issued = await issueDevice(service)
  const foreign = { 'x-ssl-client-cert': issued.certificate.raw.toString('base64'), 'client-cert': `:${issued.certificate.raw.toString('base64')}:`, 'x-ssl-client-serial': issued.certificate.serialNumber }
  t.is((await ask(origin, foreign)).decision, 'no-certificate')
  t.is((await ask(origin, foreign)).decision, 'no-certificate')
  t.deepEqual(lines, [['check-headers-ignored', { frontEnd: 'edge', headers: 'x-ssl-client-cert,client-cert,x-ssl-client-serial' }]])
  service.clock.advance(61)
  await ask(origin, foreign)
  t.is(lines.length, 2)
})

test('Latchkey headers of a client come to nothing', async t => {
  const { service, origin } = await edge(t)
  await issueDevice(service)
  const { status, headers } = await ask(origin, { 'latchkey-decision': 'good', 'latchkey-device': 'mine', 'latchkey-person': 'me', 'latchkey-serial': '41' })
  t.is(status, 403)
  t.deepEqual(['device', 'person', 'serial'].map(name => headers.get(`latchkey-${name}`)), [null, null, null])
})

test('a front end is known by its secret, and an unknown one is told no more than a wrong secret', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  const answers = await Promise.all([
    ask(origin, escapedPem(issued), { authorization: 'Bearer wrong' }),
    ask(origin, escapedPem(issued), { authorization: `Basic ${secret}` }),
    ask(origin, escapedPem(issued), { authorization: '' }),
    ask(origin, escapedPem(issued), { path: 'nobody' }),
    ask(origin, escapedPem(issued), { path: '%00' }),
  ])
  for (const { status, decision } of answers) t.deepEqual([status, decision], [403, 'unauthorized'])

  await frontEndStore(service.db).end('edge', service.now())
  t.is((await ask(origin, escapedPem(issued))).decision, 'unauthorized')
  await addFrontEnd(service, 'edge', 'nginx')
  t.is((await ask(origin, escapedPem(issued))).decision, 'good')
})

test('a bare serial number counts only for a front end with its issuer fixed', async t => {
  const { service, origin } = await edge(t)
  const issuing = activeAuthority(service.authorities(), 'issuing').id
  const enrollment = activeAuthority(service.authorities(), 'enrollment').id
  await addFrontEnd(service, 'serials', 'serial', issuing)
  await addFrontEnd(service, 'elsewhere', 'serial', enrollment)
  const issued = await issueDevice(service)
  const bootstrap = await issueBootstrap(service)
  const serial = (key: Issued) => ({ 'x-ssl-client-serial': key.certificate.serialNumber.toUpperCase() })
  t.is((await ask(origin, serial(issued), { path: 'serials' })).decision, 'good')
  t.is((await ask(origin, serial(issued), { path: 'elsewhere' })).decision, 'unknown')
  t.is((await ask(origin, serial(bootstrap), { path: 'elsewhere' })).decision, 'unknown')
  t.is((await ask(origin, serial(issued), { path: 'edge' })).decision, 'no-certificate')
})

test('a front end that may ask about one authority learns nothing of another\'s certificates', async t => {
  const { service, origin } = await edge(t)
  await addFrontEnd(service, 'narrow', 'nginx', activeAuthority(service.authorities(), 'enrollment').id)
  t.is((await ask(origin, escapedPem(await issueDevice(service)), { path: 'narrow' })).decision, 'unknown')
})

test('who has lost the database says 503, never an old good', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  t.is((await ask(origin, escapedPem(issued))).status, 200)
  await service.db.close()
  await until(async () => (await ask(origin, escapedPem(issued))).status !== 200)
  const { status, decision, headers } = await ask(origin, escapedPem(issued))
  t.deepEqual([status, decision, headers.get('cache-control')], [503, 'unavailable', 'no-store'])
})

test('a database that does not answer is not waited for', async t => {
  const service = await testService(t)
  await addFrontEnd(service, 'edge', 'nginx')
  const db = { ...service.db, query: () => new Promise<never>(() => {}) }
  const silent = { ...service, config: { ...service.config, databaseLossSeconds: 0 }, db, answers: openAnswers({ db, log: service.log, databaseLossSeconds: 0 }) }
  const origin = await listen(t, [checkHandler(silent)])
  t.is((await ask(origin, {})).status, 503)
})

/** Asks the database until it says so: first use is recorded beside the answer. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise(resolve => { setImmediate(resolve) })
}

test('the first use is noted once, and then the device\'s older certificates are superseded', async t => {
  let changes = 0
  const service = await testService(t, { revocationChanged: () => { changes++ } })
  await addFrontEnd(service, 'edge', 'nginx')
  const origin = await listen(t, [checkHandler(service)])
  const older = await issueDevice(service)
  service.clock.advance(60)
  const newer = await issueDevice(service, { deviceId: older.deviceId })
  const record = async (issued: Issued) => (await certificateStore(service.db).byKey(issued))!
  t.is((await ask(origin, escapedPem(older))).status, 200)
  await until(async () => (await record(older)).firstUsedAt !== null)
  t.is((await record(newer)).revocation, null)

  service.clock.advance(60)
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(origin, escapedPem(newer))))
  t.true(answers.every(({ status }) => status === 200))
  await until(async () => (await record(older)).revocation !== null)
  t.is((await ask(origin, escapedPem(older))).decision, 'revoked')
  t.deepEqual((await record(newer)).firstUsedAt, new Date('2026-03-01T09:02:00Z'))
  t.is((await record(older)).revocation?.reason, 4)
  await until(async () => changes > 0)
  t.is(changes, 1)
  const audit = await service.db.query<{ actor: string, source: string, subject: string }>(`select actor, source, subject from audit where action = 'certificate.supersede'`)
  t.deepEqual(audit, [{ actor: 'latchkey', source: 'front-end edge', subject: `certificate:${older.certificate.serialNumber}` }])
})

test('a refused certificate is not marked as used', async t => {
  const { service, origin } = await edge(t)
  const issued = await issueDevice(service)
  await revokeNow(service, issued)
  await ask(origin, escapedPem(issued))
  t.is((await certificateStore(service.db).byKey(issued))!.firstUsedAt, null)
})
