import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Router from '@koa/router'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { days, deviceCertificate, validityFrom } from '../../src/certificates/certificate-profile.ts'
import { issuingUnder } from '../../src/certificates/hierarchy.ts'
import { newSerialNumber } from '../../src/certificates/serial-number.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate } from '../../src/formats/x509.ts'
import { caRouter } from '../../src/protocols/ca/router.ts'
import { conventionFor } from '../../src/protocols/check/kinds.ts'
import { checkHandler } from '../../src/protocols/check/handler.ts'
import { crlRouter } from '../../src/protocols/crl/router.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { fakeClock } from '../support/clock.ts'
import { issueBootstrap, issueDevice, revokeNow } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { startNginx } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { testService, type TestService } from '../support/service.ts'
import { get, keepAlive, type Identity } from '../support/tls-client.ts'

const secret = 'a-secret-of-the-front-end'

/** nginx has the real clock; ours begins an hour earlier, so that it can move without getting ahead. */
async function frontEnd(t: ExecutionContext) {
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return undefined
  const service = await testService(t, { clock: fakeClock(new Date(Date.now() - 3_600_000).toISOString()) })
  await frontEndStore(service.db).add({
    id: randomUUID(), name: 'edge', kind: 'nginx', convention: conventionFor('nginx', null), authorityId: null,
    maxAgeSeconds: 900, whenStale: 'refuse', secretSha256: createHash('sha256').update(secret).digest(), createdAt: service.now(),
  })
  await service.publish()
  const latchkey = await listen(t, [crlRouter(service), caRouter(service), checkHandler(service)])
  return { service, nginx: await startNginx(t, { nginx: program, latchkey, frontEnd: 'edge', secret }) }
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

/** A certificate of another CA under our root, with the chain that proves it. */
async function foreignIdentity({ keyring, addresses, config, authorities, now }: TestService): Promise<Identity> {
  const root = activeAuthority(authorities(), 'root')
  const foreign = await issuingUnder({ keyring, addresses, rootCrlUrl: 'http://pki.example/root.crl', organization: 'Elsewhere', keyType: config.keyType }, root, 1, now())
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { authority: { ...activeAuthority(authorities(), 'issuing'), certificate: foreign.certificate, key: foreign.key }, addresses, partition: 0 }
  const subject = { serialNumber: newSerialNumber(), subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }), validity: validityFrom(now(), days(30)) }
  const leaf = await signCertificate(deviceCertificate(subject, issuer, { deviceId: randomUUID(), name: 'x', email: 'x@example.org', policies: ['2.25.1'] }), keyring.signer(foreign.key))
  return {
    pem: toPem('CERTIFICATE', leaf) + toPem('CERTIFICATE', foreign.certificate.raw), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

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
