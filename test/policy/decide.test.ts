import test from 'ava'
import { approval, decided, device, exemption, fact, outcome, rule, seconds } from './support.ts'

const iPhone13 = device('iPhone14,5', '20A362')
const both = { deviceId: 'd1', invitationId: 'i1' }

test('nobody is let in unless somebody said so', t => {
  t.is(outcome(iPhone13, {}), 'block model-not-approved')
  t.is(outcome({}, {}), 'block model-missing')
  t.is(outcome({}, { approvals: [approval('*')], rules: [rule('allow', { productType: '*' })] }), 'block model-missing')
})

test('an approved model is let in, by its identifier or by a wildcard', t => {
  t.is(outcome(iPhone13, { approvals: [approval('iPhone14,5')] }), 'allow allowed')
  t.is(outcome(iPhone13, { approvals: [approval('iPhone14,*')] }), 'allow allowed')
  t.is(outcome(iPhone13, { approvals: [approval('iPhone14,4')] }), 'block model-not-approved')
  t.is(outcome(iPhone13, { approvals: [approval('iPhone 13')] }), 'block model-not-approved')
})

test('block beats quarantine, quarantine beats allow, and allow beats the default', t => {
  const allow = rule('allow', { productType: 'iPhone14,5' })
  const quarantine = rule('quarantine', { family: 'iPhone' })
  const block = rule('block', { build: '20A*' })
  const table: [string, Parameters<typeof decided>[1]['rules']][] = [
    ['block model-not-approved', []],
    ['allow allowed', [allow]],
    ['quarantine quarantined-by-rule', [quarantine]],
    ['quarantine quarantined-by-rule', [allow, quarantine]],
    ['block blocked-by-rule', [block]],
    ['block blocked-by-rule', [allow, block]],
    ['block blocked-by-rule', [quarantine, block]],
    ['block blocked-by-rule', [allow, quarantine, block]],
  ]
  for (const [expected, rules] of table) t.is(outcome(iPhone13, { rules: rules! }), expected)
})

test('every condition of a rule must hold', t => {
  const conditions = { family: 'iPhone', storageEncryption: true, dataProtection: true, secureEnclave: true, canAttest: true, osVersion: { from: '16', below: '17' }, build: '20A*', group: 'sales', person: 'p1' } as const
  const known = device('iPhone14,5', '20A362', { person: { id: 'p1', groups: ['sales'] } })
  t.is(outcome(known, { rules: [rule('allow', conditions)] }), 'allow allowed')
  const otherwise = { family: 'iPad', storageEncryption: false, dataProtection: false, secureEnclave: false, canAttest: false, osVersion: { from: '17' }, build: '20B*', group: 'board', person: 'p2' }
  for (const [condition, value] of Object.entries(otherwise)) {
    t.is(decided(known, { rules: [rule('allow', { ...conditions, [condition]: value })] }).verdict, 'block', condition)
    t.is(outcome(known, { approvals: [approval('*')], rules: [rule('block', { ...conditions, [condition]: value })] }), 'allow allowed', condition)
  }
})

test('a version range takes its lower end in and leaves its upper end out', t => {
  const at = (version: string) => decided(device('iPhone14,5', undefined, { osVersion: fact(version) }), { rules: [rule('allow', { osVersion: { from: '16.1', below: '17.4' } })] }).verdict
  t.deepEqual(['16.0', '16.1 beta', '16.1', '16.10', '17.3.1', '17.4 beta 2', '17.4', '17.4.1'].map(at),
    ['block', 'block', 'allow', 'allow', 'allow', 'allow', 'block', 'block'])
})

test('missing data satisfies no allow rule', t => {
  for (const conditions of [{ osVersion: { from: '1.0' } }, { build: '*' }, { person: 'p1' }, { group: 'sales' }]) {
    t.is(outcome(device('iPhone14,5'), { rules: [rule('allow', conditions)] }), 'block facts-missing')
  }
  t.is(outcome(device('AppleTV2,1'), { rules: [rule('allow', { storageEncryption: true })] }), 'block facts-missing')
  t.is(outcome(device('AppleTV2,1'), { rules: [rule('allow', { storageEncryption: false })] }), 'block facts-missing')
})

