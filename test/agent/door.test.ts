import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { readFileSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { readDoor } from '../../src/agent/door.ts'
import { enrollAgent, type Enrolled } from '../../src/agent/enroll.ts'
import { startAgent } from '../../src/agent/run.ts'
import { AgentFolder } from '../../src/agent/settings.ts'
import { createApp } from '../../src/app.ts'
import { agentAuthorities, doorAuthority } from '../../src/certificates/agent-authorities.ts'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { agentDoorName } from '../../src/formats/agent-door-name.ts'
import { extendedKeyUsage, subjectAltName } from '../../src/formats/extensions.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { agentDoor } from '../../src/http/agent-door.ts'
import { enforcement } from '../../src/http/enforcement.ts'
import { renewRootLists } from '../../src/http/root-lists.ts'
import { renewAgentAuthority } from '../../src/http/upkeep.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { agentStore } from '../../src/store/agents.ts'
import { runCommand } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'
import { issueDevice, revokeNow } from '../support/issued.ts'
import { MemoryTarget } from '../support/memory-target.ts'
import { until } from '../support/running-agent.ts'
import { testService, type TestService } from '../support/service.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../support/signers.ts'
import { temporaryFolder } from '../support/temporary.ts'

const day = 86_400_000
const admin = { name: 'ada', source: 'test', role: 'admin' } as never
const now = (): Date => new Date()

async function listening(t: ExecutionContext, server: Server, port = 0): Promise<{ port: number, close(): Promise<void> }> {
  await new Promise<void>(resolve => { server.listen(port, '127.0.0.1', resolve) })
  let closed: Promise<void> | undefined
  const close = (): Promise<void> => closed ??= new Promise<void>(resolve => { server.close(() => { resolve() }); server.closeAllConnections() })
  t.teardown(close)
  return { port: (server.address() as AddressInfo).port, close }
}

/** A service with its proxy's side and, once it is opened, its door. `days` moves its clock, which is otherwise the real one that TLS has. */
async function open(t: ExecutionContext, { tells = true, days = 0 } = {}) {
  let ahead = days
  const port = await freePort()
  const doorUrl = `https://127.0.0.1:${port}`
  const service = await testService(t, { clock: { now: () => new Date(Date.now() + ahead * day), advance: () => {}, set: () => {} }, config: { agentUrl: tells ? doorUrl : undefined } })
  await service.publish()
  const asked: string[] = []
  const app = createApp(service)
  const proxy = await listening(t, createHttpServer((request, response) => { asked.push(`${request.method} ${request.url}`); app(request, response) }))
  const { secret } = await frontEndAdd.run(service, admin, frontEndAdd.input.parse({ name: 'edge', kind: 'haproxy' }))
  const folder = new AgentFolder(join(await temporaryFolder(t), 'agent'))
  return {
    service, secret, folder, doorUrl, port, asked, proxyUrl: `http://127.0.0.1:${proxy.port}`,
    setDays: (count: number) => { ahead = count },
    async openDoor() {
      const door = await agentDoor(service, createApp(service, { phones: false, admins: false, agents: true }), {})
      return { ...door, ...await listening(t, door.server, port) }
    },
    enroll: async (url: string, agentCa?: string): Promise<Enrolled> =>
      await enrollAgent({ url, frontEnd: 'edge', secret, folder, plainHttp: false, now, target: () => ({}), ...agentCa !== undefined && { agentCa } }),
  }
}

function run(t: ExecutionContext, folder: AgentFolder, signed = false) {
  const target = new MemoryTarget()
  const running = startAgent({ folder, target, now, monotonicMs: () => performance.now(), log: () => {}, signed, random: () => 0 })
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => stopped ??= running.stop()
  t.teardown(stop)
  return { ...running, target, stop, problem: (code: string) => running.problems.all.find(problem => problem.code === code)?.detail }
}

const agentCaOf = (service: TestService): string => toPem('CERTIFICATE', activeAuthority(service.authorities(), 'agent').certificate.raw)
const wayOf = async (service: TestService): Promise<string | null | undefined> => (await enforcement(service)).enforced[0]?.record.way

test('an agent that enrolled behind the proxy goes by the door it is told of, and asks nowhere else from then on', async t => {
  const { service, asked, doorUrl, proxyUrl, folder, openDoor, enroll } = await open(t)
  await openDoor()
  t.is((await enroll(proxyUrl)).door, doorUrl)
  t.deepEqual(asked, ['POST /agents/edge'])
  const agent = run(t, folder)
  await until(() => agent.agent.isEnforcing)
  const phone = await issueDevice(service)
  await revokeNow(service, phone)
  await until(() => agent.target.answer(phone.serialNumber.toString('hex'), now()) === 403)
  await until(async () => await wayOf(service) === 'mutual-tls')
  t.deepEqual(asked, ['POST /agents/edge'])
  t.deepEqual(agent.problems.all, [])
})

test('an agent enrolls at the door by command, which it knows by the CA of agents', async t => {
  const { service, secret, asked, doorUrl, folder, openDoor } = await open(t, { tells: false })
  await openDoor()
  const files = await temporaryFolder(t)
  writeFileSync(join(files, 'secret'), secret)
  writeFileSync(join(files, 'agents.cer'), activeAuthority(service.authorities(), 'agent').certificate.raw)
  const args = ['agent', 'enroll', '--url', doorUrl, '--front-end', 'edge', '--secret-file', join(files, 'secret'), '--folder', folder.path, '--json']
  t.is((await runCommand({}, args)).json.code, 'server-unreachable', 'the system does not know the CA of agents')
  const enrolled = await runCommand({}, [...args, '--agent-ca', join(files, 'agents.cer')])
  t.is(enrolled.exitCode, 0, enrolled.err)
  t.is(enrolled.json.door, doorUrl)
  t.is(enrolled.json.doorProblem, null)
  const agent = run(t, folder)
  await until(async () => await wayOf(service) === 'mutual-tls')
  await until(() => agent.agent.isEnforcing)
  t.deepEqual(asked, [])
  t.is((await runCommand({}, ['agent', 'run', '--folder', folder.path, '--signed'])).exitCode, 2)
  for (const [name, bytes] of [['nothing', ''], ['text', 'x'], ['other', readFileSync(join(folder.path, 'certificate.pem'))]] as const) {
    writeFileSync(join(files, name), bytes)
    t.not((await runCommand({}, [...args, '--agent-ca', join(files, name)])).exitCode, 0, name)
  }
})

test('where the door is shut from the beginning requests are signed and somebody is told, until it opens', async t => {
  const { service, doorUrl, proxyUrl, folder, openDoor, enroll } = await open(t)
  const enrolled = await enroll(proxyUrl)
  t.is(enrolled.door, null)
  t.regex(enrolled.doorProblem!, /^no answer from https:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\); requests are signed instead$/)
  const before = run(t, folder)
  await until(async () => await wayOf(service) === 'signed')
  await until(() => before.problem('door') !== undefined)
  t.true(before.agent.isEnforcing || before.problem('service-unreachable') === undefined)
  await until(async () => (await enforcement(service)).enforced[0]!.receipt.problems.some(({ code }) => code === 'door'))
  await before.stop()
  await openDoor()
  const after = run(t, folder)
  await until(async () => await wayOf(service) === 'mutual-tls')
  t.is(after.requests.door?.url, doorUrl)
  t.is(after.problem('door'), undefined)
})

