import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { Agent } from '../../src/agent/agent.ts'
import { readFeedEvent, readFeedState, type FeedEvent } from '../../src/agent/feed-events.ts'
import { Problems, type ProblemCode } from '../../src/agent/problems.ts'
import { StateFolder } from '../../src/agent/state.ts'
import { readPolicy, readTrust } from '../../src/agent/trust.ts'
import { fakeClock } from '../support/clock.ts'
import { FeedServer } from '../support/feed-server.ts'
import { MemoryTarget } from '../support/memory-target.ts'
import { newAuthority } from '../support/signers.ts'
import { temporaryFolder } from '../support/temporary.ts'

const start = '2026-03-01T09:00:00Z'
const phone = '40000000000000000000000000000001'

async function setting(t: ExecutionContext, { partitions = 2 } = {}) {
  const clock = fakeClock(start)
  const folder = await temporaryFolder(t)
  const server = await FeedServer.start(t, { partitions, now: clock.now })
  const target = new MemoryTarget()
  const network = { up: true, offsetMs: 0, clockErrorSeconds: 0, late: async (): Promise<void> => {} }
  const make = (): { agent: Agent, problems: Problems, inForce: number[] } => {
    const problems = new Problems(() => {})
    const inForce: number[] = []
    const reach = <T>(answer: () => T) => async (): Promise<T> => { if (!network.up) throw new Error('no network'); return answer() }
    const agent = new Agent({
      folder: new StateFolder(folder), target, trust: readTrust(server.trust, server.pin, clock.now()), policy: readPolicy(server.policy),
      clock: () => ({ wall: new Date(clock.now().getTime() + network.clockErrorSeconds * 1000), monotonicMs: clock.now().getTime() }),
      clockOffsetMs: () => network.offsetMs, problems, log: () => {}, inForce: change => { inForce.push(change) },
      fetchList: async path => await reach(() => server.files.get(path)!)(),
      feedState: async after => {
        const state = await reach(() => readFeedState(JSON.stringify(server.state(after))))()
        await network.late()
        return state
      },
      fetchTrust: reach(() => ({ trust: readTrust(server.trust, server.pin, clock.now()), policy: readPolicy(server.policy) })),
    })
    return { agent, problems, inForce }
  }
  /** Signs the lists anew, and says so in the feed. */
  const publish = async (agent: Agent): Promise<void> => {
    await server.publish()
    await Promise.all(server.lists.map(async list => { await agent.handle(readFeedEvent({ event: 'list', data: JSON.stringify(list), id: undefined })!) }))
  }
  const beat = async (agent: Agent): Promise<void> => {
    await agent.handle({ type: 'heartbeat', heartbeat: { change: server.change, at: clock.now() } })
    await agent.settled()
  }
  return { clock, folder, server, target, network, make, publish, beat, answer: (serialNumber = phone) => target.answer(serialNumber, clock.now()) }
}

const revokedEvent = (data: object): FeedEvent => readFeedEvent({ event: 'revoked', data: JSON.stringify(data), id: undefined })!
const codes = (problems: Problems): ProblemCode[] => problems.all.map(({ code }) => code)

test('a cold start refuses everybody until every list is there and the service has been heard', async t => {
  const { make, beat, answer, server } = await setting(t)
  const { agent, problems } = make()
  await agent.tick()
  t.is(answer(), 503)
  const list = server.files.get('/crl/issuing/1.crl')!
  server.files.set('/crl/issuing/1.crl', Buffer.from('nothing'))
  await beat(agent)
  t.is(answer(), 503)
  t.true(codes(problems).includes('list-refused'))
  server.files.set('/crl/issuing/1.crl', list)
  await beat(agent)
  t.is(answer(), 200)
  t.deepEqual(codes(problems), [])
})

test('a revocation of the feed refuses at once; only a signed list takes it back', async t => {
  const { make, publish, beat, answer, server } = await setting(t)
  const { agent, inForce } = make()
  await beat(agent)
  await agent.handle(revokedEvent(server.revoke(phone)))
  t.is(answer(), 403)
  t.deepEqual(inForce, [1])
  await publish(agent)
  await beat(agent)
  t.is(answer(), 403)
  server.release(phone)
  await beat(agent)
  t.is(answer(), 403)
  await publish(agent)
  await beat(agent)
  t.is(answer(), 200)
})

test('a gap in the feed is seen at the next event, and filled', async t => {
  const { make, beat, answer, server } = await setting(t)
  const { agent } = make()
  await beat(agent)
  server.revoke(phone)
  await agent.handle(revokedEvent(server.revoke('4002')))
  t.deepEqual([answer(), answer('4002'), agent.change], [403, 403, 2])
})

