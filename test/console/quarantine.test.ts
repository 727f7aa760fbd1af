import test, { type ExecutionContext } from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { openWorld, type World } from '../support/world.ts'

/** A model that nobody knows is quarantined at best, here under an approval of every iPhone. */
const unknownModel = { product: 'iPhone99,1', serial: 'F2LUNKNOWN01' }

async function waiting(t: ExecutionContext): Promise<{ world: World, link: string, path: string, id: string }> {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  const { link } = await world.invite()
  t.is((await world.enroll(link, unknownModel)).outcome, 'quarantined')
  const [device] = await world.service.db.query<{ id: string }>('select id from devices')
  return { world, link, id: device!.id, path: `/console/quarantine/${device!.id}` }
}

test('a phone that waits stands in the queue, with what is known of it and what that does not prove', async t => {
  const { world, path } = await waiting(t)
  const console = await openConsole(t, world.service, 'auditor')
  const queue = await console.get('/console/quarantine')
  t.regex(queue.text, /One phone waits for a decision/)
  t.true(queue.text.includes(`href="${path}"`))
  const { text } = await console.get(path)
  for (const part of ['Ines Roth', 'iPhone99,1', 'F2LUNKNOWN01', 'The catalogue does not have this model', 'A jailbroken phone can lie', 'Deciding needs the role operator', 'model-unknown']) t.true(text.includes(part), part)
})

test('a phone that is approved is let in when it comes again, and leaves the queue', async t => {
  const { world, link, id, path } = await waiting(t)
  const console = await openConsole(t, world.service, 'operator')
  await console.get(path)
  const page = await console.submit(`${path}/approve`, { reason: 'seen in person', until: '2026-06-30' })
  t.regex(page.text, /role="status">Approved\./)
  t.regex(page.text, /approved, has to come back/)
  t.regex((await console.get('/console/quarantine')).text, /No phone waits/)
  t.is((await console.get(path)).location, `/console/phones/${id}`)
  world.service.clock.advance(1)
  t.is((await world.enroll(link, unknownModel)).outcome, 'enrolled')
  const [certificate] = await world.service.db.query<{ until: Date }>(`select not_after as until from certificates where kind = 'device'`)
  t.deepEqual(certificate!.until, new Date('2026-06-30T23:59:59Z'))
})

test('all that wait and say they are the same model are approved at once', async t => {
  const { world, path } = await waiting(t)
  const other = await world.invite({ email: 'tom@example.com', name: 'Tom Weiss' })
  await world.enroll(other.link, { ...unknownModel, serial: 'F2LUNKNOWN02' })
  const third = await world.invite({ email: 'eve@example.com', name: 'Eve Park' })
  await world.enroll(third.link, { product: 'iPhone99,2', serial: 'F2LUNKNOWN03' })
  const console = await openConsole(t, world.service, 'operator')
  t.regex((await console.get(path)).text, /All 2 that wait and say they are <bdi>iPhone99,1/)
  await console.submit(`${path}/approve`, { reason: 'a new model, bought last week', scope: 'model' })
  const queue = await console.get('/console/quarantine')
  t.regex(queue.text, /One phone waits/)
  t.regex(queue.text, /Eve Park/)
})

test('a phone that is refused stays out, and its owner reads the admin’s own text', async t => {
  const { world, link, path } = await waiting(t)
  const console = await openConsole(t, world.service, 'operator')
  await console.get(path)
  const page = await console.submit(`${path}/refuse`, { refusal: 'nobody knows it', text: 'We cannot <b>support</b> this phone.\nAsk IT, extension 443.' })
  t.regex(page.text, /role="status">Refused\./)
  t.regex(page.text, /<span class="state stop">refused<\/span>/)
  world.service.clock.advance(1)
  const again = await world.enroll(link, unknownModel)
  t.is(again.outcome, 'refused')
  const [enrollment] = await world.service.db.query<{ id: string }>('select id from enrollments order by created_at desc limit 1')
  const seen = await (await fetch(`${world.url}/i/e/${enrollment!.id}`)).text()
  t.true(seen.includes('We cannot &lt;b&gt;support&lt;/b&gt; this phone.'))
  t.false(seen.includes('nobody knows it'))
})

test('a decision that cannot be taken as it is keeps what was typed', async t => {
  const { world, path } = await waiting(t)
  const console = await openConsole(t, world.service, 'operator')
  await console.get(path)
  for (const fields of [{ reason: '' }, { reason: 'kept', until: '2020-01-01' }, { reason: 'kept', until: '30.6.2027' }]) {
    const refused = await console.post(`${path}/approve`, fields)
    t.is(refused.status, 400)
    t.regex(refused.text, /role="alert"/)
    if (fields.reason !== '') t.regex(refused.text, /value="kept"/)
  }
  const refused = await console.post(`${path}/refuse`, { refusal: '', text: 'kept as well' })
  t.is(refused.status, 400)
  t.regex(refused.text, /kept as well<\/textarea>/)
  t.deepEqual(await world.service.db.query('select 1 from exemptions'), [])
})

test('two admins who decide at once do not undo each other', async t => {
  const { world, id, path } = await waiting(t)
  const [ada, bob] = [await openConsole(t, world.service, 'operator'), await openConsole(t, world.service, 'admin')]
  await ada.get(path)
  await bob.get(path)
  await ada.submit(`${path}/refuse`, { refusal: 'no' })
  const late = await bob.post(`${path}/approve`, { reason: 'yes' })
  t.is(late.location, `/console/phones/${id}?done=nothing`)
  t.deepEqual(await world.service.db.query('select verdict from exemptions where ended_at is null'), [{ verdict: 'block' }])
})

test('an auditor decides nothing', async t => {
  const { world, path } = await waiting(t)
  const console = await openConsole(t, world.service, 'auditor')
  t.notRegex((await console.get(path)).text, /<form method="post" action="\/console\/quarantine/)
  t.is((await console.post(`${path}/approve`, { reason: 'yes' })).status, 403)
  t.is((await console.post(`${path}/refuse`, { refusal: 'no' })).status, 403)
  t.deepEqual(await world.service.db.query('select 1 from exemptions'), [])
})

test('hostile names show as text in the queue', async t => {
  const { world, path } = await waiting(t)
  const console = await openConsole(t, world.service)
  for (const hostile of hostileTexts) {
    await world.service.db.query('update people set name = $1', [hostile])
    await world.service.db.query('update devices set serial_number = $1, os_version = $1, product_type = $1', [hostile.slice(0, 200)])
    for (const page of ['/console/quarantine', path]) {
      const { status, text } = await console.get(page)
      t.is(status, 200)
      t.true(text.includes(escapeHtml(hostile).slice(0, 100)), page)
    }
  }
})
