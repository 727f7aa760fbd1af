import test from 'ava'
import fc from 'fast-check'
import { evidenceGrades } from '../../src/devices/evidence.ts'
import type { Fact } from '../../src/devices/evidence.ts'
import { knownDevice } from '../../src/policy/decision.ts'
import type { KnownDevice, PolicySnapshot } from '../../src/policy/decision.ts'
import { verdicts } from '../../src/policy/rules.ts'
import type { Approval, Conditions, Exemption, Rule } from '../../src/policy/rules.ts'
import { approval, catalogue, decided, exemption, rule, seconds } from './support.ts'

const identifiers = ['iPhone14,5', 'iPhone1,2', 'iPod2,1', 'iPad13,18', 'AppleTV2,1', 'iPhone99,9', 'nonsense']
const patterns = ['iPhone14,5', 'iPhone*', '*', 'iPad*', 'iPhone99,9', '*,?']
const grade = fc.constantFrom(...evidenceGrades)
const factOf = (...values: string[]): fc.Arbitrary<Fact<string>> =>
  fc.record({ value: fc.constantFrom(...values), grade, test: fc.boolean() })
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined })

const anyDevice: fc.Arbitrary<KnownDevice> = fc.record({
  deviceId: fc.constantFrom('d1', 'd2'), invitationId: fc.constantFrom('i1', 'i2'),
  productType: maybe(factOf(...identifiers)),
  build: maybe(factOf('20A362', '8C148', '21E219', '99Z99')),
  osVersion: maybe(factOf('16.0', '17.4', '4.2.1', 'junk')),
  inventoryAgrees: maybe(fc.boolean()),
  person: maybe(fc.record({ id: fc.constantFrom('p1', 'p2'), groups: fc.subarray(['sales', 'board']) })),
}).map(said => knownDevice(catalogue, said))

const anyConditions = fc.record({
  productType: fc.constantFrom(...patterns), family: fc.constantFrom('iPhone', 'iPad', 'iPod touch'),
  storageEncryption: fc.boolean(), dataProtection: fc.boolean(), secureEnclave: fc.boolean(), canAttest: fc.boolean(),
  osVersion: fc.constantFrom({ from: '16' }, { below: '17.4' }, { from: '4', below: '17' }), build: fc.constantFrom('20A362', '2*', '*'),
  evidence: grade, person: fc.constantFrom('p1', 'p2'), group: fc.constantFrom('sales', 'board'),
}, { requiredKeys: [] }).filter(conditions => Object.keys(conditions).length > 0)

const numbered = <T extends { id: string }>(list: T[]): T[] => list.map((item, i) => ({ ...item, id: `${i}` }))
const anyRules: fc.Arbitrary<Rule[]> = fc.array(fc.tuple(fc.constantFrom(...verdicts), anyConditions, fc.integer({ min: -9, max: 0 })), { maxLength: 6 })
  .map(list => numbered(list.map(([verdict, conditions, age]) => rule(verdict, conditions as Conditions, { createdAt: seconds(age) }))))
const anyInstant = fc.integer({ min: -3, max: 3 }).map(seconds)
const anyApprovals: fc.Arbitrary<Approval[]> = fc.array(fc.record({
  pattern: fc.constantFrom(...patterns), leastEvidence: fc.constantFrom('listed', 'signed', 'attested'),
  notBefore: anyInstant, notAfter: fc.option(anyInstant), endedAt: fc.option(anyInstant),
}), { maxLength: 5 }).map(list => numbered(list.map(({ pattern, ...more }) => approval(pattern, more as Partial<Approval>))))
const anyExemptions: fc.Arbitrary<Exemption[]> = fc.array(fc.record({
  verdict: fc.constantFrom(...verdicts), deviceId: fc.constantFrom('d1', 'd2'), invitationId: fc.constantFrom('i1', 'i2'), evidence: grade, notAfter: anyInstant,
}), { maxLength: 3 }).map(list => numbered(list.map(({ verdict, ...more }) => exemption(verdict, more))))
const anyPolicy: fc.Arbitrary<PolicySnapshot> = fc.record({
  rules: anyRules, approvals: anyApprovals, exemptions: anyExemptions, requireInventory: fc.boolean(), trustTestDevices: fc.boolean(),
})
const withoutExemptions = anyPolicy.map(policy => ({ ...policy, exemptions: [] }))

const holds = <A extends [unknown, ...unknown[]]>(property: fc.IProperty<A>): void => fc.assert(property, { numRuns: 1000 })
const verdictOf = (known: KnownDevice, policy: PolicySnapshot) => decided(known, policy).verdict

