import test from 'ava'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const list = 'Serial Number,Model,Email\nF2LTESTTEST1,iPhone 13 mini,ines@example.com\nF2LXK0AAAA,iPhone 13,\n'

test('a list is pasted, read line by line, seen against the phones on record, and only then in force', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite({ name: 'Ines' })).link, { serial: 'F2LTESTTEST1' })
  const console = await openConsole(t, world.service)
  t.regex((await console.get('/console/phones')).text, /href="\/console\/inventory"/)
  t.regex((await console.get('/console/inventory')).text, /There is no list of your own devices yet/)
  await console.get('/console/inventory/import')
  t.is((await console.post('/console/inventory/import', { file: ' ', mode: 'replace' })).status, 400)
  t.regex((await console.post('/console/inventory/import', { file: 'a,b\n1,2\n', mode: 'replace' })).text, /No column is a serial number or a UDID; there are: a, b/)
  const mistaken = await console.post('/console/inventory/import', { file: `${list}1.2E+11,,\n`, mode: 'replace', apply: 'yes' })
  t.regex(mistaken.text, /One line has a mistake.*serial-number-malformed/s)
  const preview = await console.post('/console/inventory/import', { file: list, mode: 'replace' })
  t.regex(preview.text, /2 devices can be imported.*2 new\..*The inventory has F2LTESTTEST1 as iPhone 13 mini, and the phone said that it is iPhone14,5\..*other-model/s)
  t.regex((await console.get('/console/inventory')).text, /There is no list/)
  const done = await console.submit('/console/inventory/import', { file: list, mode: 'replace', apply: 'yes' })
  t.regex(done.text, /The list is in force\..*2 devices, the newest imported/s)
  const [device] = await world.service.db.query<{ id: string }>('select id from devices')
  t.regex((await console.get(`/console/phones/${device!.id}`)).text, /<dt>Inventory<\/dt>.*iPhone 13 mini, ines@example\.com.*and the phone said/s)
  t.regex((await console.get('/console/inventory?q=F2LXK0AAAA')).text, /F2LXK0AAAA/)
  t.notRegex((await console.get('/console/inventory?q=F2LXK0AAAA')).text, /<th scope="row"><code>F2LTESTTEST1/)
  t.regex((await console.get('/console/inventory?q=other')).text, /No device in it has/)

  t.regex((await console.get('/console/inventory/require')).text, /0 phones with a good certificate are not in it, and of one phone it says another model or number/)
  t.regex((await console.submit('/console/inventory/require', { required: 'yes' })).text, /Policy demands it/)
  t.regex((await console.get('/console/policy/explain?serial=F2LXK0AAAA&evidence=attested')).text, /The inventory has it/)
  await console.get('/console/inventory/remove')
  t.is((await console.post('/console/inventory/remove', { numbers: '' })).status, 400)
  t.regex((await console.post('/console/inventory/remove', { numbers: 'F2LXK0ZZZZ' })).text, /None of these is in the inventory/)
  t.regex((await console.submit('/console/inventory/remove', { numbers: 'f2lxk0aaaa' })).text, /They are taken out.*One device/s)
  t.regex((await console.submit('/console/inventory/remove', { all: 'yes' })).text, /There is no list/)
})

test('an auditor sees the inventory and changes nothing; hostile texts show as text', async t => {
  const service = await testService(t)
  const admin = await openConsole(t, service)
  await admin.get('/console/inventory/import')
  for (const text of hostileTexts) {
    const answer = await admin.post('/console/inventory/import', { file: `serial,model,asset tag\nF2LXK0AAAA,"${text.replaceAll('"', '""')}",\n`, mode: 'merge' })
    t.true([200, 400].includes(answer.status))
  }
  const auditor = await openConsole(t, service, 'auditor')
  t.notRegex((await auditor.get('/console/inventory')).text, /inventory\/import/)
  t.is((await auditor.get('/console/inventory/import')).status, 403)
  t.is((await auditor.post('/console/inventory/remove', { all: 'yes' })).status, 403)
})

test('phones that Exchange knows lead to invitations, which are checked like any other table', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,*')
  const console = await openConsole(t, world.service, 'operator')
  await console.get('/console/policy/import')
  const phones = 'DeviceId,UserDisplayName,PrimarySmtpAddress,DeviceUserAgent\nA1,Ann Able,ann@example.com,Apple-iPhone14C5/2001.362\nB1,Bob,bob@example.com,Apple-iPhone5C1/1002.146\n'
  const page = await console.post('/console/policy/import/people', { phones, rules: '', settings: '' })
  t.regex(page.text, /2 phones of 2 people were read\. 1 would not get in.*Check one person.*Ann Able.*would get in.*Bob.*would not get in/s)
  const csv = /name="csv" value="([^"]*)"/.exec(page.text)![1]!.replaceAll('&quot;', '"')
  t.regex((await console.post('/console/invitations/many', { csv })).text, /One person can be invited.*ann@example\.com/s)
  t.is((await console.post('/console/policy/import/people', { phones: '', rules: '', settings: '' })).status, 400)
})
