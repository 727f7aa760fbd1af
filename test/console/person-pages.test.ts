/** What a phone's owner reads: before, while it goes on, and when it went wrong. */
import { randomUUID } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { defaultTemplate, type Template } from '../../src/enrollment/template.ts'
import { certHold, certRelease, certRevoke } from '../../src/protocols/api/operations/certificates.ts'
import { deviceApprove } from '../../src/protocols/api/operations/device-settle.ts'
import type { FollowedState } from '../../src/console/person/page.ts'
import type { Refusal } from '../../src/phone/outcome.ts'
import { hostileTexts } from '../support/console.ts'
import { download, phoneBeforeSecondPost } from '../support/ota-phone.ts'
import { phoneKeys } from '../support/kept.ts'
import { faultsOfPage } from '../support/strict-html.ts'
import { openWorld, type World } from '../support/world.ts'

type Read = { status: number, text: string, headers: Headers }

async function read(t: ExecutionContext, url: string, headers: Record<string, string> = {}): Promise<Read> {
  const answer = await fetch(url, { headers: { 'accept-language': 'en', ...headers } })
  const text = await answer.text()
  t.deepEqual(faultsOfPage(text, answer.headers), [], url)
  t.true(Buffer.byteLength(text) < 150_000)
  return { status: answer.status, text, headers: answer.headers }
}

async function stateOf(t: ExecutionContext, url: string, language = 'en'): Promise<FollowedState> {
  const answer = await fetch(`${url}/state`, { headers: { 'accept-language': language } })
  t.is(answer.status, 200)
  t.is(answer.headers.get('cache-control'), 'no-store')
  return await answer.json() as FollowedState
}

async function setTemplate({ service: { db } }: World, more: Partial<Template>): Promise<void> {
  await db.query(`update templates set body = $1 where name = 'default'`, [JSON.stringify({ ...defaultTemplate, ...more })])
}

const stepsIn = (html: string): string[] => [...html.matchAll(/<li class="is-(\w+)">/g)].map(match => match[1]!)

test('the page speaks the browser’s language, and says so', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite()
  const german = await read(t, link, { 'accept-language': 'de-CH, en;q=0.5' })
  t.regex(german.text, /<html lang="de"/)
  t.is(german.headers.get('content-language'), 'de')
  t.regex(german.headers.get('vary') ?? '', /accept-language/i)
  t.regex(german.text, />Starten<\/a>/)
  t.regex(german.text, /8\. März 2026/)
  t.notRegex(german.text.replaceAll(/<a [^>]*>/g, ''), />Start<|What happens|Before you/)
  const english = await read(t, link, { 'accept-language': 'fr' })
  t.regex(english.text, /<html lang="en"/)
  t.regex((await read(t, `${world.url}/i/x`, { 'accept-language': 'de' })).text, /keine Einladung/)
})

