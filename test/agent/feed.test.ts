import test, { type ExecutionContext } from 'ava'
import { eventReader } from '../../src/agent/event-stream.ts'
import { readFeedEvent, readFeedState } from '../../src/agent/feed-events.ts'
import { Requests } from '../../src/agent/requests.ts'
import { enrolledFolder, follow, strangersKey, until } from '../support/running-agent.ts'
import { FeedServer } from '../support/feed-server.ts'
import { MemoryTarget } from '../support/memory-target.ts'

const phone = '40000000000000000000000000000001'

async function following(t: ExecutionContext, options: Parameters<typeof FeedServer.start>[1] & { clock?: () => Date } = {}) {
  const server = await FeedServer.start(t, options)
  const folder = await enrolledFolder(t, server)
  const target = new MemoryTarget()
  const run = follow(t, folder, target, options.clock)
  return { server, folder, target, run, answer: () => target.answer(phone, (options.clock ?? (() => new Date()))()) }
}

test('an agent follows the feed with signed requests, and a revocation is in force when it says so', async t => {
  const { server, run, answer } = await following(t)
  await until(() => answer() === 200)
  t.is(server.connections, 1)
  await Promise.all([run.inForce(1), server.revoke(phone)])
  t.is(answer(), 403)
  t.deepEqual(server.asked.filter(line => line.endsWith('401')), [])
})

test('a connection that ends is made again from the newest change, and what was missed is told', async t => {
  const { server, run, answer } = await following(t)
  await until(() => answer() === 200)
  server.cut()
  await until(() => server.connections === 0)
  server.revoke(phone)
  await run.inForce(1)
  t.is(answer(), 403)
})

test('where no stream gets through, questions do', async t => {
  const server = await FeedServer.start(t)
  server.streams = false
  const target = new MemoryTarget()
  const run = follow(t, await enrolledFolder(t, server), target)
  await until(() => target.answer(phone, new Date()) === 200)
  server.revoke(phone)
  await run.inForce(1)
  t.is(target.answer(phone, new Date()), 403)
})

test('a service that went away and came back is found again', async t => {
  const { server, run, answer } = await following(t)
  await until(() => answer() === 200)
  const port = Number(new URL(server.origin).port)
  await server.close()
  await until(() => run.problems.all.some(({ code }) => code === 'service-unreachable'))
  t.is(answer(), 200)
  server.revoke(phone)
  await server.listen(t, port)
  await run.inForce(1)
  t.is(answer(), 403)
})

for (const hours of [1, -1]) {
  test(`a clock that is ${hours > 0 ? 'ahead' : 'behind'} by an hour is noticed from the service's answers, and does no harm`, async t => {
    const clock = (): Date => new Date(Date.now() + hours * 3_600_000)
    const { server, run, answer } = await following(t, { clock })
    await until(() => answer() === 200)
    await Promise.all([run.inForce(1), server.revoke(phone)])
    t.is(answer(), 403)
    t.is(Math.round(run.requests.clockOffsetMs / 60_000), -hours * 60)
  })
}

test('an agent whose key the service does not know gets nothing, and lets nobody in', async t => {
  const server = await FeedServer.start(t)
  const folder = await enrolledFolder(t, server)
  server.agentKey = strangersKey()
  const target = new MemoryTarget()
  const run = follow(t, folder, target)
  await until(() => run.problems.all.some(({ code }) => code === 'service-unreachable'))
  t.is(target.answer(phone, new Date()), 503)
})

test('events are read wherever the packets are cut', t => {
  const text = ': hello\n\nevent: revoked\r\nid: 7\r\ndata: {"a":\r\ndata: "ü"}\r\n\r\nevent: reset\ndata\n\ndata: x'
  const bytes = [...text]
  for (let size = 1; size < bytes.length; size++) {
    const read = eventReader()
    const events = []
    for (let at = 0; at < bytes.length; at += size) events.push(...read(bytes.slice(at, at + size).join('')))
    t.deepEqual(events.filter(({ event }) => event !== 'message'), [{ event: 'revoked', data: '{"a":\n"ü"}', id: '7' }, { event: 'reset', data: '', id: undefined }], `${size}`)
  }
})

test('an event without an end is not kept for ever', t => {
  t.throws(() => eventReader()('x'.repeat(70_000)), { code: 'malformed-request' })
  const read = eventReader()
  t.throws(() => { for (let n = 0; n < 100; n++) read(`data: ${'x'.repeat(1000)}\n`) }, { code: 'malformed-request' })
})

test('what is not in the form of the feed is refused, and what is newer than this agent is passed over', t => {
  const read = (event: string, data: unknown) => readFeedEvent({ event, data: typeof data === 'string' ? data : JSON.stringify(data), id: undefined })
  t.is(read('music', {}), undefined)
  const good = { authority: 'issuing', partition: 3, serialNumber: '40ab', change: 7, hold: false }
  t.deepEqual(read('revoked', good), { type: 'revoked', addition: { authority: 'issuing', serialNumber: '40ab', change: 7 } })
  for (const bad of ['', '[]', '{', { ...good, serialNumber: '40AB' }, { ...good, serialNumber: '0040' }, { ...good, serialNumber: '40a' }, { ...good, change: -1 }, { ...good, change: '7' }, { ...good, authority: '../x' }]) {
    t.throws(() => read('revoked', bad), { code: 'malformed-request' }, JSON.stringify(bad))
  }
  t.throws(() => read('heartbeat', { change: 1, at: 'yesterday' }), { code: 'malformed-request' })
  t.throws(() => read('list', { authority: 'issuing', scope: 'delta', partition: 0, crlNumber: 1, sha256: 'f'.repeat(64), change: 1 }), { code: 'malformed-request' })
  t.throws(() => readFeedState('{"change":1}'), { code: 'malformed-request' })
})

test('the address of a service is http or https and nothing else', t => {
  for (const url of ['ftp://x', 'x', 'https://x/?a', 'https://x/#a']) t.throws(() => new Requests(url, undefined, () => new Date()), { code: 'invalid-argument' })
})
