/** Every address of the console, read from its routers: a page that is added is met by every test that goes through all. */
import type { ExecutionContext } from 'ava'
import { consoleRouter } from '../../src/console/router.ts'
import { deviceApprove } from '../../src/protocols/api/operations/device-settle.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { importInventory } from '../../src/protocols/api/operations/inventory.ts'
import { policyApply, policyPreview } from '../../src/protocols/api/operations/policy-changes.ts'
import { activeSyncStore } from '../../src/store/activesync.ts'
import type { Database } from '../../src/store/db.ts'
import { newToken } from './api.ts'
import { newSession } from './console.ts'
import { phoneKeys } from './kept.ts'
import type { TestService } from './service.ts'
import { openWorld, type World } from './world.ts'

export type Route = { readonly method: 'GET' | 'POST', readonly path: string, matches(path: string): boolean }

/** Without scripts and the stylesheet, which are for everybody. */
export function consoleRoutes(service: TestService): Route[] {
  return consoleRouter(service).stack.flatMap(({ methods, path, match }, index, stack) => {
    const method = methods.length === 1 && methods[0] === 'POST' ? 'POST' as const : methods.includes('GET') && methods.length <= 2 ? 'GET' as const : undefined
    return method === undefined || typeof path !== 'string' || path.startsWith('/assets/') ? [] : [{ method, path, matches: (given: string) => match.call(stack[index]!, given) }]
  })
}

/** One of everything that has a page, by what stands for it in the path. */
export type Things = Readonly<Record<string, readonly string[]>>

const ada = { name: 'ada', role: 'admin', source: 'test' } as const