test('the questions of a worried reader are answered from the template, before the one button', async t => {
  const world = await openWorld(t)
  await setTemplate(world, { exchange: { host: 'mail.example' }, passcode: { maxFailedAttempts: 8 }, webClip: [{ label: 'Help', url: 'https://help.example/' }] })
  const { text } = await read(t, (await world.invite()).link)
  for (const said of [/It can be erased/, /runs <?.*mail\.example.* can erase this whole phone/, /After 8 wrong passcodes/, /“Help” to https:\/\/help\.example\//, /serial number/]) t.regex(text, said)
  t.true(text.indexOf('erase this whole phone') < text.indexOf('data-start'))
  t.is([...text.matchAll(/class="button main"[^>]*data-start/g)].length, 2, 'the button, and the one that is shown when it went wrong')
  await setTemplate(world, {})
  t.regex((await read(t, (await world.invite({ email: 'b@example.com' })).link)).text, /Can they erase my phone\?<\/dt><dd>No\.</)
})

test('whatever the browser says of itself, it is advised and never kept out', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite()
  for (const [agent, words] of [['Mozilla/5.0 (Linux; Android 15) Chrome/130.0', /Android phone/], ['Mozilla/5.0 (Macintosh) Version/18.0 Safari/605.1', /Is this an iPad\?/], ['<script>', /Lockdown Mode/]] as const) {
    const { text } = await read(t, link, { 'user-agent': agent })
    t.regex(text, words)
    t.regex(text, /<a class="button main" href="\/ota\//)
  }
})

test('the steps use the words of the phone’s iOS, each with a drawing that says the same', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite()
  const agent = (os: string, version: string) => ({ 'user-agent': `Mozilla/5.0 (iPhone; CPU iPhone OS ${os} like Mac OS X) AppleWebKit/605.1.15 Version/${version} Mobile/15E148 Safari/604.1` })
  for (const [os, version, words] of [['17_4', '17.4', /Apple ID, iCloud/], ['18_6', '18.6', /Apple Account, iCloud/], ['18_6', '26.0', /Apple Account, iCloud/]] as const) {
    const { text } = await read(t, link, agent(os, version))
    t.regex(text, words)
    t.is([...text.matchAll(/<svg [^>]*role="img" aria-label="[^"]{20,}"/g)].length, 3)
    t.regex(text, /<b>Profile Downloaded<\/b>.*eight minutes/)
  }
})

test('the state follows the phone from the download to its first connection', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link, token } = await world.invite()
  t.deepEqual(await stateOf(t, link), { version: '', begun: false, say: '', html: '', steps: true, again: false, wait: null })
  await download({ link, token })
  const waiting = await stateOf(t, link)
  t.like(waiting, { begun: true, say: 'Waiting for the phone', steps: true, wait: 2 })
  t.deepEqual(stepsIn(waiting.html), ['done', 'now', 'later', 'later', 'later'])
  t.is((await stateOf(t, link)).version, waiting.version, 'nothing happened, so nothing is new')

  world.service.clock.advance(10)
  await phoneBeforeSecondPost(world, link)
  const making = await stateOf(t, link)
  t.like(making, { say: 'The phone is making its key', steps: false, wait: 2 })
  t.deepEqual(stepsIn(making.html), ['done', 'done', 'done', 'now', 'later'])
  t.regex(making.html, /iPhone 13, iOS 16\.0/)

  world.service.clock.advance(10)
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const ready = await stateOf(t, link)
  t.like(ready, { say: 'The key is ready', wait: 15 })
  t.deepEqual(stepsIn(ready.html), ['done', 'done', 'done', 'done', 'now'])
  t.regex(ready.html, /good until <time datetime="2027-03-01T/)

  await world.service.db.query(`update certificates set first_used_at = $1 where kind = 'device'`, [world.service.now()])
  const seen = await stateOf(t, link)
  t.like(seen, { say: 'The phone has used its key', wait: null })
  t.deepEqual(stepsIn(seen.html), ['done', 'done', 'done', 'done', 'done'])
  t.regex((await stateOf(t, link, 'de')).html, /Das Telefon hat seinen Schlüssel benutzt/)
})

test('without script the page asks for itself again for as long as something may change', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const invitation = await world.invite()
  const { link } = invitation
  t.notRegex((await read(t, link)).text, /http-equiv="refresh"/)
  const { enrollmentId } = await download(invitation)
  const page = `${world.url}/i/e/${enrollmentId}`
  for (const url of [link, page]) t.regex((await read(t, url)).text, /<noscript><meta http-equiv="refresh" content="5"><\/noscript>/)
  world.service.clock.advance(16 * 60)
  for (const url of [link, page]) t.notRegex((await read(t, url)).text, /http-equiv="refresh"/)
  t.regex((await read(t, page)).text, /did not answer in time/)
  t.like(await stateOf(t, link), { again: true, wait: null })
})

test('a download alone, which a mail scanner may have made, does not take the place of the invitation', async t => {
  const world = await openWorld(t)
  const invitation = await world.invite()
  await download(invitation)
  const { text } = await read(t, invitation.link)
  t.true(text.indexOf('data-start') < text.indexOf('Waiting for the phone'))
  t.regex(text, /<a class="button main" href="\/ota\//)
})

test('who was refused reads which model, which rule, what would help, and whom to ask', async t => {
  const world = await openWorld(t)
  const { db, now } = world.service
  await db.query(`insert into rules (id, verdict, conditions, reason, author, created_at) values
    ($1, 'block', '{"osVersion":{"below":"17.4"}}', 'for colleagues', 'ada', $3), ($2, 'block', '{"family":"iPad"}', 'for colleagues', 'ada', $3)`, [randomUUID(), randomUUID(), now()])
  await setTemplate(world, { contact: 'Call IT, extension 443.' })
  const { link } = await world.invite()
  const old = await world.enroll(link, { keys: phoneKeys }) as Refusal
  const page = (await read(t, old.page!)).text
  for (const said of [/This iPhone was refused/, /runs iOS 16\.0\. iOS 17\.4 or newer is needed/, /Update it in Settings/, /Call IT, extension 443/, /data-outcome="refused"/, /data-code="blocked-by-rule"/]) t.regex(page, said)
  t.notRegex(page, /for colleagues/)
  t.deepEqual(stepsIn(page), ['done', 'done', 'stop', 'stop'])
  const again = (await read(t, link)).text
  t.true(again.indexOf('This iPhone was refused') < again.indexOf('>Start</a>'), 'the invitation says so too, and offers another try')
  const german = (await read(t, old.page!, { 'accept-language': 'de' })).text
  t.regex(german, /Gebraucht wird iOS 17\.4 oder neuer/)
  t.regex(german, /Dieses iPhone wurde abgelehnt/)
  const iPad = await world.enroll((await world.invite({ email: 'b@example.com' })).link, { product: 'iPad13,18', keys: phoneKeys, build: '21F90' }) as Refusal
  const blocked = (await read(t, iPad.page!)).text
  t.regex(blocked, /The rule is about: iPad\./)
  t.regex(blocked, /What would help/)
})

test('a decision that was stored without its facts is shown as it was written then', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite()
  const { page } = await world.enroll(link, { product: 'iPhone1,2', keys: phoneKeys }) as Refusal
  await world.service.db.query(`update enrollments set decision = decision - 'forPerson'`)
  t.regex((await read(t, page!, { 'accept-language': 'de' })).text, /This is iPhone 3G \(iPhone1,2\)\. That model is not approved here/)
})

test('the invitation of a phone in quarantine says so for as long as it lasts, and what was decided', async t => {
  const world = await openWorld(t)
  await world.approve('*')
  const { link } = await world.invite()
  const { page } = await world.enroll(link, { product: 'iPhone999,1', keys: phoneKeys }) as Refusal
  world.service.clock.advance(2 * 86_400)
  t.regex((await read(t, link)).text, /<h2>Somebody has to look at this first<\/h2>/)
  t.like(await stateOf(t, page!), { wait: 15, steps: false })
  const [device] = await world.service.db.query('select device_id from enrollments')
  await deviceApprove.run(world.service, { name: 'ada', role: 'operator', source: 'test' }, { id: device!.device_id, reason: 'seen' })
  t.like(await stateOf(t, page!), { say: 'Approved', wait: null, again: true })
  t.regex((await read(t, link)).text, />Start<\/a>/)
})

test('a month before a key ends, the page asks for a new one, and a new invitation knows it too', async t => {
  const world = await openWorld(t, { config: { renewalDays: 30 } })
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const [{ id }] = await world.service.db.query('select id from enrollments') as [{ id: string }]
  world.service.clock.advance(334 * 86_400)
  t.notRegex((await read(t, `${world.url}/i/e/${id}`)).text, /Time for a new key/)
  world.service.clock.advance(2 * 86_400)
  t.regex((await read(t, `${world.url}/i/e/${id}`)).text, /Time for a new key.*\n?.*1 March 2027/)
  const next = await world.invite()
  const { text } = await read(t, next.link)
  t.regex(text, /The key of your <b>iPhone 13<\/b> ends on <time[^>]*>1 March 2027/)
  t.regex(text, /<a class="button main" href="\/ota\/[^"]*" data-start>Start</)
  t.regex((await read(t, link)).text, /has run out/)
  t.notRegex((await read(t, (await world.invite({ email: 'other@example.com' })).link)).text, /Time for a new key/)
})

test('a key that has come to its end is said to have ended, and is no longer called ready', async t => {
  const world = await openWorld(t, { config: { renewalDays: 30 } })
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const [{ id }] = await world.service.db.query('select id from enrollments') as [{ id: string }]
  world.service.clock.advance(340 * 86_400)
  t.regex((await read(t, `${world.url}/i/e/${id}`)).text, /The key of your <b>iPhone 13<\/b> ends on/)
  world.service.clock.advance(30 * 86_400)
  const { text } = await read(t, `${world.url}/i/e/${id}`)
  t.regex(text, /The key has ended.*This is an <b>iPhone 13<\/b>.*Its key ended on <time[^>]*>1 March 2027<.*Open your invitation again, or ask for a new one/s)
  t.notRegex(text, /The key is ready|Time for a new key|is good until/)
})

test('a key that was held, taken back or replaced is said to be', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  const actor = { name: 'ada', role: 'admin', source: 'test' } as const
  const [{ serial }] = await world.service.db.query(`select encode(serial_number, 'hex') as serial from certificates where kind = 'device'`) as [{ serial: string }]
  await certHold.run(world.service, actor, { certificate: serial, cause: '' })
  t.like(await stateOf(t, link), { say: 'The key is held back', wait: 15 })
  await certRelease.run(world.service, actor, { certificate: serial, cause: '' })
  t.like(await stateOf(t, link), { say: 'The key is ready' })
  await certRevoke.run(world.service, actor, { certificate: serial, reason: 'keyCompromise', cause: '' })
  const { say, html, wait } = await stateOf(t, link)
  t.deepEqual([say, stepsIn(html), wait], ['The key was taken back', ['done', 'done', 'done', 'done', 'stop'], null])
  await world.service.db.query('update revocations set reason = 4')
  t.like(await stateOf(t, link), { say: 'A newer key took its place', wait: null })
})

