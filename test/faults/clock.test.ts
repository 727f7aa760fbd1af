/** The clock of the machine on which agent and front end run is an hour off, and is set while they run. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { agentProcess, enrollAgentProcess } from '../support/agent-process.ts'
import { acceptedAfter, codesOf, maxAgeMs, maxAgeSeconds, programFor, stays503, untilAnswered } from '../support/guarded.ts'
import { prepareHaproxy } from '../support/haproxy.ts'
import { peer } from '../support/peers.ts'
import { databaseForProcess, prepareService } from '../support/prepared-service.ts'
import { until } from '../support/running-agent.ts'
import { startProber } from '../support/prober.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('a clock that is an hour off, and is set while agent and front end run, lets nobody in who must not, and is told', async t => {
  const haproxy = programFor(t, 'haproxy')
  if (haproxy === undefined || peer(t, 'faketime') === undefined) return
  const service = await prepareService(t, { databaseUrl: await databaseForProcess(t), phones: 2, frontEnds: [{ name: 'balancer', kind: 'haproxy', maxAgeSeconds }] })
  await service.start()
  const folder = await temporaryFolder(t)
  // Read again once a second: to read it whenever a program asks for the time means memory from its signal handlers, which can hang it.
  const set = (offset: string): void => {
    writeFileSync(join(folder, 'time.new'), `${offset}\n`)
    renameSync(join(folder, 'time.new'), join(folder, 'time'))
  }
  set('+3600')
  const env = { LD_PRELOAD: 'libfaketime.so.1', FAKETIME_TIMESTAMP_FILE: join(folder, 'time'), FAKETIME_CACHE_DURATION: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1', LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/faketime' }
  const shifted = join(folder, 'haproxy')
  writeFileSync(shifted, `#!/bin/sh\n${Object.entries(env).map(([name, value]) => `export ${name}=${value}\n`).join('')}exec ${haproxy} "$@"\n`, { mode: 0o755 })
  const balancer = await prepareHaproxy(t, shifted)
  const { folder: agentFolder } = await enrollAgentProcess(t, { url: service.url, frontEnd: 'balancer', secret: service.secretOf('balancer'), settings: balancer.settings, probe: `127.0.0.1:${balancer.port}` })
  const agent = agentProcess(t, agentFolder, balancer.settings.files, { env })
  agent.start()
  await agent.hasLists()
  await balancer.start()
  const chain = await (await fetch(`${service.url}/ca/chain.pem`)).text()
  const [good, revoked] = service.phones.map(({ pem, privateKeyPem }) => startProber(t, { port: balancer.port, identity: { pem: pem + chain, privateKeyPem }, pauseMs: 25 }))
  await untilAnswered(good!, 200)
  await untilAnswered(revoked!, 200)
  await service.call('POST', '/certificates/revoke', { certificate: service.phones[1]!.serialNumber.toString('hex'), reason: 'keyCompromise' })
  await untilAnswered(revoked!, 'refused')
  const revokedMs = performance.now()
  t.true(Math.abs(agent.events[0]!.at.getTime() - Date.now()) > 3_000_000, 'the agent has another time')

  await until(() => codesOf(agent).includes('clock'))

  // Set right while they run: an hour back.
  set('+0')
  await until(() => codesOf(agent).includes('clock-over'))
  await untilAnswered(good!, 200)
  await service.kill()
  const killedMs = performance.now()
  await stays503([good!])
  t.deepEqual(acceptedAfter(good!, killedMs + maxAgeMs), [])
  t.true(codesOf(agent).includes('stale'))
  await service.start()
  await untilAnswered(good!, 200)

  // An hour behind, no certificate and no list is valid yet to whoever checks them in the handshake: nobody gets in.
  const before = agent.events.length
  set('-3600')
  await untilAnswered(good!, 'no handshake')
  await until(() => agent.events.slice(before).some(({ event }) => event === 'clock'))
  set('+0')
  await untilAnswered(good!, 200)
  t.deepEqual(acceptedAfter(revoked!, revokedMs), [])
})
