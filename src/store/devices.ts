import type { EvidenceGrade } from '../devices/evidence.ts'
import type { EnrollmentState } from '../enrollment/records.ts'
import type { Decision, LockOut } from '../policy/decide.ts'
import { json, type Queryable } from './db.ts'
import { afterKey, orderBy, parameters, personColumns, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

/** A device as lists show it, with its newest enrollment. Instants inside the decision are text: it was JSON. */
export type DeviceListing = {
  id: string
  personId: string
  personName: string
  personEmail: string
  udid: string
  serialNumber: string
  productType: string
  build: string | null
  osVersion: string | null
  grade: EvidenceGrade
  test: boolean
  knownAt: Date
  createdAt: Date
  lockedOut: LockOut | null
  enrollment: { id: string, invitationId: string, state: EnrollmentState, decision: Decision | null, decidedAt: Date | null } | null
}

export type EvidenceListing = { id: string, kind: string, grade: EvidenceGrade, test: boolean, sha256: Buffer, receivedAt: Date }
export type DeviceFilter = { personId?: string | undefined, sorted?: Sorted, limit: number }

/** Orders of the list of all, and of those that wait. */
export const deviceOrders = {
  created: { columns: [{ sql: 'd.created_at', type: 'timestamptz' }, { sql: 'd.id', type: 'uuid' }] },
  person: { columns: [...personColumns('p'), { sql: 'd.id', type: 'uuid' }], outer: 2 },
  model: { columns: [{ sql: 'd.product_type', type: 'text' }, { sql: 'd.created_at', type: 'timestamptz' }, { sql: 'd.id', type: 'uuid' }] },
} as const satisfies Record<string, Order>
export const waitingOrders = { waiting: { columns: [{ sql: 'd.waiting_since', type: 'timestamptz' }, { sql: 'd.id', type: 'uuid' }] } } as const satisfies Record<string, Order>

const columns = `d.id, d.person_id, d.udid, d.serial_number, d.product_type, d.build, d.os_version, d.grade, d.test, d.known_at, d.created_at, d.locked_out,
  p.name as person_name, p.email as person_email, e.id as enrollment_id, e.invitation_id, e.state, e.decision, e.decided_at`
const joined = `devices d join people p on p.id = d.person_id
    left join lateral (select * from enrollments where device_id = d.id order by created_at desc limit 1) e on true`
const listing = `select ${columns} from ${joined}`

const listingOf = (row: any): DeviceListing => ({
  id: row.id, personId: row.person_id, personName: row.person_name, personEmail: row.person_email, udid: row.udid, serialNumber: row.serial_number,
  productType: row.product_type, build: row.build, osVersion: row.os_version, grade: row.grade, test: row.test, knownAt: row.known_at, createdAt: row.created_at,
  lockedOut: row.locked_out,
  enrollment: row.enrollment_id === null ? null
    : { id: row.enrollment_id, invitationId: row.invitation_id, state: row.state, decision: row.decision, decidedAt: row.decided_at },
})

async function listed(db: Queryable, { personId, sorted: asked, limit }: DeviceFilter, unasked: Sorted, which: string): Promise<(DeviceListing & { sortKey: SortKey })[]> {
  const sorted = asked ?? unasked
  const { values, add } = parameters()
  const conditions = [which, afterKey(sorted, add), ...personId === undefined ? [] : [`d.person_id = ${add(personId)}`]]
  return (await db.query(`select ${columns}, ${sortKeyOf(sorted)} from ${joined} where ${conditions.join(' and ')} ${orderBy(sorted)} limit ${add(limit)}`, values))
    .map(row => ({ ...listingOf(row), sortKey: row['sort_key'] }))
}

export function deviceStore(db: Queryable) {
  return {
    /** Until the transaction ends, nothing is issued to this device. */
    async lock(id: string): Promise<void> { await db.query('select 1 from devices where id = $1 for no key update', [id]) },
    /** Nor to any device of this person. In order, so that two who lock them all do not wait for each other. */
    async lockAllOf(personId: string): Promise<void> { await db.query('select 1 from devices where person_id = $1 order by id for no key update', [personId]) },
    /** A revoked device is not softened to a held one. @returns false when nothing changed */
    async lockOut(id: string, how: LockOut): Promise<boolean> {
      return (await db.query(`update devices set locked_out = $2 where id = $1 and locked_out is distinct from $2 and locked_out is distinct from 'revoked' returning 1`, [id, how])).length === 1
    },
    /** @returns what it was */
    async letIn(id: string): Promise<LockOut | null> {
      const [row] = await db.query<{ locked_out: LockOut | null }>('select locked_out from devices where id = $1', [id])
      await db.query('update devices set locked_out = null where id = $1 and locked_out is not null', [id])
      return row?.locked_out ?? null
    },
    /** Ends the holds of all devices of a person; those that were revoked stay so. @returns their ids */
    letInHeldOf: async (personId: string): Promise<string[]> =>
      (await db.query<{ id: string }>(`update devices set locked_out = null where person_id = $1 and locked_out = 'held' returning id`, [personId])).map(row => row.id),
    async find(id: string): Promise<DeviceListing | undefined> {
      const [row] = await db.query(`${listing} where d.id = $1`, [id])
      return row === undefined ? undefined : listingOf(row)
    },
    /** Newest first. */
    async byIds(ids: readonly string[]): Promise<DeviceListing[]> {
      return (await db.query(`${listing} where d.id = any($1::uuid[]) order by d.created_at desc, d.id desc`, [ids])).map(listingOf)
    },
    /** One phone can be on record for several people. */
    byUdid: async (udid: string): Promise<string[]> => (await db.query<{ id: string }>('select id from devices where udid = $1 order by id limit 100', [udid])).map(row => row.id),
    list: async (filter: DeviceFilter) => await listed(db, filter, { order: deviceOrders.created, descending: true }, 'true'),
    /** Those that wait for somebody's decision. */
    waiting: async (filter: DeviceFilter) => await listed(db, filter, { order: waitingOrders.waiting, descending: true }, 'd.waiting_since is not null'),
    /** Of this model, the longest waiting first: their ids. */
    waitingOfModel: async (productType: string, limit: number): Promise<string[]> =>
      (await db.query<{ id: string }>('select id from devices where waiting_since is not null and product_type = $1 order by waiting_since, id limit $2', [productType, limit])).map(row => row.id),
    async evidence(id: string, limit: number): Promise<EvidenceListing[]> {
      return await db.query<EvidenceListing>(`select id, kind, grade, test, raw_sha256 as sha256, received_at as "receivedAt"
        from evidence where device_id = $1 order by received_at desc limit $2`, [id, limit])
    },
    /** Writes the outcome of a quarantine. @returns false when the enrollment is no longer in the state `from` */
    async settle(enrollmentId: string, from: EnrollmentState, to: EnrollmentState, decision: Decision, now: Date): Promise<boolean> {
      return (await db.query(`update enrollments set state = $3, decision = $4, updated_at = $5 where id = $1 and state = $2 returning 1`,
        [enrollmentId, from, to, json(decision), now])).length === 1
    },
    /** Puts the enrollment of a phone that has its certificate into quarantine. */
    async setAside(enrollmentId: string, decision: Decision, now: Date): Promise<void> {
      await db.query(`update enrollments set state = 'quarantined', decision = $2, decided_at = $3, updated_at = $3 where id = $1 and state = 'issued'`, [enrollmentId, json(decision), now])
    },
    hasCertificateOf: async (enrollmentId: string): Promise<boolean> =>
      (await db.query(`select 1 from certificates where enrollment_id = $1 and kind = 'device' and state = 'issued' limit 1`, [enrollmentId])).length > 0,
  }
}
