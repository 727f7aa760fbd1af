import test, { type ExecutionContext } from 'ava'
import { frontEndEnforcement } from '../../src/protocols/api/operations/enforcement.ts'
import { frontEndEnd, frontEndList } from '../../src/protocols/api/operations/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { hold } from '../../src/certificates/revoke.ts'
import { revocationBatch } from '../../src/store/revocation-batch.ts'
import { enrolledAgent } from '../support/agent.ts'
import { openDoors } from '../support/console.ts'
import { follow } from '../support/event-stream.ts'
import { holdNow, issueDevice, releaseNow, revokeNow } from '../support/issued.ts'
import { testService } from '../support/service.ts'

async function open(t: ExecutionContext) {
  const service = await testService(t)
  await service.publish()
  const url = await openDoors(t, service)
  return { service, url, agent: await enrolledAgent(service, url) }
}

test('a feed begins with the lists in force and says how far it is', async t => {
  const { agent } = await open(t)
  const feed = await follow(agent)
  const { data } = await feed.next('heartbeat')
  t.deepEqual(feed.seen.filter(({ event }) => event === 'list').map(({ data: { authority, scope, partition, crlNumber } }) => ({ authority, scope, partition, crlNumber })), [
    { authority: 'root', scope: 'complete', partition: 0, crlNumber: 1 },
    { authority: 'issuing', scope: 'partition', partition: 0, crlNumber: 1 }, { authority: 'issuing', scope: 'partition', partition: 1, crlNumber: 1 },
  ])
  t.is(data.change, 0)
  feed.end()
})

test('a revocation is told before any list names it, and the list follows', async t => {
  const { service, agent } = await open(t)
  const phone = await issueDevice(service)
  const feed = await follow(agent)
  await feed.next('heartbeat')
  await revokeNow(service, phone)
  const told = await feed.next('revoked')
  t.deepEqual({ ...told.data, partition: 0 }, { authority: 'issuing', partition: 0, serialNumber: phone.certificate.serialNumber, change: 1, hold: false })
  t.is(told.id, '1')
  t.is(feed.seen.filter(({ event, data }) => event === 'list' && data.change > 0).length, 0)
  service.clock.advance(5)
  await service.publish()
  for (let list = await feed.next('list'); ; list = await feed.next('list')) {
    if (list.data.change < 1) continue
    t.is(list.data.partition, told.data.partition)
    break
  }
  feed.end()
})

test('what a change of policy stops by the hundred is told like any other revocation', async t => {
  const { service, agent } = await open(t)
  const phones = await Promise.all([1, 2, 3].map(async () => await issueDevice(service)))
  const feed = await follow(agent)
  await feed.next('heartbeat')
  await service.db.transaction(async tx => {
    const batch = await revocationBatch(tx, phones)
    for (const phone of phones) await hold(batch, { ...phone, actor: 'ada', cause: 'a rule' }, service.now())
    await batch.write()
  })
  t.deepEqual([(await feed.next('revoked')).data.change, (await feed.next('revoked')).data.change, (await feed.next('revoked')).data.change], [1, 2, 3])
  const [counter] = await service.db.query<{ told: boolean }>("select changed_at is not null as told from counters where name = 'revocation-change'")
  t.true(counter!.told)
  feed.end()
})

test('a release is told by the list only', async t => {
  const { service, agent } = await open(t)
  const phone = await issueDevice(service)
  const feed = await follow(agent)
  await holdNow(service, phone)
  t.true((await feed.next('revoked')).data.hold)
  await releaseNow(service, phone)
  service.clock.advance(5)
  await service.publish()
  for (let list = await feed.next('list'); list.data.change < 2; list = await feed.next('list'));
  t.is(feed.seen.filter(({ event }) => event === 'revoked').length, 1)
  feed.end()
})

test('an agent that comes back hears what it has missed, once and in order', async t => {
  const { service, agent } = await open(t)
  const phones = await Promise.all([1, 2, 3, 4].map(async () => await issueDevice(service)))
  for (const phone of phones) await revokeNow(service, phone)
  const feed = await follow(agent, 2)
  t.is((await feed.next('heartbeat')).data.change, 4)
  t.deepEqual(feed.seen.filter(({ event }) => event === 'revoked').map(({ data }) => data.change), [3, 4])
  t.is(feed.seen.filter(({ event }) => event === 'reset').length, 0)
  feed.end()
})

test('an agent that is ahead of the service, or behind by too much, begins anew from the lists', async t => {
  const { service, agent } = await open(t)
  await revokeNow(service, await issueDevice(service))
  const ahead = await follow(agent, 7)
  await ahead.next('heartbeat')
  t.is(ahead.seen[0]!.event, 'reset')
  t.deepEqual(ahead.seen.filter(({ event }) => event === 'revoked').map(({ data }) => data.change), [1])
  ahead.end()
  await service.db.query("update counters set value = 20000 where name = 'revocation-change'")
  service.clock.advance(5)
  await service.publish(true)
  const behind = await follow(agent, 1)
  await behind.next('heartbeat')
  t.is(behind.seen[0]!.event, 'reset')
  t.is(behind.seen.filter(({ event }) => event === 'revoked').length, 0)
  behind.end()
})