test('once the door was used nobody can make the agent ask elsewhere by keeping it away, but the service can, and who stands at its machine', async t => {
  const { service, asked, doorUrl, proxyUrl, folder, openDoor, enroll } = await open(t)
  const door = await openDoor()
  await enroll(proxyUrl)
  await door.close()
  asked.length = 0
  const away = run(t, folder)
  await until(() => away.problem('service-unreachable') !== undefined)
  t.regex(away.problem('service-unreachable')!, /^no answer from https:/)
  await away.stop()
  t.deepEqual(asked, [])
  t.is(folder.readDoor()?.url, doorUrl)
  const told = run(t, folder, true)
  await until(async () => await wayOf(service) === 'signed')
  t.regex(told.problem('door')!, /--signed/)
  await told.stop()
  t.is(folder.readDoor()?.url, doorUrl)
  await openDoor()
  ;(service.config as { agentUrl: string | undefined }).agentUrl = undefined
  const left = run(t, folder)
  await until(() => left.requests.door === undefined)
  await until(() => left.agent.isEnforcing)
  t.is(folder.readDoor(), undefined)
  t.deepEqual(left.problems.all, [])
})

test('who shows another certificate at the address of the door hears nothing', async t => {
  const { service, doorUrl, port, proxyUrl, secret, folder, openDoor, enroll } = await open(t)
  const door = await openDoor()
  await enroll(proxyUrl)
  await door.close()
  const pem = (der: Buffer): string => toPem('CERTIFICATE', der)
  const stranger = await newAuthority('Agent CA')
  const signer = newSigner()
  const forServers = [subjectAltName([{ type: 'dNSName', value: agentDoorName }]), extendedKeyUsage(oids.serverAuth)]
  const key = signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const phone = await issueDevice(service)
  const { certificate, privateKey } = folder.readIdentity()
  const shown: [who: string, identity: { key: string, cert: string }][] = [
    ['a CA of the same name', { key, cert: pem(await issueTestCertificate(stranger, testSerialNumber('middle'), signer, forServers)) + pem(stranger.certificate) }],
    ['a phone', { key: phone.privateKeyPem, cert: phone.pem + pem(activeAuthority(service.authorities(), 'issuing').certificate.raw) }],
    ['an agent', { key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string, cert: pem(certificate.raw) + agentCaOf(service) }],
  ]
  for (const [who, identity] of shown) {
    const heard: string[] = []
    const middle = await listening(t, createTlsServer(identity, (request, response) => { heard.push(request.url!); response.end('{}') }), port)
    const agent = run(t, folder)
    await until(() => agent.problem('service-unreachable')?.includes('is not the service\'s') === true)
    await agent.stop()
    await t.throwsAsync(enrollAgent({ url: doorUrl, frontEnd: 'edge', secret, folder: new AgentFolder(`${folder.path}-other`), plainHttp: false, now, target: () => ({}), agentCa: agentCaOf(service) }), { code: 'server-unreachable' }, who)
    await middle.close()
    t.deepEqual(heard, [], who)
  }
})

