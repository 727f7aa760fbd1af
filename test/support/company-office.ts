/** What admins did with the company: phones decided about, certificates taken back, changes previewed, and an office of admins, tokens and front ends. */
import { deviceApprove, deviceRefuse } from '../../src/protocols/api/operations/device-settle.ts'
import { adminCreate } from '../../src/protocols/api/operations/access.ts'
import { tokenCreate } from '../../src/protocols/api/operations/tokens.ts'
import { certHold, certRelease, certRevoke } from '../../src/protocols/api/operations/certificates.ts'
import { frontEndAdd, frontEndEnd } from '../../src/protocols/api/operations/front-ends.ts'
import { policyApply, policyPreview, policyUndo } from '../../src/protocols/api/operations/policy-changes.ts'
import { advancePolicyChanges } from '../../src/http/advance-policy-changes.ts'
import { hashPassword } from '../../src/http/password.ts'
import { addressOf, password, staff } from './company-data.ts'
import { ada, enroll, invite, serialOf, type Yard } from './company-yard.ts'
import type { TestService } from './service.ts'

/** Phones by what became of them, and pages of their owners. */
export type Settled = Readonly<Record<'good' | 'held' | 'revoked' | 'waiting' | 'exempt' | 'refusedByHand', string>> & { pages: Readonly<Record<'approved' | 'refusedByHand', string>>, serials: Readonly<Record<'good' | 'held' | 'revoked', string>> }

export async function decideAndRevoke(yard: Yard): Promise<Settled> {
  const { service } = yard
  const tablet = async (name: string, number: number): Promise<{ id: string, page: string }> => {
    const outcome = await enroll(yard, (await invite(yard, name)).link, { product: 'iPad13,18', build: '23C55', serial: serialOf(number) })
    return { id: await deviceOf(service, serialOf(number)), page: 'page' in outcome ? outcome.page! : '' }
  }
  const waiting = await tablet('Jonas Meier', 301)
  await enroll(yard, (await invite(yard, 'Diego Fuentes')).link, { product: 'iPhone99,2', build: '23D127', serial: serialOf(302) })
  const exempt = await tablet('Laura Keller', 303)
  const refused = await tablet('Ingrid Solberg', 304)
  service.clock.advance(7200)
  await deviceApprove.run(service, ada, deviceApprove.input.parse({ id: exempt.id, reason: 'Seen on her desk; used for the showroom' }))
  await deviceRefuse.run(service, ada, deviceRefuse.input.parse({ id: refused.id, reason: 'Her own tablet', textForPerson: 'Please use the tablet that the company gave you. Bring this one to the service desk if you think this is a mistake.' }))
  const serials = { good: await certificateOf(service, serialOf(14)), held: await certificateOf(service, serialOf(12)), revoked: await certificateOf(service, serialOf(10)) }
  await certHold.run(service, ada, certHold.input.parse({ device: await deviceOf(service, serialOf(12)), cause: 'Left in a taxi; asking the company' }))
  await certRevoke.run(service, ada, certRevoke.input.parse({ device: await deviceOf(service, serialOf(10)), reason: 'keyCompromise', cause: 'Stolen at the airport' }))
  await certRevoke.run(service, ada, certRevoke.input.parse({ person: addressOf(staff[8]!), reason: 'affiliationChanged', cause: 'Left the company at the end of February' }))
  await certHold.run(service, ada, certHold.input.parse({ certificate: await certificateOf(service, serialOf(6)), cause: 'Travels' }))
  service.clock.advance(3600)
  await certRelease.run(service, ada, certRelease.input.parse({ certificate: await certificateOf(service, serialOf(6)), cause: 'Is back' }))
  return {
    good: await deviceOf(service, serialOf(14)), held: await deviceOf(service, serialOf(12)), revoked: await deviceOf(service, serialOf(10)),
    waiting: waiting.id, exempt: exempt.id, refusedByHand: refused.id, pages: { approved: exempt.page, refusedByHand: refused.page }, serials,
  }
}

async function deviceOf({ db }: TestService, serialNumber: string): Promise<string> {
  const [device] = await db.query<{ id: string }>('select id from devices where serial_number = $1', [serialNumber])
  if (device === undefined) throw new Error(`no phone ${serialNumber}`)
  return device.id
}

async function certificateOf({ db }: TestService, serialNumber: string): Promise<string> {
  const [certificate] = await db.query<{ serial: string }>(`select encode(c.serial_number, 'hex') as serial from certificates c join devices d on d.id = c.device_id
    where d.serial_number = $1 and c.kind = 'device' order by c.created_at desc`, [serialNumber])
  if (certificate === undefined) throw new Error(`no certificate on ${serialNumber}`)
  return certificate.serial
}

export type Changes = Readonly<Record<'ready' | 'nobody' | 'counting' | 'applied' | 'later' | 'applying' | 'undone' | 'withdrawal', string>>

