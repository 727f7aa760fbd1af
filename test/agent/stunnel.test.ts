import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { startAgent } from '../../src/agent/run.ts'
import { AgentFolder } from '../../src/agent/settings.ts'
import { targetOfKind } from '../../src/agent/targets/of-kind.ts'
import { StunnelTarget } from '../../src/agent/targets/stunnel.ts'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { toPem } from '../../src/formats/pem.ts'
import { fingerprint } from '../../src/formats/x509.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { openCli, runCommand } from '../support/cli.ts'
import { openDoors } from '../support/console.ts'
import { FeedServer, type ListOptions } from '../support/feed-server.ts'
import { issueDevice, revokeNow, type Issued } from '../support/issued.ts'
import { peer } from '../support/peers.ts'
import { enrolledFolder, follow, until } from '../support/running-agent.ts'
import { testService } from '../support/service.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../support/signers.ts'
import { prepareStunnel } from '../support/stunnel.ts'
import { get, type Identity, type TlsOptions } from '../support/tls-client.ts'

const now = (): Date => new Date()
const versions = ['TLSv1.2', 'TLSv1.3'] as const

/** What a phone gets: an answer of the back end, or no connection. */
const answer = async (port: number, identity: Identity | undefined, options: TlsOptions = {}): Promise<number | 'refused'> =>
  await get(port, { ...identity && { identity }, ...options }).then(({ status }) => status, () => 'refused')

const bundleOf = async (server: FeedServer, options: ListOptions = {}): Promise<string[]> =>
  await Promise.all([0, 1, null].map(async partition => toPem('X509 CRL', (await server.list(partition, options)).der)))

async function setting(t: ExecutionContext, edit?: (printed: string) => string) {
  const program = peer(t, 'stunnel4')
  if (program === undefined) return undefined
  const server = await FeedServer.start(t)
  const stunnel = await prepareStunnel(t, program, edit)
  const folder = await enrolledFolder(t, server, 'stunnel')
  const phone = await server.issue('ada')
  const lists = (): string[] => { try { return readdirSync(join(stunnel.settings.files, 'lists')).sort() } catch { return [] } }
  const run = (): ReturnType<typeof follow> => follow(t, folder, new StunnelTarget(stunnel.settings, now))
  const started = async (): Promise<ReturnType<typeof follow>> => {
    const agent = run()
    await until(() => lists().length >= 3)
    await stunnel.start()
    await until(async () => await answer(stunnel.port, phone) === 200)
    return agent
  }
  return { server, stunnel, folder, lists, run, started, phone, other: await server.issue('bob') }
}

test('stunnel as printed refuses everybody without lists, then lets phones in', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { stunnel, server, phone } = it
  new StunnelTarget(stunnel.settings, now).prepare(toPem('CERTIFICATE', server.issuing.certificate) + toPem('CERTIFICATE', server.root.certificate))
  await stunnel.start()
  for (const version of versions) t.is(await answer(stunnel.port, phone, { version }), 'refused')
  const agent = it.run()
  await until(async () => await answer(stunnel.port, phone) === 200)
  await until(() => agent.problems.all.length === 0)
  for (const version of versions) t.is(await answer(stunnel.port, undefined, { version }), 'refused', 'no certificate')
})

for (const version of versions) {
  test(`a revoked phone is refused by stunnel at its next connection, once a list has it, ${version}`, async t => {
    const it = await setting(t)
    if (it === undefined) return
    const { server, stunnel, phone, other } = it
    const agent = await it.started()
    const running = get(stunnel.port, { identity: phone, version, path: '/ping' })
    await until(() => stunnel.backend.running.length === 1)
    server.revoke(phone.serialNumber)
    await until(() => agent.agent.change === 1)
    await server.publish()
    await agent.inForce(1)
    t.is(await answer(stunnel.port, phone, { version }), 'refused')
    t.is(await answer(stunnel.port, other, { version }), 200)
    // What stunnel cannot do, and its configuration says so.
    stunnel.backend.running[0]!.end(' no more')
    t.is((await running).body, 'waiting no more')
    server.release(phone.serialNumber)
    await server.publish()
    await until(async () => await answer(stunnel.port, phone, { version }) === 200)
    t.is(stunnel.reloads(), 0, 'lists count without a reload')
  })

  test(`stunnel as printed resumes no session, ${version}`, async t => {
    const it = await setting(t)
    if (it === undefined) return
    await it.started()
    const first = await get(it.stunnel.port, { identity: it.phone, version })
    t.false((await get(it.stunnel.port, { identity: it.phone, version, ...first.session && { session: first.session } })).resumed)
  })

  test(`where sessions are resumed against the printed configuration, a revoked phone gets past stunnel: what those lines are for, ${version}`, async t => {
    const it = await setting(t, printed => printed.replace('sessionResume = no\noptions = NO_TICKET\n', ''))
    if (it === undefined) return
    const agent = await it.started()
    const first = await get(it.stunnel.port, { identity: it.phone, version })
    it.server.revoke(it.phone.serialNumber)
    await it.server.publish()
    await agent.inForce(1)
    t.is(await answer(it.stunnel.port, it.phone, { version }), 'refused')
    const resumed = await get(it.stunnel.port, { identity: it.phone, version, session: first.session! })
    t.deepEqual([resumed.status, resumed.resumed], [200, true])
  })
}

