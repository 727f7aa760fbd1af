import { readFileSync } from 'node:fs'
import Router from '@koa/router'
import test, { type ExecutionContext } from 'ava'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { canaryIdentities, checkSecret, checkService, foreignIdentity } from '../support/check-service.ts'
import { openCli } from '../support/cli.ts'
import { issueBootstrap, issueDevice, revokeNow } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { startNginx } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { testService } from '../support/service.ts'
import { behindTls } from '../support/tls-door.ts'
import { get, keepAlive, type Identity } from '../support/tls-client.ts'

async function frontEnd(t: ExecutionContext) {
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return undefined
  const { service, latchkey } = await checkService(t, 'nginx')
  return { service, nginx: await startNginx(t, { nginx: program, latchkey, frontEnd: 'edge', secret: checkSecret }) }
}

test('nginx lets in who has a good certificate, and tells the back end who it is', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const identity = await issueDevice(service, { email: 'ada@example.org' })
  const lies = {
    'latchkey-device': 'mine', 'latchkey-person': 'me', 'latchkey-serial': '41', 'latchkey-decision': 'good', 'client-cert': ':AA==:', 'x-ssl-client-cert': 'AA==',
    'x-forwarded-client-cert': 'Hash=0', 'x-forwarded-tls-client-cert': 'AA==', 'x-ssl-client-escaped-cert': 'x', 'x-ssl-client-serial': '41', latchkey_device: 'mine',
  }
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { status, body, protocol } = await get(nginx.port, { identity, headers: { ...lies, cookie: 'a=b' }, version, path: '/Microsoft-Server-ActiveSync?Cmd=Sync' })
    t.deepEqual([status, body, protocol], [200, 'mail', version])
  }
  const { url, headers } = nginx.received[0]!
  t.is(url, '/Microsoft-Server-ActiveSync?Cmd=Sync')
  t.is(headers.cookie, 'a=b')
  const identityHeaders = Object.fromEntries(Object.entries(headers).filter(([name]) => /latchkey|cert|ssl/.test(name)))
  t.deepEqual(identityHeaders, {
    'latchkey-decision': 'good', 'latchkey-device': identity.deviceId, 'latchkey-person': 'ada@example.org', 'latchkey-serial': identity.certificate.serialNumber,
  })
})

test('nginx refuses from the start: no certificate, a bootstrap identity, another CA under the same root', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const bootstrap = await issueBootstrap(service)
  const foreign = await foreignIdentity(service)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    t.is((await get(nginx.port, { version })).status, 400)
    t.is((await get(nginx.port, { identity: bootstrap, version })).status, 400)
    t.is((await get(nginx.port, { identity: foreign, version })).status, 400)
  }
  t.deepEqual(nginx.received, [])
})

test('from the commit of a revocation on, nginx refuses: new, open and resumed connections', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const identity = await issueDevice(service)
  const agent = keepAlive()
  t.teardown(() => { agent.destroy() })
  const sessions = []
  t.is((await get(nginx.port, { identity, agent })).status, 200)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await get(nginx.port, { identity, version })
    const again = await get(nginx.port, { identity, version, session: first.session! })
    t.deepEqual([again.status, again.resumed], [200, true], version)
    sessions.push({ version, session: again.session! })
  }
  await revokeNow(service, identity)

  const open = await get(nginx.port, { identity, agent })
  t.deepEqual([open.status, open.sameConnection], [403, true])
  t.is((await get(nginx.port, { identity })).status, 403)
  for (const { version, session } of sessions) {
    const resumed = await get(nginx.port, { identity, version, session })
    t.deepEqual([resumed.status, resumed.resumed], [403, true], version)
  }

  // With the new bundle it fails at the handshake's own check already.
  service.clock.advance(1)
  await service.publish()
  const { status, stderr } = await nginx.fetchBundle()
  t.is(status, 0, stderr)
  await untilRefusedBy400(nginx.port, identity)
  t.pass()
})

/** The old workers may take connections until the new ones have come up. */
async function untilRefusedBy400(port: number, identity: Identity): Promise<void> {
  for (;;) if ((await get(port, { identity })).status === 400) return
}

test('when Latchkey cannot be asked, nginx lets nobody in', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const identity = await issueDevice(service)
  t.is((await get(nginx.port, { identity })).status, 200)
  await service.db.close()
  t.is((await get(nginx.port, { identity })).status, 500)
})

test('nginx keeps its lists when what arrives is damaged, and takes the next good ones', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const [good, lost] = [await issueDevice(service), await issueDevice(service)]
  const bundle = (): string => readFileSync(`${nginx.folder}/bundle.pem`, 'utf8')
  const before = bundle()
  await revokeNow(service, lost)
  service.clock.advance(1)
  await service.publish()
  const tampered = await listen(t, [new Router().get('/crl/bundle.pem', ctx => { ctx.body = before.replaceAll('A', 'B') })])
  t.is((await nginx.fetchBundle(tampered)).status, 1)
  t.is(bundle(), before)
  t.is((await get(nginx.port, { identity: good })).status, 200)

  t.is((await nginx.fetchBundle()).status, 0)
  await untilRefusedBy400(nginx.port, lost)
  t.is((await get(nginx.port, { identity: good })).status, 200)
})

