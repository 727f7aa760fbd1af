import { chmodSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ApacheTarget } from '../../src/agent/targets/apache.ts'
import { toPem } from '../../src/formats/pem.ts'
import { prepareApache } from '../support/apache.ts'
import { fakeClock } from '../support/clock.ts'
import { FeedServer } from '../support/feed-server.ts'
import { peer } from '../support/peers.ts'
import { enrolledFolder, follow, until } from '../support/running-agent.ts'
import { commonName, issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../support/signers.ts'
import { get, keepAlive, type Identity, type TlsOptions } from '../support/tls-client.ts'

const now = (): Date => new Date()
const inAMinute = (): Date => new Date(Date.now() + 60_000)

/** What a phone gets; a handshake that fails is an answer as well. */
async function answer(port: number, identity: Identity | undefined, options: TlsOptions = {}): Promise<string> {
  try {
    const { status, decision } = await get(port, { ...identity && { identity }, ...options })
    return [status, decision].join(' ').trim()
  } catch {
    return 'no handshake'
  }
}

async function setting(t: ExecutionContext, edit?: (printed: string) => string) {
  const program = peer(t, 'apache2')
  if (program === undefined) return undefined
  const server = await FeedServer.start(t)
  const apache = await prepareApache(t, program, edit)
  const folder = await enrolledFolder(t, server, 'apache')
  const target = new ApacheTarget(apache.settings, now)
  const run = (): ReturnType<typeof follow> => follow(t, folder, new ApacheTarget(apache.settings, now))
  const written = async (): Promise<void> => {
    await until(() => { try { return readFileSync(join(apache.settings.files, 'lists.pem')).length > 0 } catch { return false } })
  }
  const [phone, other] = [await server.issue('ada'), await server.issue('bob')]
  const gracefuls = (): number => apache.errorLog().match(/SIGUSR1 received/g)?.length ?? 0
  /** While Apache restarts it hears of no other restart. */
  const restarted = async (times: number): Promise<void> => {
    await until(() => gracefuls() >= times && apache.errorLog().lastIndexOf('resuming normal operations') > apache.errorLog().lastIndexOf('SIGUSR1 received'))
  }
  /** The agent, and Apache after it has read its first lists: that closes connections, and forgets sessions. */
  const started = async (): Promise<ReturnType<typeof follow>> => {
    const agent = run()
    await written()
    await apache.start()
    await until(async () => await answer(apache.port, phone) === '200')
    await restarted(1)
    return agent
  }
  return { server, apache, folder, target, run, written, started, gracefuls, restarted, phone, other }
}

/** What a restart of the machine leaves of a folder in memory. */
const forget = (run: string): void => { for (const name of ['fresh', 'changed', 'refused']) rmSync(join(run, name), { force: true }) }

test('Apache as printed refuses everybody until the agent has brought everything, then lets phones in, and tells the back end who comes', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache, phone } = it
  const first = it.run()
  await it.written()
  await first.stop()
  forget(apache.settings.run)
  await apache.start()
  t.is(await answer(apache.port, phone), '503 stale')
  const agent = it.run()
  await until(async () => await answer(apache.port, phone) === '200')
  await get(apache.port, { identity: phone, headers: { 'client-cert': ':forged:', client_cert: ':forged:', 'Client.Cert': ':forged:', 'latchkey-serial': 'forged', 'X_SSL-Client_S-DN': 'CN=root', 'x-other': 'kept' } })
  const { headers } = apache.backend.received.at(-1)!
  t.is(headers['latchkey-serial'], phone.serialNumber)
  t.is(headers['client-cert'], `:${/^-+BEGIN CERTIFICATE-+\n(.*?)-+END/s.exec(phone.pem)![1]!.replaceAll('\n', '')}:`)
  t.deepEqual(Object.keys(headers).filter(name => /[_.]|ssl/.test(name)), [])
  t.is(headers['x-other'], 'kept')
  t.is(await answer(apache.port, undefined), 'no handshake')
  t.regex(await it.target.version(), /^Apache/)
  await until(() => agent.problems.all.length === 0)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a revoked phone is refused by Apache on new and on open connections, ${version}`, async t => {
    const it = await setting(t)
    if (it === undefined) return
    const { server, apache: { port }, phone, other } = it
    const agent = await it.started()
    const connection = keepAlive()
    t.teardown(() => { connection.destroy() })
    await until(async () => (await get(port, { identity: phone, version, agent: connection })).sameConnection)
    await Promise.all([agent.inForce(1), server.revoke(phone.serialNumber)])
    const after = await get(port, { identity: phone, version, agent: connection })
    t.deepEqual([after.status, after.decision, after.sameConnection, after.protocol], [403, 'revoked', true, version])
    t.is(await answer(port, phone, { version }), '403 revoked')
    t.is(await answer(port, other, { version }), '200')
    const saved = await get(port, { identity: other, version })
    t.false((await get(port, { identity: other, version, ...saved.session && { session: saved.session } })).resumed)
    // What the lists have lifted is let in again.
    await server.publish()
    server.release(phone.serialNumber)
    await server.publish()
    await until(async () => await answer(port, phone, { version }) === '200')
  })

  test(`even where sessions are resumed against the printed configuration, Apache refuses a revoked phone on them, ${version}`, async t => {
    const it = await setting(t, printed => printed.replace('SSLSessionTickets off', 'SSLSessionTickets on')
      .replace(/^SSLSessionCache none$/m, 'LoadModule socache_shmcb_module /usr/lib/apache2/modules/mod_socache_shmcb.so\nSSLSessionCache shmcb:cache(512000)'))
    if (it === undefined) return
    const agent = await it.started()
    const ask = async (session?: Buffer) => await get(it.apache.port, { identity: it.phone, version, ...session && { session } })
    let resumed = await ask()
    await until(async () => { resumed = await ask(resumed.session); return resumed.resumed })
    await Promise.all([agent.inForce(1), it.server.revoke(it.phone.serialNumber)])
    const refused = await ask(resumed.session)
    t.deepEqual([resumed.status, refused.status, refused.resumed], [200, 403, true])
  })
}

test('once a phone is on the lists that Apache has read there is no handshake with it, nor with one of another CA under the same root', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { server, apache: { port, backend }, phone, other } = it
  const agent = await it.started()
  const foreign = await newAuthority('Somebody else', server.root)
  const signer = newSigner()
  const certificate = await issueTestCertificate(foreign, testSerialNumber('eve'), signer)
  const stranger = { pem: toPem('CERTIFICATE', certificate) + toPem('CERTIFICATE', foreign.certificate), privateKeyPem: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
  const passedOn = backend.received.length
  t.is(await answer(port, stranger), 'no handshake')
  t.is(backend.received.length, passedOn)
  await Promise.all([agent.inForce(1), server.revoke(phone.serialNumber)])
  await server.publish()
  await until(() => agent.agent.refused.lists.some(list => list.serialNumbers.has(phone.serialNumber)))
  // An agent that begins brings its lists at once; the same one waits, for the sake of what still runs in replaced processes.
  await agent.stop()
  it.run()
  await until(async () => await answer(port, phone) === 'no handshake')
  t.is(await answer(port, other), '200')
})

test('Apache that is restarted refuses what was revoked, from its first request', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache, phone, other } = it
  const agent = await it.started()
  await Promise.all([agent.inForce(1), it.server.revoke(phone.serialNumber)])
  await agent.stop()
  await apache.restart()
  t.deepEqual([await answer(apache.port, phone), await answer(apache.port, other)], ['403 revoked', '200'])
})

test('when the agent is gone Apache stops letting anybody in, and starts again with the agent', async t => {
  const it = await setting(t)
  if (it === undefined) return
  it.server.policy = { maxAgeSeconds: 2, whenStale: 'refuse' }
  const beats = setInterval(() => { it.server.heartbeat() }, 200)
  t.teardown(() => { clearInterval(beats) })
  const agent = await it.started()
  await agent.stop()
  await until(async () => await answer(it.apache.port, it.phone) === '503 stale')
  it.run()
  await until(async () => await answer(it.apache.port, it.phone) === '200')
  t.pass()
})

test('a clock that was set back lets nobody in for longer', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache: { port, settings }, phone, started, target } = it
  await (await started()).stop()
  await target.load(() => [])
  await target.fresh(inAMinute())
  t.is(await answer(port, phone), '200')
  const seconds = Math.floor(Date.now() / 1000)
  writeFileSync(join(settings.run, 'fresh'), `since ${seconds + 600} until ${seconds + 1200}\n`)
  t.is(await answer(port, phone), '503 stale')
})

test('a file that is missing, empty, cut off, unreadable or something else lets nobody in, and the agent brings it again', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache: { port, settings }, phone, other, started, target } = it
  const agent = await started()
  await agent.stop()
  for (const name of ['fresh', 'changed', 'refused']) {
    const path = join(settings.run, name)
    const damages = {
      missing: () => { rmSync(path) }, empty: () => { writeFileSync(path, '') }, 'cut off': () => { truncateSync(path, statSync(path).size - 1) }, unreadable: () => { chmodSync(path, 0) },
      'something else': () => { writeFileSync(path, 'x'.repeat(statSync(path).size)) },
    }
    for (const [damage, make] of Object.entries(damages)) {
      await target.load(() => [testSerialNumber('loaded'), phone.serialNumber])
      await target.add([testSerialNumber('added')])
      await target.fresh(inAMinute())
      t.deepEqual([await answer(port, phone), await answer(port, other)], ['403 revoked', '200'])
      make()
      t.deepEqual([await answer(port, phone), await answer(port, other)], ['503 stale', '503 stale'], `${name} is ${damage}`)
      t.is(await target.fresh(inAMinute()), name === 'fresh', `${name} is ${damage}`)
    }
  }
  it.run()
  await until(async () => await answer(port, other) === '200')
})

test('an open connection is refused when its certificate has ended', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache: { port }, server, started } = it
  await started()
  const connection = keepAlive()
  t.teardown(() => { connection.destroy() })
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 6000)
  const identity = await server.issue('soon over', { notAfter })
  t.is((await get(port, { identity, agent: connection })).status, 200)
  // Its last second counts, and the clock that Apache asks for seconds is some milliseconds behind.
  await until(() => Date.now() >= notAfter.getTime() + 2000)
  const after = await get(port, { identity, agent: connection })
  t.deepEqual([after.status, after.decision, after.sameConnection], [403, 'expired', true])
  t.is(await answer(port, identity), 'no handshake')
})

test('a canary is answered by Apache, and no request of it reaches the back end', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache: { port, backend }, server, started, target, phone } = it
  await (await started()).stop()
  const identity = await server.issue('canary', { subject: commonName('Latchkey canary') })
  const passedOn = backend.received.length
  const { status, body, decision } = await get(port, { identity, path: '/anything?at=all' })
  t.deepEqual([status, body, decision], [200, 'canary', 'canary'])
  await target.load(() => [identity.serialNumber])
  await target.fresh(inAMinute())
  t.is(await answer(port, identity), '403 revoked')
  t.is(backend.received.length, passedOn)
  t.is(await answer(port, phone), '200')
})

test('a list that is damaged never reaches Apache, which goes on with the one before', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache, server, phone, run, started, gracefuls } = it
  await (await started()).stop()
  await server.publish()
  const damaged = Buffer.from(server.files.get('/crl/issuing/1.crl')!)
  damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)
  server.files.set('/crl/issuing/1.crl', damaged)
  const before = gracefuls()
  const agent = run()
  await until(() => agent.events.some(event => event.startsWith('list-refused')) && gracefuls() > before)
  t.is(await answer(apache.port, phone), '200')
  t.false(readFileSync(join(apache.settings.files, 'lists.pem'), 'utf8').includes(toPem('X509 CRL', damaged)))
})

test('many lists within minutes are one graceful restart of Apache', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const agent = await it.started()
  await agent.stop()
  const lists = readFileSync(join(it.apache.settings.files, 'lists.pem'), 'utf8')
  const clock = fakeClock()
  const target = new ApacheTarget(it.apache.settings, clock.now)
  const before = it.gracefuls()
  const inForce: boolean[] = []
  for (let n = 0; n < 20; n++) inForce.push((await target.bundle([lists, `list ${n}\n`])).inForce)
  await it.restarted(before + 1)
  clock.advance(300)
  inForce.push((await target.bundle([lists, 'the last\n'])).inForce)
  t.deepEqual(inForce, [true, ...Array.from({ length: 19 }, () => false), true])
  await it.restarted(before + 2)
  t.is(it.gracefuls(), before + 2)
  t.true(readFileSync(join(it.apache.settings.files, 'lists.pem'), 'utf8').endsWith('the last\n'))
  t.is(await answer(it.apache.port, it.phone), '200')
})

test('a hundred thousand refused certificates are loaded, thousands more are refused, and what is lifted is let in', async t => {
  const it = await setting(t)
  if (it === undefined) return
  const { apache: { port }, phone, other, started, target } = it
  await (await started()).stop()
  const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, n) => testSerialNumber(`${from + n}`))
  const serials = numbers(100_000)
  await target.load(() => serials)
  t.true(await target.fresh(inAMinute()))
  t.is(await answer(port, phone), '200')
  t.true(await target.add([phone.serialNumber]))
  t.is(await answer(port, phone), '403 revoked')
  t.true(await target.lift([phone.serialNumber, serials[0]!]))
  t.is(await answer(port, phone), '200')
  // More than are kept beside the rest.
  for (let n = 0; n < 10; n++) t.true(await target.add([...numbers(500, 100_000 + n * 500), ...n === 3 ? [phone.serialNumber] : []]))
  t.deepEqual([await answer(port, phone), await answer(port, other)], ['403 revoked', '200'])
  t.true(await target.lift([phone.serialNumber]))
  t.true(await target.add([other.serialNumber]))
  t.deepEqual([await answer(port, phone), await answer(port, other)], ['200', '403 revoked'])
})
