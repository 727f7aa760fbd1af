import test from 'ava'
import { localActor } from '../../src/http/actor.ts'
import { certHold } from '../../src/protocols/api/operations/certificates.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { openWorld, type World } from '../support/world.ts'

/** Ines with two phones that hold a key, an invitation that is used up and one that is open. */
async function withInes(world: World): Promise<string> {
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ devices: 2 })
  await world.enroll(link)
  await world.enroll(link, { serial: 'F2LTESTTEST2' })
  await world.invite()
  return (await world.service.db.query<{ id: string }>('select id from people'))[0]!.id
}

test('the page of a person shows what is theirs, and what happened to it', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  const console = await openConsole(t, world.service, 'auditor')
  t.regex((await console.get('/console/people')).text, new RegExp(`href="/console/people/${id}"><bdi>Ines Roth</bdi></a>.*ines@example\\.com.*may come in`, 's'))
  const { text } = await console.get(`/console/people/${id}`)
  t.regex(text, /<h1><bdi>Ines Roth<\/bdi><\/h1>/)
  t.regex(text, /2 certificates are in force\./)
  t.is(text.match(/F2LTESTTEST[12]/g)!.length, 2)
  t.regex(text, /2 of 2.*|0 of 1/s)
  t.regex(text, /got a certificate/)
  t.notRegex(text, /Revoke everything|Invite again/)
  t.is((await console.get(`/console/people/${id}/revoke`)).status, 403)
  t.is((await console.post(`/console/people/${id}/revoke`, { reason: 'cessationOfOperation' })).status, 403)
  for (const path of ['nonsense', '6f1a3c1e-0000-4000-8000-000000000000', `${id}/erase`]) t.is((await console.get(`/console/people/${path}`)).status, 404, path)
})

test('wherever a person is named, their page is one step away', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  const console = await openConsole(t, world.service)
  const pages = async (path: string, pattern: RegExp): Promise<string[]> => [...new Set([...(await console.get(path)).text.matchAll(pattern)].map(([, found]) => found!))]
  const [phone] = await pages('/console/phones', /href="(\/console\/phones\/[0-9a-f-]{36})"/g)
  const [certificate] = await pages('/console/certificates', /href="(\/console\/certificates\/[0-9a-f]{32})"/g)
  const [invitation] = await pages('/console/invitations', /href="(\/console\/invitations\/[0-9a-f-]{36})"/g)
  await world.service.db.query(`update enrollments set state = 'quarantined', decision = jsonb_set(decision, '{verdict}', '"quarantine"')`)
  const [waiting] = await pages('/console/quarantine', /href="(\/console\/quarantine\/[0-9a-f-]{36})"/g)
  for (const path of ['/console', '/console/phones', phone, '/console/certificates', certificate, '/console/invitations', invitation, '/console/quarantine', waiting, `/console/policy/explain?phone=${phone!.split('/').at(-1)}`]) {
    t.true((await console.get(path!)).text.includes(`href="/console/people/${id}"`), path)
  }
})

test('everything of a leaver is revoked from their page, after the numbers were read', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  const console = await openConsole(t, world.service, 'operator')
  t.regex((await console.get(`/console/people/${id}/revoke`)).text, /This reaches 2 certificates of 2 phones, and 1 invitation that is open and ends\./)
  const done = await console.submit(`/console/people/${id}/revoke`, { reason: 'cessationOfOperation', cause: 'left in March' })
  t.regex(done.text, /Revoked\. Front ends that ask know already/)
  t.regex(done.text, /No certificates are in force/)
  t.regex(done.text, /left in March/)
  t.notRegex(done.text, /Revoke everything/)
  t.regex((await console.submit(`/console/people/${id}/revoke`, { reason: 'cessationOfOperation', cause: '' })).text, /Nothing had to be changed/)
  t.is((await console.post(`/console/people/${id}/revoke`, { reason: 'boredom', cause: '' })).status, 400)
})

