import test from 'ava'
import { openConsole } from '../support/console.ts'
import { issueDevice } from '../support/issued.ts'
import { testService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const shown = (text: string): number => text.match(/<tr><th scope="row">/g)?.length ?? 0

test('the whole catalogue stands on one page of less than 150 kB', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/models')
  await console.submit('/console/models/approve', { sure: 'yes', preset: 'storage-encryption', reason: 'all of them', least: 'signed' })
  const { text } = await console.get('/console/models')
  t.is(shown(text), service.catalogue().models.size)
  t.true(Buffer.byteLength(text) < 150_000, `${Buffer.byteLength(text)} bytes`)
})

test('facets are links that narrow, add up, and are taken back', async t => {
  const service = await testService(t)
  const models = [...service.catalogue().models.values()]
  await issueDevice(service)
  const console = await openConsole(t, service, 'auditor')
  const of = async (query: string): Promise<number> => shown((await console.get(`/console/models?${query}`)).text)
  t.is(await of('family=iPhone'), models.filter(model => model.family === 'iPhone').length)
  t.is(await of('storage=no&family=iPhone'), 2)
  t.is(await of('enclave=yes&attests=no&family=iPhone'), models.filter(model => model.family === 'iPhone' && model.secureEnclave && !model.attestsModel).length)
  t.is(await of('supported=yes'), models.filter(model => model.maxOSOpen === true).length)
  t.is(await of('seen=yes'), 1)
  t.is(await of('approved=yes'), 0)
  t.is(await of('q=iphone%2013%20mini'), 1)
  t.is(await of('family=Nokia&storage=perhaps'), models.length)
  const { text } = await console.get('/console/models?family=iPhone&storage=no')
  t.regex(text, /<a href="\/console\/models\?storage=no" aria-current="true">iPhone<\/a>/)
  t.regex(text, /<a href="\/console\/models\?family=iPhone&amp;storage=no&amp;enclave=yes">/)
  t.regex(text, /Transport encryption/)
})

test('what phones here say they are and the catalogue does not have is named, as text', async t => {
  const service = await testService(t)
  await issueDevice(service)
  const console = await openConsole(t, service)
  await service.db.query(`update devices set product_type = '<b>Phone99,1'`)
  t.regex((await console.get('/console/models')).text, /not in the catalogue.*<bdi>&lt;b&gt;Phone99,1<\/bdi>/s)
})

test('a selection is approved after what it means was shown', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/models')
  const form = await console.post('/console/models/approve', { model: ['iPhone14,5', 'iPod2,1'] })
  t.is(form.status, 200)
  t.regex(form.text, /Phones of 2 models may get a certificate from now on/)
  t.regex(form.text, /these do not encrypt what they store: iPod2,1/)
  t.deepEqual(await service.db.query('select 1 from approvals'), [])
  const done = await console.submit('/console/models/approve', { sure: 'yes', model: ['iPhone14,5', 'iPod2,1'], least: 'attested', reason: 'bought in 2022', until: '2027-06-30' })
  t.regex(done.text, /role="status">Approved\./)
  t.is(shown(done.text), 2)
  t.deepEqual(await service.db.query('select pattern, least_evidence as least, reason, author, not_after as until from approvals order by pattern'), ['iPhone14,5', 'iPod2,1'].map(pattern =>
    ({ pattern, least: 'attested', reason: 'bought in 2022', author: 'Ada the admin', until: new Date('2027-06-30T23:59:59Z') })))
})

test('a preset is approved model by model, and one model from its own page', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  t.regex((await console.get('/console/models')).text, /Approve all models with a Secure Enclave/)
  const form = await console.get('/console/models/approve?preset=attests-model')
  const count = [...service.catalogue().models.values()].filter(model => model.attestsModel).length
  t.regex(form.text, new RegExp(`Phones of ${count} models`))
  await console.submit('/console/models/approve', { sure: 'yes', preset: 'attests-model', least: 'attested', reason: 'only what proves it' })
  t.is((await service.db.query('select 1 from approvals')).length, count)
  t.regex((await console.get('/console/models/approve?model=iPhone10%2C4')).text, /1 of these 1 cannot attest their model/)
  const page = await console.submit('/console/models/approve', { sure: 'yes', model: 'iPhone10,4', least: 'signed', reason: 'still many about' })
  t.regex(page.text, /<h1>iPhone 8[^<]*<\/h1><p class="done" role="status">Approved/)
})

test('what cannot be approved as it is keeps what was typed', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/models')
  for (const wrong of [{ reason: '' }, { until: '2020-01-01' }, { until: 'soon' }, { least: 'claimed' }]) {
    const again = await console.post('/console/models/approve', { sure: 'yes', model: 'iPhone14,5', least: 'signed', reason: 'kept', ...wrong })
    t.is(again.status, 400)
    t.regex(again.text, /role="alert"/)
    t.regex(again.text, /name="model" value="iPhone14,5"/)
  }
  t.is((await console.post('/console/models/approve', {})).status, 400)
  for (const path of ['/console/models/approve?preset=all', '/console/models/approve?model=Nokia', '/console/models/Nokia']) t.is((await console.get(path)).status, 404)
  t.deepEqual(await service.db.query('select 1 from approvals'), [])
})

test('withdrawing an approval shows first whose certificates it reaches', async t => {
  const world = await openWorld(t)
  const console = await openConsole(t, world.service)
  await console.get('/console/models/approve?model=iPhone14%2C5')
  await console.submit('/console/models/approve', { sure: 'yes', model: 'iPhone14,5', least: 'signed', reason: 'bought' })
  await world.enroll((await world.invite()).link)
  const page = await console.get('/console/models/iPhone14,5')
  t.regex(page.text, /1 phone<\/a> here says so; 1 holds a key/)
  const approval = /name="approval" value="([^"]+)"/.exec(page.text)![1]!
  const preview = await console.submit('/console/models/iPhone14,5/withdraw', { approval })
  t.regex(preview.text, /Withdraw the approval of iPhone14,5.*This reaches 1 certificate of 1 person.*Ines Roth/s)
  t.is((await world.service.db.query('select 1 from approvals where ended_at is not null')).length, 0)
  await console.submit(`/console/policy/changes/${/changes\/([0-9a-f-]{36})\/apply/.exec(preview.text)![1]!}/apply`, { action: 'leave' })
  t.is((await world.service.db.query('select 1 from approvals where ended_at is not null')).length, 1)
  t.regex((await console.get('/console/models/iPhone14,5')).text, /It is not approved/)
  t.is((await console.post('/console/models/iPhone14,5/withdraw', { approval })).status, 400)
})

test('only an admin approves and withdraws', async t => {
  const service = await testService(t)
  for (const role of ['auditor', 'operator'] as const) {
    const console = await openConsole(t, service, role)
    const { text } = await console.get('/console/models')
    t.notRegex(text, /type="checkbox"|Approve what|Approve all/)
    t.notRegex((await console.get('/console/models/iPhone14,5')).text, /models\/approve/)
    t.is((await console.get('/console/models/approve?model=iPhone14%2C5')).status, 403)
    t.is((await console.post('/console/models/approve', { sure: 'yes', model: 'iPhone14,5', least: 'signed', reason: 'x' })).status, 403)
    t.is((await console.post('/console/models/iPhone14,5/withdraw', { approval: '6f1a3c1e-0000-4000-8000-000000000000' })).status, 403)
  }
})
