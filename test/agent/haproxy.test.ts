import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { answer, haproxyWithAgent, listsWritten, openPing } from '../support/haproxy-with-agent.ts'
import { until } from '../support/running-agent.ts'
import { get, keepAlive } from '../support/tls-client.ts'

test('HAProxy as printed refuses everybody until the agent has loaded it, then lets phones in, and tells the back end who comes', async t => {
  const it = await haproxyWithAgent(t)
  if (it === undefined) return
  const agent = it.run()
  await until(listsWritten(it.haproxy.settings.files))
  await agent.stop()
  await it.haproxy.start()
  t.is(await answer(it.haproxy.port, it.phone), 503)
  const second = it.run()
  await until(async () => await answer(it.haproxy.port, it.phone) === 200)
  const { status } = await get(it.haproxy.port, { identity: it.phone, headers: { 'client-cert': ':forged:', 'latchkey-serial': 'forged', 'x-ssl-client-s-dn': 'CN=root' } })
  t.is(status, 200)
  const { headers } = it.haproxy.backend.received.at(-1)!
  t.is(headers['latchkey-serial'], it.phone.serialNumber)
  t.is(headers['x-ssl-client-s-dn'], undefined)
  t.regex(headers['client-cert'] as string, /^:MII/)
  await t.throwsAsync(get(it.haproxy.port), undefined, 'no certificate')
  t.deepEqual(second.problems.all, [])
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a revoked phone is refused by HAProxy on new and on open connections, ${version}`, async t => {
    const it = await haproxyWithAgent(t)
    if (it === undefined) return
    const { run, server, haproxy, phone, other } = it
    const agent = run()
    await until(listsWritten(haproxy.settings.files))
    await haproxy.start()
    await until(async () => await answer(haproxy.port, phone) === 200)
    const connection = keepAlive()
    t.teardown(() => { connection.destroy() })
    const before = await get(haproxy.port, { identity: phone, version, agent: connection })
    await Promise.all([agent.inForce(1), server.revoke(phone.serialNumber)])
    const after = await get(haproxy.port, { identity: phone, version, agent: connection })
    t.deepEqual([before.status, after.status, after.sameConnection, after.protocol], [200, 403, true, version])
    t.is(await answer(haproxy.port, phone, { version }), 403)
    t.is(await answer(haproxy.port, other, { version }), 200)
    // What is saved is not taken: the printed configuration resumes no session.
    t.false((await get(haproxy.port, { identity: other, version, session: (await get(haproxy.port, { identity: other, version })).session! })).resumed)
    // Once it stands on the lists there is no handshake any more.
    await server.publish()
    await until(async () => typeof await answer(haproxy.port, phone, { version }) === 'string')
    t.is(await answer(haproxy.port, other, { version }), 200)
    server.release(phone.serialNumber)
    await server.publish()
    await until(async () => await answer(haproxy.port, phone, { version }) === 200)
  })

  test(`even where sessions are resumed against the printed configuration, HAProxy refuses a revoked phone on them, ${version}`, async t => {
    const it = await haproxyWithAgent(t, printed => printed.replace('tune.ssl.cachesize 0', '').replace('no-tls-tickets', ''))
    if (it === undefined) return
    const agent = it.run()
    await until(listsWritten(it.haproxy.settings.files))
    await it.haproxy.start()
    await until(async () => await answer(it.haproxy.port, it.phone) === 200)
    const first = await get(it.haproxy.port, { identity: it.phone, version })
    const resumed = await get(it.haproxy.port, { identity: it.phone, version, session: first.session! })
    await Promise.all([agent.inForce(1), it.server.revoke(it.phone.serialNumber)])
    const refused = await get(it.haproxy.port, { identity: it.phone, version, session: (resumed.session ?? first.session)! })
    t.deepEqual([resumed.status, resumed.resumed, refused.status, refused.resumed], [200, true, 403, true])
  })
}

test('HAProxy that is restarted refuses everybody until it is loaded again, and the agent notices', async t => {
  const it = await haproxyWithAgent(t)
  if (it === undefined) return
  const agent = it.run()
  await until(listsWritten(it.haproxy.settings.files))
  await it.haproxy.start()
  await until(async () => await answer(it.haproxy.port, it.other) === 200)
  await Promise.all([agent.inForce(1), it.server.revoke(it.phone.serialNumber)])
  for (const again of [it.haproxy.restart, async () => { await it.haproxy.reload(); await until(() => agent.events.some(event => event.startsWith('front-end-restarted'))) }]) {
    await again()
    const answers = new Set<number | string>()
    await until(async () => { answers.add(await answer(it.haproxy.port, it.phone)); return await answer(it.haproxy.port, it.other) === 200 })
    answers.add(await answer(it.haproxy.port, it.phone))
    t.false(answers.has(200), [...answers].join())
    t.true(answers.has(403))
  }
})

test('when the agent is gone HAProxy stops letting anybody in, and starts again with the agent', async t => {
  const it = await haproxyWithAgent(t)
  if (it === undefined) return
  it.server.policy = { maxAgeSeconds: 2, whenStale: 'refuse' }
  const agent = it.run()
  await until(listsWritten(it.haproxy.settings.files))
  await it.haproxy.start()
  const beats = setInterval(() => { it.server.heartbeat() }, 200)
  t.teardown(() => { clearInterval(beats) })
  await until(async () => await answer(it.haproxy.port, it.phone) === 200)
  await agent.stop()
  await until(async () => await answer(it.haproxy.port, it.phone) === 503)
  it.run()
  await until(async () => await answer(it.haproxy.port, it.phone) === 200)
  t.pass()
})

test('a request that is running is ended by HAProxy when its phone is revoked', async t => {
  const it = await haproxyWithAgent(t)
  if (it === undefined) return
  const { haproxy, phone, other } = it
  const agent = it.run()
  await until(listsWritten(haproxy.settings.files))
  await haproxy.start()
  await until(async () => await answer(haproxy.port, phone) === 200)
  const [revoked, good] = [openPing(t, haproxy.port, phone), openPing(t, haproxy.port, other)]
  await Promise.all([revoked.started, good.started])
  await Promise.all([agent.inForce(1), it.server.revoke(phone.serialNumber)])
  t.is(await revoked.ended, 'cut off')
  t.false(good.state.over)
})

test('lists that do not fit HAProxy\'s buffer are put in place by a reload during which nobody is turned away', async t => {
  const it = await haproxyWithAgent(t, undefined, 40)
  if (it === undefined) return
  const agent = it.run()
  await until(listsWritten(it.haproxy.settings.files))
  t.true(readFileSync(join(it.haproxy.settings.files, 'lists.pem')).length > 16_384)
  await it.haproxy.start()
  await until(async () => await answer(it.haproxy.port, it.other) === 200)
  await Promise.all([agent.inForce(1), it.server.revoke(it.phone.serialNumber)])
  const answers = new Map<number | string, number>()
  let over = false
  const asking = (async () => {
    while (!over) {
      const status = await answer(it.haproxy.port, it.other)
      answers.set(status, (answers.get(status) ?? 0) + 1)
    }
  })()
  await until(() => agent.events.some(event => /HAProxy was reloaded/.test(event)))
  answers.set(await answer(it.haproxy.port, it.other), 1)
  t.is(await answer(it.haproxy.port, it.phone), 403)
  over = true
  await asking
  t.deepEqual([...answers.keys()], [200])
  t.false(agent.events.some(event => event.startsWith('front-end-restarted')))
  t.regex(readFileSync(join(it.haproxy.settings.files, 'fresh.map'), 'utf8'), /^until 0\n/)
})

test('a hundred thousand refused certificates are loaded at once, and one more is refused', async t => {
  const it = await haproxyWithAgent(t)
  if (it === undefined) return
  const serials = Array.from({ length: 100_000 }, (_, n) => `40${n.toString(16).padStart(30, '0')}`)
  await it.target.prepare('')
  const agent = it.run()
  await until(listsWritten(it.haproxy.settings.files))
  await agent.stop()
  await it.haproxy.start()
  await it.target.load(() => serials)
  t.true(await it.target.fresh(new Date(Date.now() + 60_000)))
  t.is(await answer(it.haproxy.port, it.phone), 200)
  t.true(await it.target.add([it.phone.serialNumber]))
  t.is(await answer(it.haproxy.port, it.phone), 403)
  t.true(await it.target.lift([it.phone.serialNumber, serials[0]!]))
  t.is(await answer(it.haproxy.port, it.phone), 200)
  it.target.close()
})
