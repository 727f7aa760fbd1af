import test from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import { changesIn } from '../../src/console/records/changes.ts'
import { parseCsv } from '../../src/formats/csv.ts'
import { auditStore, type AuditEntry } from '../../src/store/audit.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService, type TestService } from '../support/service.ts'

const add = async (service: TestService, entry: Partial<AuditEntry>): Promise<void> =>
  await auditStore(service.db).add({ at: service.now(), actor: 'Ada', source: 'console from 192.0.2.1', action: 'invitation.end', subject: 'invitation:x', detail: {}, ...entry })

/** Ids of the rows on a page. */
const shown = (text: string): number[] => [...text.matchAll(/\/console\/records\/(\d+)"/g)].map(([, id]) => Number(id))

test('a change says who made it, from where, and what was before and after', async t => {
  const service = await testService(t)
  await add(service, { action: 'template.set', subject: 'template:default', detail: { before: { displayName: 'Mail', passcode: { minLength: 4 } }, after: { displayName: 'Mail', passcode: { minLength: 6 }, wifi: [{ ssid: 'office' }] } } })
  const console = await openConsole(t, service, 'auditor')
  const list = await console.get('/console/records')
  t.regex(list.text, />Ada<.*wrote a template.*template:default.*changed: passcode\.minLength, wifi\.0\.ssid.*console from 192\.0\.2\.1/s)
  const page = (await console.get(`/console/records/${shown(list.text)[0]}`)).text
  t.regex(page, /<h1>Ada wrote a template<\/h1>/)
  t.regex(page, /passcode\.minLength<\/code><\/th><td[^>]*><div><span class="value">4<\/span><\/div><\/td><td[^>]*><div><span class="value">6</)
  t.regex(page, /wifi\.0\.ssid<\/code><\/th><td[^>]*><div><span class="soft">nothing<\/span><\/div><\/td><td[^>]*><div><span class="value">office</)
  t.notRegex(page, /<code>displayName/)
})

test('records are found by who, what, about what, and when; the filter stands in the address', async t => {
  const service = await testService(t)
  await add(service, { actor: 'Bob', action: 'invitation.create' })
  await add(service, { action: 'rule.add', subject: 'rule:1' })
  service.clock.advance(86_400)
  await add(service, { action: 'invitation.end' })
  await add(service, { action: 'invitationx.end' })
  const console = await openConsole(t, service, 'auditor')
  const found = async (query: string): Promise<number> => shown((await console.get(`/console/records?${query}`)).text).length
  t.is(await found(''), 4)
  t.is(await found('actor=Bob'), 1)
  t.is(await found('action=invitation'), 2)
  t.is(await found('action=invitation.end'), 1)
  t.is(await found('subject=rule:1'), 1)
  t.is(await found('from=2026-03-02'), 2)
  t.is(await found('until=2026-03-01'), 2)
  t.is(await found('actor=Ada&action=invitation&from=2026-03-02&until=2026-03-02'), 1)
  t.regex((await console.get('/console/records?actor=nobody')).text, /No change matches/)
  for (const query of ['action=%25', 'from=yesterday', 'cursor=x&action=a%20b']) t.is((await console.get(`/console/records?${query}`)).status, 400, query)
})

test('a long record comes in pages that go on under the same filter', async t => {
  const service = await testService(t)
  for (let index = 0; index < 120; index++) await add(service, { actor: index % 2 === 0 ? 'Ada' : 'Bob' })
  const console = await openConsole(t, service)
  const seen: number[] = []
  for (let path: string | undefined = '/console/records?actor=Ada'; path !== undefined;) {
    const { text } = await console.get(path)
    seen.push(...shown(text))
    path = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  }
  t.is(new Set(seen).size, 60)
  t.is(seen.length, 60)
})

test('an export holds every change that matches, and no cell of it is a formula', async t => {
  const service = await testService(t)
  for (let index = 0; index < 450; index++) await add(service, { actor: index % 2 === 0 ? '=cmd|\'/c calc\'!A1' : 'Bob', subject: '@SUM(A1)', source: '-1' })
  const console = await openConsole(t, service, 'auditor')
  const all = await console.get('/console/records.csv')
  t.is(all.headers.get('content-type'), 'text/csv; charset=utf-8')
  t.regex(all.headers.get('content-disposition')!, /^attachment; /)
  const rows = parseCsv(all.text, { maxRecords: 1000, maxColumns: 10 }).map(record => record.cells)
  t.is(rows.length, 451)
  t.deepEqual(rows[0], ['id', 'at', 'who', 'from', 'what', 'subject', 'detail'])
  t.true(rows.flat().every(cell => !/^[=+\-@]/.test(cell)))
  t.is(parseCsv((await console.get('/console/records.csv?actor=Bob')).text, { maxRecords: 1000, maxColumns: 10 }).length, 226)
  t.is((await console.get('/console/records.csv?from=x')).status, 400)
})

test('what stands in a record is text, however long and whatever it holds', async t => {
  const service = await testService(t)
  for (const hostile of hostileTexts) await add(service, { actor: hostile, subject: `person:${hostile.slice(0, 1000)}`, source: hostile, action: 'person.update', detail: { [hostile]: hostile, before: { name: 'x' }, after: { name: hostile, [hostile]: hostile } } })
  const console = await openConsole(t, service)
  const { text } = await console.get('/console/records')
  t.true(text.includes(escapeHtml(hostileTexts[0]!)))
  t.true(Buffer.byteLength(text) < 150_000)
  for (const id of shown(text)) t.is((await console.get(`/console/records/${id}`)).status, 200)
})

test('a page of fifty records of large templates stays below 150 kB, and so does the page of each', async t => {
  const service = await testService(t)
  const large = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`field${index}`, 'x'.repeat(5000)]))
  for (let index = 0; index < 50; index++) await add(service, { action: 'template.set', detail: { before: null, after: large } })
  const console = await openConsole(t, service)
  const { text } = await console.get('/console/records')
  t.true(Buffer.byteLength(text) < 150_000, `${Buffer.byteLength(text)}`)
  const page = await console.get(`/console/records/${shown(text)[0]}`)
  t.true(Buffer.byteLength(page.text) < 150_000, `${Buffer.byteLength(page.text)}`)
})

test('a number that is no record is not found', async t => {
  const console = await openConsole(t, await testService(t))
  for (const id of ['0', '1', '99999999999999999999', 'x', '1%00']) t.is((await console.get(`/console/records/${id}`)).status, 404, id)
})

test('nobody sees records without signing in', async t => {
  const console = await openConsole(t, await testService(t))
  console.cookies.clear()
  for (const path of ['/console/records', '/console/records.csv', '/console/records/1']) t.is((await console.get(path)).status, 302, path)
})

test('fields are compared wherever they stand, and what is not compared stands as it is', t => {
  t.deepEqual(changesIn({ before: { a: 1, b: { c: 'x' } }, after: { a: 1, b: { c: 'y' }, d: [1, 2] }, reason: 'moved' }), {
    changed: [{ field: 'b.c', before: 'x', after: 'y' }, { field: 'd', before: '', after: '1, 2' }], facts: [['reason', 'moved']],
  })
  t.deepEqual(changesIn({}), { changed: [], facts: [] })
})