test('a link whose places are taken says so to whoever opens it with another phone in mind', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  t.is((await world.enroll(link, { keys: phoneKeys })).outcome, 'enrolled')
  t.regex((await read(t, link)).text, /All places of this invitation are taken/)
  world.service.clock.advance(5)
  const other = await world.enroll(link, { serial: 'F2LOTHER0001', keys: phoneKeys }) as Refusal
  t.regex((await read(t, link)).text, /All places of this invitation are taken/)
  t.regex((await read(t, other.page!)).text, /all places are taken/)
})

test('names and texts are shown as they were written, however hostile', async t => {
  const world = await openWorld(t)
  for (const [index, text] of hostileTexts.entries()) {
    await setTemplate(world, { organization: text.slice(0, 100), displayName: text.slice(0, 100), contact: text.slice(0, 1000), description: text.slice(0, 2000), webClip: [{ label: text.slice(0, 50), url: 'https://help.example/' }] })
    const { link } = await world.invite({ email: `p${index}@example.com`, name: text })
    for (const language of ['en', 'de']) t.is((await read(t, link, { 'accept-language': language, 'user-agent': Buffer.from(text.slice(0, 500)).toString('latin1').replaceAll(/[\r\n\0]/g, '') })).status, 200)
    const { page } = await world.enroll(link, { product: 'iPhone1,2', serial: `F2LHOSTILE${index}`, keys: phoneKeys }) as Refusal
    await read(t, page!)
    t.deepEqual(faultsOfPage((await stateOf(t, page!)).html, new Headers({ 'content-security-policy': 'default-src \'none\'; frame-ancestors \'none\'', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })), [])
  }
})

test('the state of what does not exist is not found, and tells nothing', async t => {
  const world = await openWorld(t)
  for (const path of ['/i/x/state', '/i/e/x/state', `/i/e/${'A'.repeat(22)}/state`]) {
    const answer = await fetch(world.url + path)
    t.is(answer.status, 404)
    t.is(answer.headers.get('content-type'), 'application/problem+json')
  }
})
