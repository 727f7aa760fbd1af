import test from 'ava'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { openConsole } from '../support/console.ts'
import { issueDevice, revokeNow } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'

const canary = { at: '2026-03-01T09:00:00.000Z', revokedRefused: true, goodPassed: true, detail: null }

async function heard({ db, now }: TestService, name: string, sequence: number, more: object = {}): Promise<void> {
  const { id } = (await frontEndStore(db).find(name))!
  const receipt = { sequence, target: 'haproxy', targetVersion: '2.6.12', change: 0, lists: [], appliedAt: now().toISOString(), fresh: true, refused: 3, clockOffsetMs: 0, canary, problems: [], ...more }
  await receiptStore(db).put({ frontEndId: id, sequence, changeNumber: receipt.change, receipt }, now())
}

test('a front end is added with a secret that is told once and asks with it', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/front-ends/new')
  const { text } = await console.submit('/console/front-ends/new', { name: 'mail-1', kind: 'haproxy', authority: '', minutes: '10', whenStale: 'alarm' })
  const secret = /<code class="secret">([\w-]{20,})</.exec(text)![1]!
  t.like(await frontEndStore(service.db).find('mail-1'), { kind: 'haproxy', convention: 'base64-der', maxAgeSeconds: 600, whenStale: 'alarm' })
  const ask = async (given: string): Promise<string | null> => (await fetch(`${console.origin}/check/mail-1`, { headers: { authorization: `Bearer ${given}` } })).headers.get('latchkey-decision')
  t.is(await ask(secret), 'no-certificate')
  t.is(await ask('another'), 'unauthorized')
  t.false(JSON.stringify(await service.db.query('select detail from audit')).includes(secret))
  t.regex((await console.get('/console/front-ends/mail-1')).text, /10 minutes; then it goes on, and somebody is told/)
})

test('a front end that asks nothing is said to have lists brought to it, and has nothing to set for requests', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/front-ends/new')
  const { text } = await console.submit('/console/front-ends/new', { name: 'imap', kind: 'stunnel', authority: '', minutes: '15', whenStale: 'refuse' })
  t.regex(text, /It asks nothing\. With this secret <code>latchkey agent enroll<\/code>/)
  t.is((await frontEndStore(service.db).find('imap'))!.convention, 'none')
  const page = (await console.get('/console/front-ends/imap')).text
  t.regex(page, /nothing brings it revocation lists/)
  t.notRegex(page, /\/check\/imap|contradict|Any other header/)
  t.notRegex((await console.get('/console/front-ends')).text, /asks at each request/)
})

test('a front end that means nothing is refused beside the field, and what was typed is kept', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/front-ends/new')
  const good = { name: 'mail-1', kind: 'nginx', authority: '', minutes: '15', whenStale: 'refuse' }
  await console.submit('/console/front-ends/new', good)
  await console.get('/console/front-ends/new')
  for (const [wrong, field] of [
    [{ name: 'Mail 1' }, 'name'], [{ name: 'mail-1' }, 'name'], [{ name: 'b', minutes: '0' }, 'minutes'], [{ name: 'c', minutes: 'many' }, 'minutes'], [{ name: 'd', kind: 'serial' }, 'authority'], [{ name: 'e', kind: 'what' }, 'kind'],
  ] as const) {
    const { status, text } = await console.post('/console/front-ends/new', { ...good, ...wrong })
    t.is(status, 400, JSON.stringify(wrong))
    t.regex(text, new RegExp(`id="f-${field}-error"`), JSON.stringify(wrong))
    t.true(text.includes(`value="${wrong.name}"`))
  }
  t.is((await frontEndStore(service.db).list()).length, 1)
})

test('how a front end stands is said in words, with how it was proven', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/front-ends/new')
  t.regex((await console.get('/console/front-ends')).text, /No front end yet/)
  await console.submit('/console/front-ends/new', { name: 'mail-1', kind: 'haproxy', authority: '', minutes: '15', whenStale: 'refuse' })
  t.regex((await console.get('/console/front-ends')).text, /no agent/)
  await revokeNow(service, await issueDevice(service))
  await heard(service, 'mail-1', 1, { change: 1 })
  t.regex((await console.get('/console/front-ends')).text, /enforces all.*every change.*\d+ ms.*passed/s)
  t.regex((await console.get('/console/front-ends/mail-1')).text, /1 of 1, since.*was in force there after \d+ ms.*3 certificates.*haproxy 2\.6\.12/s)
  await heard(service, 'mail-1', 2, { change: 1, canary: { ...canary, revokedRefused: false, detail: '<b>got 200</b>' }, problems: [{ code: 'disk', detail: 'the disk is full' }] })
  t.regex((await console.get('/console/front-ends/mail-1')).text, /did not do as it should.*let a revoked one in.*&lt;b&gt;got 200.*the disk is full <code>disk</s)
  t.regex((await console.get('/console')).text, /href="\/console\/front-ends\/mail-1">Look at it</)
})

test('what becomes of contradictions is kept, and a front end ends after its consequence was shown', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/front-ends/new')
  await console.submit('/console/front-ends/new', { name: 'edge', kind: 'nginx', authority: '', minutes: '15', whenStale: 'refuse' })
  t.regex((await console.submit('/console/front-ends/edge/activesync', { action: 'refuse' })).text, /Kept\./)
  t.is((await frontEndStore(service.db).find('edge'))!.activeSync, 'refuse')
  t.is((await console.post('/console/front-ends/edge/activesync', { action: 'erase' })).status, 400)
  t.regex((await console.get('/console/front-ends/edge/end')).text, /From now on edge lets nobody in\./)
  t.regex((await console.submit('/console/front-ends/edge/end')).text, /It has ended/)
  t.is((await console.get('/console/front-ends/edge')).status, 404)
})
