import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { NginxTarget } from '../../src/agent/targets/nginx.ts'
import { fakeClock } from '../support/clock.ts'
import { FeedServer } from '../support/feed-server.ts'
import { hasLua, prepareLuaNginx } from '../support/lua-nginx.ts'
import { peer } from '../support/peers.ts'
import { enrolledFolder, follow, until } from '../support/running-agent.ts'
import { get, keepAlive, type Identity, type TlsOptions } from '../support/tls-client.ts'

const now = (): Date => new Date()

const answer = async (port: number, identity: Identity, options: TlsOptions = {}): Promise<number> => (await get(port, { identity, ...options })).status

async function setting(t: ExecutionContext, edit?: (printed: string) => string) {
  const program = peer(t, 'nginx')
  if (program === undefined) return undefined
  if (!hasLua()) {
    if (process.env['LATCHKEY_REQUIRE_PEERS'] === '1') t.fail('libnginx-mod-http-lua is not installed')
    else t.pass('skipped: libnginx-mod-http-lua is not installed')
    return undefined
  }
  const server = await FeedServer.start(t)
  const nginx = await prepareLuaNginx(t, program, edit)
  const folder = await enrolledFolder(t, server, 'nginx')
  const target = new NginxTarget(nginx.settings, now)
  const run = (): ReturnType<typeof follow> => follow(t, folder, new NginxTarget(nginx.settings, now))
  const started = async (): Promise<ReturnType<typeof follow>> => {
    const agent = run()
    await until(() => { try { return readFileSync(join(nginx.settings.files, 'lists.pem')).length > 0 } catch { return false } })
    await nginx.start()
    await until(async () => await answer(nginx.port, phone) === 200)
    // The reload that the first lists bring closes connections, and forgets sessions.
    await until(() => nginx.errorLog().includes('exited with code 0'))
    return agent
  }
  const phone = await server.issue('ada')
  return { server, nginx, folder, target, run, started, phone, other: await server.issue('bob') }
}

