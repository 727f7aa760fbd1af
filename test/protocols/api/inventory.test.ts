import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { refreshStanding } from '../../../src/http/inventory-standing.ts'
import { openApi } from '../../support/api.ts'
import { openCli } from '../../support/cli.ts'
import { testService } from '../../support/service.ts'
import { openWorld } from '../../support/world.ts'

// One after the other: the service looks through few files at a time, and says so to whoever comes then.
const list = (...lines: string[]): string => ['Serial Number,Model,Email,Asset Tag', ...lines].join('\n')

test.serial('an inventory is checked before it is put in force, all of it or nothing, and holds against phones on record', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  const { link } = await world.invite({ name: 'Ines', email: 'ines@example.com' })
  await world.enroll(link, { product: 'iPhone14,5', build: '20A362', serial: 'F2LTESTTEST1' })
  const api = await openApi(t, world.service)
  const bring = async (file: string, more: object = {}) => await api.ask('POST', '/import/inventory', { file, ...more })

  const wrong = await bring(list('F2LTESTTEST1,iPhone 13,,', '1.2E+11,,,'), { apply: true })
  t.deepEqual([wrong.applied, wrong.mistakes.first], [false, [{ line: 3, code: 'serial-number-malformed', text: wrong.mistakes.first[0].text }]])
  const preview = await bring(list('f2ltesttest1,iPhone 13 mini,ines@example.com,A-1', 'F2LXK0AAAA,Galaxy,,'))
  t.like(preview, { applied: false, read: 1, added: 1, missing: 0, total: 1, passedOver: { count: 1 } })
  t.deepEqual(preview.contradicted.first.map(({ serialNumber, findings }: any) => [serialNumber, findings]), [['F2LTESTTEST1', ['other-model']]])
  t.deepEqual((await api.ask('GET', '/inventory')).items, [], 'a preview leaves nothing behind')
  t.deepEqual((await api.ask('GET', '/audit')).items.filter(({ action }: any) => action.startsWith('inventory.')), [])

  t.true((await bring(list('F2LTESTTEST1,iPhone 13 mini,ines@example.com,A-1'), { apply: true })).applied)
  t.like(await bring(list('F2LTESTTEST1,iPhone 13,ines@example.com,A-1', 'F2LXK0AAAA,,,'), { apply: true }), { added: 1, changed: 1, removed: 0, unchanged: 0, contradicted: { count: 0 } })
  t.like(await bring(list('F2LXK0AAAB,,,'), { apply: true, mode: 'merge' }), { added: 1, changed: 0, removed: 0, total: 3 })
  t.like(await bring(list('F2LXK0AAAB,,,')), { added: 0, unchanged: 1, removed: 2, missing: 1 })
  t.deepEqual((await api.ask('GET', '/inventory?search=a-1')).items, [])
  t.deepEqual((await api.ask('GET', '/inventory?search=A-1')).items.map(({ serialNumber }: any) => serialNumber), ['F2LTESTTEST1'])
  const { items, next } = await api.ask('GET', '/inventory?limit=2')
  t.deepEqual([items.length, (await api.ask('GET', `/inventory?limit=2&cursor=${next}`)).items.length], [2, 1])
  const [phone] = (await api.ask('GET', '/devices')).items
  t.like((await api.ask('GET', `/devices/${phone.id}`)).inventory, { findings: [] })
  t.is((await api.ask('GET', `/devices/${phone.id}/decision`)).known.inventoryAgrees, true)
  t.deepEqual((await api.ask('GET', '/audit')).items.filter(({ action }: any) => action === 'inventory.import').length, 3)
  t.is(await api.refusal('POST', '/import/inventory', { file: 'a,b\n1,2\n' }), 'malformed-inventory')
})

test.serial('a large inventory is held against the phones when it changes and now and then, and the page says when', async t => {
  const world = await openWorld(t)
  const { service: { db, clock, now } } = world
  await world.approve('iPhone*')
  const api = await openApi(t, world.service)
  const rows = Array.from({ length: 2_001 }, (_, index) => `F2LBULK${String(index).padStart(5, '0')},iPhone 12,,`)
  t.like(await api.ask('POST', '/import/inventory', { file: list('F2LTESTTEST1,iPhone 12,,', ...rows), apply: true }), { applied: true, total: 2_002 })
  const begun = now().toISOString()
  await world.enroll((await world.invite()).link, { product: 'iPhone14,5', build: '20A362', serial: 'F2LTESTTEST1' })
  const standing = async () => await api.ask('GET', '/inventory/standing')
  clock.advance(60)
  t.false(await refreshStanding(db, now()))
  t.like(await standing(), { countedAt: begun, contradicted: { count: 0 } })
  clock.advance(900)
  t.true(await refreshStanding(db, now()))
  t.like(await standing(), { countedAt: now().toISOString(), contradicted: { count: 1 } })
  await api.ask('POST', '/inventory/remove', { numbers: ['F2LTESTTEST1'] })
  t.like(await standing(), { total: 2_001, contradicted: { count: 0 } })
})

