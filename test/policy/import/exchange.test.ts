import test from 'ava'
import { sortExport, type AccessRule } from '../../../src/formats/exchange/inventory.ts'
import { reportOnExchange, type ExchangeReport } from '../../../src/policy/import/exchange-report.ts'
import { catalogue, now } from '../support.ts'

type Row = Record<string, string | boolean>
const report = (...rows: Row[]): ExchangeReport => reportOnExchange(catalogue,
  sortExport(rows.map(row => ({ kind: null, values: new Map(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value])) }))), now)
const rule = (Characteristic: AccessRule['characteristic'], QueryString: string, AccessLevel: string): Row => ({ Characteristic, QueryString, AccessLevel })
const byDefault = (DefaultAccessLevel: string, more: Row = {}): Row => ({ DefaultAccessLevel, ...more })

test('rules that allow, block and quarantine become the same, and every known phone is decided about as Exchange does', t => {
  for (const level of ['Allow', 'Block', 'Quarantine']) {
    const { differences, carried, proposal } = report(byDefault(level), rule('DeviceModel', 'iPhone4C1', 'Block'), rule('DeviceModel', 'iPhone14C5', 'Allow'), rule('DeviceType', 'iPad', 'Allow'),
      rule('DeviceModel', 'iPad2C1', 'Quarantine'), rule('DeviceOS', 'iOS 6.1 10B142', 'Block'), rule('UserAgent', 'Apple-iPhone3C1/902.176', 'Block'))
    t.deepEqual(differences, [], level)
    t.is(carried.length, 6)
    t.is(proposal.approvals[0]!.models.includes('iPhone1,1'), level === 'Allow')
    t.true(proposal.approvals[0]!.models.includes('iPhone14,5'))
  }
})

test('a build that is allowed where the default blocks is allowed on evidence', t => {
  const { proposal, differences } = report(byDefault('Block'), rule('UserAgent', 'Apple-iPhone14C5/2001.362', 'Allow'))
  t.deepEqual(proposal, { approvals: [], rules: [{ verdict: 'allow', conditions: { productType: 'iPhone14,5', build: '20A362', evidence: 'signed' }, reason: 'as Exchange: Apple-iPhone14C5/2001.362 (UserAgent)' }] })
  t.deepEqual(differences, [])
})

test('rules that never applied to any phone are called what they are', t => {
  const { notCarried, carried } = report(rule('DeviceModel', 'iPhone*', 'Block'), rule('DeviceModel', 'iPhone 4', 'Block'), rule('DeviceOS', 'iOS 6.1', 'Block'), rule('UserAgent', 'Apple-iPhone2C1/705.018', 'Block'),
    rule('DeviceModel', 'iPhone99C1', 'Block'), rule('UserAgent', 'Apple-iPhone14C3/1704.10', 'Allow'), rule('DeviceOS', 'iOS 6.1 20A362', 'Block'), rule('DeviceType', 'Android', 'Block'), rule('XMSWLHeader', 'x', 'Block'))
  t.deepEqual(notCarried.map(({ code, kind }) => [code, kind]), [
    ['wildcard-matches-nothing', 'illusion'], ['never-matches', 'illusion'], ['never-matches', 'illusion'], ['spelling-never-sent', 'illusion'], ['unknown-model', 'illusion'],
    ['unknown-build', 'illusion'], ['impossible-pair', 'illusion'], ['not-an-apple-device', 'not-carried-over'], ['header-of-another-client', 'not-carried-over'],
  ])
  t.deepEqual(carried, [])
})

test('what let everybody in behind the rules is said', t => {
  const codes = (found: ExchangeReport): string[] => found.findings.map(({ code }) => code)
  const open = codes(report(rule('DeviceModel', 'iPhone4C1', 'Block'), { Name: 'Default', AllowNonProvisionableDevices: true, RequireDeviceEncryption: true }))
  for (const code of ['default-assumed', 'default-allow', 'self-reported', 'exact-match-only', 'non-provisionable-allowed', 'encryption-self-reported', 'mailbox-policy'] as const) t.true(open.includes(code), code)
  t.false(codes(report(byDefault('Block'), { Name: 'Default', AllowNonProvisionableDevices: false })).includes('default-allow'))
  t.true(report(rule('DeviceModel', 'iPhone', 'Block')).doubtful[0]!.code === 'names-a-family')
})

test('the text of the quarantine mail goes along where it is plain, and recipients do not', t => {
  const plain = report(byDefault('Quarantine', { UserMailInsert: 'Call 4711.', AdminMailRecipients: 'it@example.org' }))
  t.deepEqual(plain.proposal.rules, [{ verdict: 'quarantine', conditions: { productType: '*' }, reason: 'as Exchange: quarantined by default', textForPerson: 'Call 4711.' }])
  t.deepEqual(plain.findings.filter(({ kind }) => kind === 'not-carried-over').map(({ code }) => code), ['admin-mail'])
  const html = report(byDefault('Quarantine', { UserMailInsert: '<b>Call</b>' }))
  t.is(html.proposal.rules[0]!.textForPerson, undefined)
  t.true(html.findings.some(({ code, kind }) => code === 'quarantine-mail' && kind === 'not-carried-over'))
})

test('phones show what Exchange knows wrongly of them, and who would stay out', t => {
  const phone = (DeviceId: string, more: Row): Row => ({ DeviceId, DeviceType: 'iPhone', DeviceAccessState: 'Allowed', ...more })
  const { devices, findings } = report(byDefault('Allow'), rule('DeviceModel', 'iPhone1C2', 'Block'), rule('DeviceOS', 'iOS 6.1 10B142', 'Block'),
    phone('A', { DeviceModel: 'iPhone4C1', DeviceOS: 'iOS 6.1 10B142', UserAgent: 'Apple-iPhone4C1/1002.146', UserDisplayName: 'Ada' }),
    phone('B', { DeviceModel: 'iPhone14C3', UserAgent: 'Apple-iPhone14C3/1704.10', DeviceAccessStateReason: 'Individual' }),
    phone('C', { DeviceModel: 'iPhone1C2', UserAgent: 'Apple-iPhone1C2/803.148' }),
    { DeviceId: 'D', DeviceType: 'Android', UserAgent: 'Android-EAS/0.1' })
  t.deepEqual(devices.map(({ deviceId, proposed, contradictions }) => [deviceId, proposed, contradictions.join()]), [['A', 'allow', 'stale-system'], ['B', 'allow', 'unknown-build'], ['C', 'block', '']])
  const codes = findings.map(({ code }) => code)
  t.true(codes.includes('stale-systems') && codes.includes('contradictory-phones') && codes.includes('personal-exemptions'))
})
