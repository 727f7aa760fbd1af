/** A feed and lists that lie, in front of a real agent and a real front end. Phones ask all the while. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { FeedServer } from '../support/feed-server.ts'
import { agentProcess } from '../support/agent-process.ts'
import { acceptedAfter, codesOf, programFor, unexplained, untilAnswered } from '../support/guarded.ts'
import { prepareHaproxy } from '../support/haproxy.ts'
import { startProber, type Prober } from '../support/prober.ts'
import { enrolledFolder, until } from '../support/running-agent.ts'
import { newAuthority } from '../support/signers.ts'

async function scene(t: ExecutionContext) {
  const program = programFor(t, 'haproxy')
  if (program === undefined) return undefined
  const server = await FeedServer.start(t)
  const haproxy = await prepareHaproxy(t, program)
  const folder = await enrolledFolder(t, server)
  folder.writeTarget({ files: haproxy.settings.files, socket: haproxy.settings.socket, reload: [...haproxy.settings.reload] })
  const agent = agentProcess(t, folder.path, haproxy.settings.files)
  agent.start()
  await agent.hasLists()
  await haproxy.start()
  const beats = setInterval(() => { server.heartbeat() }, 200)
  t.teardown(() => { clearInterval(beats) })
  const phone = async (): Promise<{ serialNumber: string, prober: Prober }> => {
    const identity = await server.issue()
    return { serialNumber: identity.serialNumber, prober: startProber(t, { port: haproxy.port, identity, pauseMs: 25 }) }
  }
  const [good, revoked] = [await phone(), await phone()]
  await Promise.all([good, revoked].map(async ({ prober }) => { await untilAnswered(prober, 200) }))
  return { server, haproxy, agent, folder, phone, good: good.prober, revoked }
}

test('lists that are rolled back, truncated, expired or of another CA of the same name let nobody back in, and each is told', async t => {
  const it = await scene(t)
  if (it === undefined) return
  const { server, agent, good, revoked: { serialNumber, prober } } = it
  const partition = server.partitionOf(serialNumber)
  const path = `/crl/issuing/${partition}.crl`
  const old = server.files.get(path)!
  server.revoke(serialNumber)
  await server.publish()
  await untilAnswered(prober, 'no handshake')
  const revokedMs = performance.now()
  const right = server.files.get(path)!
  const stranger = await newAuthority('Test Issuing', server.root)
  const foreign = await newAuthority('Test Issuing')
  const expired = await server.list(partition, { serialNumbers: [], nextUpdate: new Date(Date.now() - 1000), thisUpdate: new Date(Date.now() - 86_400_000) })
  const lies: Record<string, Buffer> = {
    'rolled-back': old, malformed: right.subarray(0, right.length - 40), expired: expired.der,
    'bad-signature': (await server.list(partition, { serialNumbers: [], signer: stranger })).der,
    'from-the-future': (await server.list(partition, { serialNumbers: [], thisUpdate: new Date(Date.now() + 3_600_000) })).der,
    'same-number-other-content': (await server.list(partition, { serialNumbers: [], number: numberIn(server, partition) })).der,
  }
  const other = (await server.list(partition, { serialNumbers: [], signer: foreign, issuer: foreign })).der
  for (const [fault, der] of [...Object.entries(lies), ['bad-signature', other] as const]) {
    server.files.set(path, der)
    const before = server.asked.filter(line => line.includes(path)).length
    server.send('list', { authority: 'issuing', scope: 'partition', partition, crlNumber: 99_999, change: server.change, sha256: 'f'.repeat(64) })
    await until(() => server.asked.filter(line => line.includes(path)).length > before)
    // What is newly in force is told at once, and with it what is wrong.
    server.revoke((await server.issue()).serialNumber)
    await until(() => detailOf(server, fault))
    await untilAnswered(prober, 'no handshake')
    await untilAnswered(good, 200)
  }
  server.files.set(path, right)
  server.send('list', server.lists[partition]!)
  await until(() => codesOf(agent).includes('list-refused-over'))
  await untilAnswered(prober, 'no handshake')
  t.deepEqual(acceptedAfter(prober, revokedMs), [])
  t.deepEqual(unexplained(good, agent), [])
})

const numberIn = (server: FeedServer, partition: number): number => (server.lists[partition] as { crlNumber: number }).crlNumber

/** The newest receipt names the fault of the list. */
function detailOf({ posted }: FeedServer, fault: string): boolean {
  const receipt = posted.findLast(({ path }) => path === '/feed/receipts')?.body as { problems: { code: string, detail: string }[] } | undefined
  return receipt?.problems.some(({ code, detail }) => code === 'list-refused' && detail.includes(fault)) === true
}

test('events that are left out, repeated, out of order or made up let nobody in, and refuse no good phone for long', async t => {
  const it = await scene(t)
  if (it === undefined) return
  const { server, agent, good, revoked } = it
  const [second, third] = [await it.phone(), await it.phone()]
  await Promise.all([second, third].map(async ({ prober }) => { await untilAnswered(prober, 200) }))
  const first = server.revoke(revoked.serialNumber, { silent: true })
  const then = server.revoke(second.serialNumber, { silent: true })
  const last = server.revoke(third.serialNumber, { silent: true })
  // Out of order and with a gap: the first is never told.
  for (const event of [last, then]) server.send('revoked', event, event.change)
  await Promise.all([revoked, second, third].map(async ({ prober }) => { await untilAnswered(prober, 'refused') }))
  const revokedMs = performance.now()
  for (let times = 0; times < 20; times++) for (const event of [first, last, then]) server.send('revoked', event, event.change)
  server.send('heartbeat', { change: 0, at: server.now().toISOString() }, 0)
  server.send('revoked', { ...first, change: 0 })
  server.send('revoked', { ...first, authority: 'root' })
  server.send('released', { ...first })
  server.send('revoked', { authority: '../root', serialNumber: 'x', change: -1 })
  await until(() => codesOf(agent).includes('service-unreachable') || codesOf(agent).includes('feed-malformed'))
  const madeUp = await it.phone()
  await untilAnswered(madeUp.prober, 200)
  server.send('revoked', { authority: 'issuing', partition: 0, serialNumber: madeUp.serialNumber, change: server.change, hold: false })
  await server.publish()
  await untilAnswered(madeUp.prober, 200)
  await Promise.all([revoked, second, third].map(async ({ prober }) => { await untilAnswered(prober, 'no handshake') }))
  await untilAnswered(madeUp.prober, 200)
  for (const { prober } of [revoked, second, third]) t.deepEqual(acceptedAfter(prober, revokedMs), [])
  t.deepEqual(unexplained(good, agent), [])
  t.regex(readFileSync(join(it.haproxy.settings.files, 'revoked.map'), 'latin1'), new RegExp(third.serialNumber, 'i'))
})
