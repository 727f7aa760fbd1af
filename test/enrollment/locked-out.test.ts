/** A lost phone and a leaver: once an admin has said so, no link, no renewal and nothing under way brings a certificate. */
import test from 'ava'
import { openApi, type Api } from '../support/api.ts'
import { counted, csrOf, enrolled, messageTo, post, selfSigned } from '../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../support/kept.ts'
import { request } from '../../src/phone/http.ts'
import { openWorld, type World } from '../support/world.ts'

const otherKey = keptRsaKey(2048, 'other')
const day = 86_400

async function deviceOf({ service: { db } }: World): Promise<string> {
  const [row] = await db.query<{ id: string }>('select id from devices order by created_at, id limit 1')
  return row!.id
}

const good = async ({ service: { db } }: World): Promise<number> => (await db.query(`select 1 from certificates c
  left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
  where c.kind = 'device' and c.state = 'issued' and (r.serial_number is null or r.reason = 8)`)).length

const pageOf = async ({ url, service: { db } }: World): Promise<string> => {
  const [row] = await db.query<{ id: string }>('select id from enrollments where device_id is not null order by created_at desc limit 1')
  return (await request(`${url}/i/e/${row!.id}`)).body.toString('utf8')
}

/** A phone that has all but its certificate, and the request for that. */
async function underWay(world: World, link: string): Promise<{ door: string, message: Buffer }> {
  const stopped = await world.enroll(link, { keys: phoneKeys, stopBefore: 'scep' })
  if (stopped.outcome !== 'stopped') throw new Error(JSON.stringify(stopped))
  const door = stopped.scepUrl!
  return { door, message: await messageTo(door, await selfSigned(phoneKeys.identity), await csrOf(phoneKeys.identity, stopped.challenge)) }
}

test('a phone that is revoked does not come back, neither by the link in its mail nor by a new one', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 2 })
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const api = await openApi(t, world.service)
  const device = await deviceOf(world)
  const outcome = await api.ask('POST', '/certificates/revoke', { device, cause: 'left in a train' })
  t.like(outcome, { lockedOut: [`device:${device}`], invitationsEnded: 1 })

  world.service.clock.advance(day)
  t.like(await world.enroll(link, { keys: phoneKeys }), { outcome: 'refused', at: 'invitation' })
  t.like(await world.enroll(link, { keys: phoneKeys, serial: 'F2LOTHER0001' }), { outcome: 'refused', at: 'invitation' }, 'whoever has the phone can read its mail')
  const { link: second } = await world.invite()
  t.like(await world.enroll(second, { keys: phoneKeys }), { outcome: 'refused', at: 'first-post', code: 'device-revoked' })
  t.regex(await pageOf(world), /This iPhone 13 was reported lost or retired/)
  t.is(await good(world), 0)
})

test('an admin lets a revoked phone in again, an operator does not', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  t.is((await world.enroll((await world.invite()).link, { keys: phoneKeys })).outcome, 'enrolled')
  const [admin, operator] = [await openApi(t, world.service), await openApi(t, world.service, 'operator')]
  const device = await deviceOf(world)
  await operator.ask('POST', '/certificates/revoke', { device })
  t.is((await admin.ask('GET', `/devices/${device}`)).lockedOut, 'revoked')
  t.is(await operator.refusal('POST', '/certificates/release', { device }), 'forbidden')
  t.is(await operator.refusal('POST', `/devices/${device}/approve`, { reason: 'he says it is back' }), 'enrollment-state')
  t.like(await operator.ask('POST', '/certificates/hold', { device }), { lockedOut: [] }, 'a hold does not soften it')
  t.is((await admin.ask('GET', `/devices/${device}`)).lockedOut, 'revoked')

  const outcome = await admin.ask('POST', '/certificates/release', { device, cause: 'found again' })
  t.like(outcome, { letInAgain: [`device:${device}`], changed: [] })
  t.is(await good(world), 0, 'what was revoked stays revoked')
  world.service.clock.advance(1)
  t.is((await world.enroll((await world.invite()).link, { keys: phoneKeys })).outcome, 'enrolled')
  t.deepEqual((await admin.ask('GET', `/audit?subject=device:${device}`)).items.map((entry: { action: string }) => entry.action).filter((action: string) => action.startsWith('device.')),
    ['device.release', 'device.revoke'])
})

