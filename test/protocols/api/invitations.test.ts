import test from 'ava'
import { openApi } from '../../support/api.ts'
import { newDevice } from '../../support/issued.ts'
import { testService } from '../../support/service.ts'

test('an invitation is told once: of its link only a hash is kept', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const { id, url, expiresAt } = await api.ask('POST', '/invitations', { name: 'Ada Lovelace', email: 'ada@example.org', devices: 2 })
  t.is(expiresAt, '2026-03-08T09:00:00.000Z')
  const token = url.replace(`${service.config.url}/i/`, '')
  t.true(Buffer.from(token, 'base64url').length * 8 >= 128)
  const [row] = await service.db.query('select * from invitations where id = $1', [id])
  t.false(JSON.stringify([row, await api.ask('GET', '/audit'), await api.ask('GET', '/invitations')]).includes(token))
  t.like((await api.ask('GET', '/invitations')).items[0], { id, personEmail: 'ada@example.org', devices: 2, devicesEnrolled: 0, state: 'open', createdBy: 'test admin' })
})

test('an invitation is open until it ends, is ended or is used up', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const states = async (): Promise<string[]> => (await api.ask('GET', '/invitations')).items.map((invitation: { state: string }) => invitation.state)
  const { id } = await api.ask('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', days: 1 })
  service.clock.advance(1)
  const used = await api.ask('POST', '/invitations', { name: 'Bob', email: 'bob@example.org', days: 30 })
  const device = await newDevice(service, 'bob@example.org')
  await service.db.query('insert into invitation_devices values ($1, $2, $3)', [used.id, device, service.now()])
  t.deepEqual(await states(), ['used-up', 'open'])
  t.deepEqual(await api.ask('POST', `/invitations/${used.id}/end`, {}), { id: used.id, changed: true })
  t.deepEqual(await api.ask('POST', `/invitations/${used.id}/end`, {}), { id: used.id, changed: false })
  service.clock.advance(86_400)
  t.deepEqual(await states(), ['ended', 'expired'])
  t.is(await api.refusal('POST', `/invitations/${device}/end`, {}), 'invitation-not-found')
  t.is((await api.call('GET', `/audit?subject=invitation:${id}`)).body.items.length, 1)
})

test('who is invited again is the same person, under the name as it is written now', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  await api.ask('POST', '/invitations', { name: 'Ada Byron', email: 'Ada@example.org', groups: ['maths'] })
  await api.ask('POST', '/invitations', { name: 'Ada Lovelace', email: 'ada@example.org', userPrincipalName: 'ada@corp.example' })
  const people = await service.db.query('select name, email, user_principal_name as upn, groups from people')
  t.deepEqual(people, [{ name: 'Ada Lovelace', email: 'Ada@example.org', upn: 'ada@corp.example', groups: ['maths'] }])
  const actions = (await api.ask('GET', '/audit')).items.map((entry: { action: string }) => entry.action)
  t.deepEqual(actions, ['invitation.create', 'person.update', 'invitation.create', 'person.create'])
})

test('a list comes in pages that neither repeat nor leave out, also when something is added meanwhile', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const made: string[] = []
  for (let index = 0; index < 5; index++) made.unshift((await api.ask('POST', '/invitations', { name: 'Ada', email: `ada${index}@example.org` })).id)
  const seen: string[] = []
  for (let next: string | null = ''; next !== null;) {
    const page: { items: { id: string }[], next: string | null } = await api.ask('GET', `/invitations?limit=2${next === '' ? '' : `&cursor=${next}`}`)
    seen.push(...page.items.map(item => item.id))
    next = page.next
    service.clock.advance(1)
    await api.ask('POST', '/invitations', { name: 'Late', email: 'late@example.org' })
  }
  t.deepEqual([...seen].sort(), made.sort())
})

