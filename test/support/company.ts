/**
 * A company after a year with Latchkey: sixty people, ninety phones, and everything that happens to them. Made by the
 * product's own operations and the simulated phone, so that what the pages show has happened; only what needs hardware
 * or another machine (attestation, use at a front end) is written down.
 */
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { freePort } from './free-port.ts'
import type { ExecutionContext } from 'ava'
import { tokenSha256 } from '../../src/devices/secret-token.ts'
import { appleDeviceAnchor, testDeviceAnchor } from '../../src/devices/device-identity.ts'
import { defaultTemplate } from '../../src/enrollment/template.ts'
import type { EnrollOutcome } from '../../src/phone/enroll.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import { feedStore } from '../../src/store/feed.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { modelApprove } from '../../src/protocols/api/operations/approvals.ts'
import { importInventory } from '../../src/protocols/api/operations/inventory.ts'
import { inviteEnd } from '../../src/protocols/api/operations/invitations.ts'
import { policyAdd } from '../../src/protocols/api/operations/policy.ts'
import { templateSet } from '../../src/protocols/api/operations/templates.ts'
import { refreshCounts } from '../../src/store/counts.ts'
import { fakeClock } from './clock.ts'
import { newSession, openDoors } from './console.ts'
import { carried, companyTemplate, staff } from './company-data.ts'
import { decideAndRevoke, furnishOffice, previewChanges, type Changes, type Settled } from './company-office.ts'
import { keptDeviceCa } from './kept.ts'
import { download } from './ota-phone.ts'
import { ada, enroll, invite, serialOf, upkeep, type Yard } from './company-yard.ts'
import { testService, type TestService } from './service.ts'

/** @property links  the address of an invitation, or of one enrollment's page, by what is to be seen there */
export type Company = {
  service: TestService, url: string, adminId: string, token: string, auditorToken: string
  links: Readonly<Record<string, string>>, settled: Settled, changes: Changes
  /** ids of invitations, by the name of their link */
  invitations: Readonly<Record<string, string>>
  /** enrollments whose key is used, on hold, revoked, or replaced by a newer one */
  pages: Readonly<Record<string, string>>
  exemption: string, record: string, operator: string, person: string
}

const dayMs = 86_400_000
const first = '2025-03-10T08:30:00Z'
const last = new Date('2026-03-27T09:12:00Z')

/**
 * Opens the company and its doors. The clock then stands still.
 *
 * @param people  at least 9; tests need every state, and not sixty people
 */
export async function openCompany(t: ExecutionContext<any>, people = 56): Promise<Company> {
  const deviceCaDir = await keptDeviceCa(t)
  const testDeviceCa = join(deviceCaDir, 'ca.pem')
  const port = await freePort()
  const url = `http://localhost:${port}`
  const service = await testService(t, {
    // Of this company the phones are no simulation.
    anchors: [appleDeviceAnchor(), { ...testDeviceAnchor(readFileSync(testDeviceCa, 'utf8')), test: false }], clock: fakeClock(first),
    config: { url, pkiUrl: url, organization: 'Northwind', smtpUrl: 'smtp://localhost:1' },
  })
  await openDoors(t, service, port)
  const yard: Yard = { service, url, deviceCaDir }
  await policy(service)
  await aYear(yard, people)
  service.clock.set(new Date(last.getTime() - 3 * dayMs).toISOString())
  await upkeep(service)
  const settled = await decideAndRevoke(yard)
  service.clock.set(new Date(last.getTime() - 1_500_000).toISOString())
  const links = await lastMinutes(yard)
  await writeDownHardware(service)
  service.clock.set(last.toISOString())
  await upkeep(service)
  const { token, admin } = await newSession(service, 'admin')
  const { token: auditorToken, admin: auditor } = await newSession(service, 'auditor')
  // Long enough ago that deciding who may sign in needs another sign-in.
  await service.db.query('update console_sessions set created_at = $2 where admin_id = $1', [auditor.id, new Date(last.getTime() - 3_000_000)])
  await furnishOffice(service, admin.id)
  const changes = await previewChanges(service)
  await standFrontEnds(service)
  await listDevices(service)
  await refreshCounts(service.db, service.now())
  return { service, url, adminId: admin.id, token, auditorToken, links, settled, changes, ...await idsOf(service, links) }
}

