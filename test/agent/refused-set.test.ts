import test from 'ava'
import fc from 'fast-check'
import { RefusedSet } from '../../src/agent/refused-set.ts'
import { SerialNumbers } from '../../src/agent/serial-numbers.ts'
import type { VerifiedList } from '../../src/agent/verify-list.ts'

const partitions = 3
const serialOf = (phone: number): string => `40${phone.toString(16).padStart(4, '0')}`
const partitionOf = (phone: number): number => phone % partitions

/** What happens at the service, in the order in which it is committed: the position is the change's number. */
type Happening = { phone: number, revoked: boolean }

const history = fc.array(fc.record({ phone: fc.nat(8), revoked: fc.boolean() }), { maxLength: 25 })

const revokedAfter = (happened: readonly Happening[], change: number): Set<number> => {
  const revoked = new Set<number>()
  for (const { phone, revoked: now } of happened.slice(0, change)) now ? revoked.add(phone) : revoked.delete(phone)
  return revoked
}

function listAt(happened: readonly Happening[], partition: number, change: number): VerifiedList {
  const revoked = [...revokedAfter(happened, change)].filter(phone => partitionOf(phone) === partition)
  return {
    authority: 'issuing', partition, crlNumber: BigInt(change + 1), sha256: '', thisUpdate: new Date(change * 1000), nextUpdate: new Date(1e13), change,
    serialNumbers: SerialNumbers.of(revoked.map(serialOf)),
  }
}

/** Something that reaches the agent: an event of the feed, true or not, or a verified list as it was at some change. */
type Arrival = { kind: 'event', at: number } | { kind: 'forged', phone: number, change: number } | { kind: 'list', partition: number, at: number }

const arrival: fc.Arbitrary<Arrival> = fc.oneof(
  fc.record({ kind: fc.constant('event' as const), at: fc.nat(24) }),
  fc.record({ kind: fc.constant('forged' as const), phone: fc.nat(8), change: fc.nat(30) }),
  fc.record({ kind: fc.constant('list' as const), partition: fc.nat(partitions - 1), at: fc.nat(25) }),
)

test('whatever order, repetition, gap or forgery the feed brings: who is refused by a revocation that was heard stays so until a signed list that knows of a later change lets him go', t => {
  fc.assert(fc.property(history, fc.array(arrival, { maxLength: 60 }), (happened, arrivals) => {
    const set = new RefusedSet('root', new Map([['issuing', partitions]]))
    const atFrontEnd = new Set<string>()
    const lists = new Map<number, number>()
    const heard = new Map<number, number>()
    for (const it of arrivals) {
      if (it.kind === 'list') {
        const change = Math.min(it.at, happened.length)
        // Only newer ones come this far: see verify-list.
        if (change <= (lists.get(it.partition) ?? -1)) continue
        lists.set(it.partition, change)
        const { added, lifted } = set.put(listAt(happened, it.partition, change))
        for (const serialNumber of added) atFrontEnd.add(serialNumber)
        for (const serialNumber of lifted) atFrontEnd.delete(serialNumber)
      } else {
        const happening = it.kind === 'event' ? happened[it.at] : undefined
        const [phone, change] = it.kind === 'forged' ? [it.phone, it.change] : [happening?.phone, it.at + 1]
        if (phone === undefined || it.kind === 'event' && happening?.revoked !== true) continue
        if (set.add({ authority: 'issuing', serialNumber: serialOf(phone), change })) atFrontEnd.add(serialOf(phone))
        if (it.kind === 'event') heard.set(phone, Math.max(heard.get(phone) ?? 0, change))
      }
      for (let phone = 0; phone <= 8; phone++) {
        const known = Math.max(heard.get(phone) ?? 0, lists.get(partitionOf(phone)) ?? 0)
        const mustRefuse = known > 0 && revokedAfter(happened, known).has(phone)
        if (mustRefuse && !set.has(serialOf(phone))) return false
      }
      if ([...atFrontEnd].sort().join() !== [...set.serialNumbers()].sort().join()) return false
    }
    return true
  }), { numRuns: 3000 })
  t.pass()
})

test('when every list covers what was heard, exactly those are refused whom the lists name', t => {
  fc.assert(fc.property(history, fc.array(arrival, { maxLength: 40 }), (happened, arrivals) => {
    const set = new RefusedSet('root', new Map([['issuing', partitions]]))
    for (const it of arrivals) if (it.kind === 'forged') set.add({ authority: 'issuing', serialNumber: serialOf(it.phone), change: Math.min(it.change, happened.length) })
    for (let partition = 0; partition < partitions; partition++) set.put(listAt(happened, partition, happened.length))
    const truth = [...revokedAfter(happened, happened.length)].map(serialOf).sort()
    return [...set.serialNumbers()].sort().join() === truth.join() && set.size === truth.length
  }), { numRuns: 1000 })
  t.pass()
})

test('a revocation and its release are followed by lists of one partition alone', t => {
  const happened = [{ phone: 1, revoked: true }, { phone: 1, revoked: false }]
  const set = new RefusedSet('root', new Map([['issuing', partitions]]))
  for (let partition = 0; partition < partitions; partition++) set.put(listAt([], partition, 0))
  t.true(set.add({ authority: 'issuing', serialNumber: serialOf(1), change: 1 }))
  t.deepEqual(set.put(listAt(happened, 1, 1)), { added: [], lifted: [] })
  t.deepEqual(set.put(listAt(happened, 1, 2)), { added: [], lifted: [serialOf(1)] })
})

test('a list of the root refuses CAs, not phones', t => {
  const set = new RefusedSet('root', new Map([['issuing', 1]]))
  const { partition: _, ...list } = listAt([], 0, 0)
  t.deepEqual(set.put({ ...list, authority: 'root', partition: null, serialNumbers: SerialNumbers.of(['40ca']) }), { added: [], lifted: [] })
  t.deepEqual([set.has('40ca'), set.revokedByRoot('40ca'), set.revokedByRoot('40cb')], [false, true, false])
})

test('serial numbers of any length are found again, in order, each once', t => {
  const serial = fc.uint8Array({ minLength: 1, maxLength: 20 }).filter(bytes => bytes[0] !== 0).map(bytes => Buffer.from(bytes).toString('hex'))
  fc.assert(fc.property(fc.uniqueArray(serial, { maxLength: 600 }), fc.uniqueArray(serial, { maxLength: 20 }), (mine, others) => {
    const [set, other] = [SerialNumbers.of(mine), SerialNumbers.of([...others, ...mine.slice(0, 5)])]
    const expected = mine.slice(5).filter(item => !others.includes(item)).sort()
    return [...set].sort().join() === [...mine].sort().join() && mine.every(item => set.has(item))
      && others.every(item => set.has(item) === mine.includes(item)) && [...set.without(other)].sort().join() === expected.join()
  }))
  t.pass()
})
