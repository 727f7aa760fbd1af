/** What the pages of phone owners read beside the story of an enrollment. */
import type { Queryable } from './db.ts'

/** The certificate that came of an enrollment. */
export type KeyOfEnrollment = { notBefore: Date, notAfter: Date, firstUsedAt: Date | null, state: 'good' | 'replaced' | 'held' | 'revoked' }
/** The newest good certificate of a device of this person. */
export type KeyOfPerson = { deviceId: string, productType: string, notBefore: Date, notAfter: Date }

export type PersonPageReads = {
  newestEnrollment(invitationId: string): Promise<{ id: string, updatedAt: Date } | undefined>
  keyOfEnrollment(enrollmentId: string): Promise<KeyOfEnrollment | undefined>
  keysOfPerson(personId: string, now: Date): Promise<KeyOfPerson[]>
}

const revoked = `(exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number and r.reason <> 8)
  or exists (select 1 from authorities a where a.id = c.authority_id and a.revoked_at is not null))`

/** Reasons of RFC 5280 §5.3.1. */
const stateOf = (revoked: boolean, reason: number | null): KeyOfEnrollment['state'] =>
  !revoked ? 'good' : reason === 4 ? 'replaced' : reason === 6 ? 'held' : 'revoked'

export const personPageReads = (db: Queryable): PersonPageReads => ({
  /** The one that something happened to last: mail scanners begin enrollments too, and nothing follows. */
  async newestEnrollment(invitationId) {
    const [row] = await db.query<{ id: string, updated_at: Date }>(`select id, updated_at from
      (select id, updated_at from enrollments where invitation_id = $1 order by created_at desc limit 100) newest
      order by updated_at desc, id limit 1`, [invitationId])
    return row === undefined ? undefined : { id: row.id, updatedAt: row.updated_at }
  },
  async keyOfEnrollment(enrollmentId) {
    const [row] = await db.query(`select c.not_before, c.not_after, c.first_used_at, ${revoked} as revoked, r.reason from certificates c
      left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
      where c.enrollment_id = $1 and c.kind = 'device' and c.state = 'issued' order by c.created_at desc limit 1`, [enrollmentId])
    return row === undefined ? undefined : { notBefore: row.not_before, notAfter: row.not_after, firstUsedAt: row.first_used_at, state: stateOf(row.revoked, row.reason) }
  },
  async keysOfPerson(personId, now) {
    const rows = await db.query(`select distinct on (d.id) d.id, d.product_type, c.not_before, c.not_after from devices d
      join certificates c on c.device_id = d.id and c.kind = 'device' and c.state = 'issued'
      where d.person_id = $1 and c.not_after > $2 and not ${revoked} order by d.id, c.not_after desc, c.created_at desc limit 20`, [personId, now])
    return rows.map(row => ({ deviceId: row.id, productType: row.product_type, notBefore: row.not_before, notAfter: row.not_after }))
  },
})
