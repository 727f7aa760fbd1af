import test from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import { hostileTexts, openConsole, type ConsoleClient, type PageAnswer } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const rule = { verdict: 'block', family: 'iPhone', below: '17.4', reason: 'holes in older ones', text: 'Please update to iOS 17.4.' }

const changeIn = (text: string): string => /\/console\/policy\/changes\/([0-9a-f-]{36})\/(?:apply|undo)/.exec(text)![1]!

/** Fills in the form and applies what it previews. */
async function apply(console: ConsoleClient, fields: Record<string, string>, how: Record<string, string> = { action: 'leave' }): Promise<PageAnswer> {
  const preview = await console.submit('/console/policy/new', fields)
  return await console.submit(`/console/policy/changes/${changeIn(preview.text)}/apply`, how)
}

test('a rule is shown as a sentence with whom it reaches, and is in force once it is applied', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  t.regex((await console.get('/console/policy')).text, /No rule\. Approved models are let in/)
  t.regex((await console.get('/console/policy/new')).text, /<h1>A new rule/)
  const preview = await console.submit('/console/policy/new', rule)
  t.regex(preview.text, /<h1><bdi>Block iPhones on iOS below 17\.4<\/bdi><\/h1>.*This reaches nobody who is here now\. It counts for phones that come\./s)
  t.deepEqual(await service.db.query('select 1 from rules'), [])
  t.regex((await console.submit(`/console/policy/changes/${changeIn(preview.text)}/apply`, { action: 'leave' })).text, /The change is in force\./)
  t.regex((await console.get('/console/policy')).text, /Block iPhones on iOS below 17\.4.*holes in older ones.*Ada the admin/s)
  t.deepEqual(await service.db.query('select verdict, conditions, reason, text_for_person as text from rules'),
    [{ verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: '17.4' } }, reason: 'holes in older ones', text: 'Please update to iOS 17.4.' }])
})

test('a rule that means nothing is refused, and what was typed is kept', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/policy/new')
  const wrongs: Record<string, string>[] = [
    { verdict: 'block', reason: 'no condition' }, { ...rule, below: 'seventeen' }, { ...rule, from: '18.0' }, { ...rule, reason: '' },
    { ...rule, verdict: 'perhaps' }, { verdict: 'allow', product: '*', evidence: 'claimed', reason: 'on a claim' }, { ...rule, product: 'iPhone<b>' },
  ]
  for (const wrong of wrongs) {
    const again = await console.post('/console/policy/new', wrong)
    t.is(again.status, 400, JSON.stringify(wrong))
    t.regex(again.text, /role="alert"/)
    if (wrong['reason'] !== '') t.true(again.text.includes(`value="${wrong['reason']}"`))
  }
  t.deepEqual(await service.db.query('select 1 from rules'), [])
})

test('a mistake in a rule stands beside its field, in words', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/policy/new')
  const { text } = await console.post('/console/policy/new', { ...rule, below: 'seventeen', product: 'iPhone 13' })
  t.regex(text, /role="alert"><p>The rule was not taken\.</)
  t.regex(text, /id="f-below-error">not a version like 17\.4</)
  t.regex(text, /id="f-product-error">/)
  t.regex(text, /name="below"[^>]* aria-describedby="f-below-hint f-below-error" aria-invalid="true"[^>]*value="seventeen"/)
  t.notRegex(text, /conditions\./)
})

test('every condition of the form reaches the rule', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/policy/new')
  await apply(console, {
    verdict: 'quarantine', reason: 'all', product: 'iPhone1?,*', family: 'iPhone', storage: 'yes', protection: 'no', enclave: 'yes', attest: 'no', from: '16.0', below: '17.0',
    build: '20A*', evidence: 'listed', person: 'Ada@Example.org', group: 'board',
  })
  const [{ conditions }] = await service.db.query('select conditions from rules') as [{ conditions: unknown }]
  t.deepEqual(conditions, {
    productType: 'iPhone1?,*', family: 'iPhone', storageEncryption: true, dataProtection: false, secureEnclave: true, canAttest: false, osVersion: { from: '16.0', below: '17.0' },
    build: '20A*', evidence: 'listed', person: 'ada@example.org', group: 'board',
  })
})

