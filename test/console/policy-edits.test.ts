/** Every kind of change is previewed: approvals, their withdrawal, exemptions and their end. */
import test from 'ava'
import { parseCsv } from '../../src/formats/csv.ts'
import { openApi } from '../support/api.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openWorld, type World } from '../support/world.ts'

const changeIn = (text: string): string => /\/console\/policy\/changes\/([0-9a-f-]{36})/.exec(text)![1]!
const rows = async ({ service }: Pick<World, 'service'>, table: string): Promise<number> => (await service.db.query(`select 1 from ${table} where ended_at is null`)).length
const onHold = async ({ service }: World): Promise<number> =>
  (await service.db.query(`select 1 from revocations r join certificates c using (authority_id, serial_number) where c.kind = 'device' and r.reason = 6`)).length
const deviceIn = async ({ service }: World): Promise<string> => (await service.db.query<{ id: string }>('select id from devices'))[0]!.id

const approve = { sure: 'yes', least: 'signed', reason: 'bought in 2022' }

test('an approval that lets in a phone that was refused shows whose before it counts; one that touches nobody counts at once, and can be taken back', async t => {
  const world = await openWorld(t)
  await world.enroll((await world.invite()).link, { product: 'iPhone10,4', build: '20H240' })
  const console = await openConsole(t, world.service)
  await console.get('/console/models')
  const nobody = await console.submit('/console/models/approve', { ...approve, preset: 'attests-model' })
  t.regex(nobody.text, /role="status">Approved\. [^<]* The one phone that was looked at is not touched by it\. <a href="\/console\/policy\/changes\//)
  const many = await rows(world, 'approvals')
  t.true(many > 20)
  await console.submit(`/console/policy/changes/${changeIn(nobody.text)}/undo`)
  t.is(await rows(world, 'approvals'), 0)

  const preview = await console.submit('/console/models/approve', { ...approve, model: 'iPhone10,4' })
  t.regex(preview.text, /Approve iPhone10,4.*1 phone that has no certificate may come in\..*Who may come in.*Ines Roth/s)
  t.is(await rows(world, 'approvals'), 0)
  await console.submit(`/console/policy/changes/${changeIn(preview.text)}/apply`, { action: 'leave' })
  t.is(await rows(world, 'approvals'), 1)
  await console.get('/console/models')
  t.regex((await console.post('/console/models/approve', { ...approve, model: 'iPhone10,4' })).text, /role="alert"><p>These are approved already/)
})

test('a wildcard is approved after what it names now was shown', async t => {
  const world = await openWorld(t)
  const console = await openConsole(t, world.service)
  const form = await console.get('/console/models/approve?pattern=iPhone14%2C*')
  t.regex(form.text, /<h1>Approve iPhone14,\*<\/h1>.*and every model to come whose product type fits.*iPhone 13/s)
  await console.submit('/console/models/approve', { ...approve, pattern: 'iPhone14,*' })
  t.deepEqual(await world.service.db.query('select pattern from approvals'), [{ pattern: 'iPhone14,*' }])
  t.is((await console.get('/console/models/approve?pattern=%3Cb%3E')).status, 404)
})

test('withdrawing what was ticked, or a preset, shows whose certificates that reaches; holding them is taken back with it', async t => {
  const world = await openWorld(t)
  for (const pattern of ['iPhone14,5', 'iPhone12,8', 'iPad*']) await world.approve(pattern)
  await world.enroll((await world.invite()).link)
  const console = await openConsole(t, world.service)
  t.regex((await console.get('/console/models')).text, /Withdraw what is ticked/)
  const ticked = await console.submit('/console/models/withdraw', { model: ['iPhone14,5', 'iPhone12,8', 'iPhone1,1'] })
  t.regex(ticked.text, /Withdraw the approval of 2 models.*This reaches 1 certificate of 1 person.*Ines Roth/s)
  const preset = await console.submit('/console/models/withdraw', { preset: 'secure-enclave' })
  t.regex(preset.text, /Withdraw the approval of 2 models/)
  t.is(await rows(world, 'approvals'), 3)
  await console.submit(`/console/policy/changes/${changeIn(ticked.text)}/apply`, { action: 'hold' })
  t.is(await rows(world, 'approvals'), 1)
  t.is(await onHold(world), 1)
  await console.submit(`/console/policy/changes/${changeIn(ticked.text)}/undo`)
  t.is(await rows(world, 'approvals'), 3)
  t.is(await onHold(world), 0)
  await console.get('/console/models')
  for (const fields of [{}, { model: 'iPhone1,1' }, { model: 'Nokia' }]) t.true((await console.post('/console/models/withdraw', fields)).status >= 400)
})

test('the end of an exemption that a certificate rests on is previewed, held and taken back; one that nothing rests on ends at once', async t => {
  const world = await openWorld(t)
  const { id: invitation, link } = await world.invite()
  await world.enroll(link)
  const [api, device] = [await openApi(t, world.service), await deviceIn(world)]
  await api.ask('POST', '/exemptions', { device, invitation, verdict: 'allow', until: '2026-12-31T00:00:00Z', reason: 'seen' })
  await world.enroll(link)
  const console = await openConsole(t, world.service)
  const path = /href="(\/console\/policy\/exemptions\/[^"]+\/end)"/.exec((await console.get('/console/policy')).text)![1]!
  await console.get(path)
  const preview = await console.submit(path)
  t.regex(preview.text, /End the exemption of the iPhone 13 of Ines Roth.*This reaches 1 certificate of 1 person/s)
  const change = `/console/policy/changes/${changeIn(preview.text)}`
  await console.submit(`${change}/apply`, { action: 'hold' })
  t.deepEqual([await rows(world, 'exemptions'), await onHold(world)], [0, 1])
  await console.submit(`${change}/undo`)
  t.deepEqual([await rows(world, 'exemptions'), await onHold(world)], [1, 0])

  await world.approve('iPhone14,5')
  const again = /href="(\/console\/policy\/exemptions\/[^"]+\/end)"/.exec((await console.get('/console/policy')).text)![1]!
  await console.get(again)
  t.regex((await console.submit(again)).text, /The exemption has ended\..*The one phone that was looked at is not touched by it/)
})

