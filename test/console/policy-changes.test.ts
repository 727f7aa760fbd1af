import { randomUUID } from 'node:crypto'
import test from 'ava'
import { advancePolicyChanges } from '../../src/http/advance-policy-changes.ts'
import { openApi } from '../support/api.ts'
import { openConsole, type ConsoleClient } from '../support/console.ts'
import { openWorld, type World } from '../support/world.ts'

const rule = { verdict: 'block', family: 'iPhone', below: '17.4', reason: 'holes in older ones', text: 'Please update to iOS 17.4.' }

/** @returns the path of the change */
async function previewed(console: ConsoleClient, fields: Record<string, string> = rule): Promise<string> {
  await console.get('/console/policy/new')
  return (await console.post('/console/policy/new', fields)).location!
}

const held = async ({ service }: World): Promise<string[]> =>
  (await service.db.query<{ name: string }>(`select p.name from revocations r join certificates c using (authority_id, serial_number) join devices d on d.id = c.device_id join people p on p.id = d.person_id
    where c.kind = 'device' and r.reason = 6 order by p.name`)).map(row => row.name)

async function enroll(world: World, name: string, options: object = {}): Promise<void> {
  const { link } = await world.invite({ name, email: `${name.split(' ')[0]!.toLowerCase()}@example.com` })
  await world.enroll(link, { serial: `F2L${name.slice(0, 3).toUpperCase()}`, ...options })
}

test('a preview says whose certificates a rule reaches and who can update; applied it holds them, taken back it releases them', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  await enroll(world, 'Tom Weiss', { product: 'iPhone10,4', build: '20H240' })
  await enroll(world, 'Eve Park', { build: '21E219' })
  const console = await openConsole(t, world.service)
  const change = await previewed(console)
  const preview = await console.get(change)
  t.regex(preview.text, /This reaches 2 certificates of 2 people\./)
  t.regex(preview.text, /1 of the phones can be updated to what is asked\. 1 cannot\./)
  t.regex(preview.text, /Ines Roth.*Tom Weiss|Tom Weiss.*Ines Roth/s)
  t.notRegex(preview.text, /Eve Park/)
  t.deepEqual(await world.service.db.query('select 1 from rules'), [])

  const applied = await console.submit(`${change}/apply`, { action: 'hold' })
  await advancePolicyChanges(world.service)
  t.regex((await console.get(change)).text, /2 certificates held\./)
  t.deepEqual(await held(world), ['Ines Roth', 'Tom Weiss'])
  t.regex(applied.text, /In force/)

  await console.submit(`${change}/undo`)
  await advancePolicyChanges(world.service)
  const undone = await console.get(change)
  t.regex(undone.text, /Taken back.*2 certificates released\./s)
  t.deepEqual(await held(world), [])
  t.is((await world.service.db.query('select 1 from rules where ended_at is null')).length, 0)
  t.regex((await console.get('/console/policy/changes')).text, /Block iPhones on iOS below 17\.4.*taken back/s)
})

test('until the grace date nothing is held, and who has updated by then keeps the certificate', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  await enroll(world, 'Tom Weiss')
  const console = await openConsole(t, world.service)
  const change = await previewed(console)
  t.regex((await console.submit(`${change}/apply`, { action: 'hold', from: '2026-03-10' })).text, /In force\. 2 certificates will be held on 10 March 2026/)
  await advancePolicyChanges(world.service)
  t.deepEqual(await held(world), [])
  await world.service.db.query(`update devices set build = '21E219' where person_id = (select id from people where name = 'Tom Weiss')`)
  world.service.clock.set('2026-03-10T00:00:00Z')
  await advancePolicyChanges(world.service)
  t.deepEqual(await held(world), ['Ines Roth'])
  const later = await openConsole(t, world.service, 'auditor')
  t.regex((await later.get(change)).text, /1 certificate held; 1 passed over/)
})