test('who cannot keep a stream open asks for the same state, and gets 304 while nothing is new', async t => {
  const { service, agent } = await open(t)
  const phone = await issueDevice(service)
  await revokeNow(service, phone)
  const answer = await agent.send('GET', '/feed/state?after=0')
  const state = await answer.json() as { change: number, reset: boolean, revoked: { serialNumber: string }[], lists: unknown[] }
  t.deepEqual([state.change, state.reset, state.lists.length, state.revoked.map(({ serialNumber }) => serialNumber)], [1, false, 3, [phone.certificate.serialNumber]])
  const again = async () => await agent.send('GET', '/feed/state?after=0', { headers: { 'if-none-match': answer.headers.get('etag')!, 'cache-control': 'max-age=0' } })
  service.clock.advance(2)
  t.is((await again()).status, 304)
  await revokeNow(service, await issueDevice(service))
  t.is((await again()).status, 200)
  t.is((await agent.send('GET', '/feed/state?after=-1')).status, 400)
})

test('a feed is for agents, and ends with the front end', async t => {
  const { service, url, agent } = await open(t)
  for (const path of ['/feed', '/feed/state']) t.is((await fetch(`${url}${path}`)).status, 401)
  const feed = await follow(agent)
  await feed.next('heartbeat')
  await frontEndEnd.run(service, { name: 'ada', source: 'test', role: 'admin' } as never, { name: 'edge' })
  await t.throwsAsync(feed.next('nothing'), { message: 'the feed has ended' })
})

const receipt = { sequence: 1, target: 'haproxy', targetVersion: '2.6.12', change: 0, lists: [], appliedAt: '2026-03-01T09:00:00.000Z', fresh: true, refused: 0, clockOffsetMs: 0, canary: null, problems: [] }

test('a receipt says what is in force, how long the newest revocation took, and is not overtaken by an older one', async t => {
  const { service, agent } = await open(t)
  const [{ id }] = await service.db.query<{ id: string }>('select id from front_ends') as [{ id: string }]
  const send = async (given: object): Promise<number> => (await agent.send('POST', '/feed/receipts', { body: Buffer.from(JSON.stringify({ ...receipt, ...given })) })).status
  const stored = async () => (await receiptStore(service.db).of([id]))[0]!
  t.is(await send({}), 204)
  t.is((await stored()).enforcementMs, null)
  await revokeNow(service, await issueDevice(service))
  t.is(await send({ sequence: 3, change: 1 }), 204)
  const { enforcementMs, changeNumber } = await stored()
  t.is(changeNumber, 1)
  t.true(enforcementMs !== null && enforcementMs >= 0)
  t.is(await send({ sequence: 2, change: 0 }), 204)
  t.is((await stored()).changeNumber, 1)
  for (const wrong of [{ sequence: -1 }, { lists: [{}] }, { more: 1 }, { target: 'x'.repeat(300) }]) t.is(await send(wrong), 400)
  service.clock.advance(300)
  t.is(await send({ sequence: 1, change: 1 }), 204)
  t.is((await stored()).receivedAt.getTime(), service.now().getTime())
})

test('front ends are listed with how old their data may become', async t => {
  const { service } = await open(t)
  const { items } = await frontEndList.run(service, { name: 'ada', source: 'test', role: 'auditor' } as never, {})
  t.deepEqual(items.map(({ name, maxAgeSeconds, whenStale }) => ({ name, maxAgeSeconds, whenStale })), [{ name: 'edge', maxAgeSeconds: 900, whenStale: 'refuse' }])
})

test('how a front end stands is one word, and the worst one counts', async t => {
  const { service, agent } = await open(t)
  let sequence = 0
  const send = async (given: object): Promise<void> => {
    t.is((await agent.send('POST', '/feed/receipts', { body: Buffer.from(JSON.stringify({ ...receipt, sequence: ++sequence, ...given })) })).status, 204)
  }
  const enforced = async () => await frontEndEnforcement.run(service, { name: 'ada', source: 'test', role: 'auditor' } as never, {})
  const standing = async () => (await enforced()).items.map(item => item.standing)
  t.deepEqual(await enforced(), { change: 0, items: [], without: ['edge'] })
  const canary = { at: '2026-03-01T09:00:00.000Z', revokedRefused: true, goodPassed: true, detail: null }
  await send({ canary })
  t.deepEqual(await standing(), ['in-force'])
  await revokeNow(service, await issueDevice(service))
  t.deepEqual(await standing(), ['in-force'], 'it has a moment to follow')
  await service.db.query("update counters set changed_at = changed_at - interval '11 seconds'")
  t.deepEqual(await standing(), ['behind'])
  await send({ change: 1, canary: { ...canary, revokedRefused: false } })
  t.deepEqual(await standing(), ['canary-failed'])
  await send({ change: 1, fresh: false, canary: { ...canary, revokedRefused: false } })
  t.deepEqual(await standing(), ['stale'])
  service.clock.advance(91)
  t.deepEqual(await standing(), ['silent'])
  t.deepEqual((await enforced()).without, [])
})
