import test from 'ava'
import { evidenceGrades } from '../../src/devices/evidence.ts'
import type { EvidenceGrade } from '../../src/devices/evidence.ts'
import { approval, decided, device, fact, outcome, rule } from './support.ts'

const known = (model: EvidenceGrade, build: EvidenceGrade = model, simulated = false) =>
  device('iPhone14,5', undefined, { productType: fact('iPhone14,5', model, simulated), build: fact('20A362', build, simulated) })

test('an approval lets in at its grade and above, and never on a claim', t => {
  const verdicts = (leastEvidence: 'listed' | 'signed' | 'attested') =>
    evidenceGrades.map(grade => decided(known(grade), { approvals: [approval('iPhone14,5', { leastEvidence })] }).verdict)
  t.deepEqual(verdicts('listed'), ['block', 'allow', 'allow', 'allow'])
  t.deepEqual(verdicts('signed'), ['block', 'block', 'allow', 'allow'])
  t.deepEqual(verdicts('attested'), ['block', 'block', 'block', 'allow'])
  t.is(outcome(known('claimed'), { approvals: [approval('*', { leastEvidence: 'claimed' as never })] }), 'block evidence-too-weak', 'whatever a stored row says')
})

test('an allow rule asks for a signature of every fact it rests on unless it says otherwise', t => {
  const verdict = (model: EvidenceGrade, build: EvidenceGrade, evidence?: EvidenceGrade) =>
    outcome(known(model, build), { rules: [rule('allow', { osVersion: { from: '16' }, evidence })] })
  t.is(verdict('signed', 'signed'), 'allow allowed')
  t.is(verdict('listed', 'signed'), 'block evidence-too-weak', 'the model counts even where the rule does not name it')
  t.is(verdict('attested', 'listed'), 'block evidence-too-weak')
  t.is(verdict('attested', 'signed', 'attested'), 'block evidence-too-weak')
  t.is(verdict('listed', 'listed', 'listed'), 'allow allowed')
  t.is(verdict('listed', 'claimed', 'listed'), 'block evidence-too-weak')
})

test('a claim may put a phone into quarantine, but neither blocks it nor keeps it out of quarantine', t => {
  const claimedOld = known('signed', 'claimed')
  const approvals = [approval('iPhone14,5')]
  t.is(outcome(claimedOld, { approvals, rules: [rule('quarantine', { osVersion: { below: '17' } })] }), 'quarantine quarantined-by-rule')
  t.is(outcome(claimedOld, { approvals, rules: [rule('block', { osVersion: { below: '17' } })] }), 'quarantine facts-missing')
  t.is(outcome(claimedOld, { approvals, rules: [rule('quarantine', { osVersion: { below: '15' } })] }), 'quarantine facts-missing')
  t.is(outcome(claimedOld, { approvals, rules: [rule('block', { osVersion: { below: '15' } })] }), 'quarantine facts-missing')
  t.is(outcome(known('claimed'), { rules: [rule('quarantine', { productType: 'iPhone*' })] }), 'quarantine quarantined-by-rule')
})

test('evidence is a condition like any other for rules against a phone', t => {
  const approvals = [approval('*', { leastEvidence: 'listed' })]
  t.is(outcome(known('listed'), { approvals, rules: [rule('quarantine', { evidence: 'signed' })] }), 'allow allowed')
  t.is(outcome(known('signed'), { approvals, rules: [rule('quarantine', { evidence: 'signed' })] }), 'quarantine quarantined-by-rule')
})

test('a simulated phone counts as signed only while the service trusts simulated phones', t => {
  const approvals = [approval('iPhone14,5')]
  t.is(outcome(known('signed', 'signed', true), { approvals, trustTestDevices: true }), 'allow allowed')
  t.is(outcome(known('signed', 'signed', true), { approvals, trustTestDevices: false }), 'block evidence-too-weak')
  t.is(outcome(known('signed', 'signed', true), { approvals }), 'block evidence-too-weak', 'not said means no')
  t.is(outcome(known('attested', 'attested', true), { approvals: [approval('*', { leastEvidence: 'attested' })], trustTestDevices: true }), 'block evidence-too-weak')
  t.is(outcome(known('signed', 'signed', true), { approvals, rules: [rule('block', { osVersion: { below: '17' } })], trustTestDevices: true }), 'block blocked-by-rule')
})

test('a decision keeps what was known and at which grade', t => {
  const { known: summary } = decided(known('attested', 'signed'), { approvals: [approval('*')] })
  t.deepEqual(summary.productType, { value: 'iPhone14,5', grade: 'attested' })
  t.deepEqual(summary.build, { value: '20A362', grade: 'signed' })
  t.deepEqual(summary.osVersion, { value: '16.0', grade: 'signed' })
  t.is(summary.modelEvidence, 'attested')
  t.is(summary.modelName, 'iPhone 13')
  t.true(summary.buildRanOnModel)
  t.false(summary.test)
  const simulated = decided(known('signed', 'signed', true), {}).known
  t.true(simulated.test)
  t.is(simulated.modelEvidence, 'claimed')
  t.deepEqual(JSON.parse(JSON.stringify(summary)), summary)
})
