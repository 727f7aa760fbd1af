import test, { type ExecutionContext } from 'ava'
import { hashPassword } from '../../src/http/password.ts'
import { newRecoveryCodes, recoveryCodeSha256 } from '../../src/http/recovery-codes.ts'
import { consumeSetupLink, createSetupLink } from '../../src/http/setup-link.ts'
import type { Admin } from '../../src/store/access.ts'
import { auditStore } from '../../src/store/audit.ts'
import { passkeyStore, recoveryCodeStore } from '../../src/store/credentials.ts'
import { housekeeping } from '../../src/store/housekeeping.ts'
import { visitor, openConsole, type Client } from '../support/console.ts'
import { testService, type Overrides, type TestService } from '../support/service.ts'

const password = 'nine purple herons at dawn'
const email = 'grace@example.org'

const linkPath = async (service: TestService): Promise<string> => (await createSetupLink(service)).url.slice(service.config.url.length)

/** A service with one admin, who has a password and nothing else. */
async function withAdmin(t: ExecutionContext, overrides: Overrides = {}): Promise<{ service: TestService, client: Client, admin: Admin }> {
  const service = await testService(t, overrides)
  const token = new URL((await createSetupLink(service)).url).searchParams.get('token')!
  const admin = await consumeSetupLink(service, token, { name: 'Grace Hopper', email, passwordHash: await hashPassword(password) })
  return { service, client: await visitor(t, service), admin }
}

const addPasskey = async (service: TestService, admin: Admin): Promise<void> => await passkeyStore(service.db).add({
  credentialId: Buffer.from('a passkey'), adminId: admin.id, name: 'phone', publicKey: Buffer.alloc(1), signCount: 0, transports: [], backedUp: false, createdAt: service.now(), lastUsedAt: null,
})

const asFrom = (address: string): Record<string, string> => ({ 'x-forwarded-for': address })
const behindProxy: Overrides = { config: { trustedProxies: ['127.0.0.1'] } }

test('the setup link makes the first admin, who is signed in and offered a passkey', async t => {
  const service = await testService(t)
  const client = await visitor(t, service)
  const path = await linkPath(service)
  const token = path.split('token=')[1]!
  t.regex((await client.get(path)).text, /You are the first admin/)
  const weak = await client.post('/setup', { token, name: 'Grace Hopper', email, password: 'grace hopper', again: 'grace hopper' })
  t.is(weak.status, 400)
  t.regex(weak.text, /easy to guess/)
  const unequal = await client.post('/setup', { token, name: 'Grace Hopper', email: 'no address', password, again: `${password}!` })
  t.regex(unequal.text, /The two are not the same/)
  t.regex(unequal.text, /Type an address/)
  t.false(unequal.text.includes(password))
  const made = await client.post('/setup', { token, name: 'Grace Hopper', email, password, again: password })
  t.is(made.status, 303)
  t.is(made.location, '/console/account/passkey')
  t.regex((await client.get('/console/account')).text, /grace@example\.org/)
  t.is((await client.post('/setup', { token, name: 'Eve', email: 'eve@example.org', password, again: password })).status, 410)
  t.is((await client.get(path)).status, 410)
})

