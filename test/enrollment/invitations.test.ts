/** Places of an invitation: fetching takes none, a certificate takes one, and a device takes one only once. */
import test from 'ava'
import { pageBehind, download, firstMessage, phoneBeforeSecondPost, post, stateOf } from '../support/ota-phone.ts'
import { keptRsaKey, phoneKeys } from '../support/kept.ts'
import { request } from '../../src/phone/http.ts'
import { signAttributes } from '../../src/phone/ota.ts'
import { openWorld, type World } from '../support/world.ts'

const placesOf = async ({ service: { db } }: World): Promise<number> => (await db.query('select 1 from invitation_devices')).length
const second = { keys: { ...phoneKeys, bootstrap: keptRsaKey(2048, 'second-bootstrap'), identity: keptRsaKey(2048, 'second-identity') } }

test('fetching the page and the profile a hundred times takes no place, and a phone still gets in', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const invitation = await world.invite()
  const before = await stateOf(world)
  for (let fetched = 0; fetched < 100; fetched++) t.is((await request(invitation.link)).status, 200)
  t.is(await stateOf(world), before, 'the page leaves no trace at all')
  for (let fetched = 0; fetched < 100; fetched++) await download(invitation)
  t.is(await placesOf(world), 0)
  t.is((await world.service.db.query('select 1 from devices')).length, 0)
  t.is((await world.enroll(invitation.link, { keys: phoneKeys })).outcome, 'enrolled')
  t.is(await placesOf(world), 1)
})

test('a place is taken when the certificate is issued, and not before', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  for (const stopBefore of ['first-post', 'bootstrap-scep', 'second-post', 'scep'] as const) {
    t.is((await world.enroll(link, { keys: phoneKeys, stopBefore })).outcome, 'stopped')
    t.is(await placesOf(world), 0, stopBefore)
  }
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  t.is(await placesOf(world), 1)
})

test('the same phone comes again and takes no further place; the next phone finds none left', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 2 })
  for (const [serial, outcome, places] of [['F2LAAAAAAAA1', 'enrolled', 1], ['F2LAAAAAAAA2', 'enrolled', 2], ['F2LAAAAAAAA3', 'refused', 2], ['F2LAAAAAAAA1', 'enrolled', 2]] as const) {
    const options = serial === 'F2LAAAAAAAA1' && places === 2 ? second : { keys: { ...phoneKeys, bootstrap: keptRsaKey(2048, `${serial}-bootstrap`), identity: keptRsaKey(2048, `${serial}-identity`) } }
    const result = await world.enroll(link, { serial, ...options })
    t.is(result.outcome, outcome, serial)
    if (result.outcome === 'refused') t.like(result, { at: 'first-post', code: 'invitation-used-up' })
    t.is(await placesOf(world), places)
  }
})

test('two phones race for one place, and exactly one of them gets it', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 1 })
  const phones = await Promise.all(['F2LRACE00001', 'F2LRACE00002', 'F2LRACE00003'].map(async serial =>
    ({ serial, keys: { device: phoneKeys.device, bootstrap: keptRsaKey(2048, `${serial}-bootstrap`), identity: keptRsaKey(2048, `${serial}-identity`) } })))
  const outcomes = await Promise.all(phones.map(async phone => await world.enroll(link, phone)))
  t.is(outcomes.filter(({ outcome }) => outcome === 'enrolled').length, 1, JSON.stringify(outcomes.map(({ outcome }) => outcome)))
  t.is(await placesOf(world), 1)
  t.is((await world.service.db.query(`select 1 from certificates where kind = 'device' and state = 'issued'`)).length, 1)
})

test('a phone that lost the race between its two messages reads on its page that no place is left', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 1 })
  const slow = await phoneBeforeSecondPost(world, link, { serial: 'F2LSLOW00001', udid: 'SLOW' })
  t.is((await world.enroll(link, { serial: 'F2LFAST00001', ...second })).outcome, 'enrolled')
  const message = await signAttributes({ attributes: { UDID: 'SLOW', SERIAL: 'F2LSLOW00001', PRODUCT: 'iPhone14,5' }, identity: slow.bootstrap, now: world.service.now() })
  t.is((await pageBehind(t, await post(slow.otaUrl, message))).code, 'invitation-used-up')
})

test('an invitation that was taken back lets nobody go on, at any step', async t => {
  for (const keyOrigin of ['device', 'delivered'] as const) {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { link, id } = await world.invite({ keyOrigin })
    const phone = await phoneBeforeSecondPost(world, link)
    await world.service.db.query('update invitations set ended_at = $1 where id = $2', [world.service.now(), id])
    const message = await signAttributes({ attributes: { UDID: '00008110-0011223344556677', SERIAL: 'F2LTESTTEST1', PRODUCT: 'iPhone14,5' }, identity: phone.bootstrap, now: world.service.now() })
    t.is((await pageBehind(t, await post(phone.otaUrl, message))).code, 'invitation-ended')
    t.like(await world.enroll(link, { keys: phoneKeys }), { outcome: 'refused', at: 'invitation' })
    t.is(await placesOf(world), 0)
    t.is((await world.service.db.query(`select 1 from certificates where kind = 'device'`)).length, 0)
  }
})

test('a phone in the hands of another person is another device, and cannot change what is known of the first', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const [ines, theo] = [await world.invite(), await world.invite({ email: 'theo@example.com', name: 'Theo Brandt' })]
  t.is((await world.enroll(ines.link, { keys: phoneKeys })).outcome, 'enrolled')
  const before = await world.service.db.query('select * from devices')
  const started = await download(theo)
  await post(started.url, await firstMessage(world, started, { UDID: before[0]!.udid, PRODUCT: 'iPhone1,2' }))
  const after = await world.service.db.query('select * from devices order by created_at, id')
  t.is(after.length, 2)
  t.deepEqual(after.filter(({ id }) => id === before[0]!.id), before)
})
