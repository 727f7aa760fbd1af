/** Changes of policy that are previewed, applied and taken back in slices, and what each reaches. */
import type { DeviceRecord } from '../enrollment/records.ts'
import { onlyPhoneOf, type PolicyEdit } from '../policy/preview.ts'
import type { Approval, Exemption, Rule, Verdict } from '../policy/rules.ts'
import { json, type Queryable } from './db.ts'
import { inventoryOf } from './inventory.ts'

export type ChangeState = 'counting' | 'ready' | 'applying' | 'applied' | 'undoing' | 'undone'
export type ChangeAction = 'leave' | 'hold' | 'revoke'
export type PolicyChange = {
  id: string, edit: PolicyEdit, state: ChangeState, createdAt: Date, createdBy: string, source: string
  total: number, checked: number, checkedTo: string | null
  action: ChangeAction | null, dueAt: Date | null, notify: boolean
  appliedAt: Date | null, appliedBy: string | null, undoneAt: Date | null, undoneBy: string | null
  /** ids of what was put in force, for taking it back */
  added: string[]
}
export type NewEffect = {
  deviceId: string, serialNumber: Buffer, authorityId: number | null, invitationId: string, effect: 'stops' | 'starts'
  verdict: Verdict, help: 'update' | 'no-update' | null, why: string, personText: string
}
export type Outcome = 'held' | 'revoked' | 'released' | 'passed-over' | 'left'
export type EffectKey = { deviceId: string, serialNumber: Buffer, authorityId: number }
export type EffectListing = NewEffect & { outcome: Outcome | null, personId: string, personName: string, personEmail: string, productType: string, osVersion: string | null, build: string | null, grade: DeviceRecord['grade'], test: boolean }
export type EffectCounts = { certificates: number, people: number, phones: number, updatable: number, starts: number, held: number, revoked: number, released: number, passedOver: number, left: number }
/** A phone as a slice looks at it. */
export type Candidate = {
  device: DeviceRecord, invitation: { id: string, person: { email: string, groups: string[], held: boolean } } | null
  certificates: { authorityId: number, serialNumber: Buffer, held: boolean }[]
}

const approvalIn = (a: Approval): Approval => ({ ...a, notBefore: new Date(a.notBefore), notAfter: a.notAfter === null ? null : new Date(a.notAfter), endedAt: a.endedAt === null ? null : new Date(a.endedAt) })
const ruleIn = (rule: Rule): Rule => ({ ...rule, createdAt: new Date(rule.createdAt) })
/** Instants were text in the JSON. */
function editIn(edit: PolicyEdit): PolicyEdit {
  if ('rule' in edit) return { ...edit, rule: ruleIn(edit.rule) }
  if ('exemption' in edit) return { ...edit, exemption: { ...edit.exemption, notAfter: new Date(edit.exemption.notAfter) } }
  return { ...edit, approvals: edit.approvals.map(approvalIn) }
}

const changeOf = (row: any): PolicyChange => ({
  id: row.id, edit: editIn(row.edit), state: row.state, createdAt: row.created_at, createdBy: row.created_by, source: row.source, total: row.total, checked: row.checked,
  checkedTo: row.checked_to, action: row.action, dueAt: row.due_at, notify: row.notify, appliedAt: row.applied_at, appliedBy: row.applied_by, undoneAt: row.undone_at,
  undoneBy: row.undone_by, added: row.added,
})

const deviceOf = (row: any): DeviceRecord => ({
  id: row.id, personId: row.person_id, udid: row.udid, serialNumber: row.serial_number, productType: row.product_type, build: row.build, osVersion: row.os_version,
  grade: row.grade, test: row.test, knownAt: row.known_at, lockedOut: row.locked_out, inventory: row.inventory,
})

/** How many there are: counted up to a limit, and as the planner knows it beyond, since counting would read them all. */
const someDevices = `select case when f.n < 50000 then f.n else greatest(f.n, c.reltuples::int) end
  from (select count(*)::int as n from (select 1 from devices limit 50000) d) f, pg_class c where c.oid = 'devices'::regclass`

