/** A challenge makes one certificate, and a request that is sent again finds the one it made. */
import test from 'ava'
import { certificatesIn, counted, csrOf, enrolled, messageTo, post, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { openWorld } from '../../support/world.ts'

const [key, otherKey] = [phoneKeys.identity, keptRsaKey(2048, 'other')]

test('the same request sent again gets the same certificate', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [sender, csr] = [await selfSigned(key), await csrOf(key, challenge)]

  const replies = [await post(door, await messageTo(door, sender, csr)), await post(door, await messageTo(door, sender, csr))]

  t.deepEqual(replies.map(({ outcome }) => outcome), ['SUCCESS', 'SUCCESS'])
  const [first, again] = [await certificatesIn(replies[0]!, sender), await certificatesIn(replies[1]!, sender)]
  t.is(first.length, 1)
  t.deepEqual(again.map(({ raw }) => raw), first.map(({ raw }) => raw))
  t.is(await counted(world, 'device'), 1)
})

test('the same request sent many times at once gets one certificate, every time', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [sender, csr] = [await selfSigned(key), await csrOf(key, challenge)]
  const messages = await Promise.all(Array.from({ length: 6 }, async () => await messageTo(door, sender, csr)))

  const replies = await Promise.all(messages.map(async message => await post(door, message)))

  t.deepEqual(replies.map(({ outcome }) => outcome), Array(6).fill('SUCCESS'))
  const serialNumbers = await Promise.all(replies.map(async reply => (await certificatesIn(reply, sender))[0]!.serialNumber))
  t.is(new Set(serialNumbers).size, 1)
  t.is(await counted(world, 'device'), 1)
})

test('a renewal sent many times at once gets one certificate, every time', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const phone = await enrolled(t, world, key)
  const csr = await csrOf(otherKey)
  const messages = await Promise.all(Array.from({ length: 6 }, async () => await messageTo(phone.door, phone, csr, { messageType: '17' })))

  const replies = await Promise.all(messages.map(async message => await post(phone.door, message)))

  t.deepEqual(replies.map(({ outcome }) => outcome), Array(6).fill('SUCCESS'))
  t.is(await counted(world, 'device'), 2)
})

test('of two keys that use one challenge at once, one gets a certificate', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const messages = await Promise.all([key, otherKey].map(async each => await messageTo(door, await selfSigned(each), await csrOf(each, challenge))))

  const replies = await Promise.all(messages.map(async message => await post(door, message)))

  t.deepEqual(replies.map(({ outcome }) => outcome).sort(), ['2', 'SUCCESS'])
  t.is(await counted(world, 'device'), 1)
})

test('a used challenge is worth nothing to another request, whichever part of it differs', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge, ...phone } = await enrolled(t, world, key)
  const sender = await selfSigned(key)

  const attempts = [
    await messageTo(door, await selfSigned(otherKey), await csrOf(otherKey, challenge)),
    await messageTo(door, sender, await csrOf(key, challenge), { transactionID: 'T2' }),
    await messageTo(door, sender, await csrOf(key, challenge, { subject: phone.certificate.subject.raw })),
  ]

  for (const attempt of attempts) t.is((await post(door, attempt)).outcome, '2')
  t.is(await counted(world, 'device'), 1)
})

test('the same bytes no longer get a certificate that was revoked', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [sender, csr] = [await selfSigned(key), await csrOf(key, challenge)]
  const message = await messageTo(door, sender, csr)
  t.is((await post(door, message)).outcome, 'SUCCESS')

  await world.service.db.query(`insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
    select authority_id, serial_number, partition, not_after, $1, 1, 1, 'ada' from certificates where kind = 'device' and state = 'issued'`, [world.service.now()])

  t.is((await post(door, message)).outcome, '2')
  t.is(await counted(world, 'device'), 1)
})
