/** The service or its database is away. Phones ask all the while: no revoked one gets in, and no good one is refused without an alarm. */
import test from 'ava'
import { acceptedAfter, codesOf, guarded, maxAgeMs, maxAgeSeconds, programFor, stays503, unexplained, untilAnswered } from '../support/guarded.ts'
import { startNginx } from '../support/nginx.ts'
import { hasServer, ownServer } from '../support/own-server.ts'
import { databaseForProcess, prepareService } from '../support/prepared-service.ts'
import { startProber } from '../support/prober.ts'
import { until } from '../support/running-agent.ts'

const frontEnds = [{ name: 'balancer', kind: 'haproxy', maxAgeSeconds }, { name: 'proxy', kind: 'nginx', maxAgeSeconds }, { name: 'asking', kind: 'nginx', maxAgeSeconds }] as const

test('when the service is killed front ends go on for as long as the policy says and no longer, and come back by themselves', async t => {
  const [haproxy, nginx] = [programFor(t, 'haproxy'), programFor(t, 'nginx')]
  if (haproxy === undefined || nginx === undefined) return
  const service = await prepareService(t, { databaseUrl: await databaseForProcess(t), phones: 2, frontEnds })
  await service.start()
  const [good, revoked] = [service.phones[0]!, service.phones[1]!]
  const guards = [await guarded(t, 'haproxy', haproxy, service, 'balancer'), await guarded(t, 'nginx', nginx, service, 'proxy')]
  const asking = await startNginx(t, { nginx, latchkey: service.url, frontEnd: 'asking', secret: service.secretOf('asking') })
  const [goods, others] = [good, revoked].map(phone => guards.map(guard => guard.asking(phone))) as [ReturnType<typeof startProber>[], ReturnType<typeof startProber>[]]
  const chain = await (await fetch(`${service.url}/ca/chain.pem`)).text()
  const [goodAsked, otherAsked] = [good, revoked].map(({ pem, privateKeyPem }) => startProber(t, { port: asking.port, identity: { pem: pem + chain, privateKeyPem }, pauseMs: 25 })) as [ReturnType<typeof startProber>, ReturnType<typeof startProber>]
  await Promise.all([...goods, ...others, goodAsked, otherAsked].map(async prober => { await untilAnswered(prober, 200) }))
  await service.call('POST', '/certificates/revoke', { certificate: revoked.serialNumber.toString('hex'), reason: 'keyCompromise' })
  await Promise.all([...others, otherAsked].map(async prober => { await untilAnswered(prober, 'refused') }))
  const revokedMs = performance.now()

  await service.kill()
  const killedMs = performance.now()
  await untilAnswered(goodAsked, 500)
  t.regex(asking.errorLog(), /connect\(\) failed|recv\(\) failed|prematurely closed/, 'who asks the service about every request says that it is not there')
  for (const prober of goods) t.is(prober.asked.at(-1)!.status, 200, 'what was heard last still counts')
  await stays503(goods)
  for (const [index, prober] of goods.entries()) {
    t.deepEqual(acceptedAfter(prober, killedMs + maxAgeMs), [])
    t.true(acceptedAfter(prober, killedMs).length > 0)
    await until(() => codesOf(guards[index]!.agent).includes('stale'))
    t.true(codesOf(guards[index]!.agent).includes('service-unreachable'))
  }

  await service.start()
  await Promise.all([...goods, goodAsked].map(async prober => { await untilAnswered(prober, 200) }))
  await Promise.all([...others, otherAsked].map(async prober => { await untilAnswered(prober, 'refused') }))
  for (const prober of [...others, otherAsked]) t.deepEqual(acceptedAfter(prober, revokedMs), [])
  for (const [index, prober] of goods.entries()) t.deepEqual(unexplained(prober, guards[index]!.agent), [])
})

test('when the database is stopped nobody is told what is not known, and all goes on by itself when it is back', async t => {
  const [haproxy, nginx] = [programFor(t, 'haproxy'), programFor(t, 'nginx')]
  if (haproxy === undefined || nginx === undefined) return
  if (!await hasServer()) return t.pass('skipped: there is no PostgreSQL to stop')
  const server = await ownServer()
  t.teardown(server.close)
  const service = await prepareService(t, { databaseUrl: (await databaseForProcess(t, server.url))!, phones: 2, frontEnds, env: { LATCHKEY_DATABASE_LOSS_SECONDS: '1' } })
  await service.start()
  const [good, revoked] = [service.phones[0]!, service.phones[1]!]
  const balancer = await guarded(t, 'haproxy', haproxy, service, 'balancer')
  const [goodAsked, otherAsked] = [balancer.asking(good), balancer.asking(revoked)]
  await Promise.all([goodAsked, otherAsked].map(async prober => { await untilAnswered(prober, 200) }))
  await service.call('POST', '/certificates/revoke', { certificate: revoked.serialNumber.toString('hex'), reason: 'keyCompromise' })
  await untilAnswered(otherAsked, 'refused')
  const revokedMs = performance.now()
  const check = async (): Promise<number> => (await fetch(`${service.url}/check/asking`, {
    headers: { authorization: `Bearer ${service.secretOf('asking')}`, 'x-ssl-client-escaped-cert': encodeURIComponent(good.pem) },
  })).status
  t.is(await check(), 200)

  await server.stop()
  const stoppedMs = performance.now()
  await until(async () => await check() === 503)
  await stays503([goodAsked])
  t.deepEqual(acceptedAfter(goodAsked, stoppedMs + maxAgeMs), [], 'a service that cannot ask its database says nothing to the feed')
  await until(() => codesOf(balancer.agent).includes('stale'))
  t.is(await check(), 503)

  await server.start()
  await untilAnswered(goodAsked, 200)
  await until(async () => await check() === 200)
  await untilAnswered(otherAsked, 'refused')
  t.deepEqual(acceptedAfter(otherAsked, revokedMs), [])
  t.deepEqual(unexplained(goodAsked, balancer.agent), [])
})
