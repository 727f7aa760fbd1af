/** Phones that were in, and that a change of policy set aside: they wait for a decision beside those that never got in. */
import test from 'ava'
import { advancePolicyChanges } from '../../src/http/advance-policy-changes.ts'
import { reviewWaiting } from '../../src/http/waiting.ts'
import { openApi } from '../support/api.ts'
import { openConsole, type ConsoleClient } from '../support/console.ts'
import { openWorld, type World } from '../support/world.ts'

const below = (verdict: 'quarantine' | 'block') => ({ verdict, family: 'iPhone', below: '17.4', reason: 'holes in older ones' })

async function enroll(world: World, name: string): Promise<void> {
  const { link } = await world.invite({ name, email: `${name.split(' ')[0]!.toLowerCase()}@example.com` })
  await world.enroll(link, { serial: `F2L${name.slice(0, 3).toUpperCase()}` })
}

/** @returns the path of the change, applied */
async function applied(console: ConsoleClient, verdict: 'quarantine' | 'block', action: string): Promise<string> {
  await console.get('/console/policy/new')
  const change = (await console.post('/console/policy/new', below(verdict))).location!
  await console.get(change)
  await console.submit(`${change}/apply`, { action })
  return change
}

const deviceOf = async ({ service }: World, name: string): Promise<string> =>
  (await service.db.query<{ id: string }>('select d.id from devices d join people p on p.id = d.person_id where p.name = $1', [name]))[0]!.id
/** reason → how many certificates of phones */
const reasons = async ({ service }: World): Promise<number[]> =>
  (await service.db.query<{ reason: number }>(`select r.reason from revocations r join certificates c using (authority_id, serial_number) where c.kind = 'device' order by r.reason`)).map(row => row.reason)

test('a phone that a rule sets aside and leaves waits with its good certificate; approved it keeps it, and renews past the rule', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const console = await openConsole(t, world.service)
  await applied(console, 'quarantine', 'leave')
  const operator = await openConsole(t, world.service, 'operator')
  const queue = await operator.get('/console/quarantine')
  t.regex(queue.text, /One phone waits for a decision.*Ines Roth.*holds a key.*holes in older ones/s)
  t.regex((await operator.get('/console')).text, /Ines Roth.*waits for a decision/s)
  const path = `/console/quarantine/${await deviceOf(world, 'Ines Roth')}`
  t.regex((await operator.get(path)).text, /Its certificate is good still, and cannot be renewed.*It goes on with the certificate that it has/s)
  t.regex((await operator.submit(`${path}/approve`, { reason: 'cannot be updated before May' })).text, /role="status">Approved\./)
  t.deepEqual(await reasons(world), [])
  t.regex((await operator.get('/console/quarantine')).text, /No phone waits/)
  const { verdict } = await (await openApi(t, world.service)).ask('GET', `/devices/${await deviceOf(world, 'Ines Roth')}/decision`)
  t.is(verdict, 'allow')
})

test('a phone that a change of policy holds waits; approved, its certificate is released, and taking the change back later changes nothing for it', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  for (const name of ['Ines Roth', 'Tom Weiss']) await enroll(world, name)
  const console = await openConsole(t, world.service)
  const change = await applied(console, 'quarantine', 'hold')
  t.deepEqual(await reasons(world), [6, 6])
  const path = `/console/quarantine/${await deviceOf(world, 'Ines Roth')}`
  const operator = await openConsole(t, world.service, 'operator')
  t.regex((await operator.get('/console/quarantine')).text, /2 phones wait.*key on hold/s)
  t.regex((await operator.get(path)).text, /Its certificate is on hold.*is good again at once/s)
  const done = await operator.submit(`${path}/approve`, { reason: 'seen', scope: 'device' })
  t.regex(done.text, /role="status">Approved\. What a change of policy held of it is good again/)
  t.deepEqual(await reasons(world), [6, 8])
  t.regex((await console.get(change)).text, /1 certificate held; 1 certificate released/)
  await console.submit(`${change}/undo`)
  await advancePolicyChanges(world.service)
  t.deepEqual(await reasons(world), [8, 8])
  t.regex((await operator.get('/console/quarantine')).text, /No phone waits/)
})

test('a phone that a block rule holds waits as well, and only an admin lets it in past the rule', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const console = await openConsole(t, world.service)
  await applied(console, 'block', 'hold')
  const path = `/console/quarantine/${await deviceOf(world, 'Ines Roth')}`
  const operator = await openConsole(t, world.service, 'operator')
  await operator.get(path)
  const refused = await operator.post(`${path}/approve`, { reason: 'seen' })
  t.is(refused.status, 400)
  t.regex(refused.text, /only an admin decides past that/)
  t.deepEqual(await reasons(world), [6])
  await console.get(path)
  await console.submit(`${path}/approve`, { reason: 'the director' })
  t.deepEqual(await reasons(world), [8])
  t.deepEqual(await world.service.db.query('select verdict from exemptions where ended_at is null'), [{ verdict: 'allow' }])
})