test('a gap before a silence is seen at the next heartbeat', async t => {
  const { make, beat, answer, server } = await setting(t)
  const { agent } = make()
  await beat(agent)
  server.revoke(phone)
  await beat(agent)
  t.deepEqual([answer(), agent.change], [403, 1])
})

test('too many changes to be told are taken from the lists, and nobody is told to be fresh without every list', async t => {
  const { make, beat, answer, server, target, clock } = await setting(t)
  const { agent } = make()
  await beat(agent)
  server.revoke(phone)
  await server.publish()
  server.revoke('4002')
  server.reset = true
  const [path, list] = [`/crl/issuing/${server.partitionOf(phone)}.crl`, server.files.get(`/crl/issuing/${server.partitionOf(phone)}.crl`)!]
  server.files.set(path, Buffer.from('nothing'))
  clock.advance(600)
  await beat(agent)
  t.deepEqual([agent.change, target.until], [0, new Date('2026-03-01T09:15:00Z')])
  server.files.set(path, list)
  await beat(agent)
  t.deepEqual([answer(), answer('4002'), agent.change], [403, 403, 2])
})

test('when the service is silent the last data count for as long as the policy says, and no longer', async t => {
  const { make, beat, answer, clock, network } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  network.up = false
  clock.advance(899)
  await agent.tick()
  t.is(answer(), 200)
  clock.advance(1)
  await agent.tick()
  t.is(answer(), 503)
  t.deepEqual(codes(problems), ['stale'])
  network.up = true
  await beat(agent)
  t.is(answer(), 200)
  t.deepEqual(codes(problems), [])
})

test('who is told that the data are old is told a time that is long past, again and again', async t => {
  const { make, beat, clock, network, target } = await setting(t)
  const { agent } = make()
  await beat(agent)
  network.up = false
  for (const seconds of [900, 1, 1]) {
    clock.advance(seconds)
    await agent.tick()
    t.deepEqual(target.until, new Date(0))
  }
})

test('a heartbeat that was long on its way does not make old data new', async t => {
  const { make, beat, answer, clock, network } = await setting(t)
  const { agent } = make()
  await beat(agent)
  network.up = false
  const said = clock.now()
  clock.advance(900)
  await agent.handle({ type: 'heartbeat', heartbeat: { change: 0, at: new Date(said.getTime() + 880_000) } })
  t.is(answer(), 503)
})

test('what an answer says counts from the moment it was asked for, however long it was on its way', async t => {
  const { make, beat, answer, clock, network } = await setting(t)
  const { agent } = make()
  await beat(agent)
  network.late = async () => { clock.advance(20) }
  await agent.catchUp()
  network.up = false
  clock.advance(880)
  await agent.tick()
  t.is(answer(), 503)
})

test('an agent that has ended stops nobody from being refused: its word runs out', async t => {
  const { make, beat, answer, clock } = await setting(t)
  const { agent } = make()
  await beat(agent)
  await agent.close()
  clock.advance(900)
  t.is(answer(), 503)
})

test('where the policy says so, stale data go on with an alarm', async t => {
  const it = await setting(t)
  it.server.policy = { maxAgeSeconds: 60, whenStale: 'alarm' }
  const { agent, problems } = it.make()
  await it.beat(agent)
  it.clock.advance(3600)
  await agent.tick()
  t.is(it.answer(), 200)
  t.deepEqual(codes(problems), ['stale'])
})

test('a restarted agent knows what the feed had added, and goes on for as long as its data count', async t => {
  const { make, beat, answer, server, target, clock, network } = await setting(t)
  const first = make()
  await beat(first.agent)
  await first.agent.handle(revokedEvent(server.revoke(phone)))
  await first.agent.close()
  network.up = false
  target.restart()
  clock.advance(300)
  const second = make()
  await second.agent.tick()
  t.deepEqual([answer(), answer('4002'), second.agent.change], [403, 200, 0])
  clock.advance(600)
  await second.agent.tick()
  t.is(answer('4002'), 503)
})

test('a restart does not let an older list back in', async t => {
  const { make, beat, answer, server } = await setting(t)
  const old = new Map(server.files)
  server.revoke(phone)
  await server.publish()
  const first = make()
  await beat(first.agent)
  await first.agent.close()
  for (const [path, der] of old) server.files.set(path, der)
  const second = make()
  await second.agent.handle({ type: 'list', list: { authority: 'issuing', partition: server.partitionOf(phone), crlNumber: 99n, sha256: 'f'.repeat(64), change: 9 } })
  await beat(second.agent)
  t.is(answer(), 403)
  t.regex(second.problems.all.find(({ code }) => code === 'list-refused')?.detail ?? '', /rolled-back/)
})