test('a person who is held is released from their page, and invited again with a form that knows them', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  const console = await openConsole(t, world.service, 'operator')
  t.regex((await console.get(`/console/people/${id}/hold`)).text, /This reaches 2 certificates/)
  const held = await console.submit(`/console/people/${id}/hold`, { cause: 'on leave' })
  t.regex(held.text, /locked out for now.*Nothing new is issued to any phone of theirs/s)
  t.regex((await console.get('/console/people')).text, /locked out for now/)
  t.regex((await console.get(`/console/people/${id}/release`)).text, /This reaches 2 certificates on hold/)
  t.regex((await console.submit(`/console/people/${id}/release`, { cause: '' })).text, /Released\..*2 certificates are in force/s)
  const form = await console.get(`/console/invitations/new?person=${id}`)
  t.regex(form.text, /name="name"[^>]* value="Ines Roth"/)
  t.regex(form.text, /name="email"[^>]* value="ines@example\.com"/)
  t.is((await console.get('/console/invitations/new?person=nonsense')).status, 200)
})

test('people are found by name and address, by the API and at the command line', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  await world.invite({ name: 'Tomáš Weiß', email: 'tom@example.org' })
  const api = await openApi(t, world.service, 'auditor')
  t.deepEqual((await api.ask('GET', '/people')).items.map(({ name }: { name: string }) => name).sort(), ['Ines Roth', 'Tomáš Weiß'])
  t.deepEqual((await api.ask('GET', '/people?search=tomas')).items.map(({ email }: { email: string }) => email), ['tom@example.org'])
  t.deepEqual((await api.ask('GET', '/people?search=ro')).items.map(({ email }: { email: string }) => email), ['ines@example.com'])
  t.is((await api.ask('GET', '/people?search=nobody')).items.length, 0)
  const first = await api.ask('GET', '/people?limit=1')
  const second = await api.ask('GET', `/people?limit=1&cursor=${first.next}`)
  t.is(second.next, null)
  t.not(first.items[0].id, second.items[0].id)
  t.deepEqual(await api.ask('GET', `/people/${id}`), await api.ask('GET', `/people/${encodeURIComponent('INES@example.com')}`))
  t.like(await api.ask('GET', `/people/${id}`), { phones: 2, certificatesGood: 2, certificatesHeld: 0, phonesWithCertificate: 2, openInvitations: 1, heldAt: null })
  await certHold.run(world.service, localActor, { person: 'ines@example.com', cause: 'lost' })
  t.like(await api.ask('GET', `/people/${id}`), { certificatesGood: 0, certificatesHeld: 2, heldAt: world.service.now().toISOString() })
  const story = await api.ask('GET', `/people/${id}/story`)
  t.like(story.items.find(({ action }: { action: string }) => action === 'person.hold'), { actor: 'local', subject: `person:${id}`, text: 'lost' })
  t.is(await api.refusal('GET', '/people/eve@example.org'), 'person-not-found')
  t.is(await api.refusal('GET', '/people/eve'), 'invalid-argument')

  const cli = await openCli(t, world.service)
  t.regex((await cli('person', 'list', '--search', 'roth')).out, /Ines Roth +ines@example\.com +2/)
  t.regex((await cli('person', 'show', 'ines@example.com')).out, /certificates held +2/)
  t.regex((await cli('person', 'story', id)).out, /person\.hold +local +person:/)
  t.is((await cli('person', 'show', 'eve@example.org')).exitCode, 5)
})

test('hostile names show as text on the pages of people', async t => {
  const world = await openWorld(t)
  const id = await withInes(world)
  const console = await openConsole(t, world.service)
  for (const name of hostileTexts) {
    await world.service.db.query('update people set name = $1, groups = array[$1]', [name])
    for (const path of ['/console/people', `/console/people?q=${encodeURIComponent(name.slice(0, 100))}`, `/console/people/${id}`, `/console/people/${id}/revoke`, '/console/phones', '/console/invitations']) t.is((await console.get(path)).status, 200)
  }
})
