/** A phone in quarantine: its page shows it, an admin decides, and the phone comes again. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import { deviceApprove, deviceRefuse } from '../../src/protocols/api/operations/device-settle.ts'
import { request } from '../../src/phone/http.ts'
import type { Refusal } from '../../src/phone/outcome.ts'
import { download, firstMessage, outcomeOf, post, stateOf } from '../support/ota-phone.ts'
import { phoneKeys } from '../support/kept.ts'
import { openWorld, type World } from '../support/world.ts'

const pageOf = async (outcome: Refusal): Promise<string> => (await request(outcome.page!)).body.toString('utf8')

async function exempt({ service: { db, now } }: World, verdict: 'allow' | 'block', more: { deviceId?: string, invitationId?: string, days?: number, evidence?: string } = {}): Promise<void> {
  const [enrollment] = await db.query(`select device_id, invitation_id from enrollments where state = 'quarantined' order by created_at limit 1`)
  await db.query(`insert into exemptions (id, device_id, invitation_id, verdict, least_evidence, reason, author, created_at, not_after)
    values ($1, $2, $3, $4, $5, 'seen by me', 'ada', $6, $7)`,
  [randomUUID(), more.deviceId ?? enrollment!.device_id, more.invitationId ?? enrollment!.invitation_id, verdict, more.evidence ?? 'signed', now(),
    new Date(now().getTime() + (more.days ?? 30) * 86_400_000)])
}

/** What an operator does about it in the API. */
async function settle({ service }: World, operation: typeof deviceApprove, until?: Date): Promise<void> {
  const [{ device_id: id }] = await service.db.query(`select device_id from enrollments where state = 'quarantined'`) as [{ device_id: string }]
  await operation.run(service, { name: 'ada', role: 'operator', source: 'test' }, { id, reason: 'seen by me', ...until === undefined ? {} : { until } })
}

async function quarantined(world: World): Promise<{ link: string, outcome: Refusal }> {
  await world.approve('*')
  const { link } = await world.invite()
  const outcome = await world.enroll(link, { product: 'iPhone999,1', keys: phoneKeys })
  if (outcome.outcome !== 'quarantined') throw new Error(JSON.stringify(outcome))
  return { link, outcome }
}

test('a model that is not in the catalogue waits for an admin, and its page says so and looks again by itself', async t => {
  const world = await openWorld(t)
  const { outcome } = await quarantined(world)
  t.like(outcome, { at: 'first-post', code: 'model-unknown', page: `${world.url}${new URL(outcome.page!).pathname}` })
  const page = await pageOf(outcome)
  t.regex(page, /Somebody has to look at this first/)
  t.regex(page, /iPhone999,1/)
  t.regex(page, /<meta http-equiv="refresh" content="15">/)
  t.regex(page, /Please ask the person who sent you the invitation/)
  t.deepEqual(await world.service.db.query('select * from certificates where kind <> \'signer\''), [])
})

test('looking at the page decides nothing and changes nothing', async t => {
  const world = await openWorld(t)
  const { outcome } = await quarantined(world)
  const before = await stateOf(world)
  for (let looked = 0; looked < 20; looked++) await pageOf(outcome)
  t.is((await request(outcome.page!, { method: 'POST', body: Buffer.from('approve=1') })).status >= 400, true)
  t.is(await stateOf(world), before)
})

test('once an admin says yes to this phone, the page says so, and the phone gets in with a new download', async t => {
  const world = await openWorld(t)
  const { link, outcome } = await quarantined(world)
  const until = new Date(world.service.now().getTime() + 3 * 86_400_000)
  await settle(world, deviceApprove, until)
  const page = await pageOf(outcome)
  t.regex(page, /<h1>Approved<\/h1>/)
  t.regex(page, /Open your invitation again and tap <b>Start<\/b>/)
  t.notRegex(page, /http-equiv="refresh"/)
  const again = await world.enroll(link, { product: 'iPhone999,1', keys: phoneKeys })
  if (again.outcome !== 'enrolled') return t.fail(JSON.stringify(again))
  t.deepEqual(again.certificate.notAfter, until, 'and no longer than the admin said')
})

test('once an admin says no, the page says so', async t => {
  const world = await openWorld(t)
  const { link, outcome } = await quarantined(world)
  await settle(world, deviceRefuse)
  const page = await pageOf(outcome)
  t.regex(page, /data-outcome="refused"/)
  t.regex(page, /data-code="blocked-by-exemption"/)
  t.like(await world.enroll(link, { product: 'iPhone999,1', keys: phoneKeys }), { outcome: 'refused', code: 'blocked-by-exemption' })
})

test('a yes is for one phone under one invitation: neither another phone nor another invitation profits', async t => {
  const world = await openWorld(t)
  const { link } = await quarantined(world)
  await exempt(world, 'allow')
  t.like(await world.enroll(link, { product: 'iPhone999,1', serial: 'F2LOTHER0001', keys: phoneKeys }), { outcome: 'quarantined', code: 'model-unknown' })
  const other = await world.invite()
  t.like(await world.enroll(other.link, { product: 'iPhone999,1', keys: phoneKeys }), { outcome: 'quarantined', code: 'model-unknown' })
})

test('a yes that has run out, or asks for better evidence than there is, lets nobody in', async t => {
  const world = await openWorld(t)
  const { link, outcome } = await quarantined(world)
  await exempt(world, 'allow', { evidence: 'attested' })
  await exempt(world, 'allow', { days: 1 })
  t.regex(await pageOf(outcome), /<h1>Approved<\/h1>/)
  world.service.clock.advance(86_401)
  t.regex(await pageOf(outcome), /Somebody has to look at this first/)
  t.is((await world.enroll(link, { product: 'iPhone999,1', keys: phoneKeys })).outcome, 'quarantined')
})

test('a phone that repeats the message of its quarantine is sent to the same page, also once it is approved', async t => {
  const world = await openWorld(t)
  await world.approve('*')
  const started = await download(await world.invite())
  const message = await firstMessage(world, started, { PRODUCT: 'iPhone999,1' })
  const answer = await post(started.url, message)
  t.is(outcomeOf(t, answer), 'page')
  await exempt(world, 'allow')
  const again = await post(started.url, message)
  t.is(again.headers.get('location'), answer.headers.get('location'))
  t.regex((await request(again.headers.get('location')!)).body.toString('utf8'), /<h1>Approved<\/h1>/)
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started, { PRODUCT: 'iPhone999,1', VERSION: '99A1' }))), 'page', 'the challenge is spent')
  t.deepEqual(await world.service.db.query(`select * from scep_challenges`), [])
})
