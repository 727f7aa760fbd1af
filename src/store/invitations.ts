import type { CreatedInvitation, Invitation, InvitationKeyOrigin } from '../devices/invitations.ts'
import type { EnrollmentState, EnrollmentStep } from '../enrollment/records.ts'
import type { Queryable } from './db.ts'
import { afterKey, orderBy, parameters, personColumns, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

type InvitationRow = {
  id: string, person_id: string, template: string, key_origin: InvitationKeyOrigin, devices_max: number
  expires_at: Date, ended_at: Date | null, created_at: Date, created_by: string
}
const columns = 'i.id, i.person_id, i.template, i.key_origin, i.devices_max, i.expires_at, i.ended_at, i.created_at, i.created_by'

const invitationOf = (row: InvitationRow): Invitation => ({
  id: row.id, personId: row.person_id, template: row.template, keyOrigin: row.key_origin, devicesMax: row.devices_max,
  expiresAt: row.expires_at, endedAt: row.ended_at, createdAt: row.created_at, createdBy: row.created_by,
})

/** An invitation as lists show it. */
export type InvitationListing = Invitation & { personName: string, personEmail: string, placesTaken: number, attempt: Attempt | null }
/** The newest enrollment under it. `because` and `reason` are those of the decision. */
export type Attempt = {
  enrollmentId: string, state: EnrollmentState, error: string | null, step: EnrollmentStep | null, because: string | null, reason: string | null, deviceId: string | null, at: Date
}
export type InvitationFilter = { personId?: string | undefined, sorted?: Sorted, limit: number }

export const invitationOrders = {
  created: { columns: [{ sql: 'i.created_at', type: 'timestamptz' }, { sql: 'i.id', type: 'uuid' }] },
  person: { columns: [...personColumns('p'), { sql: 'i.id', type: 'uuid' }], outer: 2 },
  ends: { columns: [{ sql: 'i.expires_at', type: 'timestamptz' }, { sql: 'i.id', type: 'uuid' }] },
} as const satisfies Record<string, Order>

const attemptColumns = `e.id as "enrollmentId", e.state, e.last_error as error, e.last_error_step as step, e.decision ->> 'code' as because,
  e.decision ->> 'textForAdmin' as reason, e.device_id as "deviceId", e.updated_at as at`
const listingColumns = `${columns}, p.name as person_name, p.email as person_email,
  (select count(*)::int from invitation_devices d where d.invitation_id = i.id) as taken, ${attemptColumns}`
const listed = `
    from invitations i join people p on p.id = i.person_id
      left join lateral (select * from enrollments where invitation_id = i.id order by created_at desc limit 1) e on true`
type ListingRow = InvitationRow & { person_name: string, person_email: string, taken: number } & Attempt

const listingOf = (row: ListingRow): InvitationListing => ({
  ...invitationOf(row), personName: row.person_name, personEmail: row.person_email, placesTaken: row.taken, attempt: row.enrollmentId === null ? null : attemptOf(row),
})

const attemptOf = ({ enrollmentId, state, error, step, because, reason, deviceId, at }: Attempt): Attempt => ({ enrollmentId, state, error, step, because, reason, deviceId, at })

export function invitationStore(db: Queryable) {
  const first = async (where: string, value: unknown): Promise<Invitation | undefined> => {
    const [row] = await db.query<InvitationRow>(`select ${columns} from invitations i where ${where}`, [value])
    return row === undefined ? undefined : invitationOf(row)
  }
  return {
    async add({ invitation: i, tokenSha256: hash }: CreatedInvitation): Promise<void> {
      await db.query(`
        insert into invitations (id, person_id, token_sha256, template, key_origin, devices_max, expires_at, ended_at, created_at, created_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [i.id, i.personId, hash, i.template, i.keyOrigin, i.devicesMax, i.expiresAt, i.endedAt, i.createdAt, i.createdBy])
    },
    find: async (id: string) => await first('i.id = $1', id),
    async placesTaken(id: string): Promise<number> {
      return (await db.query<{ taken: number }>('select count(*)::int as taken from invitation_devices where invitation_id = $1', [id]))[0]!.taken
    },
    /** Of these addresses, in lower case: who is on record, and who can still use an earlier invitation. At most as many as are asked for. */
    async known(emails: readonly string[], now: Date): Promise<{ email: string, name: string, invited: boolean }[]> {
      return await db.query(`select lower(p.email) as email, p.name, exists (select 1 from invitations i
          where i.person_id = p.id and i.ended_at is null and i.expires_at >= $2
            and (select count(*) from invitation_devices d where d.invitation_id = i.id) < i.devices_max) as invited
        from people p where lower(p.email) = any($1::text[])`, [emails, now])
    },
    /** Another link, which opens until then; the one before opens nothing any more. @returns false when the invitation has ended */
    async replaceLink(id: string, tokenSha256: Buffer, expiresAt: Date): Promise<boolean> {
      return (await db.query('update invitations set token_sha256 = $2, expires_at = $3 where id = $1 and ended_at is null returning 1', [id, tokenSha256, expiresAt])).length === 1
    },
    /** @returns false when it had ended before */
    async end(id: string, now: Date): Promise<boolean> {
      return (await db.query('update invitations set ended_at = $2 where id = $1 and ended_at is null returning 1', [id, now])).length === 1
    },
    /** Ends those that have run out as well: what began before may be under way. @returns how many had not ended */
    async endAllOf(personId: string, now: Date): Promise<number> {
      await this.lockAllOf(personId)
      return (await db.query('update invitations set ended_at = $2 where person_id = $1 and ended_at is null returning 1', [personId, now])).length
    },
    /** Until the transaction ends, nothing is issued under any invitation of this person. In order, so that two who do this do not wait for each other. */
    async lockAllOf(personId: string): Promise<void> { await db.query('select 1 from invitations where person_id = $1 order by id for no key update', [personId]) },
    /** Ends those with which this device has a certificate or is on its way to one. @returns how many had not ended */
    async endAllWith(deviceId: string, now: Date): Promise<number> {
      const rows = await db.query<{ id: string }>(`select id from invitations where ended_at is null and id in (
        select invitation_id from invitation_devices where device_id = $1 union select invitation_id from enrollments where device_id = $1)
        order by id for no key update`, [deviceId])
      return (await db.query('update invitations set ended_at = $2 where id = any($1::uuid[]) and ended_at is null returning 1', [rows.map(row => row.id), now])).length
    },
    async list({ personId, sorted = { order: invitationOrders.created, descending: true }, limit }: InvitationFilter): Promise<(InvitationListing & { sortKey: SortKey })[]> {
      const { values, add } = parameters()
      const conditions = [afterKey(sorted, add), ...personId === undefined ? [] : [`i.person_id = ${add(personId)}`]]
      return (await db.query<ListingRow & { sort_key: SortKey }>(`select ${listingColumns}, ${sortKeyOf(sorted)} ${listed} where ${conditions.join(' and ')} ${orderBy(sorted)} limit ${add(limit)}`, values))
        .map(row => ({ ...listingOf(row), sortKey: row.sort_key }))
    },
    async listing(id: string): Promise<InvitationListing | undefined> {
      const [row] = await db.query<ListingRow>(`select ${listingColumns} ${listed} where i.id = $1`, [id])
      return row === undefined ? undefined : listingOf(row)
    },
    /** Newest first. */
    attempts: async (id: string, limit: number): Promise<Attempt[]> =>
      await db.query<Attempt>(`select ${attemptColumns} from enrollments e where invitation_id = $1 order by created_at desc limit $2`, [id, limit]),
  }
}
