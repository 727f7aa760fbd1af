/** What is asked: every GET page and every GET operation, enumerated from the routers, with what there is to ask in the store. */
import type Router from '@koa/router'
import { operations } from '../../src/protocols/api/operations.ts'
import type { Database } from '../../src/store/db.ts'

/** Things of the store that addresses name. */
export type Things = Readonly<Record<'phone' | 'oldPhone' | 'waiting' | 'evidence' | 'certificate' | 'fingerprint' | 'invitation' | 'person' | 'email' | 'change' | 'exemption' | 'record' | 'enrollment' | 'token' | 'udid' | 'serial' | 'model' | 'surname' | 'admin', string>>

export async function thingsIn(db: Database): Promise<Things> {
  const one = async (sql: string): Promise<string> => {
    const [row] = await db.query<{ value: string }>(sql)
    if (row === undefined) throw new Error(`nothing in the store for: ${sql}`)
    return String(row.value)
  }
  const phone = await one("select device_id as value from certificates where kind = 'device' and state = 'issued' and enrollment_id is not null order by created_at desc offset 100 limit 1")
  return {
    phone, oldPhone: await one('select id as value from devices order by created_at offset 20 limit 1'),
    waiting: await one("select device_id as value from enrollments where state = 'quarantined' and id like 'seed-%' order by decided_at desc offset 3 limit 1"),
    evidence: await one(`select id as value from evidence where device_id = '${phone}' limit 1`),
    certificate: await one("select encode(serial_number, 'hex') as value from certificates where kind = 'device' and state = 'issued' order by created_at desc offset 150 limit 1"),
    fingerprint: await one("select encode(sha256, 'hex') as value from certificates where kind = 'device' and state = 'issued' order by created_at desc offset 100 limit 1"),
    invitation: await one('select id as value from invitations order by created_at desc offset 100 limit 1'),
    person: await one('select id as value from people order by created_at offset 100 limit 1'),
    email: await one(`select p.email as value from people p join devices d on d.person_id = p.id where d.id = '${phone}'`),
    change: await one('select change_id as value from policy_effects group by change_id order by count(*) desc limit 1'),
    exemption: await one('select id as value from exemptions where not_after > (select max(at) from audit) and ended_at is null order by id limit 1'),
    record: await one('select id as value from audit order by id desc offset 200 limit 1'),
    enrollment: await one(`select id as value from enrollments where device_id = '${phone}' limit 1`),
    token: 'bench-token', udid: await one(`select udid as value from devices where id = '${phone}'`), serial: await one(`select serial_number as value from devices where id = '${phone}'`),
    model: await one('select product_type as value from devices where length(product_type) < 15 group by product_type order by count(*) desc limit 1'), surname: 'Zimmermann',
    admin: await one("select id as value from admins where name = 'Admin 1'"),
  }
}

/** @property follow  so many further pages are asked for by their own link */
export type Question = { page: string, address: string, follow: number }

const searches = (t: Things): [what: string, q: string][] => [
  ['a name’s beginning', 'zo'], ['common name', 'anne'], ['surname', t.surname], ['one letter', 'a'], ['anywhere, common', 'example'], ['anywhere, rare', t.email.slice(2, 14)], ['no hit', 'qqxzqj'], ['person and number', `${t.email.slice(0, -12)}`],
  ['hostile', '<script>%_\\\'"; drop'], ['right-to-left', '\u202egnp.exe'], ['long', 'müller '.repeat(28)], ['serial number', t.serial], ['part of a serial number', t.serial.slice(2, 7)], ['UDID', t.udid], ['part of a UDID', t.udid.slice(9, 16)],
  ['certificate', t.certificate], ['beginning of a certificate', t.certificate.slice(0, 8)], ['fingerprint', t.fingerprint], ['fingerprint in pairs', t.fingerprint.match(/../g)!.slice(0, 20).join(':')], ['three hex digits', t.certificate.slice(4, 7)], ['model', t.model], ['model’s name', 'iphone'], ['rare model', 'ipad pro'],
]