test('a renewed agent shows its new certificate, asks for the feed anew, and its old one opens the door no more', async t => {
  const { service, doorUrl, folder, setDays, openDoor, enroll } = await open(t, { days: -65 })
  await openDoor()
  await enroll(doorUrl, agentCaOf(service))
  const before = folder.readIdentity()
  setDays(0)
  await service.publish(true)
  const agent = run(t, folder)
  const { frontEndId } = await (async () => { await until(async () => await wayOf(service) === 'mutual-tls'); return (await enforcement(service)).enforced[0]!.record })()
  await until(async () => (await agentStore(service.db).bySha256(Buffer.from(before.keyId, 'hex'), now()))?.inForce === false)
  t.not(folder.readIdentity().keyId, before.keyId)
  t.is(await agentStore(service.db).made(frontEndId, 'agent', new Date(0)), 2)
  await until(() => agent.agent.isEnforcing)
  const phone = await issueDevice(service)
  await revokeNow(service, phone)
  await until(() => agent.target.answer(phone.serialNumber.toString('hex'), now()) === 403)
  t.is(agent.problem('renewal'), undefined)
})

test('the CA of agents is followed by another without an agent being locked out', async t => {
  // Its CA ends in 170 days: the door shows a certificate of the one after it already.
  const { service, proxyUrl, folder, setDays, openDoor, enroll } = await open(t, { days: 170 - 3650 })
  setDays(-80)
  await renewRootLists(service)
  await service.publish(true)
  const first = await openDoor()
  await enroll(proxyUrl)
  t.is(folder.readDoor()!.authorities.match(/BEGIN/g)!.length, 1)
  t.true(await renewAgentAuthority(service))
  t.false(await renewAgentAuthority(service))
  t.true(await first.renewIfDue())
  t.false(await first.renewIfDue())
  t.deepEqual(agentAuthorities(service.authorities(), service.now()).map(({ name, active }) => [name, active]), [['agents', false], ['agents-2', true]])
  t.is(doorAuthority(service.authorities(), service.now()).name, 'agents')
  const learning = run(t, folder)
  await until(() => folder.readDoor()!.authorities.match(/BEGIN/g)!.length === 2)
  await learning.stop()
  await first.close()

  setDays(0)
  await service.publish(true)
  t.is(doorAuthority(service.authorities(), service.now()).name, 'agents-2')
  await openDoor()
  const old = folder.readIdentity()
  const agent = run(t, folder)
  await until(async () => (await agentStore(service.db).bySha256(Buffer.from(old.keyId, 'hex'), now()))?.inForce === false)
  t.true(folder.readIdentity().certificate.issuer.raw.equals(activeAuthority(service.authorities(), 'agent').certificate.subject.raw))
  await until(() => agent.agent.isEnforcing)
  t.is(agent.problem('renewal'), undefined)
})

test('what is said of a door is held to its form', t => {
  t.is(readDoor(undefined), undefined)
  const ca = readFileSync(new URL('../../certs/apple-iphone-device-ca.pem', import.meta.url), 'utf8')
  for (const door of [null, {}, { url: 'http://x', authorities: [ca] }, { url: 'https://x', authorities: [] }, { url: 1, authorities: [ca] }, { url: null, authorities: [randomBytes(8).toString('hex')] }, { url: null, authorities: Array.from({ length: 9 }, () => ca) }]) {
    t.throws(() => readDoor(door), undefined, JSON.stringify(door).slice(0, 60))
  }
})
