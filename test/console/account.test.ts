import test from 'ava'
import { tokenStore } from '../../src/store/access.ts'
import { hostileTexts, openConsole, visitor } from '../support/console.ts'
import { openApi } from '../support/api.ts'
import { testService } from '../support/service.ts'

test('one sees where one is signed in, and ends what one does not know', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  await service.db.query(`insert into console_sessions (id, admin_id, token_sha256, method, created_at, last_seen_at, expires_at, address, user_agent)
    select gen_random_uuid(), $1, convert_to('hash ' || n, 'UTF8'), 'passkey', $2, $2, $3, '203.0.113.' || n, $4 from generate_series(1, 3) n`,
  [client.admin.id, service.now(), new Date(service.now().getTime() + 3_600_000), '"><script>alert(1)</script> iPhone'])
  const { text } = await client.get('/console/account')
  t.is(text.match(/203\.0\.113\./g)!.length, 6)
  const [, id] = /name="id" value="([0-9a-f-]{36})"/.exec(text)!
  t.is((await client.submit('/console/account/sessions/end', { id: id! })).text.match(/iPhone/g)!.length, 2)
  t.notRegex((await client.submit('/console/account/sessions/end', { id: 'others' })).text, /203\.0\.113\./)
  const other = await openConsole(t, service)
  await other.get('/console/account')
  const [mine] = await service.db.query('select id from console_sessions where admin_id = $1 and ended_at is null', [client.admin.id])
  t.is((await other.post('/console/account/sessions/end', { id: mine!.id as string })).status, 404)
})

test('a token is made with a role and an end, shown once, and ended', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  await client.get('/console/account/tokens')
  const made = await client.submit('/console/account/tokens', { name: 'mail gateway', role: 'auditor', until: '2026-03-31' })
  const token = /class="secret">([\w-]{24})</.exec(made.text)![1]!
  const { url } = await openApi(t, service)
  const ask = async (): Promise<number> => (await fetch(`${url}/models`, { headers: { authorization: `Bearer ${token}` } })).status
  t.is(await ask(), 200)
  const list = await client.get('/console/account/tokens')
  t.false(list.text.includes(token))
  t.regex(list.text, /mail gateway/)
  t.is((await client.post('/console/account/tokens', { name: '', role: 'auditor', until: '' })).status, 400)
  t.is((await client.post('/console/account/tokens', { name: 'late', role: 'auditor', until: '2020-01-01' })).status, 400)
  const { id } = (await tokenStore(service.db).list()).find(({ name }) => name === 'mail gateway')!
  await client.submit('/console/account/tokens/end', { id })
  t.is(await ask(), 401)
})

test('somebody who is added sets their own password by a link, and signs in with their role', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  await client.get('/console/account/people')
  const { text } = await client.submit('/console/account/people', { name: 'Ines Roth', email: 'ines@example.org', role: 'auditor' })
  const token = /setup\?token=([\w-]{24})</.exec(text)![1]!
  const ines = await visitor(t, service)
  t.regex((await ines.get(`/setup?token=${token}`)).text, /Welcome, Ines Roth/)
  const password = 'nine purple herons at dawn'
  t.is((await ines.post('/setup', { token, password, again: password })).status, 303)
  t.regex((await ines.get('/console/account')).text, /auditor: sees all/)
  for (const path of ['/console/account/tokens', '/console/account/people']) {
    t.notRegex((await ines.get(path)).text, new RegExp(`action="${path}`))
    for (const action of ['', '/end']) t.is((await ines.post(`${path}${action}`, { name: 'x', email: 'x@example.org', role: 'admin', until: '', id: client.admin.id })).status, 403, path + action)
  }
  t.is((await ines.post('/console/account/people/link', { id: client.admin.id })).status, 403)
  // A second link ends what she had.
  const [{ id } = { id: '' }] = await service.db.query<{ id: string }>('select id from admins where email = $1', ['ines@example.org'])
  await client.get('/console/account/people')
  const again = await client.submit('/console/account/people/link', { id })
  const second = await visitor(t, service)
  const newPassword = 'eleven green otters at noon'
  t.is((await second.post('/setup', { token: /setup\?token=([\w-]{24})</.exec(again.text)![1]!, password: newPassword, again: newPassword })).status, 303)
  t.is((await ines.get('/console/account')).status, 302)
  await client.get('/console/account/people')
  t.regex((await client.post('/console/account/people/end', { id })).text, /ends one session and no tokens of theirs/)
  t.is((await second.get('/console/account')).status, 200)
  await client.submit('/console/account/people/end', { id, sure: 'yes' })
  t.is((await second.get('/console/account')).status, 302)
})

test('who has been signed in for a while signs in once more before changing how they sign in', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  t.is((await client.get('/console/account/password')).status, 200)
  service.clock.advance(15 * 60)
  for (const path of ['password', 'passkey', 'codes']) t.regex((await client.get(`/console/account/${path}`)).text, /Sign in once more/)
  const password = 'nine purple herons at dawn'
  t.is((await client.post('/console/account/password', { password, again: password })).status, 403)
  t.is((await client.post('/console/account/codes')).status, 403)
  t.is((await client.post('/console/account/tokens', { name: 'mine', role: 'admin', until: '' })).status, 403)
  t.is((await client.post('/console/account/people', { name: 'Eve', email: 'eve@example.org', role: 'admin' })).status, 403)
  t.is((await service.db.query('select 1 from admin_passwords')).length, 0)
})

test('a new password ends the other sessions and keeps this one', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  await client.get('/console/account/password')
  const password = 'nine purple herons at dawn'
  t.regex((await client.post('/console/account/password', { password: 'short', again: 'short' })).text, /at least 12 characters/)
  await client.submit('/console/account/password', { password, again: password })
  const elsewhere = await visitor(t, service)
  t.is((await elsewhere.post('/console/sign-in', { email: client.admin.email, password })).status, 303)
  await client.submit('/console/account/password', { password: `${password}!`, again: `${password}!` })
  t.is((await elsewhere.get('/console/account')).status, 302)
  t.is((await client.get('/console/account')).status, 200)
  t.is((await elsewhere.post('/console/sign-in', { email: client.admin.email, password })).status, 401)
})

test('hostile names show as text, or are refused with words', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  for (const name of hostileTexts) {
    await service.db.query('update admins set name = $1 where id = $2', [name, client.admin.id])
    t.is((await client.get('/console/account/people')).status, 200)
    t.true([200, 400].includes((await client.submit('/console/account/tokens', { name, role: 'auditor', until: '' })).status))
    t.is((await client.get('/console/account/tokens')).status, 200)
  }
})