test('nobody is invited under a name or an address that a certificate cannot hold, or for no device', async t => {
  const api = await openApi(t, await testService(t))
  const wrongs: Record<string, object> = {
    'an address that is none': { email: 'ada at example.org' }, 'an address beyond ASCII': { email: 'adä@example.org' },
    'two lines': { name: 'Ada\nLovelace' }, 'too long': { name: 'a'.repeat(65) }, 'no name': { name: '' },
    'no device': { devices: 0 }, 'half a device': { devices: 1.5 }, 'a key from elsewhere': { key: 'cloud' },
  }
  for (const [what, wrong] of Object.entries(wrongs)) {
    t.is(await api.refusal('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', ...wrong }), 'invalid-argument', what)
  }
  t.deepEqual((await api.ask('GET', '/audit')).items, [])
})

test('an invitation needs a template that is there', async t => {
  const api = await openApi(t, await testService(t))
  const order = { name: 'Ada', email: 'ada@example.org', template: 'mail' }
  t.is(await api.refusal('POST', '/invitations', order), 'template-not-found')
  const { template } = await api.ask('GET', '/templates/default')
  const set = await api.ask('PUT', '/templates/mail', { template: { ...template, exchange: { host: 'mail.example.org' } } })
  t.true(set.consequences.some((consequence: { code: string }) => consequence.code === 'mail-server-can-erase'))
  t.is((await api.call('POST', '/invitations', order)).status, 201)
  t.is(await api.refusal('PUT', '/templates/mail', { template: { ...template, surprise: true } }), 'malformed-template')
  t.is(await api.refusal('PUT', '/templates/Mail', { template }), 'invalid-argument')
})

test('an operator invites people again, and only an admin moves them to other groups or gives them another name in the directory', async t => {
  const service = await testService(t)
  const [admin, operator] = [await openApi(t, service), await openApi(t, service, 'operator')]
  const person = { name: 'Ada Lovelace', email: 'ada@example.org' }
  await operator.ask('POST', '/invitations', { ...person, groups: ['maths', 'board'], userPrincipalName: 'ada@corp.example' })
  const before = await service.db.query('select * from people')
  t.is(await operator.refusal('POST', '/invitations', { ...person, groups: ['exempt'] }), 'forbidden')
  t.is(await operator.refusal('POST', '/invitations', { ...person, groups: [] }), 'forbidden')
  t.is(await operator.refusal('POST', '/invitations', { ...person, email: 'ADA@example.org', userPrincipalName: 'director@corp.example' }), 'forbidden')
  await operator.ask('POST', '/invitations', person)
  await operator.ask('POST', '/invitations', { ...person, groups: ['board', 'maths'], userPrincipalName: 'ada@corp.example' })
  t.deepEqual(await service.db.query('select * from people'), before)
  t.is((await admin.ask('GET', '/invitations')).items.length, 3)
  await admin.ask('POST', '/invitations', { ...person, groups: ['exempt'], userPrincipalName: 'ada.l@corp.example' })
  t.like((await service.db.query('select * from people'))[0], { groups: ['exempt'], user_principal_name: 'ada.l@corp.example' })
})

test('a name in the directory is one person’s, however it is written', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  await api.ask('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', userPrincipalName: 'ada@corp.example' })
  t.is(await api.refusal('POST', '/invitations', { name: 'Eve', email: 'eve@example.org', userPrincipalName: 'ADA@corp.example' }), 'conflict')
  await api.ask('POST', '/invitations', { name: 'Eve', email: 'eve@example.org' })
  t.is(await api.refusal('POST', '/invitations', { name: 'Eve', email: 'eve@example.org', userPrincipalName: 'Ada@Corp.example' }), 'conflict')
  await api.ask('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', userPrincipalName: 'Ada@corp.example' })
  t.is((await service.db.query('select 1 from people where user_principal_name is not null')).length, 1)
})

test('two who invite a new person at once make one person, and neither writes over the other as an operator', async t => {
  const service = await testService(t)
  const operator = await openApi(t, service, 'operator')
  const answers = await Promise.all(['maths', 'board', 'exempt'].map(async group =>
    await operator.call('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', groups: [group] })))
  t.deepEqual(answers.map(({ status }) => status).sort(), [201, 403, 403])
  t.is((await service.db.query('select 1 from people')).length, 1)
  t.is((await service.db.query('select 1 from invitations')).length, 1)
})