export function policyChangeStore(db: Queryable) {
  const first = async (text: string, params: unknown[]): Promise<PolicyChange | undefined> => {
    const [row] = await db.query(text, params)
    return row === undefined ? undefined : changeOf(row)
  }
  return {
    async add(change: Pick<PolicyChange, 'id' | 'edit' | 'createdAt' | 'createdBy' | 'source'>): Promise<void> {
      await db.query(`insert into policy_changes (id, edit, state, created_at, created_by, source, total)
        values ($1, $2, 'counting', $3, $4, $5, coalesce($6::int, (${someDevices})))`,
      [change.id, json(change.edit), change.createdAt, change.createdBy, change.source, onlyPhoneOf(change.edit) === undefined ? null : 1])
    },
    /** One that nobody previewed; whom it reaches is counted while it is in force, and left as it is. */
    async addInForce(change: Pick<PolicyChange, 'id' | 'edit' | 'createdAt' | 'createdBy' | 'source' | 'added'>): Promise<void> {
      await this.add(change)
      await db.query(`update policy_changes set action = 'leave', due_at = created_at, applied_at = created_at, applied_by = created_by, added = $2 where id = $1`, [change.id, change.added])
    },
    /** Previews that nobody applied. */
    async prune(before: Date): Promise<void> {
      await db.query(`delete from policy_changes where id in (select id from policy_changes where state in ('counting', 'ready') and applied_at is null and created_at < $1 order by created_at limit 10)`, [before])
    },
    find: async (id: string) => await first('select * from policy_changes where id = $1', [id]),
    lock: async (id: string) => await first('select * from policy_changes where id = $1 for update', [id]),
    /** The oldest that has something to do, for whoever asks first. */
    underWay: async (now: Date) => await first(`select * from policy_changes
      where state in ('counting', 'applying', 'undoing') and (state <> 'applying' or due_at <= $1) order by created_at limit 1 for update skip locked`, [now]),
    async list(before: { createdAt: Date, id: string } | undefined, limit: number): Promise<PolicyChange[]> {
      return (await db.query(`select * from policy_changes where ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid)) order by created_at desc, id desc limit $3`,
        [before?.createdAt, before?.id, limit])).map(changeOf)
    },
    async save(id: string, c: Pick<PolicyChange, 'state' | 'checked' | 'checkedTo' | 'action' | 'dueAt' | 'notify' | 'appliedAt' | 'appliedBy' | 'undoneAt' | 'undoneBy' | 'added'>): Promise<void> {
      await db.query(`update policy_changes set state = $2, checked = $3, checked_to = $4, action = $5, due_at = $6, notify = $7, applied_at = $8, applied_by = $9,
        undone_at = $10, undone_by = $11, added = $12 where id = $1`,
      [id, c.state, c.checked, c.checkedTo, c.action, c.dueAt, c.notify, c.appliedAt, c.appliedBy, c.undoneAt, c.undoneBy, c.added])
    },
    /** Phones after this one, in the order of their ids. */
    async candidates(after: string | null, now: Date, limit: number): Promise<Candidate[]> {
      return await candidatesOf(db, await db.query(`${candidate} where ($1::uuid is null or d.id > $1) order by d.id limit $2`, [after, limit]), now)
    },
    candidatesById: async (ids: readonly string[], now: Date): Promise<Candidate[]> => await candidatesOf(db, await db.query(`${candidate} where d.id = any($1::uuid[])`, [ids]), now),
    async exemptionsOf(deviceIds: readonly string[], now: Date): Promise<Exemption[]> {
      return await db.query<Exemption>(`select id, device_id as "deviceId", invitation_id as "invitationId", verdict, least_evidence as evidence, reason, author, not_after as "notAfter",
        text_for_person as "textForPerson" from exemptions where device_id = any($1::uuid[]) and ended_at is null and not_after >= $2`, [deviceIds, now])
    },
    ...effects(db),
  }
}

const candidate = `select d.*, ${inventoryOf('d')}, p.email, p.groups, p.held_at is not null as held, coalesce(c.invitation_id, e.invitation_id) as invitation_id from devices d
  join people p on p.id = d.person_id
  left join lateral (select invitation_id from certificates where device_id = d.id and kind = 'device' and state = 'issued' order by created_at desc limit 1) c on true
  left join lateral (select invitation_id from enrollments where device_id = d.id order by created_at desc limit 1) e on true`