/** One change of policy in each state that it can stand in. */
export async function previewChanges(service: TestService): Promise<Changes> {
  const preview = async (edit: object): Promise<string> => (await policyPreview.run(service, ada, policyPreview.input.parse({ edit }))).id
  const below = async (version: string): Promise<string> => await preview({ kind: 'add-rule', rule: { verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: version } }, reason: `Holes that ${version} closes`, textForPerson: `Please update to iOS ${version}.` } })
  const apply = async (id: string, action: string, from?: string): Promise<void> => { await policyApply.run(service, ada, policyApply.input.parse({ id, action, ...from !== undefined && { from } })) }
  const [ready, nobody, counting, applying] = [await below('26.0'), await preview({ kind: 'add-rule', rule: { verdict: 'quarantine', conditions: { build: '24A*' }, reason: 'Betas' } }), await below('26.1'), await below('26.2')]
  const undone = await below('18.0')
  await apply(undone, 'hold')
  await advancePolicyChanges(service)
  await policyUndo.run(service, ada, { id: undone })
  await advancePolicyChanges(service)
  service.clock.advance(300)
  const applied = await preview({ kind: 'add-rule', rule: { verdict: 'block', conditions: { productType: 'iPhone10,*' }, reason: 'No new versions since 16.7', textForPerson: 'The iPhone 8 gets no new versions any more. The service desk has a newer one for you.' } })
  await apply(applied, 'hold')
  await advancePolicyChanges(service)
  const later = await preview({ kind: 'add-rule', rule: { verdict: 'block', conditions: { family: 'iPhone', osVersion: { below: '18.7' } }, reason: 'Holes that 18.7 closes' } })
  await apply(later, 'hold', '2026-04-10T00:00:00Z')
  const approvals = await service.db.query<{ id: string }>(`select id from approvals where pattern = 'iPhone12,8' and ended_at is null`)
  const withdrawal = await preview({ kind: 'withdraw', approvals: approvals.map(({ id }) => id) })
  // Of ten thousand phones; so many would take a while.
  await service.db.query(`update policy_changes set state = 'counting', total = 10000, checked = 4120, created_at = created_at - interval '14 seconds' where id = $1`, [counting])
  await service.db.query(`update policy_changes set state = 'applying', action = 'revoke', due_at = $2, applied_at = $2, applied_by = 'Ada Marsh' where id = $1`, [applying, service.now()])
  await service.db.query(`update policy_effects set outcome = 'revoked' where change_id = $1 and device_id < '80000000-0000-0000-0000-000000000000'`, [applying])
  return { ready, nobody, counting, applied, later, applying, undone, withdrawal }
}

/** Colleagues, keys to sign in with, tokens and front ends. */
export async function furnishOffice(service: TestService, adminId: string): Promise<void> {
  const now = service.now()
  const ago = (days: number): Date => new Date(now.getTime() - days * 86_400_000)
  await service.db.query('update admins set name = $2, email = $3, created_at = $4 where id = $1', [adminId, 'Ada Marsh', 'ada@northwind.example', ago(382)])
  await service.db.query(`update admins set name = 'Tom Bauer', email = 'revision@northwind.example' where role = 'auditor'`)
  await service.db.query('insert into admin_passwords values ($1, $3, $2)', [adminId, ago(40), await hashPassword(password)])
  for (const [name, days] of [['MacBook, Safari', 40], ['iPhone', 3]] as const) {
    await service.db.query(`insert into passkeys (credential_id, admin_id, name, public_key, sign_count, transports, backed_up, created_at, last_used_at)
      values ($1, $2, $3, '\\x00', 0, '{internal}', $4, $5, $6)`, [Buffer.from(name), adminId, name, days === 3, ago(days), days === 3 ? null : now])
  }
  await service.db.query(`insert into console_sessions (id, admin_id, token_sha256, method, created_at, last_seen_at, expires_at, address, user_agent)
    values (gen_random_uuid(), $1, '\\x01', 'passkey', $2, $2, $3, '2001:db8:85a3::8a2e:370:7334', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1')`,
  [adminId, new Date(now.getTime() - 1_900_000), new Date(now.getTime() + 3_600_000)])
  await adminCreate.run(service, ada, adminCreate.input.parse({ name: 'Ines Roth', email: 'ines.roth@subsidiary.northwind.example', role: 'operator' }))
  await tokenCreate.run(service, ada, tokenCreate.input.parse({ name: 'mail gateway', role: 'auditor', expiresAt: new Date(now.getTime() + 20 * 86_400_000).toISOString() }))
  await tokenCreate.run(service, ada, tokenCreate.input.parse({ name: 'nightly export of the inventory of both companies', role: 'operator', expiresAt: null }))
  for (const [name, kind] of [['mail', 'nginx'], ['intranet', 'haproxy'], ['old-gateway', 'apache']] as const) await frontEndAdd.run(service, ada, frontEndAdd.input.parse({ name, kind }))
  await frontEndEnd.run(service, ada, { name: 'old-gateway' })
}