test('behind nginx a phone that asks for somebody else’s mailbox gets 403 and no redirect, and the back end hears nothing of it', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  await frontEndStore(service.db).setActiveSync('edge', 'refuse')
  const identity = await issueDevice(service, { email: 'ann@example.org' })
  const ask = async (query: string, headers: Record<string, string> = {}): Promise<number> => (await get(nginx.port, { identity, headers, path: `/Microsoft-Server-ActiveSync?${query}` })).status
  const own = 'User=ann%40example.org&DeviceId=O8S9UD4DOH0SLEPOQC5AJ9AE3C&DeviceType=iPhone&Cmd=Sync'
  t.is(await ask(own, { 'user-agent': 'Apple-iPhone14C5/2001.362' }), 200)
  t.is(nginx.received[0]!.headers['user-agent'], 'Apple-iPhone14C5/2001.362')
  t.is(await ask(own.replace('ann', 'bob')), 403)
  t.is(await ask(own, { 'user-agent': 'Apple-iPhone14C5/807.4' }), 403)
  t.is(await ask(own, { 'user-agent': 'Apple-iPhone12C1/1901.346' }), 403)
  t.is(await ask('jRIJBBBBcHBsQzM5R1E4Tk5EVERMBAAAAAAGaVBob25lCAtDT05UT1NPXGFubg=='), 403)
  // What the client says that the address was counts for nothing.
  t.is(await ask(own.replace('ann', 'bob'), { 'x-original-uri': '/owa/', 'x-forwarded-uri': '/owa/' }), 403)
  t.is((await get(nginx.port, { identity, headers: { 'x-original-uri': `/Microsoft-Server-ActiveSync?${own.replace('ann', 'bob')}` }, path: '/owa/' })).status, 200)
  t.is((await get(nginx.port, { identity, path: `//Microsoft%2DServer-ActiveSync?${own.replace('ann', 'bob')}` })).status, 403)
  t.is(await ask(own), 200)
  t.is(nginx.received.length, 3)
  t.deepEqual((await service.db.query<{ finding: string }>('select distinct finding from activesync_findings order by finding')).map(({ finding }) => finding), ['impossible-pair', 'other-model', 'other-serial-number', 'other-user'])
})

test.serial('nginx answers a canary itself where Latchkey says that it is good, and the back end hears nothing of it', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, nginx } = setup
  const { good, revoked } = await canaryIdentities(service)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { status, body } = await get(nginx.port, { identity: good, version, path: '/Microsoft-Server-ActiveSync?Cmd=Sync' })
    t.deepEqual([status, body], [200, 'canary'])
    t.is((await get(nginx.port, { identity: revoked, version })).status, 403)
  }
  t.deepEqual(nginx.received, [])
})

test.serial('across a network nginx asks by TLS, and takes no answer from who does not prove to be Latchkey', async t => {
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return
  const { service, latchkey } = await checkService(t, 'nginx')
  const identity = await issueDevice(service)
  const [door, other] = [await behindTls(t, latchkey), await behindTls(t, latchkey)]
  const answers = []
  for (const trusted of [door.caFile, other.caFile]) {
    const nginx = await startNginx(t, { nginx: program, latchkey, frontEnd: 'edge', secret: checkSecret, door: { url: door.url, trusted } })
    answers.push([(await get(nginx.port, { identity })).status, nginx.received.length])
  }
  t.deepEqual(answers, [[200, 1], [500, 0]])
})

test('what the example for nginx says is what `front-end config nginx --by check` prints, and the tests run', async t => {
  const example = readFileSync(new URL('../../docs/nginx/nginx.conf.example', import.meta.url), 'utf8')
  const cli = await openCli(t, await testService(t))
  const printed = await cli('front-end', 'config', 'nginx', '--by', 'check', '--front-end', 'mail', '--check', 'http://127.0.0.1:8080')
  t.is(printed.out, example)
  // Across a network the question goes by TLS, to who proves to be Latchkey.
  const far = await cli('front-end', 'config', 'nginx', '--by', 'check', '--check', 'https://latchkey.example')
  t.regex(far.out, /server latchkey\.example:443;.*proxy_pass https:\/\/latchkey\/check\/edge;.*proxy_ssl_name latchkey\.example;\s*proxy_ssl_verify on;/s)
  for (const bad of ['latchkey.example', 'http://a b', 'http://a/;', 'http://u:p@a', 'file:///etc']) t.is((await cli('front-end', 'config', 'nginx', '--by', 'check', '--check', bad)).exitCode, 2, bad)
  t.is((await cli('front-end', 'config', 'haproxy', '--by', 'check')).exitCode, 2)
})
