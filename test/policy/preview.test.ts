import test from 'ava'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import type { PolicySnapshot } from '../../src/policy/decide.ts'
import { knownDevice, type KnownDevice } from '../../src/policy/decision.ts'
import { effectOn, withEdit, type PolicyEdit } from '../../src/policy/preview.ts'
import type { Approval, Rule } from '../../src/policy/rules.ts'

const now = new Date('2026-03-01T09:00:00Z')
const phone = (productType: string, osVersion?: string): KnownDevice => knownDevice(loadBundledCatalogue(), {
  productType: { value: productType, grade: 'signed' }, osVersion: osVersion === undefined ? undefined : { value: osVersion, grade: 'signed' },
})
const approval = (pattern: string): Approval => ({ id: pattern, pattern, leastEvidence: 'signed', reason: 'r', author: 'ada', notBefore: now, notAfter: null, endedAt: null })
const rule = (verdict: Rule['verdict'], conditions: Rule['conditions']): Rule => ({ id: 'rule', verdict, conditions, reason: 'r', author: 'ada', createdAt: now })
const policy = (...patterns: string[]): PolicySnapshot => ({ approvals: patterns.map(approval), rules: [], exemptions: [], requireInventory: false })

const below174: PolicyEdit = { kind: 'add-rule', rule: rule('block', { osVersion: { below: '17.4' } }) }

test('a new rule stops the certificates of phones that it blocks, and says which of them can be updated', t => {
  t.like(effectOn(phone('iPhone14,5', '17.1'), true, policy('*'), below174, now), { effect: 'stops', help: 'update', after: { verdict: 'block' } })
  t.like(effectOn(phone('iPhone10,4', '16.7.2'), true, policy('*'), below174, now), { effect: 'stops', help: 'no-update' })
  t.is(effectOn(phone('iPhone14,5', '17.4'), true, policy('*'), below174, now), undefined)
  t.like(effectOn(phone('iPhone14,5'), true, policy('*'), below174, now), { effect: 'stops', help: null, after: { verdict: 'quarantine', code: 'facts-missing' } })
})

test('what was not allowed before is no effect of the change', t => {
  t.is(effectOn(phone('iPhone14,5', '17.1'), true, policy('iPad*'), below174, now), undefined)
  t.is(effectOn(phone('iPhone14,5', '17.1'), false, policy('*'), below174, now), undefined)
})

test('withdrawing an approval stops certificates, unless another approval covers the model', t => {
  const withdraw: PolicyEdit = { kind: 'withdraw', approvals: [approval('iPhone14,5')] }
  t.like(effectOn(phone('iPhone14,5'), true, policy('iPhone14,5'), withdraw, now), { effect: 'stops', after: { code: 'approval-ended' } })
  t.is(effectOn(phone('iPhone14,5'), true, policy('iPhone14,5', 'iPhone*'), withdraw, now), undefined)
})

test('removing a rule and approving a model let phones in that hold no certificate', t => {
  const removed = below174.kind === 'add-rule' ? below174.rule : undefined
  const blocked = withEdit(policy('*'), below174, now)
  t.like(effectOn(phone('iPhone14,5', '17.1'), false, blocked, { kind: 'remove-rule', rule: removed! }, now), { effect: 'starts', after: { verdict: 'allow' } })
  t.like(effectOn(phone('iPhone14,5'), false, policy(), { kind: 'approve', approvals: [approval('iPhone14,5')] }, now), { effect: 'starts' })
  t.is(effectOn(phone('iPhone14,5'), true, policy('*'), { kind: 'approve', approvals: [approval('iPhone14,5')] }, now), undefined)
})