/** `page` → what is asked of it. `sorts` are those that a page offers, from its own headings. */
export function questionsFor(paths: readonly string[], t: Things, sortsOf: (path: string) => readonly string[]): Question[] {
  const lists: Record<string, (string | [query: string, follow: number])[]> = {
    '/console/models': ['', 'q=iphone', 'family=iPad', 'seen=yes', 'approved=yes', 'storage=yes&enclave=yes'],
    '/console/invitations': [['', 3], `email=${encodeURIComponent(t.email)}`, 'email=nobody@example.net'],
    '/console/phones': [['', 3], `person=${encodeURIComponent(t.email)}`, 'person=nobody@example.net'],
    '/console/certificates': [['', 3], `person=${encodeURIComponent(t.email)}`],
    '/console/quarantine': [['', 3]],
    '/console/people': [['', 3]],
    '/console/records': [['', 3], ['actor=Ada+Admin', 2], ['actor=Ines+Roth&action=certificate.revoke', 1], ['action=invitation', 2], ['action=certificate.issue', 2], 'action=nothing.ever', 'actor=Nobody', `subject=device%3A${t.phone}`, 'subject=device%3Anone',
      'from=2020-01-01&until=2020-02-01', 'until=2025-06-01', 'actor=Ada+Admin&until=2025-01-01', 'action=person&until=2024-12-24', 'actor=Nobody&action=certificate&from=2024-01-01'],
    '/console/policy/changes': [['', 2]],
    '/console/policy/exemptions/new': [`phone=${t.phone}`],
    '/console/account/people/role': [`id=${t.admin}`],
    '/console/models/approve': [`model=${t.model}`, 'preset=secure-enclave'],
  }
  return paths.flatMap(path => {
    const address = fill(path, t)
    const sorts = sortsOf(address)
    return [
      ...(lists[path] ?? ['']).map(entry => typeof entry === 'string' ? [entry, 0] as const : entry).map(([query, follow]) => ({ page: path, address: query === '' ? address : `${address}?${query}`, follow })),
      ...sorts.map(query => ({ page: path, address: `${address}?${query}`, follow: 2 })),
      ...['/console/phones', '/console/certificates', '/console/people'].includes(path) ? searches(t).map(([what, q]) => ({ page: `${path} · ${what}`, address: `${address}?q=${encodeURIComponent(q)}`, follow: 1 })) : [],
      ...path === '/console/policy/explain' ? [{ page: path, address: `${address}?phone=${t.phone}`, follow: 0 }, { page: path, address: `${address}?product=iPhone14%2C5&version=16.0`, follow: 0 }] : [],
    ]
  })
}

/** The parameters of a path by their name and what stands before them. */
function fill(path: string, t: Things): string {
  const values: Record<string, string> = {
    '/console/phones/:id': t.phone, '/console/phones/:id/evidence/:evidence': t.evidence, '/console/certificates/:certificate': t.certificate, '/console/invitations/:id': t.invitation,
    '/console/models/:identifier': t.model, '/console/quarantine/:id': t.waiting, '/console/records/:id': t.record, '/console/templates/:name': 'default', '/console/policy/changes/:id': t.change,
    '/console/policy/exemptions/:id': t.exemption, '/i/:token': t.token, '/i/e/:enrollment': t.enrollment, '/console/people/:id': t.person, '/console/people/:person': t.person,
    '/devices/:id': t.phone, '/devices/:id/evidence/:evidence': t.evidence, '/certificates/:certificate': t.certificate, '/invitations/:id': t.invitation, '/models/:identifier': t.model, '/audit/:id': t.record,
    '/templates/:name': 'default', '/policy/changes/:id': t.change, '/people/:person': t.person, '/front-end-configurations/:kind': 'nginx', '/console/front-ends/:name': 'mail', '/front-ends/:name': 'mail', '/admins/:id': t.admin,
  }
  return path.replaceAll(/:(\w+)/g, (_, name: string, offset: number) => {
    const before = `${path.slice(0, offset)}:${name}`.replace(/^\/api\/v1/, '')
    const value = values[before] ?? (name === 'verb' ? 'revoke' : name === 'shown' ? '6f1a3c1e-0000-4000-8000-000000000000' : undefined)
    if (value === undefined) throw new Error(`what ${path} names is not known: say it in test/bench/addresses.ts`)
    return encodeURIComponent(value)
  })
}

/** What is shown once, to whoever has just made it: there is nothing to show here. */
export const shownOnce = (page: string): boolean => page === '/setup' || page.includes('/:shown')

/** Addresses with GET; what is no page of somebody's is left out. */
export function pathsOf(router: Router): string[] {
  const paths = router.stack.filter(layer => layer.methods.includes('GET')).map(layer => String(layer.path))
  return [...new Set(paths)].filter(path => !path.includes('{') && path !== '/' && !path.startsWith('/assets/'))
}

const apiQueries: Readonly<Record<string, (t: Things) => string[]>> = {
  policyExplain: () => ['product=iPhone14%2C5&osVersion=16.0'],
  deviceList: t => ['', 'quarantined=true', `person=${encodeURIComponent(t.email)}`, `search=${t.surname}`],
  certList: t => ['', `person=${encodeURIComponent(t.email)}`, `device=${t.phone}`, `search=${t.certificate.slice(0, 6)}`],
  auditList: () => ['', 'actor=Ada+Admin', 'action=invitation'],
}

export function apiQuestions(t: Things): Question[] {
  return operations.filter(({ method }) => method === 'get').flatMap(operation => {
    const path = `/api/v1${operation.path.replaceAll(/\{(\w+)\}/g, ':$1')}`
    return (apiQueries[operation.id]?.(t) ?? ['']).map(query => ({ page: `api ${operation.id}`, address: `${fill(path, t)}${query === '' ? '' : `?${query}`}`, follow: 0 }))
  })
}