async function candidatesOf(db: Queryable, rows: any[], now: Date): Promise<Candidate[]> {
  const certificates = await db.query<{ device_id: string, authority_id: number, serial_number: Buffer, held: boolean }>(`
    select c.device_id, c.authority_id, c.serial_number, coalesce(r.reason = 6, false) as held from certificates c
      left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
    where c.device_id = any($1::uuid[]) and c.kind = 'device' and c.state = 'issued' and c.not_after >= $2 and (r.serial_number is null or r.reason in (6, 8))`,
  [rows.map(row => row.id), now])
  const byDevice = Map.groupBy(certificates, certificate => certificate.device_id)
  return rows.map(row => ({
    device: deviceOf(row), invitation: row.invitation_id === null ? null : { id: row.invitation_id, person: { email: row.email, groups: row.groups, held: row.held } },
    certificates: (byDevice.get(row.id) ?? []).map(({ authority_id: authorityId, serial_number: serialNumber, held }) => ({ authorityId, serialNumber, held })),
  }))
}

function effects(db: Queryable) {
  const keys = async (changeId: string, where: string, limit: number): Promise<EffectKey[]> => await db.query<EffectKey>(`
    select device_id as "deviceId", serial_number as "serialNumber", authority_id as "authorityId" from policy_effects
    where change_id = $1 and ${where} order by device_id, serial_number limit $2`, [changeId, limit])
  return {
    async addEffects(changeId: string, found: readonly NewEffect[]): Promise<void> {
      if (found.length === 0) return
      await db.query(`insert into policy_effects (change_id, device_id, serial_number, authority_id, invitation_id, effect, verdict, help, why, person_text)
        select $1, * from unnest($2::uuid[], $3::bytea[], $4::smallint[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) on conflict do nothing`,
      [changeId, found.map(e => e.deviceId), found.map(e => e.serialNumber), found.map(e => e.authorityId), found.map(e => e.invitationId), found.map(e => e.effect),
        found.map(e => e.verdict), found.map(e => e.help), found.map(e => e.why), found.map(e => e.personText)])
    },
    due: async (changeId: string, limit: number) => await keys(changeId, "effect = 'stops' and outcome is null", limit),
    held: async (changeId: string, limit: number) => await keys(changeId, "outcome = 'held'", limit),
    async settle(changeId: string, settled: readonly (EffectKey & { outcome: Outcome })[]): Promise<void> {
      await db.query(`update policy_effects e set outcome = s.outcome from unnest($2::uuid[], $3::bytea[], $4::text[]) s (device_id, serial_number, outcome)
        where e.change_id = $1 and e.effect = 'stops' and e.device_id = s.device_id and e.serial_number = s.serial_number`,
      [changeId, settled.map(e => e.deviceId), settled.map(e => e.serialNumber), settled.map(e => e.outcome)])
    },
    /** Kept by the database as effects are found and settled. */
    async counts(changeId: string): Promise<EffectCounts> {
      const [row] = await db.query<EffectCounts>(`select certificates, people, phones, updatable, starts, held, revoked, released, passed_over as "passedOver", left_alone as "left" from policy_changes where id = $1`, [changeId])
      return row!
    },
    async listEffects(changeId: string, effect: 'stops' | 'starts', after: { deviceId: string, serialNumber: Buffer } | undefined, limit: number): Promise<EffectListing[]> {
      return await db.query<EffectListing>(`
        select e.device_id as "deviceId", e.serial_number as "serialNumber", e.authority_id as "authorityId", e.invitation_id as "invitationId", e.effect, e.verdict, e.help, e.why,
          e.person_text as "personText", e.outcome, p.id as "personId", p.name as "personName", p.email as "personEmail", d.product_type as "productType", d.os_version as "osVersion", d.build, d.grade, d.test
        from policy_effects e join devices d on d.id = e.device_id join people p on p.id = d.person_id
        where e.change_id = $1 and e.effect = $2 and ($3::uuid is null or (e.device_id, e.serial_number) > ($3, $4::bytea))
        order by e.device_id, e.serial_number limit $5`, [changeId, effect, after?.deviceId, after?.serialNumber, limit])
    },
    /** One message to each person whose certificates stop, with what their phone's owner is told. */
    async notifyPeople(changeId: string, subject: string, before: string, after: string, now: Date): Promise<void> {
      await db.query(`insert into outbox (kind, event, recipient, subject, body, created_at, due_at)
        select 'mail', 'policy.change', email, $2, $3 || string_agg(distinct person_text, E'\\n') || $4, $5, $5
        from policy_effects e join devices d on d.id = e.device_id join people p on p.id = d.person_id
        where e.change_id = $1 and e.effect = 'stops' group by p.id, p.email`, [changeId, subject, before, after, now])
    },
  }
}
