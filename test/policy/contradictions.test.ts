import test from 'ava'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import { parseQuery } from '../../src/formats/activesync/query.ts'
import { contradictionsIn, type CertificateHolder } from '../../src/policy/contradictions.ts'
import { knownDevice, type PolicySnapshot } from '../../src/policy/decision.ts'
import type { Conditions, Rule, Verdict } from '../../src/policy/rules.ts'

const catalogue = loadBundledCatalogue()
const now = new Date('2026-03-01T09:00:00Z')
const fact = (value: string) => ({ value, grade: 'signed' as const })
const approval = { id: 'a', pattern: '*', leastEvidence: 'signed' as const, reason: 'a test', author: 'ada', notBefore: now, notAfter: null, endedAt: null }
const rule = (verdict: Verdict, conditions: Conditions): Rule => ({ id: 'r', verdict, conditions, reason: 'holes', author: 'ada', createdAt: now })
const policyOf = (...rules: Rule[]): PolicySnapshot => ({ approvals: [approval], rules, exemptions: [], requireInventory: false })

const ann: CertificateHolder = {
  known: knownDevice(catalogue, { productType: fact('iPhone14,5'), build: fact('20A362'), serialNumber: fact('C39GQ8NNDTDL'), udid: fact('u') }),
  email: 'ann@example.org', userPrincipalName: 'A.Miller@corp.example', deviceId: 'O8S9UD4DOH0SLEPOQC5AJ9AE3C',
}

const findings = (said: { userAgent?: string, query?: string }, holder = ann, policy = policyOf()): string[] =>
  contradictionsIn({ userAgent: said.userAgent ?? null, query: said.query === undefined ? null : parseQuery(said.query) }, holder, { catalogue, policy, now }).map(({ finding }) => finding)

test('what fits, and what claims nothing, contradicts nothing', t => {
  for (const said of [
    {}, { userAgent: 'Apple-iPhone14C5/2001.362' }, { userAgent: 'iOS/16.0 (20A362) dataaccessd/1.0' }, { userAgent: 'Outlook-iOS/2.0' }, { userAgent: '' },
    { query: 'User=ann@example.org&DeviceId=O8S9UD4DOH0SLEPOQC5AJ9AE3C&DeviceType=iPhone&Cmd=Ping' }, { query: 'Cmd=Ping' },
  ]) t.deepEqual(findings(said), [], JSON.stringify(said))
})

test('a model that the certificate was not issued to, and a string that cannot be, are found', t => {
  for (const [userAgent, finding] of [
    ['Apple-iPhone14C4/2001.362', 'other-model'], ['Apple-iPad/702.500', 'other-model'], ['Apple-iPad8C11/2001.362', 'impossible-pair'], ['Apple-iPhone14C5/807.4', 'impossible-pair'],
    ['Apple-iPhone99C9/2001.362', 'unknown-model'], ['Apple-iPhone14C5/2001.379', 'unknown-build'], ['iOS/12.1 (20A362) dataaccessd/1.0', 'impossible-pair'],
  ] as const) t.deepEqual(findings({ userAgent }), [finding], userAgent)
})

test('a phone that was updated after the catalogue, or is newer than it, is no liar', t => {
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/9901.10' }), [])
  const unknown = { ...ann, known: knownDevice(catalogue, { productType: fact('iPhone99,1') }) }
  t.deepEqual(findings({ userAgent: 'Apple-iPhone99C1/9901.10' }, unknown), [])
})

test('a user is known by address, by principal name, and by what stands before the @, also behind a domain', t => {
  for (const user of ['ann@example.org', 'ANN@EXAMPLE.ORG', 'ann', 'a.miller@corp.example', 'a.miller', 'CORP%5Cann', 'CORP%5Ca.miller']) t.deepEqual(findings({ query: `Cmd=Sync&User=${user}` }), [], user)
  for (const user of ['bob@example.org', 'ann@example.com', 'bob', 'CORP%5Cbob', 'example.org', 'ann%40', 'annx', 'ann%5Cbob']) t.deepEqual(findings({ query: `Cmd=Sync&User=${user}` }), ['other-user'], user)
})

test('a second DeviceId, another serial number and another type of device are found', t => {
  t.deepEqual(findings({ query: 'Cmd=Sync&DeviceId=P8S9UD4DOH0SLEPOQC5AJ9AE3C' }), ['second-device-id'])
  t.deepEqual(findings({ query: 'Cmd=Sync&DeviceId=P8S9UD4DOH0SLEPOQC5AJ9AE3C' }, { ...ann, deviceId: null }), [])
  t.deepEqual(findings({ query: 'Cmd=Sync&DeviceId=ApplC39GQ8NNDTDL' }, { ...ann, deviceId: null }), [])
  t.deepEqual(findings({ query: 'Cmd=Sync&DeviceId=ApplJ3049BA2Z38' }, { ...ann, deviceId: null }), ['other-serial-number'])
  t.deepEqual(findings({ query: 'Cmd=Sync&DeviceType=iPad' }), ['other-model'])
  t.deepEqual(findings({ query: 'Cmd=Sync&User=ann&user=bob' }), ['malformed-query'])
})

test('an older system than the rules let in is found, and only by what the request adds', t => {
  const older = policyOf(rule('block', { osVersion: { below: '16.4' } }))
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2001.362' }, ann, older), ['os-below-rule'])
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2101.329' }, ann, older), [], 'updated since its evidence')
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2001.362' }, ann, policyOf(rule('block', { build: '20A*' }))), ['os-below-rule'])
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2001.362' }, ann, policyOf(rule('quarantine', { osVersion: { below: '16.4' } }))), ['os-below-rule'])
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2001.362' }, ann, { ...policyOf(rule('allow', { productType: '*', osVersion: { from: '16.4' } })), approvals: [] }), ['os-below-rule'])
  t.deepEqual(findings({ userAgent: 'Apple-iPhone14C5/2001.362' }, ann, policyOf(rule('block', { family: 'iPhone' }))), [], 'blocked whatever it runs')
  const [found] = contradictionsIn({ userAgent: 'Apple-iPhone14C5/2001.362', query: null }, ann, { catalogue, policy: older, now })
  t.regex(found!.sentence, /which is 16\.0\. By your rules: Blocked because iOS 16\.0 is older than your rule/)
})