test('nginx as printed refuses everybody until the agent has loaded it, then lets phones in, and tells the back end who comes', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const first = it.run()
  await until(() => { try { return readFileSync(join(it.nginx.settings.files, 'lists.pem')).length > 0 } catch { return false } })
  await first.stop()
  await it.nginx.start()
  t.is(await answer(it.nginx.port, it.phone), 503)
  const agent = it.run()
  await until(async () => await answer(it.nginx.port, it.phone) === 200)
  await get(it.nginx.port, { identity: it.phone, headers: { 'client-cert': ':forged:', 'latchkey-serial': 'forged', 'x-ssl-client-s-dn': 'CN=root' } })
  const { headers } = it.nginx.backend.received.at(-1)!
  t.is((headers['latchkey-serial'] as string).toLowerCase(), it.phone.serialNumber)
  t.deepEqual([headers['x-ssl-client-s-dn'], headers['client-cert']], [undefined, undefined])
  t.is((await get(it.nginx.port)).status, 400, 'no certificate')
  await until(() => agent.problems.all.length === 0)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a revoked phone is refused by nginx on new and on open connections, ${version}`, async t => {
    const it = await setting(t)
    if (it === undefined) return
    const { server, nginx, phone, other } = it
    const agent = await it.started()
    const connection = keepAlive()
    t.teardown(() => { connection.destroy() })
    await until(async () => (await get(nginx.port, { identity: phone, version, agent: connection })).sameConnection)
    await Promise.all([agent.inForce(1), server.revoke(phone.serialNumber)])
    const after = await get(nginx.port, { identity: phone, version, agent: connection })
    t.deepEqual([after.status, after.sameConnection, after.protocol], [403, true, version])
    t.is(await answer(nginx.port, phone, { version }), 403)
    t.is(await answer(nginx.port, other, { version }), 200)
    const saved = await get(nginx.port, { identity: other, version })
    t.false((await get(nginx.port, { identity: other, version, ...saved.session && { session: saved.session } })).resumed)
    // Once it stands on the lists no handshake gets through any more.
    await server.publish()
    await until(async () => await answer(nginx.port, phone, { version }) === 400)
    t.is(await answer(nginx.port, other, { version }), 200)
    server.release(phone.serialNumber)
    await server.publish()
    await until(async () => await answer(nginx.port, phone, { version }) === 200)
  })

  test(`even where sessions are resumed against the printed configuration, nginx refuses a revoked phone on them, ${version}`, async t => {
    const it = await setting(t, printed => printed.replace('ssl_session_cache off;', 'ssl_session_cache shared:test:1m;').replace('ssl_session_tickets off;', ''))
    if (it === undefined) return
    const agent = await it.started()
    const ask = async (session?: Buffer) => await get(it.nginx.port, { identity: it.phone, version, ...session && { session } })
    let resumed = await ask()
    await until(async () => { resumed = await ask(resumed.session); return resumed.resumed })
    await Promise.all([agent.inForce(1), it.server.revoke(it.phone.serialNumber)])
    const refused = await ask(resumed.session)
    t.deepEqual([resumed.status, refused.status, refused.resumed], [200, 403, true])
  })
}

test('nginx that is restarted refuses everybody until it is loaded again; a reload changes nothing', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { nginx, phone, other } = it
  const agent = await it.started()
  await Promise.all([agent.inForce(1), it.server.revoke(phone.serialNumber)])
  await it.server.publish()
  await until(async () => await answer(nginx.port, phone) === 400)
  t.false(agent.events.some(event => event.startsWith('front-end-restarted')))
  await nginx.restart()
  const answers = new Set<number>()
  await until(async () => { answers.add(await answer(nginx.port, phone)); return await answer(nginx.port, other) === 200 })
  t.deepEqual([...answers], [400])
  t.true(agent.events.some(event => event.startsWith('front-end-restarted')))
})

test('a restarted nginx refuses before its lists know of it, and a restarted agent lifts what the lists have lifted', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { nginx, phone, other, target } = it
  const agent = await it.started()
  await agent.stop()
  await target.load(() => [phone.serialNumber])
  t.true(await target.fresh(new Date(Date.now() + 60_000)))
  t.deepEqual([await answer(nginx.port, phone), await answer(nginx.port, other)], [403, 200])
  const successor = new NginxTarget(nginx.settings, now)
  t.false(await successor.add([other.serialNumber]), 'it has loaded nothing')
  await successor.load(() => [other.serialNumber])
  t.deepEqual([await answer(nginx.port, phone), await answer(nginx.port, other)], [200, 403])
  t.false(await target.fresh(new Date(Date.now() + 60_000)), 'another one has taken over')
  await nginx.restart()
  t.false(await successor.fresh(new Date(Date.now() + 60_000)))
  t.deepEqual([await answer(nginx.port, phone), await answer(nginx.port, other)], [503, 503])
})

test('when the agent is gone nginx stops letting anybody in', async t => {
  const it = await setting(t)
  if (it === undefined) return
  it.server.policy = { maxAgeSeconds: 2, whenStale: 'refuse' }
  const beats = setInterval(() => { it.server.heartbeat() }, 200)
  t.teardown(() => { clearInterval(beats) })
  const agent = await it.started()
  await agent.stop()
  await until(async () => await answer(it.nginx.port, it.phone) === 503)
  t.pass()
})

test('many lists within a second are one reload of nginx', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const agent = await it.started()
  await agent.stop()
  const reloads = (): number => it.nginx.errorLog().match(/signal 1 \(SIGHUP\) received/g)?.length ?? 0
  const clock = fakeClock()
  const target = new NginxTarget(it.nginx.settings, clock.now)
  const before = reloads()
  const inForce: boolean[] = []
  for (let n = 0; n < 20; n++) inForce.push((await target.bundle([`list ${n}`])).inForce)
  clock.advance(1)
  inForce.push((await target.bundle(['the last'])).inForce)
  t.deepEqual(inForce, [true, ...Array.from({ length: 19 }, () => false), true])
  await until(() => reloads() === before + 2)
  t.is(readFileSync(join(it.nginx.settings.files, 'lists.pem'), 'utf8'), 'the last')
})

test('a hundred thousand refused certificates are loaded, and one more is refused', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const agent = await it.started()
  await agent.stop()
  const serials = Array.from({ length: 100_000 }, (_, n) => `40${n.toString(16).padStart(30, '0')}`)
  await it.target.load(() => serials)
  t.true(await it.target.fresh(new Date(Date.now() + 60_000)))
  t.is(await answer(it.nginx.port, it.phone), 200)
  t.true(await it.target.add([it.phone.serialNumber]))
  t.is(await answer(it.nginx.port, it.phone), 403)
  t.true(await it.target.lift([it.phone.serialNumber, serials[0]!]))
  t.is(await answer(it.nginx.port, it.phone), 200)
})
