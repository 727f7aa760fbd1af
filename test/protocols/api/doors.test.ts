import { connect } from 'node:net'
import test from 'ava'
import { adminStore, tokenStore } from '../../../src/store/access.ts'
import { setupRouter } from '../../../src/console/sign-in/setup-router.ts'
import type { Actor } from '../../../src/http/actor.ts'
import { hashPassword } from '../../../src/http/password.ts'
import { consumeSetupLink, createSetupLink, findSetupLink } from '../../../src/http/setup-link.ts'
import { apiRouter } from '../../../src/protocols/api/router.ts'
import { newToken, openApi } from '../../support/api.ts'
import { listen } from '../../support/listen.ts'
import { refusalOfAsync } from '../../support/refusals.ts'
import { testService } from '../../support/service.ts'

const passwordHash = await hashPassword('a sentence of tests')

test('without a token that is in force nobody is answered, and is told how to come back', async t => {
  const service = await testService(t)
  const { url } = await openApi(t, service)
  const ended = await newToken(service, 'admin')
  for (const token of await tokenStore(service.db).list()) if (token.name === 'test admin') await tokenStore(service.db).end(token.id, service.now())
  const short = await newToken(service, 'admin', new Date(service.now().getTime() + 60_000))
  service.clock.advance(60)
  for (const authorization of [undefined, 'Bearer', 'Basic YWRtaW46YWRtaW4=', 'Bearer aaaaaaaaaaaaaaaaaaaaaaaa', `Bearer ${ended}`, `Bearer ${short}`, `Bearer ${short} ${short}`]) {
    const response = await fetch(`${url}/models`, authorization === undefined ? {} : { headers: { authorization } })
    t.is(response.status, 401, authorization)
    t.is(response.headers.get('www-authenticate'), 'Bearer realm="latchkey"')
    t.is((await response.json() as { code: string }).code, 'unauthorized')
  }
})

test('a role opens what it is for: auditors read, operators act on people, admins make policy', async t => {
  const service = await testService(t)
  const auditor = await openApi(t, service, 'auditor')
  const operator = await openApi(t, service, 'operator')
  const invitation = { name: 'Ada Lovelace', email: 'ada@example.org' }
  t.is((await auditor.call('GET', '/invitations')).status, 200)
  t.is(await auditor.refusal('POST', '/invitations', invitation), 'forbidden')
  t.is((await operator.call('POST', '/invitations', invitation)).status, 201)
  t.is(await operator.refusal('POST', '/approvals', { pattern: '*', reason: 'why not' }), 'forbidden')
  t.is(await operator.refusal('POST', '/tokens', { name: 'more', role: 'admin' }), 'forbidden')
})

test('a token is told once, stands nowhere in clear, and its name is on what it does', async t => {
  const service = await testService(t)
  const admin = await openApi(t, service)
  const { token, id } = await admin.ask('POST', '/tokens', { name: 'mail gateway', role: 'operator' })
  t.true(Buffer.from(token, 'base64url').length * 8 >= 128)
  t.false(JSON.stringify([await admin.ask('GET', '/tokens'), await admin.ask('GET', '/audit')]).includes(token))
  await fetch(`${admin.url}/invitations`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ name: 'Ada', email: 'ada@example.org' }),
  })
  const { items } = await admin.ask('GET', '/audit')
  t.like(items.find((entry: { action: string }) => entry.action === 'invitation.create'), { actor: 'mail gateway', source: `token ${id} from 127.0.0.1` })
  await admin.ask('POST', `/tokens/${id}/end`, {})
  t.is((await fetch(`${admin.url}/models`, { headers: { authorization: `Bearer ${token}` } })).status, 401)
})

/** A link for another admin comes from one; `start` makes those for the first. */
const ada: Actor = { name: 'ada', role: 'admin', source: 'test' }
const tokenIn = ({ url }: { url: string }): string => new URL(url).searchParams.get('token')!

test('the links that starts printed make one first admin between them, also when two are sent at once', async t => {
  const service = await testService(t)
  const links = [tokenIn(await createSetupLink(service)), tokenIn(await createSetupLink(service)), tokenIn(await createSetupLink(service))]
  const outcomes = await Promise.allSettled(links.map(async (link, index) => await consumeSetupLink(service, link, { name: 'Grace', email: `grace${index}@example.org`, passwordHash })))
  t.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected', 'rejected'])
  t.is((await adminStore(service.db).list()).length, 1)
  for (const link of links) t.is(await findSetupLink(service, link), undefined)
})

test('once somebody is in office, a second admin needs a link that an admin made', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const printed = tokenIn(await createSetupLink(service))
  await api.ask('POST', '/admins', { name: 'Ada', email: 'ada@example.org', role: 'operator' })
  t.truthy(await findSetupLink(service, printed), 'an operator is no admin')
  await api.ask('POST', '/admins', { name: 'Grace', email: 'grace@example.org', role: 'admin' })
  t.is(await findSetupLink(service, printed), undefined)
  t.is(await refusalOfAsync(() => consumeSetupLink(service, printed, { name: 'Eve', email: 'eve@example.org', passwordHash })), 'setup-link-invalid')
  const made = tokenIn(await api.ask('POST', '/admins/setup-link', {}))
  t.is((await consumeSetupLink(service, made, { name: 'Bob', email: 'bob@example.org', passwordHash })).role, 'admin')
})

