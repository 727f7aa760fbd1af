import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { toPem } from '../../src/formats/pem.ts'
import type { Log } from '../../src/http/log.ts'
import { conventionFor, type FrontEndKind } from '../../src/protocols/check/kinds.ts'
import { checkHandler } from '../../src/protocols/check/handler.ts'
import type { GateAction } from '../../src/store/activesync.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { issueDevice } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { testService, type TestService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const secret = 'a-secret-of-the-front-end'
const mail = '/Microsoft-Server-ActiveSync'
const ann = 'User=ann@example.org&DeviceId=O8S9UD4DOH0SLEPOQC5AJ9AE3C&DeviceType=iPhone&Cmd=Sync'
const bob = ann.replace('ann@', 'bob@')

async function frontEnd(t: ExecutionContext, service: TestService, activeSync: GateAction, kind: FrontEndKind = 'nginx'): Promise<Ask> {
  await frontEndStore(service.db).add({ id: randomUUID(), name: 'edge', kind, convention: conventionFor(kind, null), authorityId: null, maxAgeSeconds: 900, whenStale: 'refuse', activeSync, secretSha256: tokenSha256(secret), createdAt: service.now() })
  const origin = await listen(t, [checkHandler(service)])
  return async (certificate, headers, path = '') => {
    const identity: Record<string, string> = kind === 'nginx' ? { 'x-ssl-client-escaped-cert': encodeURIComponent(certificate.pem) }
      : kind === 'envoy' ? { 'x-forwarded-client-cert': `Cert="${encodeURIComponent(certificate.pem)}"` } : { 'x-ssl-client-cert': certificate.pem.replaceAll(/-----[A-Z ]+-----|\s/g, '') }
    const response = await fetch(`${origin}/check/edge${path}`, { redirect: 'error', headers: { authorization: `Bearer ${secret}`, ...identity, ...headers } })
    return [response.status, response.headers.get('latchkey-decision'), response.headers.get('latchkey-reason')]
  }
}
type Ask = (certificate: { pem: string }, headers: Record<string, string>, path?: string) => Promise<[number, string | null, string | null]>

const asking = (query: string, userAgent?: string): Record<string, string> => ({ 'x-original-uri': `${mail}?${query}`, ...userAgent !== undefined && { 'user-agent': userAgent } })
const findingsIn = async ({ db }: TestService): Promise<string[]> => (await db.query<{ finding: string }>('select finding from activesync_findings order by found_at, finding, claimed')).map(({ finding }) => finding)

/** What is looked at beside the answer is there a little later. */
async function until<T>(read: () => Promise<T>, ready: (value: T) => boolean): Promise<T> {
  for (;;) {
    const value = await read()
    if (ready(value)) return value
  }
}

test('a front end that refuses answers 403 with a reason to a request that contradicts its certificate, and lets the others pass', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  t.deepEqual(await ask(issued, asking(ann, 'Apple-iPhone14C5/2001.362')), [200, 'good', null])
  t.deepEqual(await ask(issued, asking(bob)), [403, 'contradiction', 'other-user'])
  t.deepEqual(await ask(issued, asking(ann, 'Apple-iPhone14C5/807.4')), [403, 'contradiction', 'impossible-pair'])
  t.deepEqual(await ask(issued, asking(ann, 'Apple-iPhone12C1/1901.346')), [403, 'contradiction', 'other-model'])
  t.deepEqual(await ask(issued, asking(ann.replace('O8S9', 'P8S9'))), [403, 'contradiction', 'second-device-id'])
  t.deepEqual(await ask(issued, asking('Cmd=Sync&User=ann&user=bob')), [403, 'contradiction', 'malformed-query'])
  t.deepEqual(await ask(issued, asking('jRIJBBBBcHBsQzM5R1E4Tk5EVERMBAAAAAAGaVBob25lCAtDT05UT1NPXGFubg==')), [403, 'contradiction', 'other-serial-number'])
  t.deepEqual(await ask(issued, asking(ann)), [200, 'good', null])
  t.deepEqual((await findingsIn(service)).sort(), ['impossible-pair', 'malformed-query', 'other-model', 'other-serial-number', 'other-user', 'second-device-id'])
})

