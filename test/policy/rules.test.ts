import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { parseApprovalInput, parseConditions, parseExemptionInput, parseRuleInput } from '../../src/policy/rules.ts'

const refused = (work: () => unknown): string | undefined => {
  try {
    work()
    return undefined
  } catch (error) {
    return error instanceof CaError && error.code === 'invalid-argument' ? error.message : String(error)
  }
}

test('a rule is taken as written', t => {
  const rule = { verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: '17.4' } }, reason: 'CVE' }
  t.deepEqual<unknown, unknown>(parseRuleInput(rule), rule)
  t.deepEqual<unknown, unknown>(parseConditions({ productType: 'iPhone1?,*' }), { productType: 'iPhone1?,*' })
})

test('a rule that means nothing, or not what its author thinks, is refused and says where', t => {
  const rules: [RegExp, unknown][] = [
    [/at verdict/, { verdict: 'permit', conditions: { family: 'iPhone' }, reason: 'x' }],
    [/at conditions: needs at least one/, { verdict: 'block', conditions: {}, reason: 'x' }],
    [/at conditions/, { verdict: 'block', conditions: { model: 'iPhone' }, reason: 'x' }],
    [/at conditions\.productType/, { verdict: 'block', conditions: { productType: 'iPhone 13' }, reason: 'x' }],
    [/at conditions\.productType/, { verdict: 'block', conditions: { productType: `${'*'.repeat(65)}` }, reason: 'x' }],
    [/at conditions\.productType/, { verdict: 'block', conditions: { productType: '^iPhone.*$' }, reason: 'x' }],
    [/at conditions\.osVersion\.below/, { verdict: 'block', conditions: { osVersion: { below: 'iOS 17' } }, reason: 'x' }],
    [/at conditions\.osVersion: from must be older/, { verdict: 'block', conditions: { osVersion: { from: '17', below: '17.0' } }, reason: 'x' }],
    [/at conditions\.osVersion: needs from/, { verdict: 'block', conditions: { osVersion: {} }, reason: 'x' }],
    [/at conditions\.storageEncryption/, { verdict: 'block', conditions: { storageEncryption: 'false' }, reason: 'x' }],
    [/at reason/, { verdict: 'block', conditions: { family: 'iPhone' }, reason: '  ' }],
    [/a claim cannot allow/, { verdict: 'allow', conditions: { family: 'iPhone', evidence: 'claimed' }, reason: 'x' }],
    [/the rule is wrong/, null], [/the rule is wrong/, 'allow'], [/the rule is wrong/, []],
  ]
  for (const [message, rule] of rules) t.regex(refused(() => parseRuleInput(rule)) ?? 'taken', message)
})

test('an approval asks for a signature unless it says otherwise, and has no end unless it says so', t => {
  t.deepEqual<unknown, unknown>(parseApprovalInput({ pattern: 'iPhone14,5', reason: 'pilot' }), { pattern: 'iPhone14,5', leastEvidence: 'signed', reason: 'pilot', notAfter: null })
  t.deepEqual(parseApprovalInput({ pattern: '*', reason: 'pilot', notAfter: '2027-01-01T00:00:00Z' }).notAfter, new Date('2027-01-01T00:00:00Z'))
  t.regex(refused(() => parseApprovalInput({ pattern: '*', reason: 'x', leastEvidence: 'claimed' })) ?? 'taken', /at leastEvidence/)
  t.regex(refused(() => parseApprovalInput({ pattern: '*', reason: 'x', notAfter: 'soon' })) ?? 'taken', /at notAfter/)
  t.regex(refused(() => parseApprovalInput({ pattern: '*', reason: 'x', notAfter: new Date('soon') })) ?? 'taken', /at notAfter/)
})

test('an exemption always ends', t => {
  const input = { deviceId: 'd1', invitationId: 'i1', verdict: 'allow', reason: 'the director' }
  t.regex(refused(() => parseExemptionInput(input)) ?? 'taken', /at notAfter/)
  t.regex(refused(() => parseExemptionInput({ ...input, notAfter: null })) ?? 'taken', /at notAfter/)
  t.is(parseExemptionInput({ ...input, notAfter: '2027-01-01T00:00:00+01:00' }).evidence, 'signed')
})