test('a password opens the console until there is a passkey; then it needs a recovery code beside it, and each code works once', async t => {
  const { service, client, admin } = await withAdmin(t)
  t.is((await client.post('/console/sign-in', { email: 'GRACE@example.org', password, next: '/console/words' })).location, '/console/words')
  t.is((await client.get('/console/account')).status, 200)
  t.is((await client.post('/console/sign-out')).location, '/console/sign-in')
  t.is((await client.get('/console/account')).status, 302)
  t.is(client.cookies.size, 0)
  await addPasskey(service, admin)
  const codes = newRecoveryCodes()
  await recoveryCodeStore(service.db).replace(admin.id, codes.map(recoveryCodeSha256), service.now())
  const step = await client.post('/console/sign-in', { email, password })
  t.is(step.status, 200)
  t.regex(step.text, /One more step/)
  t.is((await client.get('/console/account')).status, 302)
  const ticket = /name="ticket" value="([\w-]+)"/.exec(step.text)![1]!
  const recovery = { admin: admin.id, ticket, next: '' }
  t.is((await client.post('/console/sign-in/recovery', { ...recovery, code: 'aaaa-aaaa-aaaa-aaaa' })).status, 401)
  t.is((await client.post('/console/sign-in/recovery', { ...recovery, ticket: `A${ticket.slice(1)}`, code: codes[0]! })).status, 401)
  const typed = ` ${codes[0]!.toUpperCase().replaceAll('-', ' ')} `
  t.is((await client.post('/console/sign-in/recovery', { ...recovery, code: typed })).status, 303)
  t.regex((await client.get('/console/account')).text, /9 of ten recovery codes left/)
  t.is((await client.post('/console/sign-in/recovery', { ...recovery, code: codes[0]! })).status, 401)
  service.clock.advance(15 * 60)
  t.is((await client.post('/console/sign-in/recovery', { ...recovery, code: codes[1]! })).status, 401)
})

test('whether there is an account is not told: same words, same page, same work', async t => {
  const { service, client } = await withAdmin(t)
  const plain = (text: string): string => text.replaceAll(/"challenge&quot;.*?&quot;,|data-options="[^"]*"/g, '').replaceAll(/[a-z]+@example\.org/g, '')
  const known = await client.post('/console/sign-in', { email, password: 'not the password' })
  const unknown = await client.post('/console/sign-in', { email: 'nobody@example.org', password: 'not the password' })
  t.is(known.status, 401)
  t.is(unknown.status, 401)
  t.is(plain(known.text), plain(unknown.text))
  // Somebody who was added and has no password yet is like nobody.
  await service.db.query('delete from admin_passwords')
  t.is(plain((await client.post('/console/sign-in', { email, password })).text), plain(known.text))
})

test('guessing gets slower and slower, for who guesses: the same person elsewhere is let in', async t => {
  const { service, client } = await withAdmin(t, behindProxy)
  const guess = async (address: string, given = 'not the password'): Promise<number> => (await client.post('/console/sign-in', { email, password: given }, asFrom(address))).status
  for (let tries = 0; tries < 6; tries++) t.is(await guess('203.0.113.7'), 401)
  t.is(await guess('203.0.113.7'), 429)
  t.is(await guess('203.0.113.7', password), 429)
  t.is(await guess('203.0.113.8', password), 303)
  service.clock.advance(1)
  t.is(await guess('203.0.113.7'), 401)
  service.clock.advance(1)
  t.is(await guess('203.0.113.7'), 429)
  service.clock.advance(1)
  t.is(await guess('203.0.113.7', password), 303)
  t.is(await guess('203.0.113.7'), 401)
})

test('many guesses at once are counted one by one', async t => {
  const { client } = await withAdmin(t)
  const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await client.post('/console/sign-in', { email, password: 'not the password' })).status))
  t.is(statuses.filter(status => status === 401).length, 6)
  t.is(statuses.filter(status => status === 429).length, 14)
})

test('when a thousand addresses guess, the admin waits at most a minute, and not at all where they signed in before', async t => {
  const { service, client } = await withAdmin(t, behindProxy)
  t.is((await client.post('/console/sign-in', { email, password }, asFrom('198.51.100.1'))).status, 303)
  for (let host = 0; host < 45; host++) await client.post('/console/sign-in', { email, password: 'not the password' }, asFrom(`203.0.113.${host}`))
  t.is((await client.post('/console/sign-in', { email, password }, asFrom('198.51.100.2'))).status, 429)
  t.is((await client.post('/console/sign-in', { email, password }, asFrom('198.51.100.1'))).status, 303)
  service.clock.advance(60)
  t.is((await client.post('/console/sign-in', { email, password }, asFrom('198.51.100.2'))).status, 303)
})

