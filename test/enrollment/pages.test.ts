/** What a phone's owner sees in the browser, and what must not be seen anywhere. */
import test from 'ava'
import type { Log } from '../../src/http/log.ts'
import { request, type Answer } from '../../src/phone/http.ts'
import { download, firstMessage, ours, outcomeOf, phoneBeforeSecondPost, post } from '../support/ota-phone.ts'
import { phoneKeys } from '../support/kept.ts'
import { openWorld } from '../support/world.ts'
import type { ExecutionContext } from 'ava'

/** What every page of a phone's owner is sent with: its address is the secret. */
function isGuarded(t: ExecutionContext, { headers, contentType }: Answer): void {
  t.is(contentType, 'text/html')
  t.is(headers.get('cache-control'), 'no-store')
  const policy = headers.get('content-security-policy') ?? ''
  for (const part of ['default-src \'none\'', 'frame-ancestors \'none\'', 'base-uri \'none\'']) t.true(policy.includes(part), policy)
  t.false(/unsafe|\*/.test(policy))
  t.is(headers.get('referrer-policy'), 'no-referrer')
  t.is(headers.get('x-content-type-options'), 'nosniff')
  t.is(headers.get('set-cookie'), null)
}

test('an open invitation offers to start, and says whose it is', async t => {
  const world = await openWorld(t)
  const { link, token } = await world.invite()
  const answer = await request(link)
  isGuarded(t, answer)
  const page = answer.body.toString('utf8')
  t.is(answer.status, 200)
  t.true(page.includes(`href="/ota/${token}/enroll.mobileconfig"`))
  t.regex(page, /Ines Roth/)
  t.regex(page, /8 March 2026/)
  t.notRegex(page, /<script(?! src="\/assets\/)|\son\w+=|style="|https?:\/\//i)
})

test('an invitation that ran out or was taken back says so and offers nothing, nor is anything to be had', async t => {
  const world = await openWorld(t)
  const [expired, ended] = [await world.invite(), await world.invite({ email: 'theo@example.com' })]
  await world.service.db.query('update invitations set ended_at = $1 where id = $2', [world.service.now(), ended.id])
  world.service.clock.advance(7 * 86_400)
  t.true((await request(expired.link)).body.includes('enroll.mobileconfig'), 'its last instant still counts')
  world.service.clock.advance(1)
  for (const [{ link, token }, words, code] of [[expired, /has run out/, 'invitation-expired'], [ended, /was taken back/, 'invitation-ended']] as const) {
    const answer = await request(link)
    isGuarded(t, answer)
    t.regex(answer.body.toString('utf8'), words)
    t.false(answer.body.includes('enroll.mobileconfig'))
    t.is(outcomeOf(t, await request(`${world.url}/ota/${token}/enroll.mobileconfig`)), code)
  }
  t.deepEqual(await world.service.db.query('select * from enrollments'), [])
})

test('a link that is none gets a page that says so, and a status of 404', async t => {
  const world = await openWorld(t)
  const { token } = await world.invite()
  const names = ['x', 'A'.repeat(24), token.slice(0, -1), `${token}A`, token.toLowerCase() === token ? token.toUpperCase() : token.toLowerCase(), '%00', '%22%3E%3Cscript%3E', 'e/x', 'e/%00', `e/${'A'.repeat(22)}`, `e/${token}`]
  for (const name of names) {
    const answer = await request(`${world.url}/i/${name}`)
    t.is(answer.status, 404, name)
    isGuarded(t, answer)
    t.false(answer.body.includes('<script'))
  }
  for (const name of ['x', '%00', 'A'.repeat(5_000)]) t.is(outcomeOf(t, await request(`${world.url}/ota/${name}/enroll.mobileconfig`)), 'invitation-not-found')
})

test('an invitation whose places are taken still serves the phone that took one', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  t.true((await request(link)).body.includes('enroll.mobileconfig'))
})

test('names that are markup stand on the pages as they were written', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite({ name: '<img src=x onerror="alert(1)">&\'' })
  const page = (await request(link)).body.toString('utf8')
  t.true(page.includes('&lt;img src=x onerror=&quot;alert(1)&quot;&gt;&amp;&#39;'))
  const started = await download({ link, token: link.split('/').at(-1)! })
  const answer = await post(started.url, await firstMessage(world, started, { PRODUCT: '<b>iPhone14,5', SERIAL: '"><script>', VERSION: '{{7*7}}' }))
  const status = await request(answer.headers.get('location')!)
  isGuarded(t, status)
  t.notRegex(status.body.toString('utf8'), /<b>iPhone14|<script(?! src="\/assets\/)/)
  t.true(status.body.includes('&lt;b&gt;iPhone14,5'))
})

test('the page of an enrollment follows it from step to step', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link, token } = await world.invite()
  const seen = async (id: string): Promise<string> => {
    const answer = await request(`${world.url}/i/e/${id}`)
    isGuarded(t, answer)
    return /<h1>([^<]*)/.exec(answer.body.toString('utf8'))![1]!
  }
  const started = await download({ link, token })
  t.is(await seen(started.enrollmentId), 'Waiting for the phone')
  const phone = await phoneBeforeSecondPost(world, link)
  t.is(await seen(phone.enrollmentId), 'The phone is making its key')
  await world.enroll(link, { keys: phoneKeys, stopBefore: 'scep' })
  const [{ id: profiled }] = await world.service.db.query(`select id from enrollments where state = 'profiled'`) as [{ id: string }]
  t.is(await seen(profiled), 'Almost done')
  await world.enroll(link, { keys: phoneKeys })
  const [{ id: issued }] = await world.service.db.query(`select id from enrollments where state = 'issued'`) as [{ id: string }]
  t.is(await seen(issued), 'The key is ready')
})

test('what is logged names no token, no challenge, no enrollment, no person, no path', async t => {
  const lines: string[] = []
  const log: Log = (level, event, fields) => { lines.push(JSON.stringify({ level, event, ...fields })) }
  const world = await openWorld(t, { log })
  await world.approve('iPhone14,5')
  const { link, token } = await world.invite()
  const started = await download({ link, token })
  t.is(outcomeOf(t, await post(started.url, Buffer.from('noise'))), 'malformed-cms')
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, {}))), 'bad-challenge')
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  t.is((await world.enroll(link, { product: 'iPhone1,2', keys: phoneKeys })).outcome, 'refused')
  t.is((await world.enroll(link, { keys: phoneKeys, misbehave: 'lie-in-second-post' })).outcome, 'refused')
  await request(`${world.url}/i/${token}x`)
  await request(`${world.url}/ota/${token}x/enroll.mobileconfig`)
  // A defect: what it says must not get out either.
  world.deps.store.invitationByToken = async () => { throw new Error(`defect at /i/${token} ${started.challenge}`) }
  const broken = await request(link)
  t.is(broken.status, 500)
  t.false(broken.body.includes(token))
  const text = lines.join('\n')
  t.true(lines.length > 3)
  const ids = (await world.service.db.query('select id from enrollments')).map(row => row.id as string)
  for (const secret of [token, started.challenge, ...ids, String(ours['UDID']), 'Ines', 'ines@example.com', 'F2LTESTTEST1', '/ota/', '/i/']) t.false(text.includes(secret), secret)
})