test('a rule is removed after whom that lets in was shown', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/policy/new')
  await apply(console, rule)
  const path = /action="(\/console\/policy\/rules\/[^"]+\/remove)"/.exec((await console.get('/console/policy')).text)![1]!
  const preview = await console.submit(path)
  t.regex(preview.text, /Remove the rule “Block iPhones on iOS below 17\.4”/)
  t.is((await service.db.query('select 1 from rules where ended_at is null')).length, 1)
  t.regex((await console.submit(`/console/policy/changes/${changeIn(preview.text)}/apply`, { action: 'leave' })).text, /The change is in force\./)
  t.is((await service.db.query('select 1 from rules where ended_at is null')).length, 0)
  t.is((await console.post(path)).status, 404)
  t.is((await console.post('/console/policy/rules/x/remove')).status, 400)
})

test('an exemption is named by its phone and person, and ends', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite()).link, { product: 'iPhone99,1', serial: 'F2LUNKNOWN01' })
  const [{ id }] = await world.service.db.query('select id from devices') as [{ id: string }]
  const console = await openConsole(t, world.service)
  await console.get(`/console/quarantine/${id}`)
  await console.submit(`/console/quarantine/${id}/approve`, { reason: 'seen in person' })
  const page = await console.get('/console/policy')
  t.regex(page.text, /<bdi>iPhone99,1<\/bdi><\/a> of <a [^>]*><bdi>Ines Roth<\/bdi>.*let in.*seen in person/s)
  const path = /href="(\/console\/policy\/exemptions\/[^"]+\/end)"/.exec(page.text)![1]!
  t.regex((await console.get(path)).text, /The rules count for it again/)
  t.regex((await console.submit(path)).text, /The exemption has ended\./)
  t.is((await console.get(path)).status, 404)
})

test('any phone is explained: one that is described, and one on record', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  const [{ id }] = await world.service.db.query('select id from devices') as [{ id: string }]
  const console = await openConsole(t, world.service, 'auditor')
  t.regex((await console.get('/console/policy/explain')).text, /What would be decided/)
  t.regex((await console.get('/console/policy/explain?product=iPhone14%2C5&version=17.4')).text, /state good">let in.*approval of iPhone14,5/s)
  t.regex((await console.get('/console/policy/explain?product=iPhone12%2C8&evidence=attested')).text, /state stop">refused.*is not an approved model.*<code>model-not-approved<\/code>/s)
  t.is((await console.get('/console/policy/explain?product=%3Cb%3E')).status, 400)
  const link = /href="(\/console\/policy\/explain\?phone=[^"]+)"/.exec((await console.get(`/console/phones/${id}`)).text)![1]!
  t.regex((await console.get(link)).text, /the phone<\/a> of <a [^>]*><bdi>Ines Roth<\/bdi>.*let in/s)
  t.is((await console.get('/console/policy/explain?phone=6f1a3c1e-0000-4000-8000-000000000000')).status, 404)
})

test('only an admin changes policy', async t => {
  const service = await testService(t)
  const admin = await openConsole(t, service)
  await admin.get('/console/policy/new')
  const change = `/console/policy/changes/${changeIn((await admin.submit('/console/policy/new', rule)).text)}`
  await admin.submit(`${change}/apply`, { action: 'leave' })
  const remove = /action="(\/console\/policy\/rules\/[^"]+\/remove)"/.exec((await admin.get('/console/policy')).text)![1]!
  for (const role of ['auditor', 'operator'] as const) {
    const console = await openConsole(t, service, role)
    t.notRegex((await console.get('/console/policy')).text, /policy\/new|\/remove/)
    t.notRegex((await console.get(change)).text, /\/undo/)
    t.is((await console.get('/console/policy/new')).status, 403)
    for (const address of ['/console/policy/new', remove, `${change}/apply`, `${change}/undo`]) t.is((await console.post(address, { ...rule, action: 'leave' })).status, 403, address)
  }
  t.is((await service.db.query('select 1 from rules where ended_at is null')).length, 1)
})

test('hostile reasons and texts show as text', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/policy/new')
  for (const hostile of hostileTexts.map(text => text.slice(0, 1500))) {
    t.true((await console.post('/console/policy/new', { reason: hostile, text: hostile })).text.includes(escapeHtml(hostile).slice(0, 100)))
    await apply(console, { ...rule, reason: hostile, text: hostile })
    t.true((await console.get('/console/policy')).text.includes(escapeHtml(hostile).slice(0, 100)))
  }
})
