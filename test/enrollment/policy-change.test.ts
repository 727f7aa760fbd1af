/** Policy is decided at every step anew: what changed in between counts. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import { signAttributes } from '../../src/phone/ota.ts'
import { request } from '../../src/phone/http.ts'
import { installIdentity } from '../../src/phone/install.ts'
import { decryptProfile, openProfile, payloadsIn } from '../../src/phone/profile.ts'
import { outcomeOf, ours, pageBehind, phoneBeforeSecondPost, post, type StoppedPhone } from '../support/ota-phone.ts'
import { keptRsaKey, phoneKeys } from '../support/kept.ts'
import { openWorld, type World } from '../support/world.ts'

type Change = { what: string, code: string, outcome: 'refused' | 'quarantined', apply: (world: World, approval: string) => Promise<void> }

const changes: Change[] = [
  { what: 'the approval is withdrawn', code: 'approval-ended', outcome: 'refused', apply: async ({ service: { db, now } }, id) => { await db.query(`update approvals set ended_at = $2, ended_by = 'ada' where id = $1`, [id, now()]) } },
  { what: 'a rule blocks the model', code: 'blocked-by-rule', outcome: 'refused', apply: async world => await addRule(world, 'block') },
  { what: 'a rule puts the model in quarantine', code: 'quarantined-by-rule', outcome: 'quarantined', apply: async world => await addRule(world, 'quarantine') },
]

async function addRule({ service: { db, now } }: World, verdict: 'block' | 'quarantine'): Promise<void> {
  await db.query(`insert into rules (id, verdict, conditions, reason, text_for_person, author, created_at)
    values ($1, $2, '{"productType":"iPhone14,*"}', 'a test', 'Take it to the desk on floor two.', 'ada', $3)`, [randomUUID(), verdict, now()])
}

const secondMessage = async (world: World, phone: StoppedPhone): Promise<Buffer> =>
  await signAttributes({ attributes: ours, identity: phone.bootstrap, now: world.service.now() })

const deviceCertificates = async ({ service: { db } }: World) => await db.query(`select * from certificates where kind = 'device' and state = 'issued'`)

for (const { what, code, outcome, apply } of changes) {
  for (const keyOrigin of ['device', 'delivered'] as const) {
    test(`${what} after the first message: the second ends on the page, with nothing issued (${keyOrigin} key)`, async t => {
      const world = await openWorld(t)
      const approval = await world.approve('iPhone14,5')
      const phone = await phoneBeforeSecondPost(world, (await world.invite({ keyOrigin })).link)
      await apply(world, approval)
      const message = await secondMessage(world, phone)
      const answer = await post(phone.otaUrl, message)
      const page = await pageBehind(t, answer)
      t.is(page.code, code)
      t.is(page.outcome, outcome)
      t.regex(page.text, /iPhone 13/)
      if (code.endsWith('-by-rule')) t.regex(page.text, /Take it to the desk on floor two/)
      t.regex(page.text, /Please ask the person who sent you the invitation/)
      t.deepEqual(await deviceCertificates(world), [])
      t.is((await post(phone.otaUrl, message)).headers.get('location'), answer.headers.get('location'), 'the same bytes again end there too')
      t.is((await pageBehind(t, answer)).code, code)
    })
  }

  test(`${what} after the second message: SCEP gives no certificate, and the page says why`, async t => {
    const world = await openWorld(t)
    const approval = await world.approve('iPhone14,5')
    const phone = await phoneBeforeSecondPost(world, (await world.invite()).link)
    const answer = await post(phone.otaUrl, await secondMessage(world, phone))
    t.is(outcomeOf(t, answer), 'document')
    await apply(world, approval)
    const payloads = payloadsIn(await decryptProfile(openProfile(answer.body).profile, phone.bootstrap))
    await t.throwsAsync(installIdentity(payloads, 'scep', { build: '20A362', now: world.service.now, wait: async () => {}, key: phoneKeys.identity }), { name: 'EnrollmentEnded' })
    t.deepEqual(await deviceCertificates(world), [])
    const page = (await request(`${world.url}/i/e/${phone.enrollmentId}`)).body.toString('utf8')
    t.regex(page, new RegExp(`data-outcome="${outcome}"`))
    t.regex(page, new RegExp(`data-code="${code}"`))
  })

  test(`${what} after the first message: not even the bootstrap identity is given`, async t => {
    const world = await openWorld(t)
    const approval = await world.approve('iPhone14,5')
    const { link } = await world.invite()
    const wait = async (): Promise<void> => {}
    // The rule comes to stand between the answer to the first message and SCEP's first question.
    const { store } = world.deps
    const { together } = store
    store.together = async work => await together(async reads => await work({
      ...reads,
      challenge: async hash => { store.together = together; await apply(world, approval); return await reads.challenge(hash) },
    }))
    const result = await world.enroll(link, { keys: phoneKeys, wait })
    t.is(result.outcome, outcome)
    t.like(result, { at: 'bootstrap-scep' })
    t.deepEqual(await world.service.db.query(`select 1 from certificates where kind = 'bootstrap' and state = 'issued'`), [])
  })
}

test('a certificate never outlives the approval it rests on', async t => {
  for (const keyOrigin of ['device', 'delivered'] as const) {
    const world = await openWorld(t)
    const until = new Date(world.service.now().getTime() + 3 * 86_400_000)
    await world.approve('iPhone14,5', until)
    const result = await world.enroll((await world.invite({ keyOrigin })).link, { keys: phoneKeys })
    if (result.outcome !== 'enrolled') return t.fail(JSON.stringify(result))
    t.deepEqual(result.certificate.notAfter, until)
  }
})

test('an approval that is cut short while the certificate is being signed is not outlived either', async t => {
  const world = await openWorld(t)
  const approval = await world.approve('iPhone14,5')
  const phone = await phoneBeforeSecondPost(world, (await world.invite({ keyOrigin: 'delivered' })).link)
  const { reserve } = world.deps
  world.deps.reserve = async reservation => {
    await world.service.db.query('update approvals set not_after = $1 where id = $2', [new Date(world.service.now().getTime() + 86_400_000), approval])
    await reserve(reservation)
  }
  const page = await pageBehind(t, await post(phone.otaUrl, await secondMessage(world, phone)))
  t.is(page.code, 'decision-changed')
  t.deepEqual(await deviceCertificates(world), [])
  const [enrollment] = await world.service.db.query('select state, final_answer from enrollments')
  t.deepEqual(enrollment, { state: 'allowed', final_answer: null })
  world.deps.reserve = reserve
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone))), 'document')
  t.is((await deviceCertificates(world)).length, 1)
})

test('approvals that overlap are good for the longer one, and one that begins later counts for nothing yet', async t => {
  const world = await openWorld(t)
  const now = world.service.now().getTime()
  await world.approve('iPhone14,5', new Date(now + 2 * 86_400_000))
  await world.approve('iPhone14,*', new Date(now + 9 * 86_400_000))
  const result = await world.enroll((await world.invite()).link, { keys: { ...phoneKeys, identity: keptRsaKey(2048, 'other') } })
  if (result.outcome !== 'enrolled') return t.fail(JSON.stringify(result))
  t.deepEqual(result.certificate.notAfter, new Date(now + 9 * 86_400_000))
})
