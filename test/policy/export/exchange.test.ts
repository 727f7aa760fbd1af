import test from 'ava'
import { accessRuleCommand, accessRuleTable, powerShellRemark, quotePowerShell } from '../../../src/formats/exchange/commands.ts'
import { blockedBuilds, exchangeFence, textsByModel, type ExchangeFence } from '../../../src/policy/export/exchange-blocks.ts'
import type { PolicySnapshot } from '../../../src/policy/decision.ts'
import { approval, catalogue, now, rule, snapshot } from '../support.ts'

const fenceOf = (parts: Partial<PolicySnapshot>, only?: readonly string[]): ExchangeFence => exchangeFence([...textsByModel(catalogue)].filter(([productType]) => only === undefined || only.includes(productType))
  .map(([productType, texts]) => blockedBuilds(catalogue, snapshot(parts), productType, texts, now)), catalogue.version)
const texts = ({ rules }: ExchangeFence): string[] => rules.map(({ characteristic, queryString }) => `${characteristic} ${queryString}`)

test('models that nobody approved are blocked as whole models, those that are approved are not', t => {
  const rules = texts(fenceOf({ approvals: [approval('iPhone14,5'), approval('iPad*')] }))
  t.true(rules.includes('DeviceModel iPhone1C2') && rules.includes('DeviceModel iPod4C1'))
  t.false(rules.includes('DeviceModel iPhone14C5') || rules.some(text => text.startsWith('DeviceModel iPad')))
  t.true(rules.every(text => text.startsWith('DeviceModel ')))
})

test('versions that a rule blocks are blocked by the texts that phones send, and rules about people are left aside', t => {
  const rules = texts(fenceOf({ approvals: [approval('iPhone14,5')], rules: [rule('block', { osVersion: { below: '15.1' } }), rule('block', { productType: 'iPhone14,5', group: 'guests' })] }, ['iPhone14,5']))
  t.true(rules.includes('UserAgent Apple-iPhone14C5/1901.346'))
  t.false(rules.includes('UserAgent Apple-iPhone14C5/2001.362'))
})

test('a text that a phone may send which is let in is not blocked', t => {
  const fence = fenceOf({ approvals: [approval('iPhone2,1'), approval('iPhone1,2')], rules: [rule('block', { productType: 'iPhone1,2', build: '7A341' })] }, ['iPhone1,2', 'iPhone2,1'])
  t.deepEqual(texts(fence), [])
  t.true(fence.worth.some(({ code }) => code === 'models-not-told-apart'))
})

test('more rules about builds than anybody looks after are left out, and that is said', t => {
  const fence = fenceOf({ approvals: [approval('*')], rules: [rule('block', { osVersion: { below: '17.4' } })] })
  t.true(fence.worth.some(({ code }) => code === 'builds-left-out'))
  t.true(fence.rules.length < 200)
})

test('nothing in a text can leave its quotation marks in PowerShell', t => {
  t.is(quotePowerShell('iPhone1C2'), '\'iPhone1C2\'')
  t.is(quotePowerShell('a\'; Remove-Mailbox x; \''), '\'a\'\'; Remove-Mailbox x; \'\'\'')
  t.is(quotePowerShell('a’b‘c‚d‛e$(x)`"'), '\'a’’b‘‘c‚‚d‛‛e$(x)`"\'')
  for (const text of ['a\nb', 'a\rb', 'a\u0000', 'a\u2028b', 'a\u202eb']) t.throws(() => quotePowerShell(text), { instanceOf: RangeError })
  t.is(powerShellRemark('a\r\nRemove-Mailbox\u2028x'), '# a  Remove-Mailbox x\n')
  const blocked = { characteristic: 'DeviceModel', queryString: 'x\'y', accessLevel: 'Block' } as const
  t.is(accessRuleCommand(blocked), 'New-ActiveSyncDeviceAccessRule -Characteristic DeviceModel -QueryString \'x\'\'y\' -AccessLevel Block\n')
  t.is(accessRuleTable([{ ...blocked, queryString: '=cmd' }]), '"Characteristic","QueryString","AccessLevel"\r\n"DeviceModel","\'=cmd","Block"\r\n')
})