test('what was revoked stays revoked when the change is taken back, and what somebody else did stays theirs', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  await enroll(world, 'Tom Weiss')
  const console = await openConsole(t, world.service)
  const revoking = await previewed(console)
  await console.submit(`${revoking}/apply`, { action: 'revoke' })
  await console.submit(`${revoking}/undo`)
  await advancePolicyChanges(world.service)
  t.is((await world.service.db.query('select 1 from revocations where reason = 9')).length, 2)
  await enroll(world, 'Eve Park')
  const holding = await previewed(console)
  await console.submit(`${holding}/apply`, { action: 'hold' })
  t.deepEqual(await held(world), ['Eve Park'])
  const [{ serial }] = await world.service.db.query(`select encode(serial_number, 'hex') as serial from revocations where reason = 6`) as [{ serial: string }]
  const path = `/console/certificates/${serial}`
  await console.submit(`${path}/release`)
  await console.submit(`${path}/hold`, { cause: 'lost' })
  await console.submit(`${holding}/undo`)
  await advancePolicyChanges(world.service)
  t.deepEqual(await held(world), ['Eve Park'])
})

test('removing a rule says who may come in', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  const console = await openConsole(t, world.service)
  await console.submit(`${await previewed(console)}/apply`, { action: 'leave' })
  await enroll(world, 'Ines Roth')
  const [{ id }] = await world.service.db.query('select id from rules') as [{ id: string }]
  await console.get('/console/policy')
  const preview = await console.submit(`/console/policy/rules/${id}/remove`)
  t.regex(preview.text, /1 phone that has no certificate may come in\..*Who may come in.*Ines Roth/s)
})

/** Phones with a certificate each, below 17.4, all of one person. */
async function fleet(world: World, count: number): Promise<void> {
  const { db, now } = world.service
  const { id: invitation } = await world.invite()
  const ids = Array.from({ length: count }, () => randomUUID())
  await db.query(`insert into devices (id, person_id, udid, serial_number, product_type, os_version, grade, known_at, created_at)
    select u, p.id, u::text, 'S', 'iPhone14,5', '17.1', 'signed', $2, $2 from unnest($1::uuid[]) u, people p`, [ids, now()])
  await db.query(`insert into certificates (authority_id, serial_number, kind, state, partition, device_id, invitation_id, not_before, not_after, der, sha256, public_key_sha256, created_at)
    select a.id, decode(replace(u::text, '-', ''), 'hex'), 'device', 'issued', 0, u, $2, $3, $3::timestamptz + interval '1 year', 'der', sha256(u::text::bytea), 'key', $3
    from unnest($1::uuid[]) u, authorities a where a.name = 'issuing'`, [ids, invitation, now()])
}

test('counting and holding thousands goes on in slices, and a page that is loaded again shows how far it is', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await fleet(world, 1100)
  const console = await openConsole(t, world.service)
  const change = await previewed(console)
  world.service.clock.advance(5)
  const counting = await console.get(change)
  t.regex(counting.text, /Looking at every phone: 500 of 1,100, about 6 s left\./)
  t.regex(counting.text, /http-equiv="refresh"/)
  t.is((await console.post(`${change}/apply`, { action: 'hold' })).status, 400)
  t.false(await advancePolicyChanges(world.service, 1))
  t.regex((await console.get(change)).text, /1,000 of 1,100/)
  t.true(await advancePolicyChanges(world.service))
  const ready = await console.get(change)
  t.regex(ready.text, /This reaches 1,100 certificates of 1 person\./)
  t.true(Buffer.byteLength(ready.text) < 150_000)
  const applying = await console.submit(`${change}/apply`, { action: 'hold' })
  t.regex(applying.text, /200 certificates of 1,100 done/)
  t.true(await advancePolicyChanges(world.service))
  t.is((await held(world)).length, 1100)
  t.regex((await console.get(change)).text, /1,100 certificates held\./)
  const next = /href="([^"]+)" rel="next"/.exec(ready.text)![1]!.replaceAll('&amp;', '&')
  t.regex((await console.get(next)).text, /Whose certificates it reaches/)
})