async function policy(service: TestService): Promise<void> {
  await templateSet.run(service, ada, { name: 'northwind-mail', template: companyTemplate, since: null } as never)
  await templateSet.run(service, ada, { name: 'visitors', template: { ...defaultTemplate, organization: 'Northwind', displayName: 'Guest network', contact: companyTemplate.contact }, since: null } as never)
  await modelApprove.run(service, ada, modelApprove.input.parse({ preset: 'secure-enclave', pattern: 'iPhone*', reason: 'Every iPhone with a Secure Enclave (decision of the board, 3 March)' }))
  await modelApprove.run(service, ada, modelApprove.input.parse({ pattern: 'iPad*', leastEvidence: 'signed', until: '2026-06-30T23:59:59Z', reason: 'Trial of tablets in the warehouse' }))
  const rule = async (body: object): Promise<unknown> => await policyAdd.run(service, ada, policyAdd.input.parse(body))
  await rule({ verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: '16.7' } }, reason: 'Versions without security updates', textForPerson: 'Please update to iOS 16.7 or newer: Settings, General, Software Update. Then open the invitation again.' })
  await rule({ verdict: 'quarantine', conditions: { family: 'iPad' }, reason: 'Tablets are shared in the warehouse, so somebody looks at each' })
  await rule({ verdict: 'quarantine', conditions: { productType: 'iPhone99,*' }, reason: 'Models that the catalogue does not have yet' })
  await rule({ verdict: 'block', conditions: { storageEncryption: false }, reason: 'A lost phone must not be readable' })
}

/** One that enforces all, one that is not heard any more, and one that only asks. */
async function standFrontEnds(service: TestService): Promise<void> {
  for (const [name, kind] of [['mail-1', 'haproxy'], ['mail-2', 'nginx'], ['archive', 'apache']] as const) await frontEndAdd.run(service, ada, frontEndAdd.input.parse({ name, kind }))
  const change = await feedStore(service.db).newestChange()
  const at = service.now()
  for (const [name, ago, more] of [['mail-1', 4000, {}], ['mail-2', 1_900_000, { problems: [{ code: 'service-unreachable', detail: 'no answer from https://latchkey.northwind.example' }] }]] as const) {
    const [{ id }] = await service.db.query<{ id: string }>('select id from front_ends where name = $1', [name]) as [{ id: string }]
    const heardAt = new Date(at.getTime() - ago)
    const receipt = {
      sequence: 1, target: name === 'mail-1' ? 'haproxy' : 'nginx', targetVersion: name === 'mail-1' ? '2.6.12' : '1.22.1', change, appliedAt: heardAt.toISOString(), fresh: true, refused: 7, clockOffsetMs: 0,
      lists: [0, 1].map(partition => ({ authority: 'issuing', partition, crlNumber: 11, sha256: `${partition}3d9c2a7f401b865e`.repeat(4).slice(0, 64).padEnd(64, '0') })),
      canary: { at: heardAt.toISOString(), revokedRefused: true, goodPassed: true, detail: null }, problems: [], ...more,
    }
    await receiptStore(service.db).put({ frontEndId: id, sequence: 1, changeNumber: change, receipt }, heardAt)
  }
  await service.db.query('update front_end_receipts set enforcement_ms = 9')
}

/** Most phones are the company's own; one was bought as another model, and one for somebody else. */
async function listDevices(service: TestService): Promise<void> {
  const devices = await service.db.query<{ serial_number: string, udid: string, product_type: string, email: string }>(`select d.serial_number, d.udid, d.product_type, p.email from devices d join people p on p.id = d.person_id
    where d.product_type not like 'iPhone99%' order by d.created_at, d.id`)
  const lines = devices.filter((_, index) => index % 6 !== 5).map(({ serial_number: serialNumber, product_type: productType, email }, index) =>
    [serialNumber, `"${index === 2 ? 'iPhone 13 mini' : productType}"`, index === 4 ? 'reception@northwind.example' : email, `NW-${1000 + index}`].join())
  await importInventory.run(service, ada, importInventory.input.parse({ file: ['Serial Number,Model,Email,Asset Tag', ...new Map(lines.map(line => [line.split(',')[0], line])).values()].join('\n'), apply: true }))
}

