import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { request } from 'node:https'
import test, { type ExecutionContext } from 'ava'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { caddyName, startCaddy, type Caddy, type CaddyOptions } from '../support/caddy.ts'
import { canaryIdentities, checkService, foreignIdentity } from '../support/check-service.ts'
import { openCli } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'
import { issueBootstrap, issueDevice as issueGraded, revokeNow, type Issued, type IssueOptions } from '../support/issued.ts'
import { peer, run } from '../support/peers.ts'
import type { TestService } from '../support/service.ts'
import { behindTls } from '../support/tls-door.ts'
import { get as ask, keepAlive, type Identity, type TlsAnswer, type TlsOptions } from '../support/tls-client.ts'

/** Without the grade of its evidence, which the Caddy of Debian 12 cannot read. */
const issueDevice = (service: TestService, options: IssueOptions = {}): Promise<Issued> => issueGraded(service, { ...options, policies: [] })
const get = (port: number, options: TlsOptions): Promise<TlsAnswer> => ask(port, { servername: caddyName, ...options })
const versions = ['TLSv1.2', 'TLSv1.3'] as const

async function frontEnd(t: ExecutionContext, options: Partial<CaddyOptions> = {}) {
  const program = peer(t, 'caddy')
  if (program === undefined) return undefined
  const { service, latchkey } = await checkService(t, 'caddy')
  return { service, latchkey, caddy: await startCaddy(t, { caddy: program, latchkey, ca: latchkey, ...options }) }
}

test.serial('Caddy as printed lets in who has a good certificate, and tells the back end who it is, whatever the client said', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  const identity = await issueDevice(service, { email: 'ada@example.org' })
  const lies = {
    'latchkey-device': 'mine', 'latchkey-person': 'me', 'latchkey-serial': '41', 'latchkey-decision': 'good', 'latchkey-reason': 'none', 'client-cert': ':AA==:', 'x-ssl-client-cert': 'AA==',
    'x-forwarded-client-cert': 'Hash=0', 'x-forwarded-tls-client-cert': 'AA==', 'x-ssl-client-escaped-cert': 'x', 'x-ssl-client-serial': '41', latchkey_device: 'mine', x_ssl_client_cert: 'AA==', ...Object.fromEntries([..."_.~!#$%&'*+^|`"].map(character => [`latchkey${character}person`, 'me'])),
  }
  for (const version of versions) {
    const { status, body, protocol } = await get(caddy.port, { identity, headers: { ...lies, cookie: 'a=b', authorization: 'Basic Yjpj' }, version, path: '/Microsoft-Server-ActiveSync?Cmd=Sync' })
    t.deepEqual([status, body, protocol], [200, 'mail', version])
  }
  t.is(caddy.backend.received.length, 2)
  const { url, headers } = caddy.backend.received[0]!
  t.deepEqual([url, headers.cookie, headers.authorization], ['/Microsoft-Server-ActiveSync?Cmd=Sync', 'a=b', 'Basic Yjpj'])
  t.deepEqual(Object.fromEntries(Object.entries(headers).filter(([name]) => /latchkey|cert|ssl|[^a-z0-9-]/.test(name))), {
    'latchkey-decision': 'good', 'latchkey-device': identity.deviceId, 'latchkey-person': 'ada@example.org', 'latchkey-serial': identity.certificate.serialNumber,
  })
})

test.serial('Caddy as printed refuses at the handshake: no certificate, a bootstrap identity, another CA under the same root', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  const [bootstrap, foreign] = [await issueBootstrap(service), await foreignIdentity(service)]
  for (const version of versions) {
    for (const identity of [undefined, bootstrap, foreign]) await t.throwsAsync(get(caddy.port, { ...identity && { identity }, version }))
  }
  t.deepEqual(caddy.backend.received, [])
})

test.serial('from the commit of a revocation on, Caddy as printed refuses: new, open and resumed connections', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  const identity = await issueDevice(service)
  const agent = keepAlive()
  t.teardown(() => { agent.destroy() })
  const sessions = []
  t.is((await get(caddy.port, { identity, agent })).status, 200)
  for (const version of versions) {
    const first = await get(caddy.port, { identity, version })
    const again = await get(caddy.port, { identity, version, session: first.session! })
    t.deepEqual([again.status, again.resumed], [200, true], version)
    sessions.push({ version, session: again.session! })
  }
  const passedOn = caddy.backend.received.length
  await revokeNow(service, identity)
  const open = await get(caddy.port, { identity, agent })
  t.deepEqual([open.status, open.body, open.sameConnection], [403, 'revoked\n', true])
  t.is((await get(caddy.port, { identity })).status, 403)
  for (const { version, session } of sessions) {
    const resumed = await get(caddy.port, { identity, version, session })
    t.deepEqual([resumed.status, resumed.resumed], [403, true], version)
  }
  t.is(caddy.backend.received.length, passedOn)
})

test.serial('a Caddy that was built with Go before 1.22 refuses every phone whose certificate says how good its evidence is', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  const release = /\bgo1\.(\d+)/.exec((await run(peer(t, 'caddy')!, ['build-info'])).stdout.toString())?.[1]
  const identity = await issueGraded(service)
  if (Number(release) >= 22) t.is((await get(caddy.port, { identity })).status, 200)
  else await t.throwsAsync(get(caddy.port, { identity }), { message: /bad certificate/ })
})

test.serial('Caddy answers a canary itself where Latchkey says that it is good, and the back end hears nothing of it', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  const { good, revoked } = await canaryIdentities(service)
  for (const version of versions) {
    const { status, body } = await get(caddy.port, { identity: good, version, path: '/mail' })
    t.deepEqual([status, body], [200, 'canary'])
    t.is((await get(caddy.port, { identity: revoked, version })).status, 403)
  }
  t.deepEqual(caddy.backend.received, [])
})

