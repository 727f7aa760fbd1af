/** The agent or its front end is away, or its disk is full. Phones ask all the while. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { appendFile } from '../../src/agent/files.ts'
import { outsideTests } from '../support/context.ts'
import { acceptedAfter, codesOf, guarded, maxAgeMs, maxAgeSeconds, programFor, unexplained, untilAnswered, type GuardedKind } from '../support/guarded.ts'
import type { Issued } from '../support/issued.ts'
import { databaseForProcess, prepareService, type PreparedService } from '../support/prepared-service.ts'
import { until } from '../support/running-agent.ts'
import { temporaryFolder } from '../support/temporary.ts'

type Shared = { service: PreparedService, phones: Issued[] }
const test = anyTest as TestFn<Shared>
const outside = outsideTests()
let shared: Shared

test.before(async () => {
  const names = ['killed', 'restarted', 'full'].flatMap(name => (['haproxy', 'nginx'] as const).map(kind => ({ name: `${name}-${kind}`, kind, maxAgeSeconds })))
  const service = await prepareService(outside.t, { databaseUrl: await databaseForProcess(outside.t), phones: 16, frontEnds: names })
  await service.start()
  shared = { service, phones: [...service.phones] }
})

test.after.always(async () => { await outside.close() })

const serialOf = ({ serialNumber }: Issued): string => serialNumber.toString('hex')
const revoke = async (phone: Issued): Promise<unknown> => await shared.service.call('POST', '/certificates/revoke', { certificate: serialOf(phone), reason: 'keyCompromise' })

async function scene(t: ExecutionContext<Shared>, kind: GuardedKind, fault: string, folder?: string) {
  const program = programFor(t, kind)
  if (program === undefined) return undefined
  const [good, other] = [shared.phones.pop()!, shared.phones.pop()!]
  const guard = await guarded(t, kind, program, shared.service, `${fault}-${kind}`, folder === undefined ? {} : { folder })
  const [goodAsked, otherAsked] = [guard.asking(good), guard.asking(other)]
  await untilAnswered(goodAsked, 200)
  await untilAnswered(otherAsked, 200)
  return { ...guard, goodAsked, otherAsked, other }
}

for (const kind of ['haproxy', 'nginx'] as const) {
  test(`when its agent is killed ${kind} refuses everybody in the end, and one who was revoked meanwhile never gets in again`, async t => {
    const it = await scene(t, kind, 'killed')
    if (it === undefined) return
    const { agent, goodAsked, otherAsked } = it
    await agent.kill()
    const killedMs = performance.now()
    await revoke(it.other)
    await untilAnswered(goodAsked, 503)
    await untilAnswered(otherAsked, 503)
    for (const prober of [goodAsked, otherAsked]) t.deepEqual(acceptedAfter(prober, killedMs + maxAgeMs), [])
    const [refusedMs, again] = [performance.now(), agent.events.length]
    agent.start()
    await untilAnswered(goodAsked, 200)
    await untilAnswered(otherAsked, 'refused')
    t.deepEqual(acceptedAfter(otherAsked, refusedMs), [])
    t.true(agent.events.length > again)
  })

  test(`${kind} that is restarted, reloaded by hand, or killed lets no revoked phone in, and a good one as soon as it is loaded again`, async t => {
    const it = await scene(t, kind, 'restarted')
    if (it === undefined) return
    const { agent, goodAsked, otherAsked } = it
    await revoke(it.other)
    await untilAnswered(otherAsked, 'refused')
    const revokedMs = performance.now()
    for (const again of [it.restart, it.reload, it.crash]) {
      await again()
      await untilAnswered(goodAsked, 200)
      await untilAnswered(otherAsked, 'refused')
    }
    t.deepEqual(acceptedAfter(otherAsked, revokedMs), [])
    t.deepEqual(unexplained(goodAsked, agent), [])
  })
}

/** A folder on a disk of its own, which is small. @returns undefined, with the reason printed, for who may not mount one */
async function smallDisk(t: ExecutionContext<Shared>): Promise<string | undefined> {
  const folder = await temporaryFolder(t)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    t.pass('skipped: only root may mount a small disk')
    return undefined
  }
  t.teardown(() => { execFileSync('umount', [folder], { stdio: 'ignore' }) })
  return folder
}

/** Leaves not one byte. */
function fill(folder: string): void {
  for (const size of [65_536, 4_096, 1]) {
    try {
      for (;;) writeFileSync(join(folder, 'filler'), Buffer.alloc(size), { flag: 'a' })
    } catch { /* there is no more room for so much */ }
  }
}

test('with a full disk an agent refuses as before, lifts nothing, and says so', async t => {
  const disk = await smallDisk(t)
  if (disk === undefined) return
  const it = await scene(t, 'haproxy', 'full', join(disk, 'agent'))
  if (it === undefined) return
  const { agent, goodAsked, otherAsked } = it
  const held = shared.phones.pop()!
  const heldAsked = it.asking(held)
  await shared.service.call('POST', '/certificates/hold', { certificate: serialOf(held) })
  // It stands on the lists, so that only other lists can take it off.
  await untilAnswered(heldAsked, 'no handshake')
  fill(disk)
  await revoke(it.other)
  await untilAnswered(otherAsked, 'refused')
  const revokedMs = performance.now()
  await until(() => codesOf(agent).includes('disk'))
  await shared.service.call('POST', '/certificates/release', { certificate: serialOf(held) })
  const list = await listWithout(serialOf(held))
  t.truthy(list)
  await untilAnswered(goodAsked, 200)
  const before = heldAsked.asked.length
  await until(() => heldAsked.asked.length > before + 20)
  t.deepEqual(heldAsked.asked.slice(before).filter(({ status }) => status === 200), [], 'what the disk does not know lifts nothing')
  rmSync(join(disk, 'filler'))
  await untilAnswered(heldAsked, 200)
  await until(() => codesOf(agent).includes('disk-over'))
  t.deepEqual(acceptedAfter(otherAsked, revokedMs), [])
  t.deepEqual(unexplained(goodAsked, agent), [])
})

test('of lines that a full disk takes only in part, none is left, and it is said', async t => {
  const disk = await smallDisk(t)
  if (disk === undefined) return
  const path = join(disk, 'additions.jsonl')
  appendFile(path, 'first\n')
  fill(disk)
  t.throws(() => { appendFile(path, `${'x'.repeat(20_000)}\n`) }, { code: 'ENOSPC' })
  t.is(readFileSync(path, 'utf8'), 'first\n')
})

/** Waits until no partition names it any more. */
async function listWithout(serialNumber: string): Promise<boolean> {
  const { parseCrl } = await import('../../src/formats/crl.ts')
  for (;;) {
    const lists = await Promise.all(Array.from({ length: 4 }, async (_, partition) => parseCrl(Buffer.from(await (await fetch(`${shared.service.url}/crl/issuing/${partition}.crl`)).arrayBuffer()))))
    if (!lists.some(list => [...list.entries()].some(entry => entry.serialNumber === serialNumber))) return true
    await new Promise(resolve => { setTimeout(resolve, 50) })
  }
}
