/** What runs in a process of HAProxy that a reload has replaced, and in the new one before it is told everything. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HaproxyCli } from '../../src/agent/targets/haproxy-cli.ts'
import { HaproxyTarget } from '../../src/agent/targets/haproxy.ts'
import { answer, haproxyWithAgent, listsWritten, now, openPing } from '../support/haproxy-with-agent.ts'
import { until } from '../support/running-agent.ts'

// So many lists do not fit the buffer of HAProxy's Runtime API, and are put in place by a reload.
const partitions = 40

/** Resolves when nothing but a reload's own steps have gone by. */
const passed = (ms: number): Promise<void> => new Promise(resolve => { setTimeout(resolve, ms) })

test('a request that runs in a process which a reload has replaced is cut off when its phone is revoked, however long after', async t => {
  const it = await haproxyWithAgent(t, printed => printed.replace('stats timeout 1m', 'stats timeout 3s'), partitions)
  if (it === undefined) return
  const { haproxy, server, phone, other } = it
  const agent = it.run()
  await until(listsWritten(haproxy.settings.files))
  await haproxy.start()
  await until(async () => await answer(haproxy.port, phone) === 200)
  const [revoked, good] = [openPing(t, haproxy.port, phone), openPing(t, haproxy.port, other)]
  await Promise.all([revoked.started, good.started])
  await Promise.all([agent.inForce(1), server.revoke((await server.issue('eve')).serialNumber)])
  await until(() => agent.events.some(event => /HAProxy was reloaded/.test(event)))
  // HAProxy ends a connection of its Runtime API on which nothing is said for this long.
  await passed(5000)
  t.false(revoked.state.over)
  await Promise.all([agent.inForce(2), server.revoke(phone.serialNumber)])
  t.is(await revoked.ended, 'cut off')
  t.false(good.state.over)
})

test('a process that a reload has replaced is not kept alive by the agent when nothing runs in it', async t => {
  const it = await haproxyWithAgent(t, printed => printed.replace('stats timeout 1m', 'stats timeout 1h'), partitions)
  if (it === undefined) return
  const { haproxy, server, phone } = it
  const agent = it.run()
  await until(listsWritten(haproxy.settings.files))
  await haproxy.start()
  await until(async () => await answer(haproxy.port, phone) === 200)
  await Promise.all([agent.inForce(1), server.revoke((await server.issue('eve')).serialNumber)])
  await until(() => agent.events.some(event => /HAProxy was reloaded/.test(event)))
  await until(() => haproxy.workers().length === 1)
  t.is(await answer(haproxy.port, phone), 200)
})

/** A reload that goes on only when it is told to: before HAProxy is told, and after it has been replaced. */
async function steppedReload(t: ExecutionContext) {
  const it = await haproxyWithAgent(t, undefined, partitions)
  if (it === undefined) return undefined
  const { haproxy, phone } = it
  const steps = haproxy.folder
  const agent = it.run()
  await until(listsWritten(haproxy.settings.files))
  await agent.stop()
  const script = join(steps, 'stepped.sh')
  const waitFor = (name: string): string => `while [ ! -e ${join(steps, name)} ]; do sleep 0.02; done`
  writeFileSync(script, `#!/bin/sh\n: > ${join(steps, 'asked')}\n${waitFor('begin')}\nkill -USR2 "$(cat ${steps}/pid)"\n${waitFor('end')}\n`, { mode: 0o755 })
  const target = new HaproxyTarget({ ...haproxy.settings, reload: [script] }, now)
  t.teardown(() => { target.close() })
  target.prepare(readFileSync(join(haproxy.settings.files, 'ca.pem'), 'utf8'))
  await haproxy.start()
  // Its Runtime API may be there a moment after its listener.
  await until(async () => await target.load(() => []).then(() => true, () => false))
  await target.fresh(new Date(Date.now() + 60_000))
  t.is(await answer(haproxy.port, phone), 200)
  const lists = readFileSync(join(haproxy.settings.files, 'lists.pem'), 'utf8')
  const process = async (): Promise<string | undefined> => {
    const cli = await HaproxyCli.open(haproxy.settings.socket).catch(() => undefined)
    const pid = /^Pid: (\d+)$/m.exec(await cli?.ask('show info').catch(() => '') ?? '')?.[1]
    cli?.close()
    return pid
  }
  const before = await process()
  const reloaded = target.bundle([lists, '\n'])
  await until(() => existsSync(join(steps, 'asked')))
  return {
    ...it, target, reloaded,
    begin: async () => {
      writeFileSync(join(steps, 'begin'), '')
      await until(async () => ![before, undefined].includes(await process()))
    },
    end: () => { writeFileSync(join(steps, 'end'), '') },
  }
}

test('what runs in a process that was replaced a moment ago, which the agent has not noticed yet, is cut off', async t => {
  const it = await steppedReload(t)
  if (it === undefined) return
  const ping = openPing(t, it.haproxy.port, it.phone)
  await ping.started
  t.true(await it.target.add([it.phone.serialNumber]))
  await it.begin()
  t.is(await it.target.cut([it.phone.serialNumber]), 1)
  t.is(await ping.ended, 'cut off')
  it.end()
  t.true((await it.reloaded).inForce)
})

test('who is let in by a new process before it was told of the revocation is cut off once it is', async t => {
  const it = await steppedReload(t)
  if (it === undefined) return
  const map = join(it.haproxy.settings.files, 'revoked.map')
  const before = readFileSync(map)
  t.true(await it.target.add([it.phone.serialNumber]))
  t.is(await it.target.cut([it.phone.serialNumber]), 0)
  // As the new process would have found it, had it read the file just before.
  writeFileSync(map, before)
  await it.begin()
  const ping = openPing(t, it.haproxy.port, it.phone)
  await ping.started
  it.end()
  t.true((await it.reloaded).inForce)
  t.is(await ping.ended, 'cut off')
  t.is(await answer(it.haproxy.port, it.phone), 403)
})
