import test from 'ava'
import { randomUUID } from 'node:crypto'
import { auditStore } from '../../src/store/audit.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { openConsole, type ConsoleClient } from '../support/console.ts'
import { allowed, issueDevice } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'

const names = ['Zoë Adler', 'ádám Bíró', 'Tom Weiss', 'tom weiss', 'Ines Roth', 'Ines Roth', 'Ines Roth', 'Øyvind Berg', 'Ada Lovelace', 'Ada Lovelace']
/** Folded as the search folds them; those of one name by their address, then by their own key. */
const byName = ['ada', 'ada', 'ádám', 'Ines', 'Ines', 'Ines', 'Øyvind', 'tom', 'tom', 'Zoë']

/** Ten people with two phones each, a certificate on every one, two invitations each: all of one instant, so that only keys tell them apart. */
async function fill(service: TestService): Promise<void> {
  const now = service.now()
  await auditStore(service.db).add({ at: now, actor: 'ada', source: 'test', action: 'invitation.create', subject: 'invitation:x', detail: {} })
  for (const [index, name] of names.entries()) {
    const person = randomUUID()
    await service.db.query('insert into people (id, name, email, created_at) values ($1, $2, $3, $4)', [person, name, `p${index}@example.org`, now])
    for (const phone of [0, 1]) {
      const id = randomUUID()
      await service.db.query(`insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at) values ($1, $2, $3, 'S', $4, 'signed', $5, $5)`,
        [id, person, id, phone === 0 ? 'iPhone14,5' : 'iPad13,18', now])
      await issueDevice(service, { deviceId: id, validityDays: 100 + index % 3 })
      const invitation = randomUUID()
      await service.db.query(`insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, created_at, created_by) values ($1, $2, $3, 'default', 'device', 1, $4, $5, 'ada')`,
        [invitation, person, Buffer.from(invitation), new Date(now.getTime() + (index % 2) * 86_400_000), now])
      await service.db.query(`insert into enrollments (id, invitation_id, challenge_sha256, challenge_expires_at, state, device_id, decision, decided_at, created_at, updated_at)
        values ($1, $2, $3, $4, 'quarantined', $5, $7, $6, $4, $4)`, [randomUUID().replaceAll('-', '').slice(0, 22), invitation, Buffer.from(id), now, id, new Date(now.getTime() - (index % 4) * 60_000), JSON.stringify({ ...allowed, verdict: 'quarantine' })])
    }
  }
}

type Item = { id?: string, serialNumber?: string, personName: string, productType: string, createdAt: string, notAfter: string, expiresAt: string, enrollment: { decidedAt: string } | null }
const keyOf = ({ id, serialNumber }: Item): string => id ?? serialNumber ?? ''

const lists: { path: string, sorts: Record<string, (item: Item) => string> }[] = [
  { path: '/devices', sorts: { created: item => item.createdAt, person: item => item.personName, model: item => item.productType } },
  { path: '/devices?quarantined=true', sorts: { waiting: item => item.enrollment!.decidedAt } },
  { path: '/certificates', sorts: { created: item => item.createdAt, person: item => item.personName, ends: item => item.notAfter } },
  { path: '/invitations', sorts: { created: item => item.createdAt, person: item => item.personName, ends: item => item.expiresAt } },
]