test('keeping quiet does not get a phone past a rule against it', t => {
  const approvals = [approval('*')]
  const silent = device('iPhone14,5')
  t.is(outcome(silent, { approvals, rules: [rule('block', { osVersion: { below: '17.4' } })] }), 'quarantine facts-missing')
  t.is(outcome(silent, { approvals, rules: [rule('quarantine', { group: 'sales' })] }), 'quarantine facts-missing')
  t.is(outcome(silent, { approvals, rules: [rule('block', { family: 'iPad', osVersion: { below: '17.4' } })] }), 'allow allowed', 'it is no iPad whatever its version')
  t.is(outcome(silent, { rules: [rule('block', { osVersion: { below: '17.4' } })] }), 'block model-not-approved', 'a rule against it lets nobody in')
  t.is(outcome(device('iPhone14,5', undefined, { osVersion: fact('99 or so') }), { approvals, rules: [rule('block', { osVersion: { below: '17.4' } })] }), 'quarantine facts-missing')
})

test('a model that is not in the catalogue is quarantined at best', t => {
  const unknown = device('iPhone99,1', '20A362')
  t.is(outcome(unknown, {}), 'block model-unknown')
  t.is(outcome(unknown, { approvals: [approval('iPhone*')] }), 'quarantine model-unknown')
  t.is(outcome(unknown, { approvals: [approval('iPhone99,1')], rules: [rule('allow', { family: 'iPhone' })] }), 'quarantine model-unknown')
  t.is(outcome(unknown, { rules: [rule('quarantine', { family: 'iPhone' })] }), 'quarantine quarantined-by-rule')
  t.is(outcome(unknown, { approvals: [approval('*')], rules: [rule('block', { family: 'iPhone' })] }), 'block blocked-by-rule')
  t.is(outcome(unknown, { rules: [rule('allow', { secureEnclave: true })] }), 'block model-unknown', 'nobody knows what it can do')
})

test('the catalogue row of another model does not help', t => {
  const mixed = { ...device('iPhone99,1'), model: iPhone13.model }
  t.is(outcome(mixed, { approvals: [approval('*')] }), 'quarantine model-unknown')
})

test('an approval counts from its beginning until its end, both included, and not once withdrawn', t => {
  const verdict = (more: Parameters<typeof approval>[1]) => outcome(iPhone13, { approvals: [approval('iPhone14,5', more)] })
  t.is(verdict({ notBefore: seconds(0) }), 'allow allowed')
  t.is(verdict({ notBefore: seconds(1) }), 'block model-not-approved')
  t.is(verdict({ notAfter: seconds(0) }), 'allow allowed')
  t.is(verdict({ notAfter: seconds(-1) }), 'block approval-ended')
  t.is(verdict({ notAfter: null }), 'allow allowed')
  t.is(verdict({ endedAt: seconds(1) }), 'allow allowed')
  t.is(verdict({ endedAt: seconds(0) }), 'block approval-ended')
  t.is(verdict({ notAfter: null, endedAt: seconds(-1) }), 'block approval-ended')
})

test('an ended approval says nothing about what another one allows', t => {
  const approvals = [approval('*', { id: 'old', endedAt: seconds(-1) }), approval('iPhone14,5', { id: 'new' })]
  t.is(decided(iPhone13, { approvals }).because.id, 'new')
})

test('a certificate rests on the approval that lasts longest', t => {
  const short = approval('iPhone14,5', { id: 'short', notAfter: seconds(10) })
  const long = approval('iPhone*', { id: 'long', notAfter: seconds(500) })
  const endless = approval('*', { id: 'endless', notAfter: null })
  t.deepEqual(decided(iPhone13, { approvals: [short] }).approvalEndsAt, seconds(10))
  t.deepEqual(decided(iPhone13, { approvals: [short, long] }).approvalEndsAt, seconds(500))
  t.is(decided(iPhone13, { approvals: [short, endless, long] }).approvalEndsAt, null)
  t.is(decided(iPhone13, { approvals: [short], rules: [rule('allow', { family: 'iPhone' })] }).approvalEndsAt, null)
  t.deepEqual(decided(iPhone13, { approvals: [approval('*', { endedAt: seconds(60) })] }).approvalEndsAt, seconds(59), 'a withdrawal that is to come ends it too')
  t.is(decided(iPhone13, { approvals: [short], rules: [rule('block', { family: 'iPhone' })] }).approvalEndsAt, null)
})

test('the inventory must agree only where that is demanded', t => {
  const approvals = [approval('iPhone14,5')]
  const table: [boolean | undefined, boolean, string][] = [
    [undefined, false, 'allow allowed'], [true, false, 'allow allowed'], [false, false, 'allow allowed'],
    [undefined, true, 'block inventory-missing'], [true, true, 'allow allowed'], [false, true, 'block inventory-disagrees'],
  ]
  for (const [inventoryAgrees, requireInventory, expected] of table) {
    t.is(outcome({ ...iPhone13, inventoryAgrees }, { approvals, requireInventory }), expected)
    t.is(outcome({ ...iPhone13, inventoryAgrees }, { rules: [rule('allow', { family: 'iPhone' })], requireInventory }), expected)
  }
})

