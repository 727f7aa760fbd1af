import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { caRouter } from '../../src/protocols/ca/router.ts'
import { checkHandler } from '../../src/protocols/check/handler.ts'
import { certificationRequest, newKey } from '../../src/doctor/identity.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { enrolledAgent, requestOf } from '../support/agent.ts'
import { openApi } from '../support/api.ts'
import { openDoors } from '../support/console.ts'
import { issueDevice } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { testService } from '../support/service.ts'

const purposes = ['good', 'revoked', 'later', 'outage'] as const
type Issued = { purpose: string, serialNumber: string, certificate: string }

async function requests(): Promise<Record<string, string>> {
  return Object.fromEntries(await Promise.all(purposes.map(async purpose => [purpose, (await certificationRequest(newKey())).toString('base64')])))
}

async function open(t: ExecutionContext) {
  const service = await testService(t)
  await service.publish()
  const api = await openApi(t, service)
  const secrets = new Map<string, string>()
  for (const name of ['edge', 'other']) {
    const secret = `a-secret-of-${name}`
    await frontEndStore(service.db).add({
      id: randomUUID(), name, kind: 'caddy', convention: 'base64-der', authorityId: null,
      maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(secret).digest(), createdAt: service.now(),
    })
    secrets.set(name, secret)
  }
  const origin = await listen(t, [checkHandler(service), caRouter(service)])
  const ask = async (pem: string, name = 'edge'): Promise<[number, string | null]> => {
    const response = await fetch(`${origin}/check/${name}`, { headers: { authorization: `Bearer ${secrets.get(name)}`, 'x-ssl-client-cert': new X509Certificate(pem).raw.toString('base64') } })
    return [response.status, response.headers.get('latchkey-decision')]
  }
  const asked = async (): Promise<Record<string, number>> => Object.fromEntries((await api.ask('GET', '/front-ends/edge/probes')).items.map((item: { purpose: string, asked: number }) => [item.purpose, item.asked]))
  return { service, api, ask, asked }
}

type Begun = { certificates: Issued[], trusted: { role: string }[], untrusted: { role: string }[], lists: { needed: boolean }[], frontEnd: object }

const begin = async (api: Awaited<ReturnType<typeof openApi>>, more: object = {}): Promise<Begun & { by: Record<string, Issued> }> => {
  const begun = await api.ask<Begun>('POST', '/front-ends/edge/probes', { requests: await requests(), ...more })
  return { ...begun, by: Object.fromEntries(begun.certificates.map(each => [each.purpose, each])) }
}

test('probes are certificates for nobody that open nothing at /check, are good for an hour, and stand in the record', async t => {
  const { service, api, ask } = await open(t)
  const { by, trusted, untrusted, lists, frontEnd } = await begin(api)
  t.deepEqual(Object.keys(by), [...purposes])
  for (const { certificate } of Object.values(by)) {
    const parsed = new X509Certificate(certificate)
    t.regex(parsed.subject, /CN=Latchkey canary/)
    t.true(parsed.validToDate.getTime() <= service.now().getTime() + 3_600_000)
    t.not((await ask(certificate))[0], 200)
  }
  t.deepEqual([trusted.map(({ role }) => role), untrusted.map(({ role }) => role)], [['root', 'issuing'], ['enrollment', 'agent']])
  t.is(lists.length, 3)
  t.true(lists.every(({ needed }) => needed))
  t.deepEqual(frontEnd, { name: 'edge', kind: 'caddy', maxAgeSeconds: 900, whenStale: 'refuse', standing: null })
  const [entry] = await service.db.query<{ action: string, subject: string }>("select action, subject from audit where action like 'front-end.probe%'")
  t.deepEqual({ ...entry }, { action: 'front-end.probe', subject: 'front-end:edge' })
})

test('/check says of each what it is for, the outage is played for one alone, and only its own front end is counted', async t => {
  const { service, api, ask, asked } = await open(t)
  const { by } = await begin(api)
  t.deepEqual(await ask(by['good']!.certificate), [403, 'canary'])
  t.deepEqual(await ask(by['good']!.certificate), [403, 'canary'])
  t.deepEqual(await ask(by['revoked']!.certificate), [403, 'revoked'])
  t.deepEqual(await ask(by['outage']!.certificate), [503, 'unavailable'])
  t.deepEqual(await ask(by['outage']!.certificate, 'other'), [403, 'canary'])
  t.deepEqual(await ask(by['good']!.certificate, 'other'), [403, 'canary'])
  t.deepEqual(await asked(), { good: 2, revoked: 1, later: 0, outage: 1 })
  service.clock.advance(3600)
  t.deepEqual(await ask(by['outage']!.certificate), [403, 'expired'])
  t.deepEqual((await api.ask('GET', '/front-ends/edge/probes')).items, [])
})

test('in the middle of a trial its one certificate is revoked, and no other one by this door', async t => {
  const { service, api, ask } = await open(t)
  const { by } = await begin(api)
  const revoke = async (serialNumber: string, name = 'edge'): Promise<string | undefined> => {
    const { status, body } = await api.call('POST', `/front-ends/${name}/probes/revoke`, { serialNumber })
    return status === 200 ? undefined : body.code
  }
  t.is(await revoke(by['later']!.serialNumber, 'other'), 'certificate-not-found')
  t.is(await revoke(by['good']!.serialNumber), 'certificate-not-found')
  t.is(await revoke((await issueDevice(service)).certificate.serialNumber), 'certificate-not-found')
  t.is(await revoke(by['later']!.serialNumber), undefined)
  t.deepEqual(await ask(by['later']!.certificate), [403, 'revoked'])
  t.is(await revoke(by['later']!.serialNumber), undefined)
})

test('a phone that takes part is only counted, until the trial ends; what is no phone’s takes no part', async t => {
  const { service, api, ask, asked } = await open(t)
  const phone = await issueDevice(service)
  const { by } = await begin(api, { own: phone.pem })
  t.deepEqual(await ask(phone.pem), [200, 'good'])
  t.is((await asked())['own'], 1)
  await begin(api, { own: phone.pem })
  t.is((await asked())['own'], 0, 'each trial counts from nothing')
  await api.ask('POST', '/front-ends/edge/probes/end', {})
  t.false(Object.hasOwn(await asked(), 'own'))
  t.deepEqual(await ask(phone.pem), [200, 'good'])
  t.is(await api.refusal('POST', '/front-ends/edge/probes', { requests: await requests(), own: by['good']!.certificate }), 'invalid-argument')
})

test('an operator makes none, a front end gets twenty trials a day, and none of them is taken from its agent', async t => {
  const { service, api } = await open(t)
  const operator = await openApi(t, service, 'operator')
  t.is(await operator.refusal('POST', '/front-ends/edge/probes', { requests: await requests() }), 'forbidden')
  const url = await openDoors(t, service)
  const agent = await enrolledAgent(service, url, { name: 'kept' })
  const canaries = async (): Promise<number> => {
    const pair = { good: (await requestOf(newKey())).toString('base64'), revoked: (await requestOf(newKey())).toString('base64') }
    return (await agent.send('POST', '/agents/kept/canaries', { body: Buffer.from(JSON.stringify(pair)), headers: { 'content-type': 'application/json' } })).status
  }
  for (let n = 0; n < 20; n++) t.is((await api.call('POST', '/front-ends/kept/probes', { requests: await requests() })).status, 201)
  t.is(await api.refusal('POST', '/front-ends/kept/probes', { requests: await requests() }), 'rate-limited')
  t.is(await canaries(), 201)
  t.is((await api.call('POST', '/front-ends/edge/probes', { requests: await requests() })).status, 201)
})