test('who was updated since is released without an exemption', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  await applied(await openConsole(t, world.service), 'block', 'hold')
  await world.service.db.query(`update devices set build = '21E219'`)
  const operator = await openConsole(t, world.service, 'operator')
  const path = `/console/quarantine/${await deviceOf(world, 'Ines Roth')}`
  t.regex((await operator.get('/console/quarantine')).text, /key on hold/)
  t.regex((await operator.get(path)).text, /Allowed by the approval/)
  await operator.submit(`${path}/approve`, { reason: 'updated' })
  t.deepEqual(await reasons(world), [8])
  t.deepEqual(await world.service.db.query('select 1 from exemptions'), [])
})

test('refused, what it held is revoked, and taking the change back does not bring it back', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await enroll(world, 'Ines Roth')
  const console = await openConsole(t, world.service)
  const change = await applied(console, 'quarantine', 'hold')
  const path = `/console/quarantine/${await deviceOf(world, 'Ines Roth')}`
  t.regex((await console.get(path)).text, /The certificate that it holds is revoked, which cannot be taken back/)
  t.regex((await console.submit(`${path}/refuse`, { refusal: 'private phone', text: 'Take a company phone.' })).text, /Refused\. What it held is revoked/)
  t.deepEqual(await reasons(world), [9])
  await console.submit(`${change}/undo`)
  await advancePolicyChanges(world.service)
  t.deepEqual(await reasons(world), [9])
})

test('nobody waits any more whom a removed rule lets in again, or who was locked out since', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  for (const name of ['Ines Roth', 'Tom Weiss']) await enroll(world, name)
  const [api, operator] = [await openApi(t, world.service), await openConsole(t, world.service, 'operator')]
  const rule = await api.ask('POST', '/rules', { verdict: 'quarantine', conditions: { osVersion: { below: '17.4' } }, reason: 'old' })
  t.is((await api.ask('GET', '/devices?quarantined=true')).items.length, 2, 'also where nobody previewed the rule')
  await api.ask('POST', '/certificates/hold', { device: await deviceOf(world, 'Tom Weiss'), cause: 'lost' })
  await reviewWaiting(world.service)
  const { items: [one, ...others] } = await api.ask('GET', '/devices?quarantined=true')
  t.deepEqual([one.personName, one.certificate.status, others], ['Ines Roth', 'good', []])
  await api.ask('DELETE', `/rules/${rule.id}`)
  t.regex((await operator.get('/console/quarantine')).text, /No phone waits/)
  t.is((await api.ask('GET', '/overview')).quarantined.count, 0)
})

test('a change that is taken back releases nobody who was locked out since: neither a phone nor a person', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  for (const name of ['Ines Roth', 'Tom Weiss', 'Eve Park']) await enroll(world, name)
  const [api, console] = [await openApi(t, world.service), await openConsole(t, world.service)]
  const change = await applied(console, 'block', 'hold')
  t.deepEqual(await reasons(world), [6, 6, 6])
  await api.ask('POST', '/certificates/hold', { device: await deviceOf(world, 'Ines Roth'), cause: 'lost' })
  await api.ask('POST', '/certificates/hold', { person: 'tom@example.com', cause: 'on leave' })
  await console.get(change)
  await console.submit(`${change}/undo`)
  await advancePolicyChanges(world.service)
  t.deepEqual(await reasons(world), [6, 6, 8])
  t.regex((await console.get(change)).text, /1 certificate released; 2 passed over/)
  const [{ name }] = await world.service.db.query(`select p.name from revocations r join certificates c using (authority_id, serial_number) join devices d on d.id = c.device_id join people p on p.id = d.person_id
    where r.reason = 8 and c.kind = 'device'`) as [{ name: string }]
  t.is(name, 'Eve Park')
})

test('a queue of many that wait is read in pages, and stays short', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  const names = ['Ines Roth', 'Tom Weiss', 'Eve Park']
  for (const name of names) await enroll(world, name)
  const api = await openApi(t, world.service)
  await api.ask('POST', '/rules', { verdict: 'quarantine', conditions: { osVersion: { below: '17.4' } }, reason: 'old' })
  const seen: string[] = []
  for (let cursor = ''; ;) {
    const { items, next } = await api.ask('GET', `/devices?quarantined=true&limit=1${cursor}`)
    seen.push(...items.map((item: { personName: string }) => item.personName))
    if (next === null) break
    cursor = `&cursor=${next}`
  }
  t.deepEqual(seen.sort(), names.toSorted())
})
