import test from 'ava'
import { localActor, type Actor } from '../../src/http/actor.ts'
import { adminCreate, adminEnd, adminRole, setupLinkCreate } from '../../src/protocols/api/operations/access.ts'
import { findSetupLink } from '../../src/http/setup-link.ts'
import { adminStore } from '../../src/store/access.ts'
import { openServer } from '../../src/store/server.ts'
import { migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { newSession, openConsole } from '../support/console.ts'
import { testDatabase } from '../support/database.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { testService } from '../support/service.ts'

test('another role counts at once in a session that is open, and its browser gets another token', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  const other = await openConsole(t, service)
  t.regex((await other.get('/console/account/tokens')).text, /Make a token/)
  const before = other.cookies.get('latchkey')!
  await client.get('/console/account/people')
  t.is((await client.post('/console/account/people/role', { id: other.admin.id, role: 'auditor' })).status, 303)
  // What is sent from the page that was open is judged by the new role.
  t.is((await other.post('/console/account/tokens', { name: 'x', role: 'admin', until: '' })).status, 403)
  // What a script of that page asks for goes on too; a page that is opened brings the new token.
  t.notRegex((await other.get('/console/account/tokens', { 'sec-fetch-dest': 'empty' })).text, /Make a token/)
  t.is(other.cookies.get('latchkey'), before)
  await other.get('/console/account', { 'sec-fetch-dest': 'document' })
  t.not(other.cookies.get('latchkey'), before)
  t.is((await other.get('/console/account')).status, 200)
  other.cookies.set('latchkey', before)
  t.is((await other.get('/console/account')).status, 302)
})

test('the page of a role says what it reaches, and keeps the last admin', async t => {
  const service = await testService(t)
  const client = await openConsole(t, service)
  const { admin: olga } = await newSession(service, 'operator')
  t.regex((await client.get('/console/account/people')).text, new RegExp(`people/role\\?id=${olga.id}`))
  t.regex((await client.get(`/console/account/people/role?id=${olga.id}`)).text, /in one open session of theirs, and in no tokens/)
  const refused = await client.post('/console/account/people/role', { id: client.admin.id, role: 'operator' })
  t.is(refused.status, 409)
  t.regex(refused.text, /This is the last admin/)
  t.is((await client.post('/console/account/people/role', { id: olga.id, role: 'emperor' })).status, 409)
  t.is((await client.get('/console/account/people/role?id=nonsense')).status, 404)
  t.is((await client.post('/console/account/people/role', { id: olga.id, role: 'admin' })).status, 303)
  t.is((await client.post('/console/account/people/role', { id: client.admin.id, role: 'operator' })).status, 303)
  t.is((await client.get(`/console/account/people/role?id=${olga.id}`)).status, 403)
})

test('a token never does more than its owner and whoever made it may now', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const grace = await api.ask('POST', '/admins', { name: 'Grace', email: 'grace@example.org', role: 'admin' })
  await api.ask('POST', '/admins', { name: 'Ada', email: 'ada@example.org', role: 'admin' })
  const hers = await api.ask('POST', '/tokens', { name: 'hers', role: 'admin', admin: grace.id })
  const as = async (token: string, path: string, body: object): Promise<number> => (await fetch(`${api.url}${path}`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(body),
  })).status
  const nobody = { name: 'x', email: 'x@example.org' }
  t.is(await as(hers.token, '/front-ends', { surprise: 1 }), 400)
  t.like(await api.ask('POST', `/admins/${grace.id}/role`, { role: 'operator' }), { role: 'operator', changed: true, sessions: 0 })
  t.is(await as(hers.token, '/front-ends', { surprise: 1 }), 403)
  t.is(await as(hers.token, '/invitations', nobody), 201)
  await api.ask('POST', `/admins/${grace.id}/role`, { role: 'auditor' })
  t.is(await as(hers.token, '/invitations', nobody), 403)
  t.like((await api.ask('GET', '/tokens')).items.find((token: { id: string }) => token.id === hers.id), { role: 'admin', actsAs: 'auditor' })
  t.like(await api.ask('POST', `/admins/${grace.id}/role`, { role: 'auditor' }), { changed: false })
  const { items } = await api.ask('GET', `/audit?subject=admin:${grace.id}`)
  t.deepEqual(items.filter(({ action }: { action: string }) => action === 'admin.update').map(({ detail }: { detail: object }) => detail), [
    { name: 'Grace', before: { role: 'operator' }, after: { role: 'auditor' } }, { name: 'Grace', before: { role: 'admin' }, after: { role: 'operator' } },
  ])
})