test('every order of every list goes on without gaps and repeats where rows are equal, and backwards is the same turned round', async t => {
  const service = await testService(t)
  await fill(service)
  const api = await openApi(t, service, 'auditor')
  for (const { path, sorts } of lists) {
    for (const [sort, value] of Object.entries(sorts)) {
      const pages = async (order: string): Promise<Item[]> => {
        const found: Item[] = []
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: { items: Item[], next: string | null } = await api.ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=3&sort=${order}${cursor === '' ? '' : `&cursor=${cursor}`}`)
          found.push(...page.items)
          cursor = page.next
        }
        return found
      }
      const [up, down] = [await pages(sort), await pages(`-${sort}`)]
      t.is(up.length, 20, `${path} ${sort}`)
      t.is(new Set(up.map(keyOf)).size, up.length, `${path} ${sort}`)
      t.deepEqual(down.map(keyOf), up.map(keyOf).reverse(), `${path} ${sort}`)
      if (sort === 'person') t.deepEqual(up.filter((_, index) => index % 2 === 0).map(item => value(item).split(' ')[0]!.toLowerCase()), byName.map(name => name.toLowerCase()), path)
      else t.deepEqual(up.map(value), up.map(value).toSorted(), `${path} ${sort}`)
    }
  }
})

test('a row that comes between two pages shifts none of those that follow', async t => {
  const service = await testService(t)
  await fill(service)
  const api = await openApi(t, service, 'auditor')
  const first = await api.ask('GET', '/devices?limit=5&sort=person')
  const rest = await api.ask('GET', `/devices?sort=person&cursor=${first.next}`)
  await service.db.query(`insert into people (id, name, email, created_at) values ('6f1a3c1e-0000-4000-8000-00000000000a', 'Aaron', 'aaron@example.org', $1)`, [service.now()])
  await service.db.query(`insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at)
    values ('6f1a3c1e-0000-4000-8000-00000000000b', '6f1a3c1e-0000-4000-8000-00000000000a', 'u', 'S', 'iPhone14,5', 'signed', $1, $1)`, [service.now()])
  t.deepEqual((await api.ask('GET', `/devices?sort=person&cursor=${first.next}`)).items, rest.items)
})

test('a page of one order is not gone on with in another, nor with a key that is none', async t => {
  const service = await testService(t)
  await fill(service)
  const api = await openApi(t, service, 'auditor')
  const { next } = await api.ask('GET', '/devices?limit=5&sort=person')
  const forged = (key: unknown): string => Buffer.from(JSON.stringify(key)).toString('base64url')
  for (const query of [`sort=model&cursor=${next}`, `cursor=${next}`, `sort=-person&cursor=${next}`, 'sort=name', 'sort=waiting', 'quarantined=true&sort=person', 'search=ines&sort=person', `sort=created&cursor=${forged(['created', '2026-13-99', 'x'])}`,
    `sort=created&cursor=${forged(['created', '2026-03-01 09:00:00+00'])}`, `sort=created&cursor=${forged(['created', { a: 1 }, 2])}`, `sort=created&cursor=${forged('created')}`]) {
    t.is(await api.refusal('GET', `/devices?${query}`), 'invalid-argument', query)
  }
})

/** Headings that sort, with the address each leads to and how the table is sorted now. */
const headingsOf = (text: string): { text: string, href: string, sorted: string | undefined }[] =>
  [...text.matchAll(/<th scope="col"[^>]*?(?: aria-sort="(\w+)")?><a href="([^"]+)">([^<]+)<\/a>/g)].map(([, sorted, href, heading]) => ({ text: heading!, href: href!.replaceAll('&amp;', '&'), sorted }))

async function everyOrderOf(console: ConsoleClient, path: string): Promise<Map<string, string>> {
  const seen = new Map<string, string>()
  const todo = [path]
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    if (seen.has(next)) continue
    const { status, text } = await console.get(next)
    if (status !== 200) throw new Error(`${next}: ${status}`)
    seen.set(next, text)
    todo.push(...headingsOf(text).map(({ href }) => href))
  }
  return seen
}

test('headings of the console sort in both directions, say how it is sorted, and keep the filter', async t => {
  const service = await testService(t)
  await fill(service)
  const console = await openConsole(t, service, 'auditor')
  for (const [path, orders] of [['/console/phones', 6], ['/console/certificates', 6], ['/console/invitations', 6], ['/console/quarantine', 2], ['/console/records', 2], ['/console/people', 4], ['/console/phones?person=p4%40example.org', 6]] as const) {
    const pages = await everyOrderOf(console, path)
    t.is(new Set([...pages.keys()].map(address => new URLSearchParams(address.split('?')[1]).get('sort')).filter(sort => sort !== null)).size, orders, path)
    for (const [address, text] of pages) {
      t.is(headingsOf(text).filter(({ sorted }) => sorted !== undefined).length, 1, address)
      if (path.includes('person=')) t.regex(address, /person=p4/)
    }
  }
  const first = (text: string): string => /<tbody><tr><th scope="row"><a[^>]*><bdi>([^<]+)</.exec(text)![1]!
  t.is(first((await console.get('/console/phones?sort=person')).text), 'Ada Lovelace')
  t.is(first((await console.get('/console/phones?sort=-person')).text), 'Zoë Adler')
  t.deepEqual(headingsOf((await console.get('/console/phones?q=ines')).text), [])
  for (const path of ['/console/phones?sort=x', '/console/certificates?sort=x', '/console/records?sort=x']) t.is((await console.get(path)).status, 400, path)
})

test('the command line sorts as the pages do', async t => {
  const service = await testService(t)
  await fill(service)
  const cli = await openCli(t, service)
  const { items } = (await cli('device', 'list', '--sort', '-person', '--limit', '1', '--json')).json
  t.is(items[0].personName, 'Zoë Adler')
  t.is((await cli('cert', 'list', '--sort', 'ends', '--json')).json.items.length, 20)
  t.is((await cli('invite', 'list', '--sort', 'person', '--limit', '1', '--json')).json.items[0].personName, 'Ada Lovelace')
  t.is((await cli('audit', 'list', '--sort', 'at', '--json')).exitCode, 0)
  t.is((await cli('device', 'list', '--quarantined', '--sort', 'waiting', '--json')).json.items.length, 20)
  t.is((await cli('device', 'list', '--sort', 'height')).exitCode, 2)
})
