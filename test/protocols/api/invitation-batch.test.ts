import test from 'ava'
import { openApi } from '../../support/api.ts'
import { testService } from '../../support/service.ts'
import { openWorld } from '../../support/world.ts'

test('a list of people is checked line by line, and nothing is created by checking', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  await api.ask('POST', '/invitations', { name: 'Ada Byron', email: 'ada@example.org' })
  const csv = 'Name;E-mail;Devices;Groups\r\nAda Lovelace;Ada@example.org;2;maths|engines\r\nBob;bob;1;\r\n"=1+1";eve@example.org;1;\r\nAda;ada@example.org;x;'
  const { lines, mistakes, created } = await api.ask('POST', '/invitations/batch', { csv: csv.replace('E-mail', 'Email') })
  t.deepEqual([mistakes, created], [3, false])
  t.deepEqual(lines.map((line: { line: number }) => line.line), [2, 3, 4, 5])
  t.deepEqual(lines[0].mistakes, [])
  t.deepEqual(lines[0].notes, ['on record as Ada Byron; the new name replaces it', 'has an invitation already that still opens'])
  t.regex(lines[1].mistakes.join(), /^email must be an address/)
  t.deepEqual(lines[2].mistakes, ['a cell begins like a formula of a spreadsheet'])
  t.regex(lines[3].mistakes.join(), /same address stands on line 2.*devices/)
  t.is((await api.ask('GET', '/invitations')).items.length, 1)
})

test('a list with one mistake creates nothing; without mistakes everybody gets a link, told this once', async t => {
  const service = await testService(t)
  const api = await openApi(t, service, 'operator')
  t.false((await api.ask('POST', '/invitations/batch', { csv: 'Ada,ada@example.org\nBob,bob', create: true })).created)
  t.is((await api.ask('GET', '/invitations')).items.length, 0)
  const { lines, created } = await api.ask('POST', '/invitations/batch', { csv: 'Ada,ada@example.org\nBob,bob@example.org,default,3', create: true })
  t.true(created)
  const urls = lines.map((line: { invitation: { url: string } }) => line.invitation.url)
  t.is(new Set(urls).size, 2)
  t.like((await api.ask('GET', '/invitations?email=bob@example.org')).items[0], { devices: 3, createdBy: 'test operator' })
  const audit = JSON.stringify(await api.ask('GET', '/audit'))
  for (const url of urls) t.false(audit.includes(url.split('/').at(-1)!))
})

test('a column or a template that is not there is a mistake, a table that cannot be read a refusal, and auditors may not', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const { lines } = await api.ask('POST', '/invitations/batch', { csv: 'name,email,template,shoe size\nAda,ada@example.org,none,38' })
  t.deepEqual(lines[0].mistakes, ['there is no column “shoe size”', 'there is no template named none'])
  t.is(await api.refusal('POST', '/invitations/batch', { csv: 'Ada,"ada' }), 'malformed-csv')
  t.is(await api.refusal('POST', '/invitations/batch', { csv: 'Ada,a@example.org\n'.repeat(502) }), 'malformed-csv')
  t.is(await (await openApi(t, service, 'auditor')).refusal('POST', '/invitations/batch', { csv: 'Ada,ada@example.org' }), 'forbidden')
})

test('an invitation says how far its newest phone came, and what stopped it where', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service)
  const { link } = await world.invite()
  const attempt = async () => (await api.ask('GET', '/invitations')).items[0].attempt
  t.is(await attempt(), null)
  await world.enroll(link)
  t.like(await attempt(), { state: 'refused', because: 'model-not-approved' })
  await world.approve('iPhone14,5')
  world.service.clock.advance(60)
  await world.enroll(link)
  t.like(await attempt(), { state: 'issued', error: null })
})