test('whom the form would make admin has a name and an address as everywhere, or the link is not consumed', async t => {
  const service = await testService(t)
  const url = await listen(t, [setupRouter(service)])
  const token = tokenIn(await createSetupLink(service))
  const password = 'nine purple herons at dawn'
  const send = async (fields: Record<string, string>): Promise<{ status: number, text: string }> => {
    const body = new URLSearchParams({ token, name: 'Grace Hopper', email: 'grace@example.org', password, again: password, ...fields })
    const response = await fetch(`${url}/setup`, { method: 'POST', body, redirect: 'manual', headers: { origin: service.config.url } })
    return { status: response.status, text: await response.text() }
  }
  for (const wrong of [{ name: '' }, { name: 'a'.repeat(65) }, { name: 'Grace\u0000' }, { name: 'Grace\nHopper' }, { email: 'grace' }, { email: 'grace@\u0000example.org' }] as Record<string, string>[]) {
    const { status, text } = await send(wrong)
    t.is(status, 400, JSON.stringify(wrong))
    t.regex(text, /role="alert"/)
  }
  t.deepEqual(await adminStore(service.db).list(), [])
  t.is((await send({})).status, 303)
  t.deepEqual((await adminStore(service.db).list()).map(({ name }) => name), ['Grace Hopper'])
  t.not((await send({ email: 'eve@example.org' })).status, 303)
  t.is((await adminStore(service.db).list()).length, 1)
})

test('an admin who ends takes every token along: their own, those they made, and those made for them', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const grace = await consumeSetupLink(service, tokenIn(await createSetupLink(service, ada)), { name: 'Grace', email: 'grace@example.org', passwordHash })
  await api.ask('POST', '/admins', { name: 'Ada', email: 'ada@example.org', role: 'admin' })
  const own = await api.ask('POST', '/tokens', { name: 'hers', role: 'admin', admin: grace.id })
  const as = async (token: string, path: string, body?: object): Promise<{ status: number, body: any }> => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const response = await fetch(`${api.url}${path}`, { headers, ...body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) } })
    return { status: response.status, body: await response.json() }
  }
  const { body: made } = await as(own.token, '/tokens', { name: 'gateway', role: 'operator' })
  const { body: more } = await as(own.token, '/tokens', { name: 'a way back', role: 'admin' })
  const { body: fromThat } = await as(more.token, '/tokens', { name: 'another', role: 'admin' })
  const { body: link } = await as(more.token, '/admins/setup-link', {})
  const { url: forHerself } = await api.ask('POST', `/admins/${grace.id}/setup-link`, {})
  const forGrace = await api.ask('POST', '/tokens', { name: 'her laptop', role: 'auditor', admin: grace.id })
  const others = await api.ask('POST', '/tokens', { name: 'metrics', role: 'auditor' })
  t.like((await api.ask('GET', '/tokens')).items.find((token: { id: string }) => token.id === made.id), { admin: grace.id })

  t.like(await api.ask('POST', `/admins/${grace.id}/end`, {}), { tokensEnded: 5 })
  for (const { token } of [own, made, more, fromThat, forGrace]) t.is((await as(token, '/models')).status, 401)
  t.is((await as(others.token, '/models')).status, 200)
  t.is(await findSetupLink(service, tokenIn({ url: forHerself })), undefined)
  t.is(await refusalOfAsync(() => consumeSetupLink(service, tokenIn(link), { name: 'Eve', email: 'eve@example.org', passwordHash })), 'setup-link-invalid')
  t.is(await api.refusal('POST', '/tokens', { name: 'too late', role: 'auditor', admin: grace.id }), 'person-not-found')
})

test('a token made for somebody gives no more than their role', async t => {
  const api = await openApi(t, await testService(t))
  const { id } = await api.ask('POST', '/admins', { name: 'Olga', email: 'olga@example.org', role: 'operator' })
  t.is(await api.refusal('POST', '/tokens', { name: 'too much', role: 'admin', admin: id }), 'invalid-argument')
  t.like(await api.ask('POST', '/tokens', { name: 'hers', role: 'operator', admin: id }), { role: 'operator', admin: id })
})