test('the order of rules, approvals and exemptions changes nothing, not even the words', t => {
  const shuffledPolicy = anyPolicy.chain(policy => fc.record({
    rules: fc.shuffledSubarray([...policy.rules], { minLength: policy.rules.length }),
    approvals: fc.shuffledSubarray([...policy.approvals], { minLength: policy.approvals.length }),
    exemptions: fc.shuffledSubarray([...policy.exemptions], { minLength: policy.exemptions.length }),
  }).map(shuffled => [policy, { ...policy, ...shuffled }] as const))
  t.notThrows(() => holds(fc.property(anyDevice, shuffledPolicy, (known, [policy, shuffled]) => {
    t.deepEqual(decided(known, shuffled), decided(known, policy))
  })))
})

test('one more block rule never opens anything', t => {
  t.notThrows(() => holds(fc.property(anyDevice, anyPolicy, anyConditions, (known, policy, conditions) => {
    const more = { ...policy, rules: [...policy.rules, rule('block', conditions as Conditions)] }
    return verdicts.indexOf(verdictOf(known, more)) >= verdicts.indexOf(verdictOf(known, policy))
  })))
})

test('one more approval never closes anything', t => {
  t.notThrows(() => holds(fc.property(anyDevice, anyPolicy, anyApprovals, (known, policy, approvals) => {
    const more = { ...policy, approvals: [...policy.approvals, ...approvals.map(added => ({ ...added, id: `new ${added.id}` }))] }
    return verdicts.indexOf(verdictOf(known, more)) <= verdicts.indexOf(verdictOf(known, policy))
  })))
})

test('knowing less of a phone never lets it in', t => {
  const aspects = ['productType', 'build', 'osVersion', 'inventoryAgrees', 'person', 'model'] as const
  t.notThrows(() => holds(fc.property(anyDevice, anyPolicy, fc.subarray([...aspects]), (known, policy, forgotten) => {
    const less = { ...known, ...Object.fromEntries(forgotten.map(aspect => [aspect, undefined])) }
    return verdictOf(less, policy) !== 'allow' || verdictOf(known, policy) === 'allow'
  })))
})

test('knowing it less well never lets it in either', t => {
  const aspects = ['productType', 'build', 'osVersion'] as const
  t.notThrows(() => holds(fc.property(anyDevice, withoutExemptions, fc.subarray([...aspects]), (known, policy, doubted) => {
    const less = { ...known, ...Object.fromEntries(doubted.map(aspect => [aspect, known[aspect] === undefined ? undefined : { ...known[aspect], grade: 'claimed' }])) } as KnownDevice
    return verdictOf(less, policy) !== 'allow' || (verdictOf(known, policy) === 'allow' && doubted.every(aspect => aspect !== 'productType'))
  })))
})

test('without an exemption an allow always rests on a model of the catalogue that is known by more than a claim', t => {
  t.notThrows(() => holds(fc.property(anyDevice, withoutExemptions, (known, policy) => {
    const decision = decided(known, policy)
    if (decision.verdict !== 'allow') return true
    const { inCatalogue, modelEvidence, test: simulated } = decision.known
    return inCatalogue && modelEvidence !== null && modelEvidence !== 'claimed'
      && (!simulated || policy.trustTestDevices === true || known.productType?.test !== true)
  })))
})

test('a phone of a trusted simulation is never taken for an attested one', t => {
  t.notThrows(() => holds(fc.property(anyDevice, anyPolicy, (known, policy) =>
    known.productType?.test !== true || decided(known, policy).known.modelEvidence !== 'attested')))
})

test('an exemption opens only for its device, under its invitation, with its evidence, before its end', t => {
  t.notThrows(() => holds(fc.property(anyDevice, anyPolicy, (known, policy) => {
    const decision = decided(known, policy)
    if (decision.code !== 'allowed-by-exemption') return true
    const rests = policy.exemptions.find(item => item.id === decision.because.id)!
    return rests.deviceId === known.deviceId && rests.invitationId === known.invitationId && rests.notAfter >= seconds(0)
      && decision.known.modelEvidence !== null && evidenceGrades.indexOf(decision.known.modelEvidence) >= evidenceGrades.indexOf(rests.evidence)
  })))
})

test('every decision says something to both readers, whatever the phone wrote', t => {
  const hostile = fc.record({ productType: fc.string({ unit: 'binary', maxLength: 100 }), build: fc.string({ unit: 'binary', maxLength: 100 }) })
  t.notThrows(() => holds(fc.property(hostile, anyPolicy, ({ productType, build }, policy) => {
    const said = (value: string): Fact<string> => ({ value, grade: 'signed' })
    const { textForAdmin, textForPerson, verdict } = decided(knownDevice(catalogue, { productType: said(productType), build: said(build), osVersion: said(build) }), policy)
    return verdict !== 'allow' && [textForAdmin, textForPerson].every(text =>
      text.length > 20 && text.length < 1000 && /^[\x20-\x7e\u00a1-\u024f…’]+$/.test(text) && !/undefined|null|NaN|\[object/.test(text.replaceAll(productType, '')))
  })))
})
