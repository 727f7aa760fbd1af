/** The challenge of a downloaded profile, and what the same bytes sent again are answered with. */
import test from 'ava'
import { randomUUID } from 'node:crypto'
import { download, firstMessage, outcomeOf, pageBehind, post, stateOf } from '../../support/ota-phone.ts'
import { openWorld } from '../../support/world.ts'

test('every download has an enrollment and a challenge of its own, stored as a hash', async t => {
  const world = await openWorld(t)
  const invitation = await world.invite()
  const downloads = await Promise.all(Array.from({ length: 20 }, async () => await download(invitation)))
  t.is(new Set(downloads.map(({ challenge }) => challenge)).size, 20)
  t.is(new Set(downloads.map(({ url }) => url)).size, 20)
  for (const { challenge } of downloads) t.is(Buffer.from(challenge, 'base64url').length, 24)
  const rows = await world.service.db.query('select * from enrollments')
  for (const { challenge } of downloads) t.false(JSON.stringify(rows).includes(challenge))
})

test('a challenge counts for fifteen minutes; then the phone is sent to a page that says to begin again', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const [inTime, tooLate] = [await download(await world.invite()), await download(await world.invite())]
  world.service.clock.advance(15 * 60)
  t.is(outcomeOf(t, await post(inTime.url, await firstMessage(world, inTime))), 'document')
  world.service.clock.advance(1)
  const before = await stateOf(world)
  const page = await pageBehind(t, await post(tooLate.url, await firstMessage(world, tooLate)))
  t.is(page.code, 'challenge-expired')
  t.regex(page.text, /open your invitation again/)
  t.is(await stateOf(world), before)
})

test('the challenge of another enrollment is refused, also of the same invitation', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const invitation = await world.invite({ devices: 2 })
  const [mine, other] = [await download(invitation), await download(invitation)]
  const before = await stateOf(world)
  t.is(outcomeOf(t, await post(mine.url, await firstMessage(world, other))), 'bad-challenge')
  t.is(await stateOf(world), before)
  t.is(outcomeOf(t, await post(mine.url, await firstMessage(world, mine))), 'document')
})

test('a challenge is answered once: other bytes with it are refused, and what was decided stands', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  for (const PRODUCT of ['iPhone14,5', 'iPhone1,2']) {
    const started = await download(await world.invite({ email: `${randomUUID()}@example.com` }))
    const first = await firstMessage(world, started, { PRODUCT })
    const answer = await post(started.url, first)
    const before = await stateOf(world)
    const pageBefore = await world.service.db.query('select last_error from enrollments where id = $1', [started.enrollmentId])
    for (const more of [{ SERIAL: 'ANOTHER' }, { PRODUCT: 'iPhone14,5', VERSION: '21A1' }, { PRODUCT: 'iPhone17,3' }]) {
      t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started, more))), 'page')
    }
    t.is(await stateOf(world), before)
    if (PRODUCT === 'iPhone1,2') t.deepEqual(await world.service.db.query('select last_error from enrollments where id = $1', [started.enrollmentId]), pageBefore)
    t.deepEqual((await post(started.url, first)).body, answer.body)
  }
})

test('a message sent again gets the same answer, byte for byte, whatever it was', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.approve('iPhone999,*')
  for (const [PRODUCT, expected] of [['iPhone14,5', 'document'], ['iPhone1,2', 'page'], ['iPhone999,1', 'page']] as const) {
    const started = await download(await world.invite({ email: `${randomUUID()}@example.com` }))
    const message = await firstMessage(world, started, { PRODUCT })
    const answer = await post(started.url, message)
    t.is(outcomeOf(t, answer), expected)
    const before = await stateOf(world)
    for (let again = 0; again < 3; again++) {
      world.service.clock.advance(400)
      const repeated = await post(started.url, message)
      t.is(repeated.status, answer.status)
      t.is(repeated.headers.get('location'), answer.headers.get('location'))
      t.deepEqual(repeated.body, answer.body)
    }
    t.is(await stateOf(world), before)
  }
})

test('the same message twice at once is one message', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  const message = await firstMessage(world, started)
  const answers = await Promise.all(Array.from({ length: 8 }, async () => await post(started.url, message)))
  for (const answer of answers) t.deepEqual(answer.body, answers[0]!.body)
  t.is(outcomeOf(t, answers[0]!), 'document')
  t.is((await world.service.db.query('select 1 from evidence')).length, 1)
})

test('one challenge, answered by two phones at once, is answered for one of them', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite({ devices: 5 }))
  const messages = await Promise.all(Array.from({ length: 5 }, async (_, i) => await firstMessage(world, started, { UDID: `0000${i}`, SERIAL: `F2L${i}` })))
  const answers = await Promise.all(messages.map(async message => await post(started.url, message)))
  t.deepEqual(answers.map(answer => outcomeOf(t, answer)).sort(), ['document', 'page', 'page', 'page', 'page'])
  t.is((await world.service.db.query('select 1 from devices')).length, 1)
})

test('what was stopped on its way may try again, and what then went well forgets what stopped it', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  t.is(outcomeOf(t, await post(started.url, Buffer.from('noise'))), 'malformed-cms')
  t.deepEqual(await world.service.db.query('select last_error, last_error_step from enrollments'), [{ last_error: 'malformed-cms', last_error_step: 'first-post' }])
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started))), 'document')
  t.deepEqual(await world.service.db.query('select last_error, last_error_step from enrollments'), [{ last_error: null, last_error_step: null }])
})

test('what comes after an enrollment has ended is refused, and its page goes on showing how it ended', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.approve('iPhone999,*')
  for (const [PRODUCT, code] of [['iPhone1,2', 'model-not-approved'], ['iPhone999,1', 'model-unknown']] as const) {
    const started = await download(await world.invite({ email: `${randomUUID()}@example.com` }))
    const message = await firstMessage(world, started, { PRODUCT })
    t.is((await pageBehind(t, await post(started.url, message))).code, code)
    t.is(outcomeOf(t, await post(started.url, Buffer.from('noise'))), 'malformed-cms')
    t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started, { SERIAL: 'ANOTHER' }))), 'page')
    t.is((await pageBehind(t, await post(started.url, message))).code, code)
  }
})

test('an invitation that ended or ran out between the download and the message lets nobody in', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const ended = await world.invite()
  const startedEnded = await download(ended)
  await world.service.db.query('update invitations set ended_at = $1 where id = $2', [world.service.now(), ended.id])
  t.is((await pageBehind(t, await post(startedEnded.url, await firstMessage(world, startedEnded)))).code, 'invitation-ended')

  const runsOut = await world.invite()
  world.service.clock.advance(7 * 86_400 - 60)
  const startedLate = await download(runsOut)
  world.service.clock.advance(120)
  t.is((await pageBehind(t, await post(startedLate.url, await firstMessage(world, startedLate)))).code, 'invitation-expired')
})
