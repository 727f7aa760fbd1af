import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { issueDevice } from '../support/issued.ts'
import { peer } from '../support/peers.ts'
import { testService } from '../support/service.ts'
import { openWorld, type World } from '../support/world.ts'

async function enrolled(t: ExecutionContext): Promise<{ world: World, phone: string }> {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite()).link)
  const [device] = await world.service.db.query<{ id: string }>('select id from devices')
  return { world, phone: `/console/phones/${device!.id}` }
}

test('the list of phones says who, which, how well known, and what each can do now', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'auditor')
  const { text } = await console.get('/console/phones')
  t.regex(text, new RegExp(`<a href="${phone}"><bdi>Ines Roth</bdi></a>`))
  t.regex(text, /iPhone 13 <code>iPhone14,5<\/code>/)
  t.regex(text, /<span class="state good">holds a key<\/span>/)
  t.regex(text, /title="The phone signed its model/)
  t.regex(text, /in 12 months/)
})

test('one field finds phones by everything that is known of them, and says when nothing does', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'auditor')
  const [certificate] = await world.service.db.query<{ serial: string }>(`select encode(serial_number, 'hex') as serial from certificates where kind = 'device'`)
  for (const query of ['ines', 'ROTH', 'ines@example.com', 'F2LTEST', 'phone 13', 'iPhone14,5', certificate!.serial, certificate!.serial.slice(9, 15)]) {
    t.true((await console.get(`/console/phones?q=${encodeURIComponent(query)}`)).text.includes(phone), query)
  }
  const nothing = await console.get('/console/phones?q=%3Cb%3Etom')
  t.false(nothing.text.includes(phone))
  t.regex(nothing.text, /No phone has “<bdi>&lt;b&gt;tom<\/bdi>”/)
  t.regex((await console.get('/console/phones?person=eve@example.com')).text, /Nobody with the address/)
})

test('the list goes on where the page before ended', async t => {
  const service = await testService(t)
  for (let index = 0; index < 52; index++) {
    await issueDevice(service, { email: `ada${index}@example.org` })
    service.clock.advance(60)
  }
  for (const path of ['/console/phones', '/console/phones?q=example', '/console/certificates', '/console/certificates?q=ada']) {
    const console = await openConsole(t, service, 'auditor')
    const first = await console.get(path)
    t.regex(first.text, /ada51@example\.org/)
    t.notRegex(first.text, /ada1@example\.org/)
    t.true(Buffer.byteLength(first.text) < 150_000)
    const next = /href="([^"]+)" rel="next"/.exec(first.text)![1]!.replaceAll('&amp;', '&')
    const second = await console.get(next)
    t.regex(second.text, /ada1@example\.org.*ada0@example\.org/s)
    t.notRegex(second.text, /rel="next"/)
  }
})

test('a phone’s page tells its story, and the evidence can be downloaded and checked without Latchkey', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'auditor')
  const { text } = await console.get(phone)
  const story = text.slice(text.indexOf('class="story"'))
  const order = ['issued</b>', 'said it again', 'Allowed</b>', 'introduced itself', 'Invited</b>'].map(part => story.indexOf(part))
  t.true(order.every(place => place > 0))
  t.deepEqual(order, [...order].sort((a, b) => a - b))
  t.regex(story, /Allowed by the approval of iPhone\*/)
  t.regex(text, /A jailbroken phone can lie/)
  const evidence = [...text.matchAll(/href="(\/console\/phones\/[^"]+\/evidence\/[^"]+)"/g)].at(-1)![1]!
  const file = await fetch(`${console.origin}${evidence}`, { headers: { cookie: [...console.cookies].map(([name, value]) => `${name}=${value}`).join('; ') } })
  t.regex(file.headers.get('content-disposition')!, /^attachment; filename="evidence-[0-9a-f-]+\.p7m"$/)
  if (!peer(t, 'openssl')) return
  const message = join(world.folder, 'message.p7m')
  writeFileSync(message, Buffer.from(await file.arrayBuffer()))
  const content = execFileSync('openssl', ['cms', '-verify', '-inform', 'DER', '-in', message, '-CAfile', join(world.deviceCaDir, 'ca.pem'), '-partial_chain', '-purpose', 'any', '-no_check_time'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.regex(content.toString(), /iPhone14,5/)
})