test('a personal exemption beats every rule, for its device under its invitation', t => {
  const known = { ...iPhone13, ...both }
  const block = [rule('block', { family: 'iPhone' })]
  t.is(outcome(known, { rules: block, exemptions: [exemption('allow')] }), 'allow allowed-by-exemption')
  t.is(outcome(known, { approvals: [approval('*')], exemptions: [exemption('block')] }), 'block blocked-by-exemption')
  t.is(outcome(known, { approvals: [approval('*')], rules: block, exemptions: [exemption('quarantine')] }), 'quarantine quarantined-by-exemption')
  for (const other of [{ deviceId: 'd2' }, { invitationId: 'i2' }, { deviceId: undefined }, { invitationId: undefined }]) {
    t.is(outcome({ ...known, ...other }, { rules: block, exemptions: [exemption('allow')] }), 'block blocked-by-rule')
  }
})

test('an exemption counts until its end, which becomes the end of what rests on it', t => {
  const known = { ...iPhone13, ...both }
  t.is(outcome(known, { exemptions: [exemption('allow', { notAfter: seconds(0) })] }), 'allow allowed-by-exemption')
  t.is(outcome(known, { exemptions: [exemption('allow', { notAfter: seconds(-1) })] }), 'block model-not-approved')
  t.deepEqual(decided(known, { approvals: [approval('*', { notAfter: null })], exemptions: [exemption('allow')] }).approvalEndsAt, seconds(1000))
})

test('an exemption opens nothing without its evidence, and closes without any', t => {
  const known = { ...device('iPhone14,5', undefined, { productType: fact('iPhone14,5', 'listed') }), ...both }
  t.is(outcome(known, { exemptions: [exemption('allow')] }), 'block model-not-approved')
  t.is(outcome(known, { exemptions: [exemption('allow', { evidence: 'listed' })] }), 'allow allowed-by-exemption')
  const approvals = [approval('*', { leastEvidence: 'listed' })]
  t.is(outcome(known, { approvals, exemptions: [exemption('block')] }), 'block blocked-by-exemption')
  t.is(outcome(known, { approvals, exemptions: [exemption('quarantine')] }), 'quarantine quarantined-by-exemption')
  t.is(outcome(both, { exemptions: [exemption('allow', { evidence: 'claimed' })] }), 'block model-missing', 'a device that names no model has not even claimed one')
})

test('an exemption may let in a model that the catalogue does not have, or one that is only claimed', t => {
  t.is(outcome({ ...device('iPhone99,1'), ...both }, { exemptions: [exemption('allow')] }), 'allow allowed-by-exemption')
  const claimed = { ...device('iPhone14,5', undefined, { productType: fact('iPhone14,5', 'claimed') }), ...both }
  t.is(outcome(claimed, { exemptions: [exemption('allow', { evidence: 'claimed' })] }), 'allow allowed-by-exemption')
})

test('of two exemptions for one device the more restrictive wins', t => {
  const known = { ...iPhone13, ...both }
  const all = [exemption('allow'), exemption('block'), exemption('quarantine')]
  t.is(outcome(known, { exemptions: all }), 'block blocked-by-exemption')
  t.is(outcome(known, { exemptions: [all[0]!, all[2]!] }), 'quarantine quarantined-by-exemption')
})

test('of several rules that give the same verdict it does not matter for the words how they are listed', t => {
  for (const verdict of ['block', 'quarantine', 'allow'] as const) {
    const younger = rule(verdict, { family: 'iPhone' }, { id: '1', createdAt: seconds(-10) })
    const older = rule(verdict, { productType: 'iPhone*' }, { id: '2', createdAt: seconds(-20) })
    t.deepEqual(decided(iPhone13, { rules: [younger, older] }), decided(iPhone13, { rules: [older, younger] }))
    if (verdict !== 'allow') t.is(decided(iPhone13, { rules: [younger, older] }).because.id, '2')
  }
})

test('what is locked out stays out, whatever a person, a rule or an approval has said for it', t => {
  const yes = { approvals: [approval('*')], exemptions: [exemption('allow')], rules: [rule('quarantine', { productType: '*' })] }
  for (const [lockedOut, code] of [['revoked', 'device-revoked'], ['held', 'device-held'], ['person-held', 'person-held']] as const) {
    t.is(outcome(device('iPhone14,5', undefined, { deviceId: 'd1', invitationId: 'i1', lockedOut }), yes), `block ${code}`)
  }
})