test.serial('when Latchkey cannot be sure, is away, takes too long, or does not know this front end, Caddy lets nobody in', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, latchkey, caddy } = setup
  const program = peer(t, 'caddy')!
  const identity = await issueDevice(service)
  const nobody = await startCaddy(t, { caddy: program, latchkey: `http://127.0.0.1:${await freePort()}`, ca: latchkey })
  t.is((await get(nobody.port, { identity })).status, 502)
  const mute = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => { mute.once('listening', resolve) })
  t.teardown(() => { mute.close() })
  const slow = await startCaddy(t, { caddy: program, latchkey: `http://127.0.0.1:${(mute.address() as AddressInfo).port}`, ca: latchkey })
  t.is((await get(slow.port, { identity })).status, 504)
  const stranger = await startCaddy(t, { caddy: program, latchkey, secret: '' })
  t.is((await get(stranger.port, { identity })).status, 403)
  t.is((await get(caddy.port, { identity })).status, 200)
  await service.db.close()
  t.is((await get(caddy.port, { identity })).status, 503)
  t.deepEqual([nobody, slow, stranger].flatMap(({ backend }) => backend.received), [])
})

test.serial('across a network Caddy asks by TLS, and takes no answer from who does not prove to be Latchkey', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, latchkey } = setup
  const identity = await issueDevice(service)
  const [door, other] = [await behindTls(t, latchkey), await behindTls(t, latchkey)]
  const answers = []
  for (const trusted of [door.caFile, other.caFile]) {
    const caddy = await startCaddy(t, { caddy: peer(t, 'caddy')!, latchkey: door.url, ca: latchkey, trusted })
    answers.push([(await get(caddy.port, { identity })).status, caddy.backend.received.length])
  }
  t.deepEqual(answers, [[200, 1], [502, 0]])
})

test.serial('behind Caddy a phone that asks for somebody else’s mailbox gets 403, and what it says that it asked for counts for nothing', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { service, caddy } = setup
  await frontEndStore(service.db).setActiveSync('edge', 'refuse')
  const identity = await issueDevice(service, { email: 'ann@example.org' })
  const asked = async (path: string, headers: Record<string, string> = {}): Promise<number> => (await get(caddy.port, { identity, headers, path })).status
  const own = '/Microsoft-Server-ActiveSync?User=ann%40example.org&DeviceId=O8S9UD4DOH0SLEPOQC5AJ9AE3C&DeviceType=iPhone&Cmd=Sync'
  const others = own.replace('ann', 'bob')
  t.is(await asked(own, { 'user-agent': 'Apple-iPhone14C5/2001.362' }), 200)
  t.is(await asked(own, { 'user-agent': 'Apple-iPhone12C1/1901.346' }), 403)
  t.is(await asked(others), 403)
  t.is(await asked(others, { 'x-original-uri': '/owa/', 'x-forwarded-uri': '/owa/' }), 403)
  t.is(await asked('/owa/', { 'x-forwarded-uri': others }), 200)
  t.is(caddy.backend.received.length, 2)
})

test.serial('a request that runs for longer than the limit is ended by Caddy', async t => {
  const setup = await frontEnd(t, { streamLimitSeconds: 2 })
  if (setup === undefined) return
  const { service, caddy } = setup
  const identity = await issueDevice(service)
  let ended = await stream(caddy, identity)
  // The limit counts the time until the back end answers as well, and a busy machine may need all of it.
  while (ended === 'not begun') ended = await stream(caddy, identity)
  t.is(ended, 'cut off')
})

/** A request for a mailbox that says something now and then, without an end. */
const stream = ({ port, backend }: Caddy, { pem, privateKeyPem }: Identity): Promise<string> => new Promise(resolve => {
  let hasBegun = false
  const speaking = setInterval(() => { for (const running of backend.running) running.write('waiting') }, 20)
  const sent = request({ host: '127.0.0.1', port, path: '/ping', agent: false, servername: caddyName, cert: pem, key: privateKeyPem, rejectUnauthorized: false }, response => {
    hasBegun = response.statusCode === 200
    response.on('end', () => { resolve(hasBegun ? 'to its end' : 'not begun') }).on('error', () => { resolve('cut off') }).resume()
  })
  // A record that was cut in the middle is an error of the connection.
  sent.on('error', () => { resolve(hasBegun ? 'cut off' : 'not begun') }).on('close', () => { clearInterval(speaking) }).end()
})

test.serial('`front-end config caddy` prints what the tests run, without the secret', async t => {
  const setup = await frontEnd(t)
  if (setup === undefined) return
  const { latchkey, caddy: { values, folder } } = setup
  const cli = await openCli(t, setup.service)
  const options = ['--front-end', 'edge', '--listen', values.listen, '--certificate', values.certificate, '--certificate-key', values.certificateKey, '--files', values.files, '--backend', values.backend]
  const printed = await cli('front-end', 'config', 'caddy', '--check', latchkey, ...options)
  t.is(printed.out, readFileSync(`${folder}/Caddyfile`, 'utf8'), printed.err)
  t.regex(printed.out, /^https:\/\/:\d+ \{\n\tbind 127\.0\.0\.1\n/m)
  for (const listen of ['443', ':443', '[::1]:443']) t.regex((await cli('front-end', 'config', 'caddy', '--listen', listen)).out, /^https:\/\/:443 \{\n\t(?:#|bind \[::1\]\n)/m, listen)
  // Where nothing is said the service's own address is asked.
  t.true((await cli('front-end', 'config', 'caddy')).out.includes(`forward_auth ${setup.service.config.url.replace(/\/$/, '')} {`))
})