test('a lost phone is revoked: the consequence stands there before, the reason on the certificate afterwards', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'operator')
  const before = await console.get(`${phone}/revoke`)
  t.regex(before.text, /This reaches 1 certificate of 1 phone/)
  t.regex(before.text, /It cannot be taken back/)
  const after = await console.submit(`${phone}/revoke`, { scope: 'device', reason: 'keyCompromise', cause: 'left in a taxi' })
  t.regex(after.text, /role="status">Revoked\./)
  t.regex(after.text, /<span class="state stop">locked out<\/span>/)
  t.regex(after.text, /<b>revoked<\/b> by <bdi>Ada the operator<\/bdi>.*keyCompromise: left in a taxi/s)
  t.deepEqual(await world.service.db.query(`select reason, cause from revocations join certificates using (authority_id, serial_number) where kind = 'device'`), [{ reason: 1, cause: 'left in a taxi' }])
  t.notRegex(after.text, new RegExp(`${phone}/revoke`))
})

test('a leaver loses every phone and every open invitation at once', async t => {
  const { world, phone } = await enrolled(t)
  await issueDevice(world.service, { email: 'ines@example.com', name: 'Ines Roth' })
  const console = await openConsole(t, world.service, 'operator')
  t.regex((await console.get(`${phone}/revoke`)).text, /or 2 certificates of 2 phones if you choose everything/)
  await console.submit(`${phone}/revoke`, { scope: 'person', reason: 'cessationOfOperation' })
  t.is((await world.service.db.query(`select 1 from revocations join certificates using (authority_id, serial_number) where kind = 'device' and reason = 5`)).length, 2)
  t.deepEqual(await world.service.db.query('select 1 from invitations where ended_at is null'), [])
})

test('a phone on hold is released, and nothing has to be installed again', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'operator')
  await console.get(`${phone}/hold`)
  t.regex((await console.submit(`${phone}/hold`, { cause: 'asked for by its owner' })).text, /<span class="state wait">on hold<\/span>/)
  t.regex((await console.get(`${phone}/release`)).text, /Nothing has to be installed again/)
  const released = await console.submit(`${phone}/release`)
  t.regex(released.text, /<span class="state good">holds a key<\/span>/)
  t.regex(released.text, /<b>released<\/b>.*<b>put on hold<\/b>/s)
  t.regex((await console.submit(`${phone}/release`)).text, /Nothing had to be changed/)
})

test('an auditor sees phones and changes none', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'auditor')
  t.notRegex((await console.get(phone)).text, /\/(revoke|hold|release)"/)
  for (const verb of ['revoke', 'hold', 'release']) {
    t.is((await console.get(`${phone}/${verb}`)).status, 403)
    t.is((await console.post(`${phone}/${verb}`, { scope: 'device', reason: 'unspecified' })).status, 403)
  }
  t.deepEqual(await world.service.db.query('select 1 from revocations where cause <> \'\' or reason = 0'), [])
})

test('what is not there says so, and a reason that is none changes nothing', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service, 'operator')
  const missing = '/console/phones/6f1a3c1e-0000-4000-8000-000000000000'
  for (const path of [missing, `${missing}/revoke`, '/console/phones/x', `${phone}/explode`, `${phone}/evidence/6f1a3c1e-0000-4000-8000-000000000000`]) t.is((await console.get(path)).status, 404, path)
  t.is((await console.get(`${phone}/evidence/x`)).status, 400)
  t.is((await console.get('/console/phones?cursor=x')).status, 400)
  await console.get(`${phone}/revoke`)
  const refused = await console.post(`${phone}/revoke`, { scope: 'device', reason: 'because', cause: 'kept' })
  t.is(refused.status, 400)
  t.regex(refused.text, /role="alert"/)
  t.regex(refused.text, />\nkept<\/textarea>/)
})

test('hostile names show as text on every page of phones and certificates', async t => {
  const { world, phone } = await enrolled(t)
  const console = await openConsole(t, world.service)
  const [certificate] = await world.service.db.query<{ serial: string }>(`select encode(serial_number, 'hex') as serial from certificates where kind = 'device'`)
  for (const hostile of hostileTexts) {
    await world.service.db.query('update people set name = $1', [hostile])
    await world.service.db.query('update devices set serial_number = $1, udid = $1, product_type = $1, os_version = $1', [hostile.slice(0, 500)])
    for (const path of ['/console/phones', '/console/certificates', phone, `${phone}/revoke`, `/console/certificates/${certificate!.serial}`, `/console/certificates/${certificate!.serial}/hold`]) {
      const { status, text } = await console.get(path)
      t.is(status, 200)
      t.true(text.includes(escapeHtml(hostile).slice(0, 100)), path)
    }
    t.is((await console.get(`/console/phones?q=${encodeURIComponent(hostile.slice(0, 300))}`)).status, 200)
  }
})
