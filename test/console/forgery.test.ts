/** What somebody tries who is not let in: sessions that were planted, forms that were made elsewhere, ways to another host. */
import test, { type ExecutionContext } from 'ava'
import { hashPassword } from '../../src/http/password.ts'
import { safeNext } from '../../src/http/session.ts'
import { consumeSetupLink, createSetupLink } from '../../src/http/setup-link.ts'
import { addressesOf, consoleRoutes, contentsOf, openEverything } from '../support/console-routes.ts'
import { openConsole, visitor, type Client } from '../support/console.ts'
import { testService, type TestService } from '../support/service.ts'

const password = 'nine purple herons at dawn'
const email = 'grace@example.org'

async function withAdmin(t: ExecutionContext): Promise<{ service: TestService, client: Client }> {
  const service = await testService(t)
  const token = new URL((await createSetupLink(service)).url).searchParams.get('token')!
  await consumeSetupLink(service, token, { name: 'Grace Hopper', email, passwordHash: await hashPassword(password) })
  return { service, client: await visitor(t, service) }
}

test('every form of the console is refused when it was not made for this session, or not sent from a page of ours', async t => {
  const { world: { service }, things } = await openEverything(t)
  const client = await openConsole(t, service)
  const other = await openConsole(t, service)
  const { text } = await other.get('/console/account')
  const theirs = /name="_csrf" value="([\w-]+)"/.exec(text)![1]!
  const forms = consoleRoutes(service).filter(({ method }) => method === 'POST').flatMap(route => addressesOf(route, things))
  t.true(forms.length > 40)
  const before = await contentsOf(service.db)
  for (const address of forms) {
    const isOpen = address === '/setup' || address.startsWith('/console/sign-in')
    await client.get('/console/account')
    const tries: [fields: Record<string, string>, headers?: Record<string, string>][] = [
      [{}, { origin: 'https://evil.example' }], [{}, { origin: 'null' }], [{}, { 'sec-fetch-site': 'cross-site' }], [{}, { 'sec-fetch-site': 'same-site' }], [{}, { 'sec-fetch-site': 'none' }],
      [{}, { origin: `${service.config.url}.evil.example` }], [{}, { origin: service.config.url.replace('http:', 'https:') }],
      // What needs no session has no token; where it was sent from says it all.
      ...isOpen ? [] : [[{ _csrf: '' }], [{ _csrf: theirs }], [{ _csrf: 'A'.repeat(43) }]] as [Record<string, string>][],
    ]
    for (const [fields, headers] of tries) t.is((await client.post(address, fields, headers)).status, 403, `${address} ${JSON.stringify({ fields, headers })}`)
  }
  t.deepEqual(await contentsOf(service.db), before)
})

