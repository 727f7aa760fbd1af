import { mkdir, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { lockFolder } from '../../src/store/folder-lock.ts'
import { startChild } from '../support/child.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('a data folder has one owner at a time, also within one process', async t => {
  const folder = await temporaryFolder(t)
  const lock = await lockFolder(folder)
  await t.throwsAsync(lockFolder(folder), { code: 'data-folder-locked' })
  await lock.release()
  const next = await lockFolder(folder)
  await t.throwsAsync(lockFolder(folder), { code: 'data-folder-locked' })
  await next.release()
})

test('a data folder that is missing is created for its owner alone', async t => {
  const folder = join(await temporaryFolder(t), 'a', 'b')
  const lock = await lockFolder(folder)
  t.is((await stat(folder)).mode & 0o777, 0o700)
  await lock.release()
})

test('of many who find a stale lock exactly one takes it over', async t => {
  const folder = await temporaryFolder(t)
  for (let round = 0; round < 20; round++) {
    await (await lockFolder(folder)).release()
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => lockFolder(folder)))
    const owners = outcomes.filter(outcome => outcome.status === 'fulfilled')
    t.is(owners.length, 1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.is(outcome.reason.code, 'data-folder-locked')
    await owners[0]!.value.release()
  }
  t.true((await readdir(folder)).length <= 2, 'nobody leaves sockets behind')
})

test('of several processes exactly one takes over the lock of a process that was killed', async t => {
  const folder = await temporaryFolder(t)
  const racers = Array.from({ length: 6 }, () => startChild(t, 'lock-racer.ts', folder))
  const victim = startChild(t, 'lock-racer.ts', folder)
  for (const process of [victim, ...racers]) t.is(await process.line(), 'ready')
  victim.tell('go\n')
  t.is(await victim.line(), 'locked')
  await t.throwsAsync(lockFolder(folder), { code: 'data-folder-locked' })
  await victim.kill()

  for (const racer of racers) racer.tell('go\n')
  const outcomes = await Promise.all(racers.map(racer => racer.line()))
  t.deepEqual(outcomes.toSorted(), [...Array.from({ length: 5 }, () => 'data-folder-locked'), 'locked'])
})

test('a data folder deep in the file system can be locked', async t => {
  const folder = join(await temporaryFolder(t), 'd'.repeat(120))
  await mkdir(folder)
  const lock = await lockFolder(folder)
  await t.throwsAsync(lockFolder(folder), { code: 'data-folder-locked' })
  await lock.release()
  await (await lockFolder(folder)).release()
})