test('whatever is no ActiveSync request passes, also without the address', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  for (const headers of [{}, { 'x-original-uri': '/owa/?User=bob' }, { 'x-original-uri': `/x${mail}?${bob}` }, { 'x-original-uri': `${mail}s?${bob}` }, { 'x-original-uri': mail }, { 'x-forwarded-uri': `${mail}?${bob}` }]) {
    t.deepEqual(await ask(issued, headers as Record<string, string>), [200, 'good', null], JSON.stringify(headers))
  }
  t.deepEqual(await service.db.query('select 1 from activesync_device_ids'), [])
})

test('an address in disguise is seen through', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  for (const path of ['/microsoft-server-activesync', '//Microsoft-Server-ActiveSync', '/x/../Microsoft-Server-ActiveSync', '/Microsoft%2DServer-ActiveSync', '/%4dicrosoft-Server-ActiveSync/', '/./Microsoft-Server-ActiveSync/default.eas', '\\Microsoft-Server-ActiveSync']) {
    t.deepEqual(await ask(issued, { 'x-original-uri': `${path}?${bob}` }), [403, 'contradiction', 'other-user'], path)
  }
  for (const path of ['/%', '/%ff%00', '/http://[', '/..%2f']) t.is((await ask(issued, { 'x-original-uri': `${path}?${bob}` }))[0], 200, path)
})

test('each kind of front end has one place for the address, and others are ignored', async t => {
  const places: [FrontEndKind, Record<string, string>, string][] = [['caddy', { 'x-forwarded-uri': `${mail}?${bob}` }, ''], ['haproxy', { 'x-original-uri': `${mail}?${bob}` }, ''], ['envoy', {}, `${mail}?${bob}`]]
  for (const [kind, headers, path] of places) {
    const service = await testService(t)
    const ask = await frontEnd(t, service, 'refuse', kind)
    const issued = await issueDevice(service, { email: 'ann@example.org' })
    t.deepEqual(await ask(issued, headers, path), [403, 'contradiction', 'other-user'], kind)
    const elsewhere = kind === 'caddy' ? { 'x-original-uri': `${mail}?${bob}` } : { 'x-forwarded-uri': `${mail}?${bob}` }
    t.deepEqual(await ask(issued, elsewhere), [200, 'good', null], kind)
  }
})

test('a front end that only observes lets everything pass, and what it saw is on record once', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'observe')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  for (let i = 0; i < 3; i++) t.deepEqual(await ask(issued, asking(bob)), [200, 'good', null])
  await until(async () => await findingsIn(service), found => found.length === 1)
  t.deepEqual(await ask(issued, asking(ann)), [200, 'good', null])
  await until(async () => await service.db.query('select claimed_id from activesync_device_ids'), ([row]) => row?.claimed_id === 'O8S9UD4DOH0SLEPOQC5AJ9AE3C')
  t.deepEqual(await findingsIn(service), ['other-user'])
})

test('what is known of a certificate is not asked for again with every request', async t => {
  const service = await testService(t)
  const asked: string[] = []
  const db = { ...service.db, query: async (text: string, params?: unknown[]) => { asked.push(text); return await service.db.query(text, params as never) } } as TestService['db']
  const ask = await frontEnd(t, { ...service, db }, 'refuse')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  for (const query of [ann, ann, bob, bob]) await ask(issued, asking(query, 'Apple-iPhone14C5/2001.362'))
  await ask(issued, asking(ann)) // what the finding changed is read once
  asked.length = 0
  for (const command of ['Sync', 'Ping', 'SendMail', 'FolderSync']) {
    t.is((await ask(issued, asking(ann.replace('Cmd=Sync', `Cmd=${command}`))))[0], 200)
    t.is((await ask(issued, asking(bob.replace('Cmd=Sync', `Cmd=${command}`))))[0], 403)
  }
  t.deepEqual(asked.filter(text => !/from front_ends|from certificates c\s+join authorities/.test(text)), [])
})