test('a setup link makes one admin, within an hour, and looking at it consumes nothing', async t => {
  const service = await testService(t)
  const person = { name: 'Grace Hopper', email: 'grace@example.org', passwordHash }
  const token = tokenIn(await createSetupLink(service))
  const late = tokenIn(await createSetupLink(service, ada))
  t.deepEqual(await findSetupLink(service, token), { admin: undefined })
  const admin = await consumeSetupLink(service, token, person)
  t.is(admin.role, 'admin')
  t.is(await findSetupLink(service, token), undefined)
  t.is(await refusalOfAsync(() => consumeSetupLink(service, token, { ...person, email: 'eve@example.org' })), 'setup-link-invalid')
  t.is(await refusalOfAsync(() => consumeSetupLink(service, late, { ...person, email: 'GRACE@example.org' })), 'conflict')
  service.clock.advance(3600)
  t.is(await refusalOfAsync(() => consumeSetupLink(service, late, { ...person, email: 'eve@example.org' })), 'setup-link-invalid')
  t.deepEqual((await adminStore(service.db).list()).map(({ email }) => email), ['grace@example.org'])
})

test('a link for somebody who is an admin gives them a new password and keeps who they are', async t => {
  const api = await openApi(t, await testService(t))
  const { id } = await api.ask('POST', '/admins', { name: 'Ines Roth', email: 'ines@example.org', role: 'auditor' })
  const { url } = await api.ask('POST', `/admins/${id}/setup-link`, {})
  t.regex(url, /^http:\/\/localhost:8080\/setup\?token=[\w-]{24}$/)
  t.is(await api.refusal('POST', '/admins/00000000-0000-4000-8000-000000000000/setup-link', {}), 'person-not-found')
})

test('a body that is too large, of another kind, or no JSON is refused, and the service goes on', async t => {
  const api = await openApi(t, await testService(t))
  const send = async (body: string | Buffer, type = 'application/json', headers: Record<string, string> = {}): Promise<string> => {
    const response = await fetch(`${api.url}/invitations`, { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers: { authorization: `Bearer ${api.token}`, 'content-type': type, ...headers } })
    return ((await response.json()) as { code: string }).code
  }
  t.is(await send('name=Ada', 'application/x-www-form-urlencoded'), 'unsupported-media-type')
  t.is(await send('{}', 'text/plain'), 'unsupported-media-type')
  t.is(await send('{}', 'application/json', { 'content-encoding': 'gzip' }), 'unsupported-media-type')
  t.is(await send('{"name":'), 'malformed-request')
  t.is(await send(Buffer.from([0x7b, 0xff, 0x7d])), 'malformed-request')
  t.is(await send('[]'), 'invalid-argument')
  t.is(await send('{"__proto__":{"name":"Ada"},"email":"ada@example.org"}'), 'invalid-argument')
  t.is(await send('['.repeat(500_000) + ']'.repeat(500_000)), 'invalid-argument')
  t.is(await send(JSON.stringify({ name: 'x'.repeat(1024 * 1024), email: 'a@example.org' })), 'body-too-large')
  t.is((await api.call('GET', '/invitations')).body.items.length, 0)
})

test('a body without a length is counted while it comes', async t => {
  const api = await openApi(t, await testService(t))
  const { port } = new URL(api.url)
  const answer = await new Promise<string>(resolve => {
    const socket = connect(Number(port), '127.0.0.1')
    const chunk = `${(64 * 1024).toString(16)}\r\n${' '.repeat(64 * 1024)}\r\n`
    let received = ''
    socket.on('data', data => { received += data.toString() }).on('close', () => { resolve(received) }).on('error', () => {})
    socket.write(`POST /api/v1/invitations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${api.token}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`)
    socket.write(chunk.repeat(17))
  })
  t.regex(answer, /^HTTP\/1\.1 413 /)
  t.regex(answer, /body-too-large/)
})

test('what is not there is not found, and a wrong method is told the right ones', async t => {
  const api = await openApi(t, await testService(t))
  t.is(await api.refusal('GET', '/nowhere'), 'not-found')
  const { status, body, headers } = await api.call('PUT', '/invitations', {})
  t.is(status, 405)
  t.is(body.code, 'method-not-allowed')
  t.deepEqual(headers.get('allow')!.split(', ').sort(), ['GET', 'POST'])
  t.is(await api.refusal('GET', '/invitations?limit=0'), 'invalid-argument')
  t.is(await api.refusal('GET', '/invitations?limit=5&limit=6'), 'invalid-argument')
  t.is(await api.refusal('GET', '/invitations?cursor=bm9uc2Vuc2U'), 'invalid-argument')
  t.is(await api.refusal('GET', '/devices/not-an-id'), 'invalid-argument')
})

test('a defect says nothing about itself to the caller, and where it was to the log', async t => {
  const events: [string, string, object][] = []
  const service = await testService(t)
  const broken = { ...service, catalogue: () => { throw new TypeError('secret /srv/keys') } }
  const url = await listen(t, [apiRouter(broken)], (level, event, fields = {}) => { events.push([level, event, fields]) })
  const response = await fetch(`${url}/api/v1/models`, { headers: { authorization: `Bearer ${await newToken(service, 'admin')}` } })
  t.is(response.status, 500)
  t.deepEqual(await response.json(), { type: 'about:blank', title: 'Internal Server Error', status: 500 })
  t.like(events[0]!, ['error', 'defect', { name: 'TypeError' }])
  t.false(JSON.stringify(events).includes('secret'))
})
