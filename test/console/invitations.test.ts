import test from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import { housekeeping } from '../../src/store/housekeeping.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const ada = { name: 'Ada Lovelace', email: 'ada@example.org', template: 'default', devices: '1', key: 'device', days: '7' }

test('an operator invites a person; the link and its QR code are shown this once', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service, 'operator')
  t.regex((await console.get('/console/invitations')).text, /No invitation yet/)
  t.is((await console.get('/console/invitations/new')).status, 200)
  const told = await console.submit('/console/invitations', ada)
  t.is(told.status, 200)
  const url = /class="link"[^>]*>([^<]+)</.exec(told.text)![1]!
  t.regex(url, new RegExp(`^${service.config.url}/i/[\\w-]{24}$`))
  t.regex(told.text, /<svg class="qr" [^>]*aria-label="QR code of the link for Ada Lovelace"/)
  const list = await console.get('/console/invitations')
  t.regex(list.text, /Ada Lovelace<\/bdi><\/a>.*>sent<.*Nobody has downloaded the profile yet\..*0 of 1/s)
  const [id] = /(?<=\/console\/invitations\/)[0-9a-f-]{36}/.exec(list.text)!
  const page = await console.get(`/console/invitations/${id}`)
  t.regex(page.text, /The invitation of Ada Lovelace/)
  for (const { text } of [list, page]) t.false(text.includes(url.split('/').at(-1)!))
})

test('the page with the link can be read again for ten minutes by the browser that made it, and by nobody else', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service, 'operator')
  await console.get('/console/invitations/new')
  const { location, headers } = await console.post('/console/invitations', ada)
  t.regex(location!, /^\/console\/invitations\/told\/[0-9a-f-]{36}$/)
  t.true(headers.getSetCookie().some(cookie => /^latchkey-shown=[\w-]{43}; Path=\/console; HttpOnly; SameSite=Lax; Max-Age=600$/.test(cookie)))
  const link = async (): Promise<string | undefined> => /class="link"[^>]*>([^<]+)</.exec((await console.get(location!)).text)?.[1]
  const url = await link()
  t.truthy(url)
  t.is(await link(), url)
  t.is((await service.db.query('select 1 from invitations')).length, 1)
  const [row] = await service.db.query<{ sealed: Buffer }>('select sealed from shown_once')
  t.false(row!.sealed.includes(url!.split('/').at(-1)!), 'the store cannot read it')

  const key = console.cookies.get('latchkey-shown')!
  console.cookies.set('latchkey-shown', 'A'.repeat(43))
  t.regex((await console.get(location!)).text, /This was told already/)
  const other = await openConsole(t, service, 'operator')
  other.cookies.set('latchkey-shown', key)
  t.is((await other.get(location!)).status, 404)
  console.cookies.set('latchkey-shown', key)
  t.is(await link(), url)
  service.clock.advance(601)
  t.is(await link(), undefined)
  await housekeeping(service.db, service.now())
  t.deepEqual(await service.db.query('select 1 from shown_once'), [])
})

test('a form that cannot be taken keeps what was typed and says what is wrong beside each field', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/invitations/new')
  const again = await console.post('/console/invitations', { ...ada, name: ' ', email: 'ada', devices: '0' })
  t.is(again.status, 400)
  t.regex(again.text, /id="f-name-error"/)
  t.regex(again.text, /id="f-email-error"/)
  t.regex(again.text, /id="f-devices-error"/)
  t.regex(again.text, /name="email"[^>]* value="ada"/)
  const unknown = await console.post('/console/invitations', { ...ada, template: 'none' })
  t.regex(unknown.text, /id="f-template-error">there is no template named none/)
  t.is((await service.db.query('select 1 from invitations')).length, 0)
})

test('an invitation is taken back from its page, and its link opens nothing any more', async t => {
  const world = await openWorld(t)
  const { id, token } = await world.invite()
  const console = await openConsole(t, world.service, 'operator')
  await console.get(`/console/invitations/${id}`)
  const ended = await console.submit(`/console/invitations/${id}/end`)
  t.regex(ended.text, /role="status">The invitation was taken back/)
  t.notRegex(ended.text, /Take the invitation back/)
  t.regex((await console.get(`/i/${token}`)).text, /This invitation was taken back/)
})

test('where a phone got stuck stands in the list and on the page, in words', async t => {
  const world = await openWorld(t)
  const { id, link, token } = await world.invite()
  const console = await openConsole(t, world.service, 'auditor')
  const page = async (): Promise<string> => (await console.get('/console/invitations')).text
  await fetch(`${world.url}/ota/${token}/enroll.mobileconfig`)
  t.regex(await page(), />begun<.*now it has to be installed in Settings/s)
  world.service.clock.advance(1200)
  t.regex(await page(), />stuck<.*never installed in Settings/s)
  await world.enroll(link)
  t.regex(await page(), />refused</)
  t.regex((await console.get(`/console/invitations/${id}`)).text, /iPhone14,5\) is not an approved model/)
  await world.approve('iPhone14,5')
  world.service.clock.advance(60)
  await world.enroll(link)
  t.regex(await page(), />done<.*The phone holds its key/s)
  const story = (await console.get(`/console/invitations/${id}`)).text
  t.regex(story, /The phone got its certificate\..*>refused<.*>stuck</s)
})