test.serial('where the inventory is demanded a phone is let in only when it is listed as what it says that it is', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  const api = await openApi(t, world.service)
  const come = async (email: string, serial: string) => (await world.enroll((await world.invite({ email, name: email.split('@')[0]! })).link, { serial })).outcome
  await api.ask('POST', '/import/inventory', { file: list('F2LTESTTEST1,"iPhone14,5",,', 'F2LTESTTEST2,iPhone 12,,'), apply: true })
  t.is(await come('other@example.com', 'F2LTESTTEST2'), 'enrolled', 'a contradiction alone is a finding')
  t.is((await api.ask('GET', '/inventory/standing')).contradicted.count, 1)
  t.deepEqual(await api.ask('POST', '/inventory/require', { required: true }), { required: true, changed: true })
  t.is((await api.ask('POST', '/inventory/require', { required: true })).changed, false)
  t.is(await come('listed@example.com', 'F2LTESTTEST1'), 'enrolled')
  t.is(await come('again@example.com', 'F2LTESTTEST2'), 'refused')
  t.is(await come('absent@example.com', 'F2LTESTTEST3'), 'refused')
  t.is((await api.ask('POST', '/policy/explain', { product: 'iPhone14,5', serialNumber: 'F2LTESTTEST9' })).code, 'inventory-missing')
  t.is((await api.ask('POST', '/policy/explain', { product: 'iPhone14,5', serialNumber: 'F2LTESTTEST2' })).code, 'inventory-disagrees')
  const listed = await api.ask('POST', '/policy/explain', { serialNumber: 'f2ltesttest1', evidence: 'attested' })
  t.like(listed, { code: 'evidence-too-weak', known: { modelEvidence: 'listed', inventoryAgrees: true } })
  t.is(await api.refusal('POST', '/policy/explain', {}), 'invalid-argument')
  t.is((await api.ask('POST', '/inventory/remove', { numbers: ['f2ltesttest1'] })).removed, 1)
  t.is((await api.ask('POST', '/inventory/remove', { all: true })).removed, 1)
  t.is(await come('late@example.com', 'F2LTESTTEST1'), 'refused')
})

test.serial('by command: the same, with exit codes for scripts', async t => {
  const service = await testService(t)
  const cli = await openCli(t, service)
  const file = join(cli.dataFolder, 'list.csv')
  writeFileSync(file, `\ufeff${list('F2LXK0AAAA,iPhone 13,ann@example.com,A-1', 'F2LXK0AAAB,iPhone 12,,')}`, 'utf16le')
  t.regex((await cli('import', 'inventory', file)).out, /2 devices: 2 new, 0 changed.*Nothing is changed yet/s)
  t.regex((await cli('import', 'inventory', file, '--apply')).out, /It is in force\./)
  t.regex((await cli('inventory', 'show')).out, /devices in it +2/)
  t.regex((await cli('inventory', 'list', '--search', 'A-1')).out, /F2LXK0AAAA.*iPhone14,5.*ann@example\.com/)
  t.regex((await cli('inventory', 'require', 'yes')).out, /from the next decision on/)
  t.is((await cli('policy', 'explain', '--serial', 'F2LXK0AAAA', '--evidence', 'attested')).exitCode, 3)
  t.regex((await cli('inventory', 'remove', 'F2LXK0AAAA')).out, /^1 taken out/)
  t.is((await cli('inventory', 'remove')).exitCode, 2)
  t.is((await cli('inventory', 'require', 'perhaps')).exitCode, 2)
  writeFileSync(file, list('x,,,'))
  const wrong = await cli('import', 'inventory', file, '--apply')
  t.is(wrong.exitCode, 1)
  t.regex(wrong.out, /1 mistakes: nothing is imported.*serial-number-malformed/s)
})

const exported = [
  'DeviceId,UserDisplayName,PrimarySmtpAddress,DeviceType,DeviceModel,DeviceUserAgent,DeviceAccessState',
  'A1,Ann Able,Ann@example.com,iPhone,iPhone14C5,Apple-iPhone14C5/2001.362,Allowed', 'A2,Ann Able,Ann@example.com,iPhone,,Apple-iPhone5C1/1002.146,Allowed',
  'B1,Bob Blunt,bob@example.com,iPhone,,Apple-iPhone5C1/1002.146,Allowed', 'C1,Cy Code,,iPhone,,Apple-iPhone14C5/2001.362,Allowed',
  'D1,"=cmd|x",eve@example.com,iPhone,,Apple-iPhone14C5/2001.362,Allowed', 'E1,Fay Far,fay@example.com,Android,,Android/12,Allowed', 'F1,,,iPhone,,Apple-iPhone14C5/2001.362,Allowed',
].join('\n')

test.serial('the phones of Exchange say whom to invite, by what policy would say were their claims proven, and nothing is in force by it', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,*')
  const before = await world.service.db.query('select count(*) from people')
  const cli = await openCli(t, world.service)
  const file = join(cli.dataFolder, 'phones.csv')
  writeFileSync(file, exported)
  const { json } = await cli('import', 'exchange-devices', file, '--json')
  t.like(json, { phones: 7, others: 1, nobodys: 1, neverPass: 2, unknown: 0 })
  t.deepEqual(json.people.first.find(({ name }: any) => name === 'Ann Able').models.map(({ prospect }: any) => prospect.verdict), ['allow', 'block'])
  const { out } = await cli('import', 'exchange-devices', file, '--csv')
  t.is(out, 'name,email,devices\r\n"Ann Able","ann@example.com",1\r\n')
  const csv = join(cli.dataFolder, 'people.csv')
  writeFileSync(csv, out)
  t.regex((await cli('invite', 'batch', csv)).out, /1 lines are good/)
  t.deepEqual(await world.service.db.query('select count(*) from people'), before)
  t.regex((await cli('import', 'exchange-devices', file)).out, /7 phones of 5 people\. Nothing is changed.*Ann Able.*would get in.*would not get in/s)
  t.is((await cli('import', 'exchange-devices', file, '--csv', '--part', '9')).exitCode, 2)
})