/** One person after the other comes; every second brings two phones; those of the first weeks renew late in the year. */
async function aYear(yard: Yard, people: number): Promise<void> {
  const { clock } = yard.service
  for (const [index, name] of staff.slice(0, people).entries()) {
    clock.set(new Date(new Date(first).getTime() + index * 358 / people * dayMs + index % 7 * 3_700_000).toISOString())
    if (index % Math.ceil(people / 12) === 0) await upkeep(yard.service)
    const phones = index % 5 < 3 ? 2 : 1
    const { link } = await invite(yard, name, { devices: phones, groups: [index % 3 === 0 ? 'sales' : 'office', ...index % 11 === 0 ? ['managers'] : []] })
    for (let phone = 0; phone < phones; phone++) {
      clock.advance(5400 * (phone + 1))
      const [product, build] = carried[(index * 2 + phone * 5) % carried.length]!
      await enroll(yard, link, { product, build, serial: serialOf(index * 2 + phone) })
    }
  }
  clock.set(new Date(last.getTime() - 20 * dayMs).toISOString())
  await upkeep(yard.service)
  for (const index of [0, 2, 4]) {
    const [product, build] = carried[index * 2 % carried.length]!
    await enroll(yard, (await invite(yard, staff[index]!)).link, { product, build, serial: serialOf(index * 2) })
    clock.advance(90_000)
  }
}

/** What is under way at this moment, and every page that an owner may see. */
async function lastMinutes(yard: Yard): Promise<Record<string, string>> {
  const { service } = yard
  const page = (outcome: EnrollOutcome): string => 'page' in outcome ? outcome.page! : ''
  const fresh = await invite(yard, 'Erik Larsen')
  const waiting = await invite(yard, 'Julia Sommer')
  await download(waiting)
  const making = await invite(yard, 'Omar Said')
  await enroll(yard, making.link, { serial: serialOf(201), build: '23C6071', stopBefore: 'second-post' })
  const almost = await invite(yard, 'Lena Fischer')
  await enroll(yard, almost.link, { serial: serialOf(202), build: '23C6071', stopBefore: 'scep' })
  const failed = await invite(yard, 'Marta Kowalska')
  await enroll(yard, failed.link, { serial: serialOf(203), build: '23C6071', misbehave: 'tamper' })
  const changed = await invite(yard, 'Theo Papadakis')
  await enroll(yard, changed.link, { serial: serialOf(204), build: '23C6071', misbehave: 'lie-in-second-post' })
  const ready = await invite(yard, 'Ruth Goldberg', { devices: 2 })
  await enroll(yard, ready.link, { serial: serialOf(205), product: 'iPhone17,3', build: '23C55' })
  const usedUp = await invite(yard, 'Ivo Marković')
  await enroll(yard, usedUp.link, { serial: serialOf(206), build: '23C6071' })
  const refused = page(await enroll(yard, (await invite(yard, 'Simon Baker')).link, { serial: serialOf(207), product: 'iPhone1,2', build: '8C148' }))
  const update = page(await enroll(yard, (await invite(yard, 'Clara Fontaine')).link, { serial: serialOf(208), product: 'iPhone10,4', build: '20G81' }))
  const quarantined = page(await enroll(yard, (await invite(yard, 'Nadia Rahman')).link, { serial: serialOf(209), product: 'iPhone99,1', build: '23D127' }))
  const ended = await invite(yard, 'Felix Krüger')
  await inviteEnd.run(service, ada, { id: ended.id })
  const expired = await invite(yard, 'Agnes Toth', { days: 1 })
  await service.db.query('update invitations set created_at = $2, expires_at = $3 where id = $1', [expired.id, new Date(last.getTime() - 9 * dayMs), new Date(last.getTime() - 2 * dayMs)])
  const late = await invite(yard, 'Sean Murphy')
  const { enrollmentId } = await download(late)
  await service.db.query('update enrollments set created_at = created_at - $2::interval, updated_at = updated_at - $2::interval, challenge_expires_at = challenge_expires_at - $2::interval where id = $1', [enrollmentId, '5 hours'])
  const renewal = await invite(yard, await whoseKeyEnds(service))
  const delivered = await invite(yard, 'Petra Huber', { key: 'delivered', template: 'visitors' })
  return {
    fresh: fresh.link, waiting: waiting.link, making: making.link, almost: almost.link, failed: failed.link, changed: changed.link, ready: ready.link, usedUp: usedUp.link,
    refused, update, quarantined, ended: ended.link, expired: expired.link, late: late.link, renewal: renewal.link, delivered: delivered.link,
  }
}