test('lists on the disk that were exchanged for older ones do not count', async t => {
  const { make, beat, answer, server, folder } = await setting(t)
  const path = `issuing/${server.partitionOf(phone)}`
  const old = server.files.get(`/crl/${path}.crl`)!
  server.revoke(phone)
  await server.publish()
  const first = make()
  await beat(first.agent)
  await first.agent.close()
  writeFileSync(join(folder, 'lists', `${path.replace('/', '.')}.crl`), old)
  const second = make()
  t.regex(second.problems.all[0]?.detail ?? '', /on disk: rolled-back/)
  await beat(second.agent)
  t.is(answer(), 403)
})

test('a state that cannot be read stops the agent: nothing would protect from older lists', async t => {
  const { make, beat, folder } = await setting(t)
  const { agent } = make()
  await beat(agent)
  await agent.close()
  writeFileSync(join(folder, 'state.json'), '{"lists":')
  t.throws(make)
})

test('forged events refuse somebody for a while, and let nobody in', async t => {
  const { make, publish, beat, answer, server } = await setting(t)
  const { agent } = make()
  await beat(agent)
  server.revoke(phone)
  await beat(agent)
  for (const partition of [0, 1]) await agent.handle(revokedEvent({ authority: 'issuing', partition, serialNumber: '4002', change: 1, hold: false }))
  await agent.handle(revokedEvent({ authority: 'issuing', partition: 1 - server.partitionOf(phone), serialNumber: phone, change: 0, hold: false }))
  t.deepEqual([answer(), answer('4002')], [403, 403])
  await publish(agent)
  await beat(agent)
  t.deepEqual([answer(), answer('4002')], [403, 200])
})

test('a feed that repeats what was does not make old data look new', async t => {
  const { make, beat, answer, server, clock } = await setting(t)
  const { agent, problems } = make()
  server.revoke(phone)
  await beat(agent)
  for (let beats = 0; beats < 300; beats++) {
    clock.advance(5)
    await agent.handle({ type: 'heartbeat', heartbeat: { change: 0, at: clock.now() } })
  }
  t.is(answer('4002'), 503)
  t.deepEqual(codes(problems).sort(), ['feed-behind', 'stale'])
})

test('a clock that is an hour off, either way, neither stops the agent nor makes old data new, and is told', async t => {
  for (const error of [3600, -3600]) {
    const { make, beat, server, clock, network, target } = await setting(t)
    network.clockErrorSeconds = error
    network.offsetMs = -error * 1000
    const wall = (): Date => new Date(clock.now().getTime() + error * 1000)
    const { agent, problems } = make()
    server.revoke(phone)
    await beat(agent)
    t.deepEqual([target.answer(phone, wall()), target.answer('4002', wall()), codes(problems)], [403, 200, ['clock']])
    network.up = false
    clock.advance(900)
    await agent.tick()
    t.is(target.answer('4002', wall()), 503)
  }
})

test('a clock that is set back while the service is silent does not make the data younger', async t => {
  const { make, beat, clock, network, target } = await setting(t)
  const { agent } = make()
  await beat(agent)
  network.up = false
  clock.advance(600)
  network.clockErrorSeconds = -3600
  await agent.tick()
  clock.advance(300)
  await agent.tick()
  t.is(target.answer(phone, new Date(clock.now().getTime() - 3_600_000)), 503)
})

test('a full disk refuses as before, lifts nothing, and is told', async t => {
  const { make, publish, beat, answer, server, folder } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  server.revoke(phone)
  await publish(agent)
  await beat(agent)
  t.is(answer(), 403)
  // A folder that is a file takes no list, whoever asks.
  rmSync(join(folder, 'lists'), { recursive: true })
  writeFileSync(join(folder, 'lists'), '')
  server.release(phone)
  server.revoke('4002', { silent: true })
  await publish(agent)
  await beat(agent)
  t.deepEqual([answer(), answer('4002'), answer('4003')], [403, 403, 200])
  t.true(codes(problems).includes('disk'))
})

