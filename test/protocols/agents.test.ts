import { X509Certificate } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import type { CaError } from '../../src/errors.ts'
import { agentIssuer } from '../../src/protocols/agents/issue.ts'
import { frontEndEnd } from '../../src/protocols/api/operations/front-ends.ts'
import { frontEndStore, type FrontEnd } from '../../src/store/front-ends.ts'
import { enroll, enrolledAgent, newKey, requestOf } from '../support/agent.ts'
import { openDoors } from '../support/console.ts'
import { testService } from '../support/service.ts'

async function open(t: ExecutionContext) {
  const service = await testService(t)
  await service.publish()
  const url = await openDoors(t, service)
  return { service, url }
}

const admin = { name: 'ada', source: 'test', role: 'admin' } as never

test('an agent gets its certificate for the secret of its front end, from an authority outside the root', async t => {
  const { service, url } = await open(t)
  const agent = await enrolledAgent(service, url)
  const certificate = new X509Certificate(agent.certificate)
  const authority = activeAuthority(service.authorities(), 'agent').certificate
  t.true(certificate.verify(authority.publicKey))
  t.is(certificate.subject, 'OU=agent\nCN=edge')
  t.is(authority.issuer.raw.compare(authority.subject.raw), 0)
  t.deepEqual(certificate.keyUsage, ['1.3.6.1.5.5.7.3.2'])
  const answer = await agent.send('GET', '/agents/edge/trust')
  t.is(answer.status, 200)
  const { trust, policy } = await answer.json() as { trust: { root: string, issuing: { name: string, partitions: number }[] }, policy: object }
  t.deepEqual(policy, { maxAgeSeconds: 900, whenStale: 'refuse' })
  t.deepEqual(trust.issuing.map(({ name, partitions }) => ({ name, partitions })), [{ name: 'issuing', partitions: 2 }])
  t.deepEqual(new X509Certificate(trust.root).raw, activeAuthority(service.authorities(), 'root').certificate.raw)
})

test('without the secret of the front end, or with a request that is none, no agent is enrolled', async t => {
  const { service, url } = await open(t)
  const { secret } = await enrolledAgent(service, url)
  const request = await requestOf(newKey())
  const code = async (response: Promise<Response>): Promise<[number, string]> => { const answer = await response; return [answer.status, (await answer.json() as { code: string }).code] }
  t.deepEqual(await code(enroll(url, 'edge', 'another', request)), [401, 'unauthorized'])
  t.deepEqual(await code(enroll(url, 'nowhere', secret, request)), [401, 'unauthorized'])
  t.deepEqual(await code(enroll(url, 'edge', secret, Buffer.from('no request'))), [400, 'malformed-certification-request'])
  t.deepEqual(await code(enroll(url, 'edge', secret, await requestOf(newKey('P-384')))), [400, 'unsupported-algorithm'])
  const damaged = Buffer.from(request)
  damaged[damaged.length - 1]! ^= 1
  t.is((await enroll(url, 'edge', secret, damaged)).status, 400)
  t.is((await enroll(url, 'edge', secret, Buffer.alloc(9000))).status, 413)
  const [{ count }] = await service.db.query<{ count: number }>("select count(*) from certificates where kind = 'agent'") as [{ count: number }]
  t.is(count, 1)
})

test('a front end that ended, or was given another secret, after it was looked up gets no certificate any more', async t => {
  const { service, url } = await open(t)
  await enrolledAgent(service, url)
  const found = (await frontEndStore(service.db).find('edge'))!
  const issued = async () => (await service.db.query<{ count: number }>("select count(*)::int as count from certificates where kind = 'agent' and state = 'issued'"))[0]!.count
  const before = await issued()
  const code = async (frontEnd: FrontEnd) => await agentIssuer(service)(frontEnd, await requestOf(newKey())).then(() => 'issued', (error: CaError) => error.code)
  t.is(await code({ ...found, secretSha256: Buffer.alloc(32) }), 'unauthorized')
  await frontEndStore(service.db).end('edge', service.now())
  t.is(await code(found), 'unauthorized')
  t.is(await issued(), before)
})

test('agents that enroll at once get a certificate and a record each, and one that may not takes none from the others', async t => {
  const { service, url } = await open(t)
  await enrolledAgent(service, url)
  const found = (await frontEndStore(service.db).find('edge'))!
  const issue = agentIssuer(service)
  const asked = await Promise.all(Array.from({ length: 12 }, async (_, n) => ({ frontEnd: n === 7 ? { ...found, secretSha256: Buffer.alloc(32) } : found, request: await requestOf(newKey()) })))
  const outcomes = await Promise.allSettled(asked.map(async ({ frontEnd, request }) => await issue(frontEnd, request)))
  t.deepEqual(outcomes.map(({ status }) => status === 'fulfilled'), asked.map((_, n) => n !== 7))
  t.is((outcomes[7] as PromiseRejectedResult).reason.code, 'unauthorized')
  const given = outcomes.flatMap(outcome => outcome.status === 'fulfilled' ? [outcome.value.serialNumber] : []).toSorted()
  const serials = async (sql: string): Promise<string[]> => (await service.db.query<{ serial: string }>(sql)).map(({ serial }) => serial)
  const recorded = await serials(`select detail ->> 'serialNumber' as serial from audit where action = 'agent.enroll' order by id offset 1`)
  t.deepEqual(recorded.toSorted(), given)
  const known = await serials(`select encode(serial_number, 'hex') as serial from certificates join front_end_certificates using (authority_id, serial_number) where state = 'issued'`)
  t.deepEqual(given.filter(serial => !known.includes(serial)), [])
  t.is((await service.db.query('select 1 from reservations')).length, 1)
})