/** Somebody whose key ends within days, and who has no other on that phone. */
async function whoseKeyEnds({ db, now }: TestService): Promise<string> {
  const [person] = await db.query<{ name: string }>(`select p.name from certificates c join devices d on d.id = c.device_id join people p on p.id = d.person_id
    where c.kind = 'device' and c.state = 'issued' and c.not_after between $1 and $2
      and not exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number) order by c.not_after limit 1`,
  [new Date(now().getTime() + dayMs), new Date(now().getTime() + 25 * dayMs)])
  return person?.name ?? staff[1]!
}

/** Attestation needs hardware, and use a front end. One simulated phone stays what it is. */
async function writeDownHardware({ db }: TestService): Promise<void> {
  await db.query(`update devices set test = true where id = (select id from devices order by created_at limit 1)`)
  await db.query(`update devices set grade = 'attested' where product_type in ('iPhone17,3', 'iPhone18,1', 'iPhone16,1')`)
  await db.query(`update devices set grade = 'listed' where id in (select id from devices where product_type = 'iPhone12,8' order by created_at limit 2)`)
  await db.query('update certificates c set test = d.test, grade = d.grade from devices d where d.id = c.device_id')
  await db.query(`update certificates set first_used_at = created_at + interval '50 minutes' where kind = 'device' and state = 'issued' and created_at < $1`, [new Date(last.getTime() - dayMs)])
}

async function idsOf({ db }: TestService, links: Readonly<Record<string, string>>): Promise<Pick<Company, 'invitations' | 'pages' | 'exemption' | 'record' | 'operator' | 'person'>> {
  const one = async (sql: string, values: unknown[] = []): Promise<string> => (await db.query<{ id: string }>(sql, values))[0]?.id ?? ''
  const invitations: Record<string, string> = {}
  for (const [name, link] of Object.entries(links)) if (!link.includes('/i/e/')) invitations[name] = await one('select id from invitations where token_sha256 = $1', [tokenSha256(link.split('/').at(-1)!)])
  const key = async (condition: string): Promise<string> => await one(`select c.enrollment_id as id from certificates c left join revocations r using (authority_id, serial_number)
    where c.kind = 'device' and c.state = 'issued' and c.enrollment_id is not null and ${condition} order by c.created_at limit 1`)
  return {
    invitations,
    pages: {
      used: await key('r.reason is null and c.first_used_at is not null and c.superseded_by is null'), held: await key('r.reason = 6'),
      revoked: await key('r.reason = 1'), replaced: await key('(r.reason = 4 or c.superseded_by is not null)'),
    },
    operator: await one(`select id from admins where role = 'operator'`),
    exemption: await one('select id from exemptions where verdict = $1', ['allow']),
    person: await one('select person_id as id from devices d where exists (select 1 from certificates c where c.device_id = d.id and c.kind = $1) order by d.created_at desc limit 1', ['device']),
    record: await one(`select id::text from audit where action = 'person.update' or action = 'template.set' order by id limit 1`),
  }
}