test('a table of people is shown line by line before anything is created, and nothing is created while a line has a mistake', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service, 'operator')
  await console.get('/console/invitations/many')
  const mistakes = await console.post('/console/invitations/many', { csv: 'name,email\nAda,ada@example.org\n=1+1,eve@example.org' })
  t.regex(mistakes.text, /<h1>One line has a mistake<\/h1>/)
  t.regex(mistakes.text, /begins like a formula/)
  const forced = await console.post('/console/invitations/many', { csv: 'name,email\nAda,ada@example.org\n=1+1,eve@example.org', create: 'yes' })
  t.regex(forced.text, /One line has a mistake/)
  t.is((await service.db.query('select 1 from invitations')).length, 0)
  const csv = 'name,email\nAda,ada@example.org\nBob,bob@example.org'
  const preview = await console.post('/console/invitations/many', { csv })
  t.regex(preview.text, /<h1>2 people can be invited<\/h1>.*Nothing is created yet/s)
  t.is((await service.db.query('select 1 from invitations')).length, 0)
  const told = await console.submit('/console/invitations/many', { csv, create: 'yes' })
  t.is(told.status, 200)
  t.is(told.text.match(/class="qr"/g)?.length, 2)
  t.is((await service.db.query('select 1 from invitations')).length, 2)
})

test('fifty people fit on one sheet of at most 150 kB, more are asked for in several turns', async t => {
  const service = await testService(t, { config: { url: 'https://phones.a-rather-long-name.example.com' } })
  const console = await openConsole(t, service)
  await console.get('/console/invitations/many')
  const people = (count: number): string => Array.from({ length: count }, (_, index) => `Person number ${index},person.number.${index}@a-rather-long-name.example.com`).join('\n')
  t.regex((await console.post('/console/invitations/many', { csv: people(51) })).text, /At most 50 fit into one turn/)
  const told = await console.submit('/console/invitations/many', { csv: people(50), create: 'yes' })
  t.is(told.text.match(/class="qr"/g)?.length, 50)
  t.true(Buffer.byteLength(told.text) < 150_000, `${Buffer.byteLength(told.text)} bytes`)
})

test('what cannot be a table is refused in words, and the text stays', async t => {
  const console = await openConsole(t, await testService(t))
  await console.get('/console/invitations/many')
  const again = await console.post('/console/invitations/many', { csv: 'name,email\n"Ada,ada' })
  t.is(again.status, 400)
  t.regex(again.text, /The table cannot be read: line 2/)
  t.regex(again.text, /&quot;Ada,ada<\/textarea>/)
  t.regex((await console.post('/console/invitations/many', { csv: ' ' })).text, /There is nothing in the table yet/)
})

test('an auditor sees invitations and makes none', async t => {
  const world = await openWorld(t)
  const { id } = await world.invite()
  const console = await openConsole(t, world.service, 'auditor')
  t.notRegex((await console.get('/console/invitations')).text, /Invite a person/)
  t.notRegex((await console.get(`/console/invitations/${id}`)).text, /Take the invitation back/)
  for (const path of ['/console/invitations/new', '/console/invitations/many']) t.is((await console.get(path)).status, 403, path)
  for (const path of ['/console/invitations', '/console/invitations/many', `/console/invitations/${id}/end`]) t.is((await console.post(path, { ...ada, csv: 'Ada,ada@example.org', create: 'yes' })).status, 403, path)
  t.is((await world.service.db.query('select 1 from invitations where ended_at is null')).length, 1)
})

test('invitations of one person are found by address, and an id or an address that is not there says so', async t => {
  const world = await openWorld(t)
  await world.invite({ email: 'ines@example.com', name: 'Ines Roth' })
  await world.invite({ email: 'tom@example.com', name: 'Tom Weiss' })
  const console = await openConsole(t, world.service)
  const found = (await console.get('/console/invitations?email=tom@example.com')).text
  t.true(found.includes('Tom Weiss') && !found.includes('Ines Roth'))
  for (const email of ['nobody@example.com', '<script>']) t.regex((await console.get(`/console/invitations?email=${encodeURIComponent(email)}`)).text, /was ever invited/)
  for (const id of ['6f1a3c1e-0000-4000-8000-000000000000', 'x', '%00']) t.is((await console.get(`/console/invitations/${id}`)).status, 404, id)
})

test('names are text on every page, whatever they hold', async t => {
  const world = await openWorld(t)
  const console = await openConsole(t, world.service)
  for (const [index, hostile] of hostileTexts.entries()) {
    const { id } = await world.invite({ name: hostile, email: `p${index}@example.com` })
    await console.get('/console/invitations')
    t.true((await console.get(`/console/invitations/${id}`)).text.includes(escapeHtml(hostile)))
    await console.post('/console/invitations/many', { csv: `"${hostile.replaceAll('"', '""')}",p${index}@example.com` })
    await console.post('/console/invitations', { ...ada, name: hostile, email: `q${index}@example.com` })
  }
  t.pass()
})
