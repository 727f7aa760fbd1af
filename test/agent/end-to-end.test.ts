import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startAgent } from '../../src/agent/run.ts'
import { AgentFolder } from '../../src/agent/settings.ts'
import { firstSettings, targetOfKind } from '../../src/agent/targets/of-kind.ts'
import { fingerprint } from '../../src/formats/x509.ts'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { apacheConfiguration } from '../../src/protocols/check/configurations/apache.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { prepareApache } from '../support/apache.ts'
import { openCli, runCommand } from '../support/cli.ts'
import { openDoors } from '../support/console.ts'
import { prepareHaproxy } from '../support/haproxy.ts'
import { issueDevice, revokeNow, type Issued } from '../support/issued.ts'
import { hasLua, prepareLuaNginx } from '../support/lua-nginx.ts'
import { peer } from '../support/peers.ts'
import { until } from '../support/running-agent.ts'
import { testService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { get } from '../support/tls-client.ts'

const now = (): Date => new Date()
const programs = { haproxy: 'haproxy', nginx: 'nginx', apache: 'apache2' } as const
const prepare = { haproxy: prepareHaproxy, nginx: prepareLuaNginx, apache: prepareApache }
const admin = { name: 'ada', source: 'test', role: 'admin' } as never

/** A service by the real clock, which front ends have as well. */
async function openService(t: ExecutionContext, kind: keyof typeof programs) {
  const service = await testService(t, { clock: { now, advance: () => {}, set: () => {} } })
  await service.publish()
  const url = await openDoors(t, service)
  const { secret } = await frontEndAdd.run(service, admin, frontEndAdd.input.parse({ name: 'edge', kind }))
  const root = activeAuthority(service.authorities(), 'root').certificate
  return { service, url, secret, root }
}

const status = async (port: number, { pem, privateKeyPem }: Issued, chain: string): Promise<number | string> =>
  await get(port, { identity: { pem: pem + chain, privateKeyPem } }).then(answer => answer.status, (error: { code?: string }) => error.code ?? 'failed')

for (const kind of ['haproxy', 'nginx', 'apache'] as const) {
  test(`an agent enrolls by command, keeps ${kind}, proves it with canaries, and its receipts say so`, async t => {
    const program = peer(t, programs[kind])
    if (program === undefined) return
    if (kind === 'nginx' && !hasLua()) return t.pass('skipped: libnginx-mod-http-lua is not installed')
    const { service, url, secret, root } = await openService(t, kind)
    const frontEnd = await prepare[kind](t, program)
    const folder = join(await temporaryFolder(t), 'agent')
    writeFileSync(`${frontEnd.settings.files}/secret`, `${secret}\n`)
    const enrolled = await runCommand({}, [
      'agent', 'enroll', '--url', url, '--front-end', 'edge', '--secret-file', `${frontEnd.settings.files}/secret`, '--folder', folder, '--root-fingerprint', fingerprint(root.raw),
      '--files', frontEnd.settings.files, '--run', frontEnd.values.run, '--probe', `127.0.0.1:${frontEnd.port}`, '--reload', ...frontEnd.settings.reload, '--json',
    ])
    t.is(enrolled.exitCode, 0, enrolled.err)
    t.is(enrolled.json.kind, kind)
    t.is(statSync(join(folder, 'key.pem')).mode & 0o777, 0o600)
    const agentFolder = new AgentFolder(folder)
    const events: string[] = []
    const running = startAgent({
      folder: agentFolder, target: targetOfKind(kind, agentFolder.readTarget(), now), now, monotonicMs: () => performance.now(),
      probe: `127.0.0.1:${frontEnd.port}`, log: (event, detail) => { events.push(`${event} ${detail}`) },
    })
    t.teardown(() => running.stop())
    await until(() => { try { return readFileSync(`${frontEnd.settings.files}/lists.pem`).length > 0 } catch { return false } })
    await frontEnd.start()
    const [phone, other] = [await issueDevice(service), await issueDevice(service)]
    const chain = readFileSync(`${frontEnd.settings.files}/ca.pem`, 'utf8')
    await until(async () => await status(frontEnd.port, phone, chain) === 200)
    const { id } = (await frontEndStore(service.db).find('edge'))!
    const receipt = async () => (await receiptStore(service.db).of([id]))[0]
    const said = async () => (await receipt())?.receipt as { fresh: boolean, canary: { revokedRefused: boolean, goodPassed: boolean } | null, targetVersion: string | null, lists: unknown[] } | undefined
    await until(async () => (await said())?.canary?.goodPassed === true)
    t.true((await said())?.canary?.revokedRefused)
    t.true((await said())?.fresh)
    t.is((await said())?.lists.length, 3)
    t.is(frontEnd.backend.received.some(({ url: asked }) => asked !== '/'), false)
    const passedOn = frontEnd.backend.received.length
    const before = (await receipt())!.changeNumber
    await revokeNow(service, phone)
    await until(async () => (await receipt())!.changeNumber > before)
    t.not(await status(frontEnd.port, phone, chain), 200)
    t.is(await status(frontEnd.port, other, chain), 200)
    t.is(frontEnd.backend.received.length, passedOn + 1, 'neither the revoked phone nor a canary was passed on')
    t.is(typeof (await receipt())!.enforcementMs, 'number')
    t.log(`${kind}: enforcement ${(await receipt())!.enforcementMs} ms, from the revocation's row to its receipt`)
  })
}

test('`front-end config` prints what the tests run', async t => {
  const program = peer(t, 'haproxy')
  if (program === undefined) return
  const cli = await openCli(t, await testService(t))
  const { values, folder } = await prepareHaproxy(t, program)
  const options = ['--front-end', values.frontEnd, '--listen', values.listen, '--certificate', values.certificate, '--files', values.files, '--run', values.run, '--backend', values.backend, '--stream-limit', '900']
  t.is((await cli('front-end', 'config', 'haproxy', ...options)).out, readFileSync(`${folder}/haproxy.cfg`, 'utf8'))
  const nginx = await cli('front-end', 'config', 'nginx')
  const apache = await cli('front-end', 'config', 'apache', '--certificate-key', values.certificateKey, ...options)
  t.is(apache.out, apacheConfiguration(values))
  t.regex(nginx.out, /ssl_crl \/var\/lib\/latchkey-agent\/files\/lists\.pem;/)
  for (const bad of ['a b', 'x;y', 'x\ny', '"x"', '#x']) t.is((await cli('front-end', 'config', 'nginx', '--backend', bad)).exitCode, 2, bad)
  t.is((await cli('front-end', 'config', 'music')).exitCode, 2)
})

test('enrollment refuses another root, a wrong secret, and a way on which the secret could be read', async t => {
  const { url, secret } = await openService(t, 'haproxy')
  const folder = await temporaryFolder(t)
  const enroll = async (address: string, given: string, ...more: string[]) => {
    writeFileSync(join(folder, 'secret'), given)
    return await runCommand({}, ['agent', 'enroll', '--url', address, '--front-end', 'edge', '--secret-file', join(folder, 'secret'), '--folder', join(folder, 'agent'), '--json', ...more])
  }
  t.is((await enroll(url, secret, '--root-fingerprint', 'ab'.repeat(32))).json.code, 'signature-invalid')
  t.is((await enroll(url, 'wrong')).json.code, 'unauthorized')
  t.is((await enroll('http://latchkey.example', secret)).json.code, 'invalid-argument')
  t.throws(() => new AgentFolder(join(folder, 'agent')).readSettings(), { code: 'invalid-argument' })
  t.is((await runCommand({}, ['agent', 'run', '--folder', join(folder, 'agent')])).exitCode, 2)
})

test('kinds of front ends that no agent can keep are said at enrollment', t => {
  t.throws(() => firstSettings('traefik', { files: '', run: '', probe: '' }), { code: 'invalid-argument' })
})
