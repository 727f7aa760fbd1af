import test from 'ava'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import { contradictionsOf, readInventory, type ReadInventory } from '../../src/devices/inventory.ts'
import { modelNames } from '../../src/devices/model-names.ts'
import { maxInventoryRows, readInventoryFile } from '../../src/formats/inventory-file.ts'
import { decide } from '../../src/policy/decide.ts'
import { knownDevice, withInventory } from '../../src/policy/decision.ts'
import { approval, now } from '../policy/support.ts'

const catalogue = loadBundledCatalogue()
const read = (text: string): ReadInventory => readInventory(catalogue, readInventoryFile(text))
const codes = (text: string): string[] => read(text).mistakes.map(({ line, code }) => `${line} ${code}`)

test('exports of Jamf Pro, Intune and Apple Business Manager are read by the names of their columns', t => {
  const jamf = read('Display Name,Serial Number,UDID,Model,Model Identifier,Email Address,Asset Tag\nAnn’s,c39gq8nndtdl,00008110-000a1b2c3d4e5f60,iPhone 13,"iPhone14,5",Ann@Example.com,A-7\n')
  t.deepEqual(jamf.entries, [{ serialNumber: 'C39GQ8NNDTDL', udid: '00008110-000A1B2C3D4E5F60', productTypes: ['iPhone14,5'], model: 'iPhone 13', ownerEmail: 'ann@example.com', assetTag: 'A-7' }])
  const intune = read('"Device name";"Serial number";"Model";"Primary user email address"\n"x";"F2LXK0AAAA";"iPhone 12 mini";""\n')
  t.deepEqual(intune.entries.map(({ productTypes, ownerEmail }) => [productTypes, ownerEmail]), [[['iPhone13,1'], null]])
  const graph = read(JSON.stringify({ '@odata.context': 'x', value: [{ deviceName: 'x', serialNumber: 'F2LXK0AAAB', udid: null, model: 'iPad mini 4', emailAddress: 'b@example.com' }] }))
  t.deepEqual(graph.entries[0]?.productTypes, ['iPad5,1', 'iPad5,2'])
  const apple = read(JSON.stringify({ data: [{ type: 'orgDevices', id: 'x', attributes: { serialNumber: 'F2LXK0AAAC', productType: 'iPhone15,2', deviceModel: 'iPhone 14 Pro', deviceCapacity: '128GB' } }], links: {} }))
  t.deepEqual(apple.entries[0]?.productTypes, ['iPhone15,2'])
})

test('a model is known by product type, model number or the name it is sold by, whatever it holds', t => {
  const { find } = modelNames(catalogue)
  for (const [text, expected] of [
    ['iPhone14,5', ['iPhone14,5']], ['iphone 13', ['iPhone14,5']], ['iPhone 13 128GB Midnight', ['iPhone14,5']], ['iPhone X', ['iPhone10,3', 'iPhone10,6']],
    ['iPhone SE (2nd generation)', ['iPhone12,8']], ['iPhone SE (2nd gen)', ['iPhone12,8']], ['iPad Air (5th generation)', ['iPad13,16', 'iPad13,17']],
    ['iPhone99,9', ['iPhone99,9']], ['Galaxy S21', []], ['', []],
  ] as const) t.deepEqual(find(text), [...expected], text)
  t.true(find('A2633').includes('iPhone14,5'))
})

test('every mistake is told by its line and a stable code, and a model that nobody knows is passed over', t => {
  t.deepEqual(codes('serial,udid,email,asset tag,model\n1.2E+11,,,,\n,,a@b.example,,\nF2LXK0AAAA,xyz,,,\nF2LXK0AAAB,,nobody,,\nF2LXK0AAAB,,,=1+1,\nF2LXK0AAAD,,,,,,too\n'), [
    '2 serial-number-malformed', '3 number-missing', '4 udid-malformed', '5 email-malformed', '6 text-malformed', '6 serial-number-twice', '7 too-many-cells',
  ])
  const passed = read('serial,model\nF2LXK0AAAA,MacBook Airplane\nF2LXK0AAAB,iPhone 13\n')
  t.deepEqual([passed.entries.length, passed.passedOver.map(({ line, code }) => `${line} ${code}`)], [1, ['2 model-unknown']])
  for (const text of ['', '  ', 'name,model\nx,iPhone 13\n', '{"a":1}', '[1]', '[', '{"a":[],"b":[]}', 'serial\n']) t.throws(() => read(text), { code: 'malformed-inventory' }, text)
  t.throws(() => read(`[${Array.from({ length: maxInventoryRows + 1 }, () => '{}').join()}]`), { code: 'malformed-inventory' })
})

const entry = { serialNumber: 'C39GQ8NNDTDL', udid: null, productTypes: ['iPhone14,5'], model: 'iPhone 13', ownerEmail: 'ann@example.com', assetTag: null }
const phone = { serialNumber: 'c39gq8nndtdl', udid: 'U', productType: 'iPhone14,5' }

test('of two stories that cannot both be true each difference has its name', t => {
  t.deepEqual(contradictionsOf([entry], phone, 'Ann@example.com'), [])
  t.deepEqual(contradictionsOf([entry], { ...phone, productType: 'iPhone12,8' }, 'bob@example.com'), ['other-model', 'other-owner'])
  t.deepEqual(contradictionsOf([{ ...entry, udid: 'V' }], phone), ['other-udid'])
  t.deepEqual(contradictionsOf([{ ...entry, serialNumber: 'F2LXK0AAAA', udid: 'U' }], phone), ['other-serial-number'])
  t.deepEqual(contradictionsOf([], phone), [])
})

test('a listed model is as good as the inventory, and never better than the proof of the number', t => {
  const said = (grade: 'claimed' | 'signed' | 'attested', test?: boolean) => ({ serialNumber: { value: 'C39GQ8NNDTDL', grade, ...test !== undefined && { test } } })
  const listed = (grade: 'claimed' | 'signed' | 'attested', isTest?: boolean) => withInventory(said(grade, isTest), [entry]).productType
  t.deepEqual([listed('attested')?.grade, listed('signed')?.grade, listed('claimed')?.grade], ['listed', 'listed', 'claimed'])
  t.true(listed('signed', true)?.test)
  t.is(withInventory(said('attested'), [{ ...entry, productTypes: ['iPad5,1', 'iPad5,2'] }]).productType, undefined)
  t.is(withInventory({ ...said('signed'), productType: { value: 'iPhone12,8', grade: 'signed' } }, [entry]).productType?.value, 'iPhone12,8', 'what the phone signed is better')
  t.is(withInventory({ ...said('attested'), productType: { value: 'iPhone12,8', grade: 'claimed' } }, [entry]).productType?.value, 'iPhone14,5')
  t.is(withInventory(said('signed'), []).inventoryAgrees, undefined)

  const policy = (leastEvidence: 'listed' | 'signed') => ({ approvals: [approval('iPhone14,5', { leastEvidence })], rules: [], exemptions: [], requireInventory: true })
  const decided = (least: 'listed' | 'signed', grade: 'claimed' | 'attested') => decide(knownDevice(catalogue, withInventory(said(grade), [entry])), policy(least), now).code
  t.deepEqual([decided('listed', 'attested'), decided('signed', 'attested'), decided('listed', 'claimed')], ['allowed', 'evidence-too-weak', 'evidence-too-weak'])
})
