import test from 'ava'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { randomUUID } from 'node:crypto'
import { escapeHtml } from '../../src/console/html.ts'
import { weeksOf } from '../../src/console/plots/weeks.ts'
import { refreshCounts } from '../../src/store/counts.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { holdNow, issueDevice, newDevice, revokeNow } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const recount = async (service: TestService): Promise<boolean> => await refreshCounts(service.db, service.now())

/** The rows of the table with this caption, as texts. */
function rowsOf(page: string, caption: string): string[][] {
  const table = page.slice(page.indexOf(`>${caption}</caption>`)).split('</table>')[0]!
  return [...table.matchAll(/<tr>(.*?)<\/tr>/gs)].slice(1).map(([, row]) => [...row!.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell]) => cell!.replaceAll(/<[^>]+>/g, '')))
}

test('the first page answers first: how many phones hold a key, and that nothing needs you', async t => {
  const service = await testService(t)
  await service.publish()
  const console = await openConsole(t, service, 'auditor')
  t.regex((await console.get('/console')).text, /No phone holds a key yet\. Nothing needs you\./)
  const [first, held, revoked] = [await issueDevice(service), await issueDevice(service), await issueDevice(service)]
  await issueDevice(service, { deviceId: first.deviceId })
  await holdNow(service, held)
  await revokeNow(service, revoked)
  t.true(await recount(service))
  const page = (await console.get('/console')).text
  t.regex(page, /<h1>One phone holds a key\. Nothing needs you\.<\/h1>/)
  t.deepEqual(rowsOf(page, 'Certificates in force by model'), [['iPhone 13', '2']])
  t.deepEqual(rowsOf(page, 'Certificates in force by evidence'), [['signed', '2']])
  t.deepEqual(rowsOf(page, 'Certificates in force by the day on which they end, in UTC'), [['1 March 2027', '2']])
  t.deepEqual(rowsOf(page, 'Issued and revoked by week, from Monday, in UTC').at(-1), ['23 Feb', '4', '1'])
  t.regex(page, /4 issued and 1 revoked in the last four weeks/)
  t.regex(page, /role="img" aria-label="Every key is on iPhone 13\. iPhone 13 2"/)
})

test('a phone in quarantine needs somebody, by name and with the reason', async t => {
  const world = await openWorld(t)
  await world.service.publish()
  await world.approve('iPhone14,5')
  const { service } = world
  await service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at) values ($1, 'quarantine', '{"productType":"iPhone14,5"}', 'look at these', 'ada', $2)`, [randomUUID(), service.now()])
  await world.enroll((await world.invite({ name: 'Tom Weiss' })).link)
  const console = await openConsole(t, service)
  const page = (await console.get('/console')).text
  t.regex(page, /<bdi>Tom Weiss<\/bdi><\/a>’s iPhone 13<\/b> waits for a decision/)
  t.regex(page, /<b>Danger\.<\/b> Simulated phones are trusted/)
  t.regex(page, /Two things need you\.|Three things need you\./)
})

test('certificates that end soon need somebody, unless the phone has a later one', async t => {
  const service = await testService(t)
  const ends = await issueDevice(service, { validityDays: 10 })
  const renewed = await issueDevice(service, { validityDays: 10 })
  await issueDevice(service, { validityDays: 300, deviceId: renewed.deviceId })
  const revoked = await issueDevice(service, { validityDays: 10 })
  await revokeNow(service, revoked)
  const console = await openConsole(t, service)
  const page = (await console.get('/console')).text
  t.regex(page, /<b>One certificate<\/b> ends within 14 days/)
  t.true(page.includes(ends.deviceId))
  t.false(page.includes(renewed.deviceId) || page.includes(revoked.deviceId))
})

test('a list that is about to run out needs somebody before front ends refuse everybody', async t => {
  const service = await testService(t)
  await service.publish()
  const console = await openConsole(t, service)
  t.notRegex((await console.get('/console')).text, /The list of/)
  service.clock.advance(6 * 86_400)
  const again = await openConsole(t, service)
  t.regex((await again.get('/console')).text, /<b>The list of issuing<\/b> was not renewed in time/)
})

test('counting is done once a minute by one instance, and days that are over stay as they were counted', async t => {
  const service = await testService(t)
  await issueDevice(service)
  t.true(await recount(service))
  t.false(await recount(service))
  service.clock.advance(5 * 86_400)
  await issueDevice(service)
  t.true(await recount(service))
  const rows = await service.db.query("select key, value from counts where topic = 'issued' order by key")
  t.deepEqual(rows, [{ key: '2026-03-01', value: 1 }, { key: '2026-03-06', value: 1 }])
  service.clock.advance(500 * 86_400)
  await recount(service)
  t.deepEqual(await service.db.query("select key from counts where topic <> 'in-force' and topic <> 'phones'"), [])
})

test('weeks begin on Monday in UTC, and every count is in exactly one', t => {
  const weeks = weeksOf([{ key: '2026-02-22', value: 1 }, { key: '2026-02-23', value: 2 }, { key: '2026-03-01', value: 4 }], [], new Date('2026-03-01T23:59:59Z'))
  t.is(weeks.length, 12)
  t.deepEqual(weeks.slice(-2).map(week => [week.monday.toISOString().slice(0, 10), week.issued]), [['2026-02-16', 1], ['2026-02-23', 6]])
})

test('names and models are text on the first page, and with much of everything it stays below 150 kB', async t => {
  const service = await testService(t)
  for (const hostile of hostileTexts) {
    const deviceId = await newDevice(service)
    await service.db.query('update devices set product_type = $2 where id = $1', [deviceId, hostile])
    await service.db.query('update people set name = $2 where id = (select person_id from devices where id = $1)', [deviceId, hostile])
    await issueDevice(service, { deviceId, validityDays: 5 })
  }
  await recount(service)
  for (let day = 0; day < 400; day++) await service.db.query("insert into counts values ('ends', $1, 123456) on conflict do nothing", [new Date(Date.UTC(2026, 2, 1 + day)).toISOString().slice(0, 10)])
  const console = await openConsole(t, service)
  const { text } = await console.get('/console')
  t.true(text.includes(escapeHtml(hostileTexts[0]!)))
  t.true(Buffer.byteLength(text) < 150_000, `${Buffer.byteLength(text)}`)
})

test('who is not signed in learns nothing from the first page', async t => {
  const console = await openConsole(t, await testService(t))
  console.cookies.clear()
  const answer = await console.get('/console')
  t.is(answer.status, 302)
  t.notRegex(answer.text, /phone/)
})

test('a front end whose agent is silent is something that needs a person', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  const { name } = await frontEndAdd.run(service, { name: 'ada', source: 'test', role: 'admin' } as never, frontEndAdd.input.parse({ name: 'edge', kind: 'haproxy' }))
  const [{ id }] = await service.db.query<{ id: string }>('select id from front_ends') as [{ id: string }]
  t.notRegex((await console.get('/console')).text, /The front end edge/)
  const receipt = { sequence: 1, target: 'haproxy', targetVersion: null, change: 0, lists: [], appliedAt: service.now().toISOString(), fresh: true, refused: 0, clockOffsetMs: 0, canary: null, problems: [] }
  await receiptStore(service.db).put({ frontEndId: id, sequence: 1, changeNumber: 0, receipt }, service.now())
  t.notRegex((await console.get('/console')).text, /The front end edge/)
  service.clock.advance(91)
  t.regex((await console.get('/console')).text, new RegExp(`<b>The front end ${name}</b> is not heard any more`))
})
