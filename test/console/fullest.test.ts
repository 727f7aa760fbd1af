import test from 'ava'
import { consoleRouter } from '../../src/console/router.ts'
import { personRouter } from '../../src/console/person/router.ts'
import { enrollmentDeps } from '../../src/http/enrollment-deps.ts'
import { json, type Database } from '../../src/store/db.ts'
import { apiQuestions, pathsOf, questionsFor, shownOnce, thingsIn, type Question } from '../bench/addresses.ts'
import { sortsIn } from '../bench/sorts.ts'
import { newToken } from '../support/api.ts'
import { newSession, openDoors } from '../support/console.ts'
import { freshDatabase } from '../support/database.ts'
import { fullStore } from '../support/full-store.ts'
import { distinct, nodesOf, overheard, planOf, readWhole, wholeIndexes } from '../support/plans.ts'
import { testService, type TestService } from '../support/service.ts'

async function makeHostile(db: Database, length: number): Promise<void> {
  const text = '"><img src=x onerror=alert(\'1\')>\u202e😀&'.repeat(Math.ceil(length / 36))
  await db.query('update people set name = left($1, $2) || right(id::text, 6)', [text, length])
  await db.query('update devices set serial_number = left($1, $2), os_version = left($1, $2), product_type = case when get_byte(uuid_send(id), 15) < 128 then product_type else left($1, $2) end', [text, length])
  await db.query('update invitations set created_by = left($1, $2)', [text, length])
  await db.query('update exemptions set author = left($1, $2), reason = left($1, $2)', [text, length])
  await db.query('update audit set actor = left($1, 64), source = left($1, 100), subject = left($1, 80), detail = $2 where id > 100', [text, json({ before: { [text.slice(0, 100)]: text.slice(0, length) }, after: { a: text.slice(0, length), b: text.slice(0, length) } })])
  await db.query("update enrollments set decision = jsonb_set(decision, '{textForAdmin}', to_jsonb(left($1::text, $2)))", [text, length])
  await db.query('update inventory set model = left($1, 100), owner_email = left($1, 60) || id, asset_tag = left($1, 100)', [text])
  await db.query('update policy_effects set why = left($1, $2)', [text, length])
}

async function questions(service: TestService, ask: (address: string) => Promise<{ text: string }>): Promise<Question[]> {
  const things = await thingsIn(service.db)
  const paths = [...new Set([...pathsOf(consoleRouter(service)), ...pathsOf(personRouter(service, enrollmentDeps(service)))])].filter(path => !path.endsWith('.csv'))
  const sorts = await sortsIn(paths, async path => (await ask(path)).text)
  return [...questionsFor(paths, things, path => sorts.get(path) ?? []), ...apiQuestions(things)]
}

async function openAll(t: Parameters<typeof openDoors>[0], service: TestService): Promise<(address: string) => Promise<{ status: number, text: string }>> {
  const origin = await openDoors(t, service)
  const { token } = await newSession(service, 'admin')
  const headers = { cookie: `latchkey=${token}`, authorization: `Bearer ${await newToken(service, 'admin')}` }
  return async address => {
    const response = await fetch(`${origin}${address}`, { headers, redirect: 'manual' })
    return { status: response.status, text: await response.text() }
  }
}

test('no page sends more than 150 kB when it is full and all names are as long and as hostile as they can be', async t => {
  const service = await testService(t)
  await fullStore(service, 800)
  await makeHostile(service.db, 2000)
  const ask = await openAll(t, service)
  const faults: string[] = []
  for (const { page, address } of await questions(service, ask)) {
    if (address.startsWith('/api/')) continue
    const { status, text } = await ask(address)
    if (status >= 400 && !shownOnce(page) || Buffer.byteLength(text) > 150_000) faults.push(`${address}: ${status}, ${Buffer.byteLength(text)} bytes`)
  }
  t.deepEqual(faults, [])
})

test('everything that pages and lists ask of tables that grow is answered by an index, and lists come from theirs in order', async t => {
  // The planner of the embedded engine is the same; what differs is how long this would take there.
  if (process.env['DATABASE_URL'] === undefined) {
    t.log('skipped: needs a PostgreSQL server, DATABASE_URL names none')
    return t.pass()
  }
  const { db, statements } = overheard(await freshDatabase(t))
  const service = await testService(t, { db })
  await fullStore(service, 2000)
  const ask = await openAll(t, service)
  const all = await questions(service, ask)
  statements.length = 0
  for (const { address } of all) await ask(address)
  // The inventory is held against all phones on a request only while both are few (src/http/inventory-standing.ts).
  const asked = distinct(statements).filter(({ text }) => !/\binventory i\b/.test(text))
  const whole = await wholeIndexes(db)
  t.true(asked.length > 40)
  for (const statement of asked) {
    const isList = statement.text.includes('sort_key')
    const plan = await planOf(db, statement, isList ? 'set local enable_sort = off' : '')
    t.deepEqual(readWhole(plan, whole), [], statement.text)
    // Of the few rows that several actions have each, the newest are picked by sorting.
    if (isList && !statement.text.includes('recursive')) t.false(nodesOf(plan).some(node => node['Node Type'] === 'Sort'), statement.text)
  }
})