test('the first DeviceId of a certificate stands, however many come at once, on any instance', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const other = await listen(t, [checkHandler(service)])
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  const ids = Array.from({ length: 8 }, (_, i) => ann.replace('O8S9', `Q${i}S9`))
  const answers = await Promise.all(ids.map(async query => await ask(issued, asking(query))))
  t.is(answers.filter(([status]) => status === 200).length, 1)
  const standing = ids[answers.findIndex(([status]) => status === 200)]!
  const headers = { authorization: `Bearer ${secret}`, 'x-ssl-client-escaped-cert': encodeURIComponent(issued.pem) }
  t.is((await fetch(`${other}/check/edge`, { headers: { ...headers, ...asking(standing) } })).status, 200)
  t.is((await fetch(`${other}/check/edge`, { headers: { ...headers, ...asking(ids.find(query => query !== standing)!) } })).status, 403)
})

test('a device that claims something else each time fills neither the table nor the log', async t => {
  const lines: string[] = []
  const log: Log = (_level, event) => { lines.push(event) }
  const service = await testService(t, { log })
  const ask = await frontEnd(t, service, 'refuse')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  for (let i = 0; i < 90; i++) t.is((await ask(issued, asking(ann.replace('ann@', `bob${i}%E2%80%AE@`))))[0], 403)
  t.is((await findingsIn(service)).length, 20)
  t.is(lines.filter(event => event === 'activesync-contradiction').length, 20)
})

test('a phone that is set aside waits in the quarantine with the reason, is stopped until somebody decides, and goes on when approved', async t => {
  const world = await openWorld(t)
  const { service } = world
  await world.approve('iPhone*')
  const { link } = await world.invite({ email: 'ann@example.org', name: 'Ann Miller' })
  t.is((await world.enroll(link)).outcome, 'enrolled')
  const ask = await frontEnd(t, service, 'quarantine')
  const api = await openApi(t, service, 'operator')
  const [record] = await certificateStore(service.db).list({ limit: 1 })
  const certificate = { pem: toPem('CERTIFICATE', record!.der!) }
  t.deepEqual(await ask(certificate, asking(ann)), [200, 'good', null])
  t.deepEqual(await ask(certificate, asking(bob)), [403, 'quarantined', 'other-user'])
  t.deepEqual(await ask(certificate, asking(ann)), [403, 'quarantined', 'waits'])
  t.deepEqual(await ask(certificate, { 'x-original-uri': '/owa/' }), [200, 'good', null])
  const { items: [device] } = await api.ask('GET', '/devices?quarantined=true')
  t.regex(device.enrollment.decision.textForAdmin, /for the mailbox of bob@example\.org, and the certificate belongs to ann@example\.org/)
  t.is(await api.refusal('POST', `/devices/${device.id}/activesync/accept`, { reason: 'not here' }), 'enrollment-state')
  const { decision } = await api.ask('POST', `/devices/${device.id}/approve`, { reason: 'a shared mailbox' })
  t.is(decision.verdict, 'allow')
  t.deepEqual(await ask(certificate, asking(bob)), [200, 'good', null])
  t.deepEqual(await ask(certificate, asking(bob.replace('bob', 'eve'))), [403, 'quarantined', 'other-user'])
  await api.ask('POST', `/devices/${device.id}/refuse`, { reason: 'that was one too many' })
  t.deepEqual(await ask(certificate, asking(ann)), [403, 'quarantined', 'waits'])
  const detail = await api.ask('GET', `/devices/${device.id}`)
  t.is(detail.enrollment.state, 'refused')
  t.deepEqual(detail.activeSync.findings.map(({ claimed, action, settledBy, accepted }: any) => [claimed, action, settledBy, accepted]).sort(), [['bob@example.org', 'quarantine', 'test operator', true], ['eve@example.org', 'quarantine', 'test operator', false]])
  t.deepEqual((await api.ask('GET', '/activesync/findings')).items, [], 'somebody has looked')
  t.deepEqual(await api.ask('POST', `/devices/${device.id}/activesync/accept`, { reason: 'after all' }), { accepted: 1 })
  t.deepEqual(await ask(certificate, asking(ann)), [200, 'good', null])
})