test('whoever may make no admin any more has no link left that makes one', async t => {
  const service = await testService(t)
  const [grace] = await Promise.all(['grace', 'ada'].map(async name => await adminCreate.run(service, localActor, { name, email: `${name}@example.org`, role: 'admin' })))
  const asGrace: Actor = { name: 'grace', role: 'admin', source: 'test', adminId: grace!.id }
  const { url } = await setupLinkCreate.run(service, asGrace, {})
  const token = new URL(url).searchParams.get('token')!
  t.truthy(await findSetupLink(service, token))
  await adminRole.run(service, localActor, { id: grace!.id, role: 'operator' })
  t.is(await findSetupLink(service, token), undefined)
  // What was already under way is too late.
  t.is(await refusalOfAsync(() => setupLinkCreate.run(service, asGrace, {})), 'forbidden')
})

test('the last admin is neither ended nor given another role, also by command', async t => {
  const service = await testService(t)
  const cli = await openCli(t, service)
  const { json: grace } = await cli('admin', 'create', '--name', 'Grace', '--email', 'grace@example.org', '--role', 'admin', '--json')
  t.regex((await cli('admin', 'role', grace.id, 'operator')).err, /last-admin/)
  t.regex((await cli('admin', 'end', grace.id)).err, /last-admin/)
  const { json: ada } = await cli('admin', 'create', '--name', 'Ada', '--email', 'ada@example.org', '--json')
  t.regex((await cli('admin', 'end', grace.id)).err, /last-admin/, 'an operator is no admin')
  t.regex((await cli('admin', 'role', ada.id, 'admin')).out, /Ada is admin from now on, in 0 open sessions/)
  t.regex((await cli('admin', 'role', grace.id, 'operator')).out, /Grace is operator/)
  t.is((await cli('admin', 'role', ada.id, 'emperor')).exitCode, 2)
  t.is((await cli('admin', 'role', '6f1a3c1e-0000-4000-8000-000000000000', 'admin')).exitCode, 5)
})

test('of two admins who take each other’s office at once on two instances, one stays', async t => {
  const { db, url } = await testDatabase(t, await readMigrations(migrationsFolder))
  const service = await testService(t, { db })
  const elsewhere = url === undefined ? db : await openServer(url)
  if (url !== undefined) t.teardown(async () => await elsewhere.close())
  for (let round = 0; round < 8; round++) {
    const [a, b] = await Promise.all([0, 1].map(async n => await adminCreate.run(service, localActor, { name: `a${n}`, email: `a${n}-${round}@example.org`, role: 'admin' })))
    for (const admin of await adminStore(db).list()) if (admin.id !== a!.id && admin.id !== b!.id) await adminEnd.run(service, localActor, { id: admin.id })
    const actor = (id: string): Actor => ({ name: id, role: 'admin', source: 'test', adminId: id })
    const outcomes = await Promise.allSettled([
      round % 2 === 0 ? adminRole.run(service, actor(a!.id), { id: b!.id, role: 'operator' }) : adminEnd.run(service, actor(a!.id), { id: b!.id }),
      adminRole.run({ ...service, db: elsewhere }, actor(b!.id), { id: a!.id, role: 'auditor' }),
    ])
    t.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
    t.is((await adminStore(db).list()).filter(({ role }) => role === 'admin').length, 1)
  }
})
