import test from 'ava'
import { Enforcer } from '../../src/agent/enforcer.ts'
import { MemoryTarget } from '../support/memory-target.ts'

function enforced(target: MemoryTarget) {
  const refused = new Set<string>()
  const nothing = (): void => {}
  const enforcer = new Enforcer(target, { serialNumbers: () => refused, has: serialNumber => refused.has(serialNumber), allListed: () => true, bundle: () => [] },
    { done: nothing, failed: nothing, answered: nothing, restarted: nothing, bundled: nothing, cut: nothing })
  enforcer.ready()
  return {
    enforcer,
    async revoke(serialNumber: string): Promise<void> {
      refused.add(serialNumber)
      enforcer.add([serialNumber])
      await enforcer.turn()
    },
  }
}

/** A front end that takes its time to cut requests off. */
class SlowlyCutting extends MemoryTarget {
  readonly released = Promise.withResolvers<void>()

  override async cut(serialNumbers: readonly string[]): Promise<number> {
    if (this.cuts.length === 0) {
      this.cuts.push(...serialNumbers)
      await this.released.promise
      return 0
    }
    return await super.cut(serialNumbers)
  }
}

test('a revocation that is told while another one\'s requests are being cut off is cut off next, without another turn', async t => {
  const target = new SlowlyCutting()
  const { enforcer, revoke } = enforced(target)
  await enforcer.turn()
  await revoke('01')
  await revoke('02')
  t.deepEqual(target.cuts, ['01'])
  target.released.resolve()
  await enforcer.settled()
  t.deepEqual(target.cuts, ['01', '02'])
})

/** And takes its time to be told. */
class SlowlyTold extends SlowlyCutting {
  holds: Promise<void> | undefined

  override async add(serialNumbers: readonly string[]): Promise<boolean> {
    await this.holds
    return await super.add(serialNumbers)
  }
}

test('nothing is cut off for a certificate that the front end does not refuse yet, for its phone would be back', async t => {
  const target = new SlowlyTold()
  const { enforcer, revoke } = enforced(target)
  await enforcer.turn()
  await revoke('01')
  const held = Promise.withResolvers<void>()
  target.holds = held.promise
  const told = revoke('02')
  target.released.resolve()
  await new Promise(resolve => { setImmediate(resolve) })
  t.deepEqual(target.cuts, ['01'])
  held.resolve()
  await told
  await enforcer.settled()
  t.deepEqual(target.cuts, ['01', '02'])
})

test('what a front end refuses since it was loaded again is cut off as well', async t => {
  const target = new MemoryTarget()
  const { enforcer, revoke } = enforced(target)
  await enforcer.turn()
  target.restart()
  await revoke('01')
  await enforcer.settled()
  t.is(target.loads, 2)
  t.deepEqual(target.cuts, ['01'])
})

test('lists that a front end was not there to take are put in place as soon as it is there', async t => {
  const target = new MemoryTarget()
  const { enforcer } = enforced(target)
  enforcer.bundleChanged()
  target.broken = true
  await enforcer.turn()
  await enforcer.settled()
  target.broken = false
  await enforcer.turn()
  await enforcer.settled()
  t.is(target.bundles.length, 1)
})