test('an approved phone has its enrollment back as it was', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite({ email: 'ann@example.org', name: 'Ann Miller' })).link)
  const ask = await frontEnd(t, world.service, 'quarantine')
  const api = await openApi(t, world.service, 'operator')
  const [record] = await certificateStore(world.service.db).list({ limit: 1 })
  await ask({ pem: toPem('CERTIFICATE', record!.der!) }, asking(bob))
  const { items: [device] } = await api.ask('GET', '/devices?quarantined=true')
  await api.ask('POST', `/devices/${device.id}/approve`, { reason: 'a shared mailbox' })
  t.like((await api.ask('GET', `/devices/${device.id}`)).enrollment, { state: 'issued' })
  t.deepEqual((await api.ask('GET', '/devices?quarantined=true')).items, [])
})

test('what somebody accepted is no contradiction any more, by command as by API', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const cli = await openCli(t, service)
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  t.is((await ask(issued, asking(ann)))[0], 200)
  t.is((await ask(issued, asking(bob)))[0], 403)
  t.regex((await cli('device', 'show', issued.deviceId)).out, /contradiction +other-user .* at edge: A request is for the mailbox of bob@example\.org/)
  t.regex((await cli('device', 'show', issued.deviceId)).out, /first used by +O8S9UD4DOH0SLEPOQC5AJ9AE3C/)
  t.is((await cli('device', 'accept-claims', issued.deviceId, '--reason', 'a shared mailbox')).out, 'accepted: 1\n')
  t.is((await ask(issued, asking(bob)))[0], 200)
  t.is((await ask(issued, asking(bob.replace('bob', 'eve'))))[0], 403)
  t.is((await cli('device', 'accept-claims', randomUUID(), '--reason', 'nobody')).exitCode, 5)
})

test('a rule about the version counts against what a phone says of itself, and not for it', async t => {
  const service = await testService(t)
  const ask = await frontEnd(t, service, 'refuse')
  const cli = await openCli(t, service)
  await cli('model', 'approve', 'iPhone*', '--reason', 'all of them')
  await cli('policy', 'add', 'block', '--product', 'iPhone*', '--os-below', '17.0', '--reason', 'holes')
  const issued = await issueDevice(service, { email: 'ann@example.org' })
  t.deepEqual(await ask(issued, asking(ann, 'Apple-iPhone14C5/2001.362')), [403, 'contradiction', 'os-below-rule'])
  t.deepEqual(await ask(issued, asking(ann, 'Apple-iPhone14C5/2101.329')), [200, 'good', null])
})

test('the setting of a front end is shown and changed by command', async t => {
  const cli = await openCli(t, await testService(t))
  await cli('front-end', 'add', 'edge', '--kind', 'nginx')
  t.regex((await cli('front-end', 'list')).out, /edge .* observe /)
  t.is((await cli('front-end', 'activesync', 'edge', 'refuse')).out, 'contradictions at edge: refuse\n')
  t.is((await cli('front-end', 'list', '--json')).json.items[0].activeSync, 'refuse')
  t.is((await cli('front-end', 'activesync', 'edge', 'redirect')).exitCode, 2)
  t.is((await cli('front-end', 'activesync', 'nowhere', 'refuse')).exitCode, 5)
})

test('a front end whose setting does nothing because it passes no address on is told of', async t => {
  const lines: string[] = []
  const service = await testService(t, { log: (_level, event) => { lines.push(event) } })
  const ask = await frontEnd(t, service, 'refuse')
  const issued = await issueDevice(service)
  for (let i = 0; i < 3; i++) t.is((await ask(issued, {}))[0], 200)
  t.is(lines.filter(event => event === 'activesync-address-missing').length, 1)
})

test('approving a phone that waits for another reason accepts none of its claims', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite({ email: 'ann@example.org', name: 'Ann Miller' })).link)
  const ask = await frontEnd(t, world.service, 'refuse')
  const cli = await openCli(t, world.service)
  const [record] = await certificateStore(world.service.db).list({ limit: 1 })
  await ask({ pem: toPem('CERTIFICATE', record!.der!) }, asking(bob))
  await cli('policy', 'add', 'quarantine', '--product', 'iPhone*', '--reason', 'look at all of them')
  t.is((await cli('device', 'approve', record!.deviceId!, '--reason', 'looked at')).exitCode, 0)
  t.deepEqual(await ask({ pem: toPem('CERTIFICATE', record!.der!) }, asking(bob)), [403, 'contradiction', 'other-user'])
})
