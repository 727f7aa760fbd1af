import test from 'ava'
import { noticeOthers } from '../../src/notify/notices.ts'
import { noticeQuarantined, type Senders } from '../../src/notify/outbox.ts'
import { adminNotices, noticeKinds, type NoticeKind } from '../../src/store/admin-notices.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { newSession, openConsole } from '../support/console.ts'
import { testService, type TestService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const senders: Senders = { mail: async () => {}, webhook: undefined }
const mails = async (service: TestService): Promise<{ event: string, recipient: string, subject: string, body: string }[]> =>
  await service.db.query(`select event, recipient, subject, body from outbox where kind = 'mail' order by id`)

test('everybody chooses on their account page what they are told, and until then it is what their role is told', async t => {
  const service = await testService(t)
  const operator = await openConsole(t, service, 'operator')
  const checked = (text: string): string[] => [...text.matchAll(/name="wanted" value="([^"]+)" checked/g)].map(([, kind]) => kind!)
  t.deepEqual(checked((await operator.get('/console/account')).text), ['device.quarantined', 'front-end.standing'])
  const saved = await operator.submit('/console/account/notices', { wanted: ['policy.finished', 'signing.late'] })
  t.deepEqual(checked(saved.text), ['signing.late', 'policy.finished'])
  t.deepEqual(checked((await operator.submit('/console/account/notices', {})).text), [])
  t.is((await operator.post('/console/account/notices', { wanted: 'everything' })).status, 400)
  const auditor = await openConsole(t, service, 'auditor')
  t.deepEqual(checked((await auditor.get('/console/account')).text), [])
  t.deepEqual(checked((await auditor.submit('/console/account/notices', { wanted: [...noticeKinds] })).text), [...noticeKinds])
})

test('of a phone in quarantine those are told who want to be, auditors too', async t => {
  const world = await openWorld(t)
  const { service } = world
  const [silent, curious] = [await newSession(service, 'operator'), await newSession(service, 'auditor')]
  await newSession(service, 'auditor')
  const unasked = (await newSession(service, 'operator')).admin
  const api = await openApi(t, service)
  await api.ask('PUT', `/admins/${silent.admin.id}/notices`, { wanted: [] })
  await api.ask('PUT', `/admins/${curious.admin.id}/notices`, { wanted: ['device.quarantined'] })
  await world.enroll((await world.invite()).link, { product: 'iPhone99,1' })
  await service.db.query(`update enrollments set state = 'quarantined', decision = jsonb_set(decision, '{verdict}', '"quarantine"')`)
  t.is(await noticeQuarantined(service, senders), 1)
  t.deepEqual((await mails(service)).map(({ recipient }) => recipient).sort(), [curious.admin.email, unasked.email].sort())
})

test('one chooses for oneself, and only an admin for others; each choice is on record', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const olga = await api.ask('POST', '/admins', { name: 'Olga', email: 'olga@example.org', role: 'operator' })
  const tom = await api.ask('POST', '/admins', { name: 'Tom', email: 'tom@example.org', role: 'auditor' })
  const choose = async (scope: string[] | null, id: string): Promise<number> => {
    const { token } = await api.ask('POST', '/tokens', { name: 'of Tom', role: 'auditor', admin: tom.id, scope })
    return (await fetch(`${api.url}/admins/${id}/notices`, { method: 'PUT', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify({ wanted: ['webhook.failed'] }) })).status
  }
  t.is(await choose(null, olga.id), 403)
  t.is(await choose(['admins:read'], tom.id), 403)
  t.is(await choose(['admins'], tom.id), 200)
  t.deepEqual((await api.ask('GET', `/admins/${tom.id}/notices`)).wanted, ['webhook.failed'])
  const { items } = await api.ask('GET', `/audit?subject=admin:${tom.id}&action=admin.notices`)
  t.deepEqual(items.map(({ detail }: { detail: object }) => detail), [{ name: 'Tom', before: { told: [] }, after: { told: ['webhook.failed'] } }])
  t.is(await api.refusal('PUT', '/admins/6f1a3c1e-0000-4000-8000-000000000000/notices', { wanted: [] }), 'person-not-found')

  const cli = await openCli(t, service)
  t.regex((await cli('admin', 'notices', olga.id)).out, /^told of: device\.quarantined, front-end\.standing\n/)
  t.regex((await cli('admin', 'notices', olga.id, '--on', 'policy.finished', '--off', 'device.quarantined', 'front-end.standing')).out, /^told of: policy\.finished\n/)
  t.is((await cli('admin', 'notices', olga.id, '--on', 'everything')).exitCode, 2)
})

const asking = async (service: TestService, ...wanted: NoticeKind[]): Promise<string> => {
  const { admin } = await newSession(service, 'admin')
  await adminNotices(service.db).choose(admin.id, wanted)
  return admin.email
}

test('certificates that end are told of once a week while there are any, and to nobody who did not ask', async t => {
  const world = await openWorld(t)
  const { service } = world
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  service.clock.advance(355 * 86_400)
  t.is(await noticeOthers(service, senders), 0)
  const email = await asking(service, 'certificates.ending')
  t.is(await noticeOthers(service, senders), 1)
  t.is(await noticeOthers(service, senders), 0)
  service.clock.advance(7 * 86_400)
  t.is(await noticeOthers(service, senders), 1)
  t.is(await noticeOthers(service, { mail: undefined, webhook: undefined }), 0)
  const [mail] = await mails(service)
  t.like(mail!, { event: 'certificates.ending', recipient: email, subject: 'Latchkey: one certificate ends within 14 days' })
  t.regex(mail!.body, /Ines Roth \(ines@example\.com\)/)
})

test('a signer or a list that was not renewed is told of once, and a webhook that fails once a day', async t => {
  const service = await testService(t)
  await service.publish(true)
  await asking(service, 'signing.late', 'webhook.failed')
  t.is(await noticeOthers(service, senders), 0)
  service.clock.advance(6 * 86_400)
  const late = await noticeOthers(service, senders)
  t.is(late, 2)
  t.is(await noticeOthers(service, senders), 0)
  t.regex((await mails(service))[0]!.subject, /its revocation list runs out/)
  await service.db.query(`insert into outbox (kind, event, subject, body, created_at, due_at, ended_at, sent) select 'webhook', 'x', 'x', null, $1, $1, $1, false from generate_series(1, 3)`, [service.now()])
  t.is(await noticeOthers(service, senders), 1)
  t.is(await noticeOthers(service, senders), 0)
  t.regex((await mails(service)).at(-1)!.body, /^3 webhooks of the last day/)
})

test('a change of policy that is done is told of, with what it did', async t => {
  const world = await openWorld(t)
  const { service } = world
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  const api = await openApi(t, service)
  await asking(service, 'policy.finished')
  const { id } = await api.ask('POST', '/policy/changes', { edit: { kind: 'add-rule', rule: { verdict: 'block', conditions: { osVersion: { below: '17.4' } }, reason: 'holes' } } })
  t.is(await noticeOthers(service, senders), 0)
  await api.ask('POST', `/policy/changes/${id}/apply`, { action: 'hold' })
  t.is(await noticeOthers(service, senders), 1)
  await api.ask('POST', `/policy/changes/${id}/undo`, {})
  t.is(await noticeOthers(service, senders), 1)
  t.is(await noticeOthers(service, senders), 0)
  const told = await mails(service)
  t.regex(told[0]!.body, /applied is done: 1 held, 0 revoked/)
  t.true(told[0]!.body.includes(`/console/policy/changes/${id}`))
  t.regex(told[1]!.body, /took back is undone: 0 held, 0 revoked, 1 released/)
})