test('a phone on hold gets nothing new until it is released: not by its link, not by renewing', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const api = await openApi(t, world.service, 'operator')
  const device = await deviceOf(world)
  t.like(await api.ask('POST', '/certificates/hold', { device }), { lockedOut: [`device:${device}`], invitationsEnded: 0 })
  t.regex(await pageOf(world), /This iPhone 13 is locked out for now/)
  world.service.clock.advance(60)
  t.like(await world.enroll(link, { keys: phoneKeys }), { outcome: 'refused', code: 'device-held' })
  t.is(await good(world), 0)
  t.like(await api.ask('POST', '/certificates/release', { device }), { letInAgain: [`device:${device}`] })
  t.is(await good(world), 1)
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
})

test('a phone whose one certificate was released while it is itself on hold does not renew', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const phone = await enrolled(t, world, phoneKeys.identity)
  const api = await openApi(t, world.service)
  const device = await deviceOf(world)
  const { changed: [{ serialNumber }] } = await api.ask('POST', '/certificates/hold', { device })
  await api.ask('POST', '/certificates/release', { certificate: serialNumber })
  const renewal = await messageTo(phone.door, phone, await csrOf(otherKey), { messageType: '17' })
  t.is((await post(phone.door, renewal)).outcome, '2')
  await api.ask('POST', '/certificates/release', { device })
  t.is((await post(phone.door, renewal)).outcome, 'SUCCESS')
})

for (const verb of ['revoke', 'hold'] as const) {
  for (const [whose, targetOf] of [['phone', async (world: World) => ({ device: await deviceOf(world) })], ['person', async () => ({ person: 'ines@example.com' })]] as const) {
    test(`${verb} of a ${whose} stops the enrollment that is under way, at SCEP's door`, async t => {
      const world = await openWorld(t)
      await world.approve('iPhone14,5')
      const { door, message } = await underWay(world, (await world.invite()).link)
      const api = await openApi(t, world.service)
      await api.ask('POST', `/certificates/${verb}`, await targetOf(world))
      t.is((await post(door, message)).outcome, '2')
      t.is(await counted(world, 'device'), 0)
      t.regex(await pageOf(world), /data-outcome="refused"/)
    })
  }
}

test('a person on hold brings no other phone either, until the person is released', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 2 })
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const api = await openApi(t, world.service, 'operator')
  t.like(await api.ask('POST', '/certificates/hold', { person: 'Ines@example.com' }), { lockedOut: ['person:ines@example.com'], invitationsEnded: 0 })
  world.service.clock.advance(1)
  t.like(await world.enroll(link, { keys: { ...phoneKeys, identity: otherKey }, serial: 'F2LOTHER0001' }), { outcome: 'refused', code: 'person-held' })
  t.like(await api.ask('POST', '/certificates/hold', { person: 'ines@example.com' }), { lockedOut: [] })
  t.like(await api.ask('POST', '/certificates/release', { person: 'ines@example.com' }), { letInAgain: ['person:ines@example.com'] })
  t.is((await world.enroll(link, { keys: { ...phoneKeys, identity: otherKey }, serial: 'F2LOTHER0001' })).outcome, 'enrolled')
  t.is(await good(world), 2)
})

/** An invitation that runs out while its phone is on its way: the phone may finish, unless its owner leaves. */
async function expiredUnderWay(t: Parameters<typeof openWorld>[0], world: World): Promise<{ api: Api, door: string, message: Buffer }> {
  const { link } = await world.invite()
  world.service.clock.advance(7 * day - 60)
  const phone = await underWay(world, link)
  world.service.clock.advance(120)
  return { api: await openApi(t, world.service), ...phone }
}

test('a leaver’s invitation that has run out ends as well: what is under way with it gets nothing', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { api, door, message } = await expiredUnderWay(t, world)
  t.like(await api.ask('POST', '/certificates/revoke', { person: 'ines@example.com' }), { invitationsEnded: 1 })
  t.is((await post(door, message)).outcome, '2')
  t.is(await counted(world, 'device'), 0)
})

test('a leaver whose phone asks at the very moment holds nothing afterwards', async t => {
  for (let round = 0; round < 4; round++) {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { api, door, message } = await expiredUnderWay(t, world)
    const asked = post(door, message)
    // Somewhere in its middle.
    for (let turns = 0; turns < round * 20; turns++) await new Promise(resolve => { setImmediate(resolve) })
    await api.ask('POST', '/certificates/revoke', { person: 'ines@example.com' })
    const { outcome } = await asked
    t.true(outcome === 'SUCCESS' || outcome === '2', outcome)
    t.is(await good(world), 0, `round ${round}: ${outcome}`)
    t.is((await post(door, message)).outcome, '2')
    t.is(await good(world), 0)
  }
})