test('a request that is not signed by an agent in force gets one and the same refusal', async t => {
  const { service, url } = await open(t)
  const agent = await enrolledAgent(service, url)
  const other = await enrolledAgent(service, url, { name: 'other' })
  const path = '/agents/edge/trust'
  const nonce = 'A'.repeat(22)
  t.is((await agent.send('GET', path, { nonce })).status, 200)
  const later = (seconds: number): Date => new Date(service.now().getTime() + seconds * 1000)
  const refusals: [string, Promise<Response>][] = [
    ['unsigned', fetch(`${url}${path}`)],
    ['the same request again', agent.send('GET', path, { nonce })],
    ['of yesterday', agent.send('GET', path, { now: later(-121) })],
    ['of tomorrow', agent.send('GET', path, { now: later(121) })],
    ['another key', agent.as(newKey(), agent.certificate).send('GET', path)],
    ['a certificate of ours that is no agent', agent.as(agent.privateKey, new X509Certificate(activeAuthority(service.authorities(), 'root').certificate.raw).toString()).send('GET', path)],
  ]
  const texts = new Set<string>()
  for (const [what, response] of refusals) {
    const answer = await response
    t.is(answer.status, 401, what)
    texts.add(await answer.text())
  }
  t.is(texts.size, 1)
  t.is((await other.send('GET', path)).status, 403)
  t.is((await agent.send('GET', path, { now: later(119) })).status, 200)
})

test('a renewed agent goes on under its new certificate, and the old one ends with its first use', async t => {
  const { service, url } = await open(t)
  const agent = await enrolledAgent(service, url)
  t.is((await agent.send('GET', '/feed/state')).status, 200)
  const privateKey = newKey()
  service.clock.advance(60)
  const answer = await agent.send('POST', '/agents/edge/renewal', { body: await requestOf(privateKey), headers: { 'content-type': 'application/pkcs10' } })
  t.is(answer.status, 201)
  const renewed = agent.as(privateKey, (await answer.json() as { certificate: string }).certificate)
  t.is((await agent.send('GET', '/feed/state')).status, 200, 'until the new one is used')
  t.is((await renewed.send('GET', '/feed/state')).status, 200)
  t.is((await agent.send('GET', '/feed/state')).status, 401)
  service.clock.advance(91 * 86_400)
  t.is((await renewed.send('GET', '/feed/state')).status, 401)
})

test('with its front end an agent ends', async t => {
  const { service, url } = await open(t)
  const agent = await enrolledAgent(service, url)
  await frontEndEnd.run(service, admin, { name: 'edge' })
  t.is((await agent.send('GET', '/feed/state')).status, 401)
  t.is((await enroll(url, 'edge', agent.secret, await requestOf(newKey()))).status, 401)
})

test('canaries are a good and a revoked certificate of the issuing CA, and open nothing', async t => {
  const { service, url } = await open(t)
  const agent = await enrolledAgent(service, url)
  const body = Buffer.from(JSON.stringify({ good: (await requestOf(newKey())).toString('base64'), revoked: (await requestOf(newKey())).toString('base64') }))
  const answer = await agent.send('POST', '/agents/edge/canaries', { body })
  t.is(answer.status, 201)
  const { good, revoked } = await answer.json() as { good: string, revoked: string }
  const issuing = activeAuthority(service.authorities(), 'issuing').certificate
  const check = async (pem: string): Promise<[number, string | null]> => {
    const response = await fetch(`${url}/check/edge`, { headers: { authorization: `Bearer ${agent.secret}`, 'x-ssl-client-escaped-cert': encodeURIComponent(pem) } })
    return [response.status, response.headers.get('latchkey-decision')]
  }
  for (const pem of [good, revoked]) {
    const certificate = new X509Certificate(pem)
    t.true(certificate.verify(issuing.publicKey))
    t.is(certificate.subject, 'OU=edge\nCN=Latchkey canary')
    t.is(certificate.subjectAltName, undefined)
    t.true(new Date(certificate.validTo).getTime() - service.now().getTime() <= 86_400_000)
  }
  t.deepEqual(await check(good), [403, 'canary'])
  t.deepEqual(await check(revoked), [403, 'revoked'])
  for (let pair = 0; pair < 9; pair++) {
    const next = Buffer.from(JSON.stringify({ good: (await requestOf(newKey())).toString('base64'), revoked: (await requestOf(newKey())).toString('base64') }))
    t.is((await agent.send('POST', '/agents/edge/canaries', { body: next })).status, 201)
  }
  t.is((await agent.send('POST', '/agents/edge/canaries', { body })).status, 429)
})
