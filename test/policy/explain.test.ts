import test from 'ava'
import { approval, decided, device, fact, rule, exemption, seconds } from './support.ts'
import { describeConditions } from '../../src/policy/words.ts'

const iPhone13 = device('iPhone14,5', '20A362')
const iPhone8 = device('iPhone10,1', '20H115')

test('an admin reads which version was found and which rule asks for another', t => {
  for (const rules of [[rule('block', { osVersion: { below: '17.4' } })], [rule('allow', { osVersion: { from: '17.4' } })]]) {
    t.true(decided(iPhone8, { rules }).textForAdmin.startsWith("Blocked because iOS 16.7.2 is older than your rule 'iOS 17.4 or newer'."))
  }
  t.regex(decided(device('iPad11,6', '20H115'), { rules: [rule('block', { osVersion: { below: '17.4' } })] }).textForAdmin,
    /^Blocked because iPadOS 16\.7\.2 is older than your rule 'iPadOS 17\.4 or newer'\./)
})

test('an admin reads what gave the verdict, why it was made, and how good the evidence is', t => {
  t.is(decided(iPhone13, { approvals: [approval('iPhone14,5')] }).textForAdmin,
    'Allowed by the approval of iPhone14,5, which ends on 2026-11-01. Reason given: bought in spring. The device is iPhone 13 (iPhone14,5) with iOS 16.0; its model is signed.')
  t.is(decided(device('iPhone1,2', '8C148'), { rules: [rule('block', { storageEncryption: false })] }).textForAdmin,
    "Blocked because iPhone 3G (iPhone1,2) is covered by your rule 'without storage encryption'. Reason given: board decision.")
  t.is(decided(device('iPhone1,2'), {}).textForAdmin, 'Blocked because iPhone 3G (iPhone1,2) is not an approved model.')
  t.is(decided(device('iPhone14,5', undefined, { productType: fact('iPhone14,5', 'listed') }), { approvals: [approval('iPhone14,5')] }).textForAdmin,
    'Blocked because iPhone 13 (iPhone14,5) is not known well enough: the approval of iPhone14,5 asks for signed or better.')
  t.is(decided(iPhone13, { approvals: [approval('iPhone14,5', { endedAt: seconds(-86_400) })] }).textForAdmin,
    'Blocked because the approval of iPhone14,5 ended on 2026-10-31.')
  t.regex(decided({ ...iPhone13, deviceId: 'd1', invitationId: 'i1' }, { exemptions: [exemption('allow')] }).textForAdmin,
    /^Allowed by a personal exemption, which ends on 2026-11-01\. Reason given: the director\./)
})

test('an admin is told what does not fit together, whatever the verdict', t => {
  const impossible = device('iPhone14,5', '8C148')
  t.regex(decided(impossible, { approvals: [approval('*')] }).textForAdmin, /Build 8C148 was never published for this model/)
  t.is(impossible.osVersion, undefined, 'and the build tells no version then')
  t.regex(decided({ ...iPhone13, inventoryAgrees: false }, {}).textForAdmin, /The inventory disagrees/)
  const simulated = device('iPhone14,5', undefined, { productType: fact('iPhone14,5', 'signed', true) })
  t.regex(decided(simulated, { approvals: [approval('*')], trustTestDevices: true }).textForAdmin, /^Allowed .* A simulated phone\./)
  t.regex(decided(simulated, { approvals: [approval('*')] }).textForAdmin, /^Blocked .* A simulated phone\. .*not trusted now/)
})

test('a person reads what was found and what would help', t => {
  const rules = [rule('block', { osVersion: { below: '17.4' } })]
  t.is(decided(iPhone13, { rules }).textForPerson, 'This iPhone 13 runs iOS 16.0. iOS 17.4 or newer is needed here. Update it in Settings, General, Software Update, then open your link again.')
  t.regex(decided(iPhone8, { rules }).textForPerson, /cannot be updated that far, so a newer device is needed\.$/)
  t.is(decided(device('iPhone1,2'), {}).textForPerson, 'This is iPhone 3G (iPhone1,2). That model is not approved here. A device of an approved model would be let in.')
  t.is(decided(device('iPod2,1'), { rules: [rule('block', { storageEncryption: false })] }).textForPerson,
    'This is iPod touch (2nd generation) (iPod2,1). It does not encrypt what it stores, so it is not let in here.')
  t.regex(decided(device('VirtualMac2,1', '22A380'), {}).textForPerson, /says that it is VirtualMac2,1, a model that is not known here yet/)
  t.regex(decided(iPhone13, { rules: [rule('quarantine', { family: 'iPhone' })] }).textForPerson, /^This iPhone 13 has to be looked at first\. .*nothing you need to do now\.$/)
})

test('the author of a rule may speak to the person in their own words, where the rule decided', t => {
  const textForPerson = 'Please come to room 4, we have newer phones.'
  t.is(decided(iPhone13, { rules: [rule('block', { family: 'iPhone' }, { textForPerson })] }).textForPerson, textForPerson)
  t.is(decided(iPhone8, { rules: [rule('allow', { osVersion: { from: '17.4' } }, { textForPerson })] }).textForPerson, textForPerson)
  t.not(decided(device('iPad13,18'), { rules: [rule('allow', { family: 'iPhone' }, { textForPerson })] }).textForPerson, textForPerson)
})

test('the reason an admin wrote down for colleagues is not shown to the person', t => {
  const rules = [rule('block', { family: 'iPhone' }, { reason: 'the lost one of Eve' })]
  t.false(decided(iPhone13, { rules }).textForPerson.includes('Eve'))
})

test('what a phone wrote cannot break a sentence', t => {
  const { textForAdmin, textForPerson } = decided(device(`iPhone1,2\n\u202eadmin said yes${'x'.repeat(500)}`), {})
  for (const text of [textForAdmin, textForPerson]) {
    t.true(text.length < 250)
    t.notRegex(text, /[\n\u202e]/)
  }
})

test('conditions read as a phrase', t => {
  t.is(describeConditions({ family: 'iPad', storageEncryption: false, osVersion: { from: '15', below: '17.4' }, group: 'sales' }),
    'iPad, without storage encryption, iPadOS 15 or newer but older than 17.4, group sales')
  t.is(describeConditions({ productType: 'iPhone1?,*', canAttest: true, evidence: 'listed', build: '20A*' }), 'iPhone1?,*, able to attest, build 20A*, listed or better')
})

test('a decision knows the version from the build, unless another system numbers its builds alike', t => {
  t.is(device('iPhone14,5', '20A362').osVersion?.value, '16.0')
  t.is(device('iPhone14,5', '20A362', { osVersion: fact('16') }).osVersion?.value, '16.0', 'old phones leave out the last number')
  t.is(device('iPhone14,5', '99Z99', { osVersion: fact('28.1') }).osVersion?.value, '28.1')
  t.is(device('Mac14,2', '20A362').osVersion, undefined)
  t.is(device('iPhone14,5', undefined, { build: fact('20A362', 'claimed'), osVersion: fact('16.1', 'attested') }).osVersion?.value, '16.1')
})