test('of two previews of the same only one is applied', async t => {
  const world = await openWorld(t)
  const approval = await world.approve('iPhone14,5')
  const console = await openConsole(t, world.service)
  await console.get('/console/models/iPhone14,5')
  const [one, two] = [(await console.post('/console/models/iPhone14,5/withdraw', { approval })).location!, (await console.post('/console/models/iPhone14,5/withdraw', { approval })).location!]
  await console.submit(`${one}/apply`, { action: 'leave' })
  const refused = await console.post(`${two}/apply`, { action: 'leave' })
  t.is(refused.status, 400)
  t.regex(refused.text, /somebody was faster/)
  t.is((await console.post(`${one}/apply`, { action: 'leave' })).status, 400)
  await console.submit(`${one}/undo`)
  t.is((await world.service.db.query('select 1 from approvals where ended_at is null')).length, 1)
  t.is((await console.post(`${one}/undo`)).status, 400)
})

test('the people concerned are written to once each, where mail is set up', async t => {
  const world = await openWorld(t, { config: { smtpUrl: 'smtp://localhost' } })
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const console = await openConsole(t, world.service)
  const change = await previewed(console)
  t.regex((await console.get(change)).text, /Write to the 1 person today/)
  await console.submit(`${change}/apply`, { action: 'hold', from: '2026-03-10', notify: 'yes' })
  const mails = await world.service.db.query(`select recipient, body from outbox where event = 'policy.change'`) as { recipient: string, body: string }[]
  t.is(mails.length, 1)
  t.is(mails[0]!.recipient, 'ines@example.com')
  t.regex(mails[0]!.body, /From 2026-03-10 your phone is not let in any more as things stand\.\n\nPlease update to iOS 17\.4\./)
})

test('what cannot be applied as it is says so, and what is not there is not found', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const console = await openConsole(t, world.service)
  const change = await previewed(console)
  await console.get(change)
  for (const wrong of [{ action: 'perhaps' }, { action: 'hold', from: '2026-02-30' }, { action: 'hold', from: '2020-01-01' }, { action: 'hold', notify: 'yes' }]) {
    const refused = await console.post(`${change}/apply`, wrong)
    t.is(refused.status, 400, JSON.stringify(wrong))
    t.regex(refused.text, /role="alert"/)
  }
  for (const path of ['/console/policy/changes/6f1a3c1e-0000-4000-8000-000000000000', '/console/policy/changes/x']) t.is((await console.get(path)).status, 404)
  t.deepEqual(await world.service.db.query('select 1 from rules'), [])
})

test('programs preview, apply and take back as the console does; only admins', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const [admin, operator] = [await openApi(t, world.service), await openApi(t, world.service, 'operator')]
  const edit = { kind: 'add-rule', rule: { verdict: 'block', conditions: { osVersion: { below: '17.4' } }, reason: 'old' } }
  t.is(await operator.refusal('POST', '/policy/changes', { edit }), 'forbidden')
  const { id, state, reach } = await admin.ask('POST', '/policy/changes', { edit })
  t.deepEqual([state, reach], ['ready', { certificates: 1, people: 1, phones: 1, updatable: 1, starts: 0 }])
  t.like((await operator.ask('GET', `/policy/changes/${id}/effects`)).items[0], { personName: 'Ines Roth', verdict: 'block', canUpdate: true, outcome: null })
  t.is(await operator.refusal('POST', `/policy/changes/${id}/apply`, { action: 'hold' }), 'forbidden')
  t.like(await admin.ask('POST', `/policy/changes/${id}/apply`, { action: 'hold' }), { action: 'hold', outcome: { held: 1 } })
  t.is(await admin.refusal('POST', `/policy/changes/${id}/apply`, { action: 'hold' }), 'conflict')
  t.is(await operator.refusal('POST', `/policy/changes/${id}/undo`, {}), 'forbidden')
  t.like(await admin.ask('POST', `/policy/changes/${id}/undo`, {}), { outcome: { released: 1 } })
  t.is((await operator.ask('GET', '/policy/changes')).items.length, 1)
  t.deepEqual((await admin.ask('GET', `/audit?subject=policy-change:${id}`)).items.map((entry: { action: string }) => entry.action), ['policy.undo', 'policy.apply'])
})