test('once the disk takes what it did not take, the alarm is over', async t => {
  const { make, beat, answer, server, folder } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  // A file that is a folder takes no line.
  rmSync(join(folder, 'additions.jsonl'), { force: true })
  mkdirSync(join(folder, 'additions.jsonl'))
  await agent.handle(revokedEvent(server.revoke(phone)))
  t.deepEqual([answer(), codes(problems)], [403, ['disk']])
  rmSync(join(folder, 'additions.jsonl'), { recursive: true })
  await beat(agent)
  t.deepEqual(codes(problems), [])
  t.regex(readFileSync(join(folder, 'state.json'), 'utf8'), new RegExp(phone))
})

test('a front end that was restarted is loaded before it lets anybody in', async t => {
  const { make, beat, answer, server, target } = await setting(t)
  const { agent } = make()
  server.revoke(phone)
  await beat(agent)
  target.restart()
  t.is(answer(), 503)
  await agent.tick()
  t.deepEqual([answer(), answer('4002'), target.loads], [403, 200, 2])
})

test('a front end that does not answer gets everything as soon as it does', async t => {
  const { make, beat, answer, server, target } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  target.broken = true
  await agent.handle(revokedEvent(server.revoke(phone)))
  t.true(codes(problems).includes('front-end-unreachable'))
  target.broken = false
  await agent.tick()
  await agent.settled()
  t.is(answer(), 403)
  t.deepEqual(codes(problems), [])
})

test('when the root has revoked the issuing CA nobody is let in', async t => {
  const { make, beat, answer, server } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  t.is(answer(), 200)
  const { parseCertificate } = await import('../../src/formats/x509.ts')
  await server.put(null, { serialNumbers: [parseCertificate(server.issuing.certificate).serialNumber] })
  await beat(agent)
  for (const list of readFeedState(JSON.stringify(server.state(0))).lists) await agent.handle({ type: 'list', list })
  t.is(answer(), 503)
  t.true(codes(problems).includes('issuing-authority-revoked'))
})

test('another root, or an issuing CA of another root, is never trusted', async t => {
  const { server, clock } = await setting(t)
  const other = await newAuthority('Test Root', undefined, 'P-384')
  const { toPem } = await import('../../src/formats/pem.ts')
  const trust = server.trust as { root: string, issuing: { name: string, certificate: string, partitions: number }[] }
  t.throws(() => readTrust({ ...trust, root: toPem('CERTIFICATE', other.certificate) }, server.pin, clock.now()), { code: 'signature-invalid' })
  const foreign = toPem('CERTIFICATE', (await newAuthority('Test Issuing', other)).certificate)
  t.throws(() => readTrust({ ...trust, issuing: [{ ...trust.issuing[0]!, certificate: foreign }] }, server.pin, clock.now()), { code: 'signature-invalid' })
})

test('what is running is ended although the front end is still busy with new lists', async t => {
  const { make, publish, beat, server, target } = await setting(t)
  const { agent } = make()
  await beat(agent)
  const busy = Promise.withResolvers<void>()
  target.bundle = async () => {
    await busy.promise
    return { inForce: true, detail: '' }
  }
  await publish(agent)
  await agent.handle(revokedEvent(server.revoke(phone)))
  t.deepEqual(target.cuts, [phone])
  busy.resolve()
  await agent.settled()
})

test('the bundle is the root\'s list and every partition, as they are in force', async t => {
  const { make, beat, target, server } = await setting(t)
  const { agent } = make()
  await beat(agent)
  t.is(target.bundles.at(-1)?.match(/BEGIN X509 CRL/g)?.length, 1 + server.partitions)
})

test('nobody else can read what the agent keeps', async t => {
  const { make, beat, folder } = await setting(t)
  chmodSync(folder, 0o700)
  const { agent } = make()
  await beat(agent)
  const { statSync } = await import('node:fs')
  t.is(statSync(join(folder, 'state.json')).mode & 0o777, 0o600)
  t.regex(readFileSync(join(folder, 'state.json'), 'utf8'), /"crlNumber"/)
})

test('a list that is damaged on the disk after it was verified reaches no front end, and is fetched anew', async t => {
  const { make, beat, folder, server, target } = await setting(t)
  const { agent, problems } = make()
  await beat(agent)
  const before = target.bundles.length
  writeFileSync(join(folder, 'lists/issuing.0.crl'), 'nothing')
  await server.put(1)
  await agent.handle(readFeedEvent({ event: 'list', data: JSON.stringify(server.lists[1]), id: undefined })!)
  await agent.settled()
  t.deepEqual(codes(problems), ['bundle'])
  t.is(target.bundles.length, before)
  for (let turns = 0; turns < 30; turns++) await beat(agent)
  t.deepEqual(codes(problems), [])
  t.is(target.bundles.length, before + 1)
})