test('a planted session opens nothing: signing in gives a new one and ends what was there', async t => {
  const { service, client } = await withAdmin(t)
  const thief = await openConsole(t, service)
  const planted = thief.cookies.get('latchkey')!
  client.cookies.set('latchkey', planted)
  await client.post('/console/sign-in', { email, password })
  t.not(client.cookies.get('latchkey'), planted)
  t.is((await thief.get('/console/account')).status, 302)
  client.cookies.set('latchkey', 'x'.repeat(43))
  await client.post('/console/sign-in', { email, password })
  t.not(client.cookies.get('latchkey'), 'x'.repeat(43))
})

test('the cookie is for this host, this path and TLS, and no script reads it', async t => {
  const { client } = await withAdmin(t, { config: { url: 'https://keys.example.org' } })
  const { headers } = await client.post('/console/sign-in', { email, password })
  t.regex(headers.getSetCookie().join('\n'), /^__Host-latchkey=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  const plain = await withAdmin(t)
  t.regex((await plain.client.post('/console/sign-in', { email, password })).headers.getSetCookie().join('\n'), /^latchkey=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/)
})

test('what another site sends is refused, and so is a form of another session', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  await client.get('/console/account/tokens')
  const token = { name: 'planted', role: 'admin', until: '' }
  for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null' }, { origin: '' }, { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }]) {
    t.is((await client.post('/console/account/tokens', token, headers as Record<string, string>)).status, 403, JSON.stringify(headers))
  }
  for (const _csrf of ['', 'x', 'A'.repeat(43)]) t.is((await client.post('/console/account/tokens', { ...token, _csrf })).status, 403)
  const other = await openConsole(t, service)
  const { text } = await other.get('/console/account/tokens')
  t.is((await client.post('/console/account/tokens', { ...token, _csrf: /name="_csrf" value="([\w-]+)"/.exec(text)![1]! })).status, 403)
  t.is((await service.db.query('select 1 from tokens')).length, 0)
  t.is((await client.post('/console/sign-in', { email, password }, { origin: 'https://evil.example' })).status, 403)
})

test('after signing in nobody is led to another host, whatever the form says', async t => {
  const { client } = await withAdmin(t)
  for (const next of ['//evil.example', 'https://evil.example/console', '/\\evil.example', '/console/..//evil.example']) {
    t.is((await client.post('/console/sign-in', { email, password, next })).location, '/console', next)
    t.notRegex((await client.get(`/console/sign-in?next=${encodeURIComponent(next)}`)).text, /evil/)
  }
})

test('what guessing left behind is forgotten after a day, and old sessions after 90', async t => {
  const { service, client } = await withAdmin(t)
  await client.post('/console/sign-in', { email, password })
  await client.post('/console/sign-in', { email: 'nobody@example.org', password })
  const left = async (): Promise<number[]> => await Promise.all(['sign_in_delays', 'console_sessions'].map(async table => (await service.db.query(`select 1 from ${table}`)).length))
  await housekeeping(service.db, service.now())
  t.deepEqual(await left(), [4, 1])
  service.clock.advance(86_401)
  await housekeeping(service.db, service.now())
  t.deepEqual(await left(), [0, 1])
  service.clock.advance(91 * 86_400)
  await housekeeping(service.db, service.now())
  t.deepEqual(await left(), [0, 0])
})

test('signing in and out stands in the record, and no secret does', async t => {
  const { service, client } = await withAdmin(t)
  await client.post('/console/sign-in', { email, password })
  await client.get('/console/account')
  await client.post('/console/sign-out')
  const entries = await auditStore(service.db).list({ limit: 10 } as never)
  t.deepEqual(entries.map(({ action }) => action).sort(), ['admin.create', 'session.begin', 'session.end', 'setup-link.create'])
  t.false(JSON.stringify(entries).includes(password))
})
