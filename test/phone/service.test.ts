/** A simulated phone and the service itself: what the one does, the other answers as it should. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { randomUUID } from 'node:crypto'
import test from 'ava'
import { fromPem } from '../../src/formats/pem.ts'
import { renewPhone } from '../../src/phone/renew.ts'
import { openWorld } from '../support/world.ts'
import { phoneKeys as keys } from '../support/kept.ts'

test('a phone whose model waits for a decision is told apart from a refused one', async t => {
  const world = await openWorld(t)
  await world.service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values ($1, 'quarantine', '{"productType":"iPhone14,5"}', 'a test', 'ada', $2)`, [randomUUID(), world.service.now()])
  const { link } = await world.invite()
  const outcome = await world.enroll(link, { keys })
  t.like(outcome, { outcome: 'quarantined', at: 'first-post' })
  t.regex(outcome.outcome === 'quarantined' ? outcome.page ?? '' : '', /\/i\/e\//)
})

for (const [misbehave, expected] of [
  ['tamper', { at: 'first-post', code: 'cms-digest-mismatch' }],
  ['replay', { at: 'first-post', code: 'challenge-used', repeat: 'same' }],
  ['lie-in-second-post', { at: 'second-post', code: 'device-attributes-changed' }],
] as const) {
  test(`the service refuses a phone that misbehaves: ${misbehave}`, async t => {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { link } = await world.invite()
    t.like(await world.enroll(link, { keys, misbehave }), { outcome: 'refused', ...expected })
    t.deepEqual(await world.service.db.query(`select 1 from certificates where kind = 'device'`), [])
  })
}

test('an enrolled phone renews: the serial number is new, the key is not', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  const out = join(world.folder, 'phone')
  const before = await world.enroll(link, { keys, out })
  const after = await renewPhone(out, { now: world.service.now })
  if (before.outcome !== 'enrolled' || after.outcome !== 'enrolled') return t.fail(JSON.stringify([before, after]))
  t.not(after.certificate.serialNumber, before.certificate.serialNumber)
  t.deepEqual(after.certificate.subjectPublicKeyInfo, before.certificate.subjectPublicKeyInfo)
  t.is(fromPem(await readFile(join(out, 'chain.pem'), 'utf8'), 'CERTIFICATE').length, 2)
})

test('a delivered key reaches a phone of either generation', async t => {
  for (const build of ['20A362', '22A380']) {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const { link } = await world.invite({ keyOrigin: 'delivered' })
    const outcome = await world.enroll(link, { keys, build })
    if (outcome.outcome !== 'enrolled') return t.fail(JSON.stringify(outcome))
    t.is(outcome.chain.length, 2)
  }
})

test('a phone that is stopped before its identity leaves a challenge that others can use', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  const out = join(world.folder, 'phone')
  const outcome = await world.enroll(link, { keys, out, stopBefore: 'scep' })
  if (outcome.outcome !== 'stopped') return t.fail(JSON.stringify(outcome))
  t.is(outcome.scepUrl, `${world.url}/scep/issuing`)
  t.true((await readFile(join(out, 'profile.mobileconfig'), 'utf8')).includes(outcome.challenge!))
})
