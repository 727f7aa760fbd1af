/** What people, phones and files may call themselves, on every page and in every file of the console: always text, and never a formula. */
import test from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import type { Database } from '../../src/store/db.ts'
import { isFormula, parseCsv } from '../../src/formats/csv.ts'
import { addressesOf, consoleRoutes, mayBeOver, openEverything } from '../support/console-routes.ts'
import { hostileTexts, openConsole } from '../support/console.ts'

/** Every column that takes what somebody wrote, as a table of its own would show: addresses are checked where they come in, and stay. */
const written: Readonly<Record<string, readonly string[]>> = {
  people: ['name'], devices: ['serial_number', 'product_type', 'build', 'os_version'], invitations: ['created_by'],
  rules: ['reason', 'author', 'text_for_person'], approvals: ['reason', 'author'], exemptions: ['reason', 'author', 'text_for_person'],
  policy_changes: ['created_by', 'applied_by', 'undone_by', 'source'], policy_effects: ['why', 'person_text'], templates: ['updated_by'],
  admins: ['name'], tokens: ['name'], passkeys: ['name'], console_sessions: ['user_agent', 'address'],
  inventory: ['model', 'owner_email', 'asset_tag', 'imported_by'], enrollments: ['last_error', 'last_error_step'], audit: ['actor', 'source', 'action', 'subject'], revocations: ['actor', 'cause'],
}

async function callEverything({ query }: Pick<Database, 'query'>, text: string): Promise<void> {
  for (const [table, columns] of Object.entries(written)) await query(`update ${table} set ${columns.map(column => `${column} = $1`).join(', ')}`, [text])
  await query(`update people set groups = array[$1], user_principal_name = $1 || id`, [text])
  await query(`update devices set udid = $1 || id`, [text])
  await query(`update audit set detail = $1`, [JSON.stringify({ [text]: text, before: { name: 'x' }, after: { name: text, [text]: [text] } })])
  await query(`update enrollments set decision = jsonb_set(jsonb_set(decision, '{textForAdmin}', $1), '{because,reason}', $1) where decision is not null`, [JSON.stringify(text)])
  await query(`update policy_changes set edit = jsonb_set(edit, '{rule,reason}', $1) where edit ? 'rule'`, [JSON.stringify(text)])
  await query(`update rules set conditions = jsonb_build_object('person', $1::text, 'build', $1::text)`, [text])
  await query(`update templates set body = body || jsonb_build_object('displayName', $1::text, 'organization', $1::text, 'description', $1::text, 'contact', $1::text)`, [text])
}

test('names are shown as text on every page, and are no formula in any file, whatever they are', async t => {
  const { world: { service }, things } = await openEverything(t)
  const client = await openConsole(t, service)
  const pages = consoleRoutes(service).filter(({ method }) => method === 'GET')
  const addresses = pages.flatMap(route => addressesOf(route, things)).filter(address => !address.startsWith('/console/models/approve'))
  let files = 0
  for (const text of hostileTexts) {
    await callEverything(service.db, text)
    let shown = 0
    for (const address of [...addresses, `/console/phones?q=${encodeURIComponent(text.slice(0, 2000))}`, `/console/records?actor=${encodeURIComponent(text.slice(0, 300))}`]) {
      // Pages are read strictly by the client: a text that became markup fails the test there.
      const answer = await client.get(address)
      t.true(answer.status < 400 || mayBeOver(address), `${address}: ${answer.status} with ${text.slice(0, 30)}`)
      if (answer.text.includes(escapeHtml(text.slice(0, 30)))) shown++
      if (!answer.headers.get('content-type')?.startsWith('text/csv')) continue
      files++
      for (const { cells } of parseCsv(answer.text, { maxRecords: 10_000, maxColumns: 50 })) t.false(cells.some(isFormula), `${address}: ${cells.find(isFormula)}`)
    }
    t.true(shown > 20, `${text.slice(0, 30)} is on ${shown} pages`)
  }
  t.is(files, hostileTexts.length * pages.filter(({ path }) => path.endsWith('.csv')).flatMap(route => addressesOf(route, things)).length)
})