test('a revocation counts as in force at stunnel when a list has it, and not before', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const agent = await it.started()
  let isInForce = false
  void agent.inForce(1).then(() => { isInForce = true })
  it.server.revoke(it.phone.serialNumber)
  await until(() => agent.agent.refused.has(it.phone.serialNumber))
  await agent.agent.tick()
  await agent.agent.settled()
  t.deepEqual([isInForce, agent.agent.isUpToDate, await answer(it.stunnel.port, it.phone)], [false, false, 200])
  await it.server.publish()
  await agent.inForce(1)
  t.deepEqual([agent.agent.isUpToDate, await answer(it.stunnel.port, it.phone)], [true, 'refused'])
  // A change that concerns no list is in force when it is heard of.
  it.server.change++
  it.server.heartbeat()
  await agent.inForce(2)
})

test('stunnel refuses a certificate of another CA under the same root', async t => {
  const it = await setting(t)
  if (it === undefined) return
  await it.started()
  const [elsewhere, signer] = [await newAuthority('Elsewhere', it.server.root), newSigner()]
  const leaf = await issueTestCertificate(elsewhere, testSerialNumber('mallory'), signer)
  const foreign = { pem: toPem('CERTIFICATE', leaf) + toPem('CERTIFICATE', elsewhere.certificate), privateKeyPem: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
  for (const version of versions) t.is(await answer(it.stunnel.port, foreign, { version }), 'refused')
})

test('an agent that hears nothing takes the lists away from stunnel, and brings them back when it hears again', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { server, stunnel, phone, lists } = it
  server.policy = { maxAgeSeconds: 2, whenStale: 'refuse' }
  const beats = setInterval(() => { if (!server.down) server.heartbeat() }, 200)
  t.teardown(() => { clearInterval(beats) })
  const agent = await it.started()
  server.down = true
  server.cut()
  await until(async () => await answer(stunnel.port, phone) === 'refused')
  await until(() => agent.problems.all.some(({ code }) => code === 'stale'))
  await until(() => lists().length === 0)
  await stunnel.restart()
  t.is(await answer(stunnel.port, phone), 'refused', 'nor does another process let anybody in')
  server.down = false
  await until(async () => await answer(stunnel.port, phone) === 200)
  await until(() => lists().length === 3)
})

test('an agent told to go on in any case leaves the lists where they are', async t => {
  const it = await setting(t)
  if (it === undefined) return
  it.server.policy = { maxAgeSeconds: 1, whenStale: 'alarm' }
  const agent = await it.started()
  it.server.down = true
  it.server.cut()
  await until(() => agent.problems.all.some(({ code }) => code === 'stale'))
  await agent.agent.tick()
  t.is(await answer(it.stunnel.port, it.phone), 200)
})

test('when the agent is gone stunnel goes on until the lists end, and then refuses everybody', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { server, stunnel, phone } = it
  const target = new StunnelTarget(stunnel.settings, now)
  target.prepare(toPem('CERTIFICATE', server.issuing.certificate) + toPem('CERTIFICATE', server.root.certificate))
  await stunnel.start()
  const nextUpdate = new Date(Math.ceil(Date.now() / 1000) * 1000 + 3000)
  await target.fresh(new Date(Date.now() + 600_000))
  await target.bundle(await bundleOf(server, { nextUpdate }))
  const [first, at] = [await answer(stunnel.port, phone), now()]
  if (at < nextUpdate) t.is(first, 200)
  await until(async () => await answer(stunnel.port, phone) === 'refused')
  t.true(now() >= nextUpdate)
  await target.bundle(await bundleOf(server))
  t.is(await answer(stunnel.port, phone), 200, 'others count again')
})

test('an agent that starts without what it knew takes away what an earlier one had put in place, until it knows again', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { server, stunnel, phone, lists } = it
  const first = await it.started()
  await first.stop()
  t.is(await answer(stunnel.port, phone), 200, 'an agent that is restarted changes nothing')
  server.files.clear()
  server.down = true
  const forgetful = follow(t, await enrolledFolder(t, server, 'stunnel'), new StunnelTarget(stunnel.settings, now))
  await until(async () => await answer(stunnel.port, phone) === 'refused')
  t.deepEqual(lists(), [])
  await server.publish()
  server.down = false
  await until(async () => await answer(stunnel.port, phone) === 200)
  await forgetful.stop()
})