/** A company with one of everything: a phone with a key, one that waits, a decision about a third, changes of policy. */
export async function openEverything(t: ExecutionContext<any>): Promise<{ world: World, things: Things }> {
  const world = await openWorld(t)
  const { service } = world
  await world.approve('iPhone*')
  await service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at) values (gen_random_uuid(), 'quarantine', '{"productType":"iPhone10,4"}', 'old', 'ada', $1)`, [service.now()])
  for (const [name, product, build] of [['Ines', 'iPhone14,5', '20A362'], ['Tom', 'iPhone10,4', '20H240'], ['Eve', 'iPhone10,4', '20H240']] as const) {
    const { link } = await world.invite({ name, email: `${name}@example.com`, devices: 2 })
    await world.enroll(link, { product, build, serial: `F2LEVERY${name}`, keys: phoneKeys })
  }
  const one = async (text: string): Promise<string> => String((await service.db.query<{ it: string }>(`${text} limit 1`))[0]!.it)
  const deviceOf = async (name: string): Promise<string> => await one(`select d.id as it from devices d join people p on p.id = d.person_id where p.name = '${name}'`)
  const phone = await deviceOf('Ines')
  const claim = { finding: 'other-user', claimed: 'eve@example.com', sentence: 'A request is for the mailbox of eve@example.com.' } as const
  await activeSyncStore(service.db).add(phone, claim, { serialNumber: Buffer.alloc(16, 0x41), frontEnd: 'edge', action: 'refuse' }, service.now())
  await deviceApprove.run(service, ada, { id: await deviceOf('Eve'), reason: 'seen' })
  const rule = (below: string) => policyPreview.input.parse({ edit: { kind: 'add-rule', rule: { verdict: 'block', conditions: { osVersion: { below } }, reason: 'old' } } })
  const [ready, applied] = [await policyPreview.run(service, ada, rule('17.4')), await policyPreview.run(service, ada, rule('9.1'))]
  await policyApply.run(service, ada, policyApply.input.parse({ id: applied.id, action: 'leave' }))
  await frontEndAdd.run(service, ada, frontEndAdd.input.parse({ name: 'edge', kind: 'nginx' }))
  await importInventory.run(service, ada, importInventory.input.parse({ file: 'serial,model,email,asset tag\nF2LEVERYINES,iPhone 13 mini,ines@example.com,A-1\nF2LXK0AAAB,iPhone 13,,\n', apply: true }))
  const { admin } = await newSession(service, 'operator')
  await newToken(service, 'auditor')
  return {
    world,
    things: {
      '/console/invitations/:id': [await one('select id as it from invitations')], '/console/models/:identifier': ['iPhone14,5'],
      '/console/policy/rules/:id': [await one('select id as it from rules')], '/console/policy/exemptions/:id': [await one('select id as it from exemptions')],
      '/console/policy/changes/:id': [ready.id, applied.id], '/console/policy/changes/:id/:effect': ['stops', 'starts'],
      '/console/people/:id': [await one(`select person_id as it from devices where id = '${phone}'`)], '/console/people?': ['', 'q=ines'],
      '/console/phones/:id': [phone, await deviceOf('Tom')], '/console/phones/:id/evidence/:evidence': [await one(`select id as it from evidence where device_id = '${phone}'`)],
      '/console/certificates/:certificate': [await one(`select encode(serial_number, 'hex') as it from certificates where kind = 'device'`)],
      '/console/quarantine/:id': [await deviceOf('Tom')], '/console/records/:id': ['1'], '/console/templates/:name': ['default'], '/console/front-ends/:name': ['edge'],
      ':verb': ['revoke', 'hold', 'release'],
      // What is told once: nothing was told to whoever asks here.
      ':shown': ['00000000-0000-4000-8000-000000000000'],
      '/console/models/approve?': ['preset=storage-encryption'], '/console/policy/exemptions/new?': [`phone=${phone}`], '/console/policy/explain?': ['', `phone=${phone}`, 'product=iPhone14,5'],
      '/console/invitations/new?': ['', `person=${await one('select id as it from people')}`], '/console/account/people/role?': [`id=${admin.id}`], '/console/phones?': ['', 'q=ines'], '/console/inventory?': ['', 'q=F2LEVERYINES', 'cursor=x'],
    },
  }
}

/** The addresses that a route has with these things. A parameter that nothing stands for fails the test. */
export function addressesOf(route: Route, things: Things): string[] {
  let found = [{ pattern: '', address: '' }]
  for (const segment of route.path.split('/').slice(1)) {
    found = found.flatMap(({ pattern, address }) => {
      const [, parameter, rest = ''] = /^(:\w+)(.*)$/.exec(segment) ?? []
      if (parameter === undefined) return [{ pattern: `${pattern}/${segment}`, address: `${address}/${segment}` }]
      const values = things[`${pattern}/${parameter}`] ?? things[parameter]
      if (values === undefined) throw new Error(`${route.path}: say in console-routes.ts what stands for ${parameter}`)
      return values.map(value => ({ pattern: `${pattern}/${parameter}`, address: `${address}/${value}${rest}` }))
    })
  }
  const queries = route.method === 'GET' ? things[`${route.path}?`] ?? [''] : ['']
  // The second phone has no evidence of the first one.
  return [...new Set(found.map(({ address }) => address))].filter(address => !address.includes('/evidence/') || address.includes(things['/console/phones/:id']![0]!))
    .flatMap(address => queries.map(query => query === '' ? address : `${address}?${query}`))
}

/** There is such an address, and nothing to be seen by whoever comes out of the blue. */
export const mayBeOver = (address: string): boolean => address === '/setup' || address.endsWith('/00000000-0000-4000-8000-000000000000')

/** What every table holds, in short: whatever was changed, this is another. When a session was last seen does not count. */
export async function contentsOf(db: Database): Promise<Record<string, string>> {
  const tables = (await db.query<{ name: string }>(`select tablename as name from pg_tables where schemaname = 'public' and tablename <> 'console_sessions' order by 1`)).map(row => row.name)
  const rows = await db.query<{ name: string, sum: string }>(tables.map(name => `select '${name}' as name, coalesce(md5(string_agg(md5(t::text), '' order by md5(t::text))), '') as sum from "${name}" t`).join(' union all '))
  return Object.fromEntries(rows.map(({ name, sum }) => [name, sum]))
}