test('a form is neither an address nor a document of another kind', async t => {
  const { world: { service }, things } = await openEverything(t)
  const client = await openConsole(t, service)
  const csrf = /name="_csrf" value="([\w-]+)"/.exec((await client.get('/console/account')).text)![1]!
  const routes = consoleRoutes(service)
  // Signing in makes its secret when it is first asked for.
  await client.get('/console/sign-in')
  const before = await contentsOf(service.db)
  for (const address of routes.filter(({ method }) => method === 'POST').flatMap(route => addressesOf(route, things))) {
    await client.get(`${address}?_csrf=${csrf}&sure=yes&reason=x&name=x&email=x@example.org`)
    const cookie = [...client.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    for (const type of ['text/plain', 'application/json', 'multipart/form-data; boundary=x']) {
      const { status } = await fetch(`${client.origin}${address}`, { method: 'POST', redirect: 'manual', headers: { cookie, origin: service.config.url, 'content-type': type }, body: `_csrf=${csrf}&sure=yes` })
      t.is(status, 415, `${address} as ${type}`)
    }
  }
  t.deepEqual(await contentsOf(service.db), before)
})

test('a form that was sent is not sent again by who kept it: after signing out nothing of the session counts', async t => {
  const { service, client } = await withAdmin(t)
  await client.post('/console/sign-in', { email, password })
  await client.get('/console/account/tokens')
  const kept = new Map(client.cookies)
  await client.post('/console/sign-out')
  for (const [name, value] of kept) client.cookies.set(name, value)
  t.is((await client.post('/console/account/tokens', { name: 'planted', role: 'admin', until: '' })).status, 401)
  t.is((await client.get('/console/account')).status, 302)
  t.is((await service.db.query('select 1 from tokens')).length, 0)
})

test('a cookie that was there before signing in is never taken over, whatever it holds', async t => {
  const { client } = await withAdmin(t)
  const planted = ['x'.repeat(43), '', '"', 'a; latchkey=b', '../../etc', 'A'.repeat(5000)]
  for (const value of planted) {
    client.cookies.set('latchkey', value)
    t.is((await client.get('/console/account')).status, 302, value)
    t.is((await client.post('/console/sign-in', { email, password })).status, 303, value)
    t.regex(client.cookies.get('latchkey')!, /^[\w-]{43}$/)
    t.false(planted.includes(client.cookies.get('latchkey')!))
    t.is((await client.get('/console/account')).status, 200, value)
  }
})

test('how somebody signs in changes: their session gets another token, and a copy of the one before opens nothing', async t => {
  const { service, client } = await withAdmin(t)
  await client.post('/console/sign-in', { email, password })
  const thief = await visitor(t, service, client.origin)
  for (const [path, fields] of [['/console/account/password', { password: 'ten green herons at dusk', again: 'ten green herons at dusk' }], ['/console/account/codes', {}]] as const) {
    await client.get(path)
    const before = client.cookies.get('latchkey')!
    thief.cookies.set('latchkey', before)
    t.is((await thief.get('/console/account')).status, 200)
    await client.submit(path, fields)
    t.not(client.cookies.get('latchkey'), before, path)
    t.is((await thief.get('/console/account')).status, 302, path)
    // What stands on the page that follows is of the session as it is now.
    t.is((await client.post('/console/account/tokens', { name: path, role: 'auditor', until: '' })).status, 303, path)
  }
  t.is((await service.db.query('select 1 from console_sessions where ended_at is null')).length, 1)
})

const elsewhere = [
  '//evil.example', '///evil.example', '////evil.example', '/\\evil.example', '\\\\evil.example', '/\\/evil.example', '\\/evil.example', 'https:evil.example', 'https:/evil.example', 'https://evil.example',
  'HTTPS://evil.example/console', '//evil.example/console', '%2f%2fevil.example', '/%2fevil.example', '/%5cevil.example', '%68ttps://evil.example', 'javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)',
  'java\tscript:alert(1)', 'java\nscript:alert(1)', '\u0000/evil.example', '/\t/evil.example', '/\n/evil.example', '/\r/evil.example', '\u00a0//evil.example', '\u2028//evil.example', 'data:text/html,x', 'vbscript:x', 'blob:x',
  '/console@evil.example', '/console.evil.example', '/console:80', '/console//evil.example/..//', '/console/..//evil.example', '/console/../..//evil.example', '/console/%2e%2e//evil.example', '/console/%2e%2e/%2fevil.example',
  '/console/.%2e//evil.example', '/console\\..\\evil.example', '/console\t//evil.example', '/console\r\nlocation: //evil.example', '/console?x\r\nset-cookie: a=b', '/console#//evil.example', '//localhost@evil.example', '//evil.example\\@localhost',
  '/console/\u202eelpmaxe.live//', '／／evil.example', '/ｃonsole', '?next=//evil.example', '.evil.example', '@evil.example', '/',
]

test('a way on after signing in stays on this host, in every shape that somebody has thought of', async t => {
  const { client } = await withAdmin(t)
  const stays = (to: string, given: string): void => {
    t.is(new URL(to, 'https://keys.example.org/console/sign-in').origin, 'https://keys.example.org', given)
    t.regex(to, /^\/console(?:$|[/?])/, given)
    t.notRegex(to, /[\\\s]/, given)
  }
  for (const next of elsewhere) {
    for (const given of [next, encodeURIComponent(next), encodeURIComponent(encodeURIComponent(next))]) {
      stays(safeNext(given), given)
      const { text } = await client.get(`/console/sign-in?next=${encodeURIComponent(given)}`)
      stays(/name="next" value="([^"]*)"/.exec(text)![1]!.replaceAll('&amp;', '&'), given)
    }
    const { location, headers } = await client.post('/console/sign-in', { email, password, next })
    stays(location!, next)
    t.is(headers.getSetCookie().length, 1, next)
  }
  t.is(safeNext('/console/phones?q=https%3A%2F%2Fexample.org'), '/console/phones?q=https%3A%2F%2Fexample.org')
})

test('the way on that who is not signed in is given stays on this host too', async t => {
  const { client } = await withAdmin(t)
  for (const path of ['/console//evil.example', '/console/%2f%2fevil.example', '/console/..%2f..%2f/evil.example', '/console?next=//evil.example', '/console/%0d%0alocation:%20x', '/console/\\evil.example']) {
    const { location } = await client.get(path)
    const next = new URLSearchParams(location?.split('?')[1]).get('next')
    t.regex(safeNext(next ?? undefined), /^\/console(?:$|[/?])/, path)
  }
})