test('lists that were replaced are cleared away with a reload, now and then, and the newest ones count throughout', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { server, stunnel, phone, lists } = it
  const agent = await it.started()
  await agent.stop()
  const target = new StunnelTarget(stunnel.settings, now, { lists: 10, bytes: 1_000_000 })
  target.prepare(readFileSync(join(stunnel.settings.files, 'ca.pem'), 'utf8'))
  t.true(await target.fresh(new Date(Date.now() + 600_000)))
  let most = 0
  for (let isTidied = false; !isTidied; most = Math.max(most, lists().length)) {
    t.true(most < 20)
    const { inForce, detail } = await target.bundle(await bundleOf(server))
    t.true(inForce)
    isTidied = detail.includes('told to reload')
  }
  t.deepEqual([most > 10, lists().length], [true, 3])
  await until(() => stunnel.reloads() === 1)
  await until(async () => await answer(stunnel.port, phone) === 200)
  server.revoke(phone.serialNumber)
  await target.bundle(await bundleOf(server))
  await until(async () => await answer(stunnel.port, phone) === 'refused')
  t.is(stunnel.reloads(), 1)
})

test('an agent enrolls by command, keeps stunnel, and proves it by handshakes alone: nothing of a canary gets to the back end', async t => {
  const program = peer(t, 'stunnel4')
  if (program === undefined) return
  const service = await testService(t, { clock: { now, advance: () => {}, set: () => {} } })
  await service.publish()
  const url = await openDoors(t, service)
  const { secret, checkUrl } = await frontEndAdd.run(service, { name: 'ada', source: 'test', role: 'admin' } as never, frontEndAdd.input.parse({ name: 'edge', kind: 'stunnel' }))
  t.is(checkUrl, null)
  const asked = await fetch(`${url}/check/edge`, { headers: { authorization: `Bearer ${secret}`, 'x-ssl-client-cert': 'AA==' } })
  t.deepEqual([asked.status, asked.headers.get('latchkey-decision')], [403, 'no-certificate'], 'it has no way to ask')
  const stunnel = await prepareStunnel(t, program)
  const folder = join(stunnel.folder, 'agent')
  writeFileSync(`${stunnel.folder}/secret`, `${secret}\n`)
  const enrolled = await runCommand({}, [
    'agent', 'enroll', '--url', url, '--front-end', 'edge', '--secret-file', `${stunnel.folder}/secret`, '--folder', folder, '--root-fingerprint', fingerprint(activeAuthority(service.authorities(), 'root').certificate.raw),
    '--files', stunnel.settings.files, '--run', stunnel.folder, '--probe', `127.0.0.1:${stunnel.port}`, '--reload', ...stunnel.settings.reload, '--json',
  ])
  t.is(enrolled.exitCode, 0, enrolled.err)
  const agentFolder = new AgentFolder(folder)
  const running = startAgent({
    folder: agentFolder, target: targetOfKind('stunnel', agentFolder.readTarget(), now), now, monotonicMs: () => performance.now(), probe: `127.0.0.1:${stunnel.port}`, log: () => {},
  })
  t.teardown(() => running.stop())
  await until(() => existsSync(`${stunnel.settings.files}/ca.pem`))
  await stunnel.start()
  const [phone, other] = [await issueDevice(service), await issueDevice(service)]
  const chain = readFileSync(`${stunnel.settings.files}/ca.pem`, 'utf8')
  const identity = ({ pem, privateKeyPem }: Issued): Identity => ({ pem: pem + chain, privateKeyPem })
  const { id } = (await frontEndStore(service.db).find('edge'))!
  const receipt = async () => (await receiptStore(service.db).of([id]))[0]
  const said = async () => (await receipt())?.receipt as { fresh: boolean, canary: { revokedRefused: boolean, goodPassed: boolean, detail: string } | null } | undefined
  // The canaries are certificates too: the list that has the revoked one comes first.
  const publishing = setInterval(() => { service.publish().catch(() => {}) }, 1_100)
  t.teardown(() => { clearInterval(publishing) })
  await until(async () => (await said())?.canary?.goodPassed === true)
  t.like(await said(), { fresh: true, canary: { revokedRefused: true } })
  t.regex((await said())!.canary!.detail, /^good: handshake; revoked: no handshake/)
  t.is(stunnel.backend.received.length, 0)
  t.is(await answer(stunnel.port, identity(phone)), 200)
  const before = (await receipt())!.changeNumber
  await revokeNow(service, phone)
  await until(async () => (await receipt())!.changeNumber > before)
  t.deepEqual([await answer(stunnel.port, identity(phone)), await answer(stunnel.port, identity(other))], ['refused', 200])
  t.log(`stunnel: enforcement ${(await receipt())!.enforcementMs} ms, from the revocation's row to its receipt, with lists signed once a second`)
})

test('`front-end config stunnel` prints what the tests run', async t => {
  const program = peer(t, 'stunnel4')
  if (program === undefined) return
  const cli = await openCli(t, await testService(t))
  const { values, folder } = await prepareStunnel(t, program)
  const options = ['--front-end', values.frontEnd, '--listen', values.listen, '--certificate', values.certificate, '--certificate-key', values.certificateKey, '--files', values.files, '--run', values.run, '--backend', values.backend]
  t.is((await cli('front-end', 'config', 'stunnel', ...options)).out, readFileSync(`${folder}/stunnel.conf`, 'utf8'))
})
