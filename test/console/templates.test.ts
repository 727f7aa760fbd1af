import test from 'ava'
import { z } from 'zod'
import { escapeHtml } from '../../src/console/html.ts'
import { fieldsInWords } from '../../src/console/templates/pages.ts'
import { defaultTemplate, Template } from '../../src/enrollment/template.ts'
import { templateStore } from '../../src/store/templates.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'

const withMail = { ...defaultTemplate, displayName: 'Work mail', exchange: { host: 'mail.example.org' }, passcode: { minLength: 6 } }

/** What a browser would send back: the text in the editor, and when it was written. */
const editorOf = (text: string): { since: string } => ({ since: /name="since" value="([^"]*)"/.exec(text)![1]! })

test('a template is edited with a preview of what the phone shows, and written when every field is good', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  t.regex((await console.get('/console/templates')).text, /href="\/console\/templates\/default">default<\/a>.*Access with this phone/s)
  const page = await console.get('/console/templates/default')
  t.regex(page.text, /Every field is good.*In Settings.*2 Certificates.*Device Identity Certificate/s)
  service.clock.advance(60)
  const after = await console.submit('/console/templates', { name: 'default', text: JSON.stringify(withMail), ...editorOf(page.text) })
  t.regex(after.text, /The template is written/)
  t.regex(after.text, /Exchange Account.*Passcode Policy.*mail\.example\.org/s)
  t.is((await templateStore(service.db).find('default'))?.template.displayName, 'Work mail')
})

test('what is wrong is named by field, the text stays, and nothing is written', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  const { text } = await console.get('/console/templates/default')
  const again = await console.post('/console/templates', { name: 'default', text: JSON.stringify({ ...withMail, wifi: [{ ssid: 'x'.repeat(40), trustedServerNames: [] }], surprise: 1 }), ...editorOf(text) })
  t.is(again.status, 400)
  t.regex(again.text, /<code>wifi\.0\.ssid<\/code>/)
  t.regex(again.text, /surprise/)
  t.regex(again.text, /&quot;mail\.example\.org&quot;/)
  const broken = await console.post('/console/templates', { name: 'default', text: '{ "organization": ', ...editorOf(text) })
  t.regex(broken.text, /This is not JSON yet/)
  t.is((await templateStore(service.db).find('default'))?.template.exchange, undefined)
})

test('the check that the page asks while somebody types writes nothing, and answers a part of a page', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/templates/default')
  const good = await console.post('/console/templates/check', { text: JSON.stringify(withMail) })
  t.regex(good.text, /^<p role="status"><b>Every field is good/)
  t.regex((await console.post('/console/templates/check', { text: '{"contact":1}' })).text, /<code>contact<\/code>/)
  t.regex((await console.post('/console/templates/check', { text: ' '.repeat(100_000) })).text, /too large/)
  t.is((await console.post('/console/templates/check', { text: '{}', _csrf: 'forged' })).status, 403)
  const checked = await console.post('/console/templates', { name: 'default', text: JSON.stringify(withMail), since: '', only: 'check' })
  t.regex(checked.text, /Exchange Account/)
  t.is((await templateStore(service.db).find('default'))?.template.exchange, undefined)
})

test('two who write the same template do not overwrite each other unseen', async t => {
  const service = await testService(t)
  const [ada, bob] = [await openConsole(t, service), await openConsole(t, service)]
  const [first, second] = [await ada.get('/console/templates/default'), await bob.get('/console/templates/default')]
  service.clock.advance(60)
  await ada.post('/console/templates', { name: 'default', text: JSON.stringify({ ...defaultTemplate, displayName: 'of Ada' }), ...editorOf(first.text) })
  const refused = await bob.post('/console/templates', { name: 'default', text: JSON.stringify({ ...defaultTemplate, displayName: 'of Bob' }), ...editorOf(second.text) })
  t.is(refused.status, 409)
  t.regex(refused.text, /has written this template meanwhile/)
  t.is((await templateStore(service.db).find('default'))?.template.displayName, 'of Ada')
})

test('a new template gets a name of its own', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  t.regex((await console.get('/console/templates/new')).text, /A new template/)
  t.regex((await console.post('/console/templates', { name: 'Phones!', text: JSON.stringify(withMail), since: '' })).text, /Use lower-case letters/)
  t.is((await console.post('/console/templates', { name: 'default', text: JSON.stringify(withMail), since: '' })).status, 409)
  t.is((await console.post('/console/templates', { name: 'phones', text: JSON.stringify(withMail), since: '' })).location, '/console/templates/phones?written')
  for (const path of ['/console/templates/none', '/console/templates/..%2f', '/console/templates/%00']) t.is((await console.get(path)).status, 404, path)
})

test('only an admin writes templates; the others read them', async t => {
  const service = await testService(t)
  for (const role of ['auditor', 'operator'] as const) {
    const console = await openConsole(t, service, role)
    t.notRegex((await console.get('/console/templates')).text, /Write a new one/)
    const page = await console.get('/console/templates/default')
    t.regex(page.text, /<pre class="value"/)
    t.notRegex(page.text, /<textarea/)
    t.is((await console.get('/console/templates/new')).status, 403)
    t.is((await console.post('/console/templates', { name: 'default', text: JSON.stringify(withMail), since: '' })).status, 403)
    t.is((await console.post('/console/templates', { name: 'default', text: '{}', since: '', only: 'check' })).status, 403)
  }
  t.is((await templateStore(service.db).find('default'))?.template.exchange, undefined)
})

test('what stands in a template is text on the page', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/templates/default')
  for (const hostile of hostileTexts.filter(text => text.length <= 100)) {
    const template = { ...withMail, organization: hostile, displayName: hostile, contact: hostile, description: hostile, consentText: hostile, webClip: [{ label: hostile, url: 'https://example.org/' }] }
    const { text } = await console.post('/console/templates/check', { text: JSON.stringify(template) })
    t.true(text.includes(escapeHtml(hostile)), hostile)
    await console.post('/console/templates', { name: 'default', text: JSON.stringify({ ...template, [hostile]: hostile }), since: '' })
  }
})

test('every field of a template stands in the list beside the editor', t => {
  const { properties } = z.toJSONSchema(Template, { unrepresentable: 'any' }) as { properties: object }
  t.deepEqual(fieldsInWords.map(([field]) => field).sort(), Object.keys(properties).sort())
  for (const [field, , example] of fieldsInWords) t.notThrows(() => JSON.parse(example), field)
})