test('a phone is refused before all rules from its own page, with a text for its owner, after what it holds was shown', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  const device = await deviceIn(world)
  const console = await openConsole(t, world.service)
  const link = /href="(\/console\/policy\/exemptions\/new\?phone=[^"]+)"/.exec((await console.get(`/console/phones/${device}`)).text)![1]!
  t.regex((await console.get(link)).text, /Decide about <a [^>]+><bdi>Ines Roth<\/bdi><\/a>’s iPhone 13/)
  const decision = { phone: device, verdict: 'block', evidence: 'signed', until: '2026-12-31', reason: 'sold', text: 'Take it to the desk on floor two.' }
  for (const wrong of [{ until: '' }, { until: '2020-01-01' }, { reason: '' }, { verdict: 'perhaps' }]) {
    const refused = await console.post('/console/policy/exemptions/new', { ...decision, ...wrong })
    t.is(refused.status, 400)
    t.regex(refused.text, /role="alert".*desk on floor two/s)
  }
  const preview = await console.submit('/console/policy/exemptions/new', decision)
  t.regex(preview.text, /Refuse the iPhone 13 of Ines Roth, whatever the rules say.*This reaches 1 certificate of 1 person/s)
  t.is(await rows(world, 'exemptions'), 0)
  await console.submit(`/console/policy/changes/${changeIn(preview.text)}/apply`, { action: 'revoke' })
  t.deepEqual(await world.service.db.query('select verdict, text_for_person as text from exemptions'), [{ verdict: 'block', text: decision.text }])
  t.is((await world.service.db.query('select 1 from revocations where reason = 9')).length, 1)
  for (const role of ['auditor', 'operator'] as const) {
    const other = await openConsole(t, world.service, role)
    t.notRegex((await other.get(`/console/phones/${device}`)).text, /exemptions\/new/)
    t.is((await other.get(link)).status, 403)
    t.is((await other.post('/console/policy/exemptions/new', decision)).status, 403)
    t.is((await other.post('/console/models/withdraw', { model: 'iPhone14,5' })).status, 403)
  }
})

test('whom a change reaches leaves for a spreadsheet by page, by program and by command, and no name is a formula', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  await world.service.db.query('update people set name = $1', [hostileTexts[5]])
  const console = await openConsole(t, world.service)
  await console.get('/console/models/iPhone14,5')
  const preview = await console.submit('/console/models/withdraw', { model: 'iPhone14,5' })
  const id = changeIn(preview.text)
  const path = /href="([^"]+stops\.csv)"/.exec(preview.text)![1]!
  const file = await console.get(path)
  t.is(file.headers.get('content-type'), 'text/csv; charset=utf-8')
  const [head, row, ...others] = parseCsv(file.text, { maxRecords: 10, maxColumns: 20 }).map(record => record.cells)
  t.deepEqual(head?.slice(0, 3), ['effect', 'person', 'e-mail'])
  t.deepEqual(row?.slice(0, 4), ['stops', `'${hostileTexts[5]}`, 'ines@example.com', 'iPhone14,5'])
  t.deepEqual(others, [])
  t.is((await console.get(path.replace('stops', 'other'))).status, 404)

  const { url, token, ask } = await openApi(t, world.service, 'auditor')
  const asked = async (accept: string): Promise<Response> => await fetch(`${url}/policy/changes/${id}/effects?limit=1`, { headers: { authorization: `Bearer ${token}`, accept } })
  const answer = await asked('text/csv')
  t.is(answer.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.is(await answer.text(), file.text)
  t.is((await asked('*/*')).headers.get('content-type'), 'application/json')
  t.is((await fetch(`${url}/policy/changes/6f1a3c1e-0000-4000-8000-000000000000/effects`, { headers: { authorization: `Bearer ${token}`, accept: 'text/csv' } })).status, 404)
  t.is((await ask('GET', `/policy/changes/${id}/effects`)).items[0].effect, 'stops')
})

test('a program previews approvals by wildcard and preset, and exemptions of a phone that is there', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const preview = async (edit: object) => await api.ask('POST', '/policy/changes', { edit })
  t.is((await preview({ kind: 'approve', pattern: 'iPhone1?,*', reason: 'r' })).sentence, 'Approve iPhone1?,*')
  t.regex((await preview({ kind: 'approve', preset: 'attests-model', reason: 'r' })).sentence, /^Approve \d+ models$/)
  const refusal = async (edit: object) => await api.refusal('POST', '/policy/changes', { edit })
  t.is(await refusal({ kind: 'approve', reason: 'r' }), 'invalid-argument')
  t.is(await refusal({ kind: 'withdraw', pattern: 'iPhone*', approvals: ['6f1a3c1e-0000-4000-8000-000000000000'] }), 'invalid-argument')
  t.is(await refusal({ kind: 'withdraw', pattern: 'iPhone*' }), 'approval-not-found')
  t.is(await refusal({ kind: 'end-exemption', exemption: '6f1a3c1e-0000-4000-8000-000000000000' }), 'exemption-not-found')
  t.is(await refusal({ kind: 'exempt', device: '6f1a3c1e-0000-4000-8000-000000000000', invitation: '6f1a3c1e-0000-4000-8000-000000000000', verdict: 'allow', until: '2026-12-31T00:00:00Z', reason: 'r' }), 'device-not-found')
})
