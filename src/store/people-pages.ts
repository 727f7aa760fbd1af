/** A person with what is theirs, as lists and their page show it. */
import type { Person } from '../devices/invitations.ts'
import type { AuditRecord } from './audit.ts'
import type { Queryable } from './db.ts'
import { afterKey, orderBy, parameters, personColumns, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

/** @property heldAt  since when nothing new is issued to any phone of theirs */
export type PersonListing = Person & { heldAt: Date | null, phones: number }

/** What ends when all of a person is revoked, and what is ended or closed already. */
export type PersonReach = { phones: number, phonesLockedOut: number, good: number, held: number, phonesWithCertificate: number, openInvitations: number }

export const peopleOrders = {
  created: { columns: [{ sql: 'p.created_at', type: 'timestamptz' }, { sql: 'p.id', type: 'uuid' }] },
  person: { columns: personColumns('p') },
} as const satisfies Record<string, Order>

const columns = `p.id, p.name, p.email, p.user_principal_name as "userPrincipalName", p.groups, p.language, p.held_at as "heldAt", p.created_at as "createdAt",
  (select count(*)::int from devices d where d.person_id = p.id) as phones`
const listing = `select ${columns} from people p`

export function personPages(db: Queryable) {
  return {
    find: async (id: string): Promise<PersonListing | undefined> => (await db.query<PersonListing>(`${listing} where p.id = $1`, [id]))[0],
    byEmail: async (email: string): Promise<PersonListing | undefined> => (await db.query<PersonListing>(`${listing} where lower(p.email) = lower($1)`, [email]))[0],
    async list(sorted: Sorted, limit: number): Promise<(PersonListing & { sortKey: SortKey })[]> {
      const { values, add } = parameters()
      const rows = await db.query<PersonListing & { sort_key: SortKey }>(`select ${columns}, ${sortKeyOf(sorted)} from people p where ${afterKey(sorted, add)} ${orderBy(sorted)} limit ${add(limit)}`, values)
      return rows.map(({ sort_key: sortKey, ...person }) => ({ ...person, sortKey }))
    },
    byIds: async (ids: readonly string[]): Promise<PersonListing[]> => await db.query<PersonListing>(`${listing} where p.id = any($1::uuid[]) order by p.created_at desc, p.id desc`, [ids]),
    async reach(id: string, now: Date): Promise<PersonReach> {
      const [row] = await db.query<PersonReach>(`
        select d.*, c.*, i.* from
          (select count(*)::int as phones, count(*) filter (where locked_out is not null)::int as "phonesLockedOut" from devices where person_id = $1) d,
          (select count(*) filter (where r.reason is null or r.reason = 8)::int as good, count(*) filter (where r.reason = 6)::int as held, count(distinct c.device_id)::int as "phonesWithCertificate"
            from devices d join certificates c on c.device_id = d.id left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
            where d.person_id = $1 and c.kind = 'device' and c.state = 'issued' and c.not_after >= $2 and (r.reason is null or r.reason in (6, 8))) c,
          (select count(*)::int as "openInvitations" from invitations i where person_id = $1 and ended_at is null and expires_at >= $2
            and (select count(*) from invitation_devices t where t.invitation_id = i.id) < i.devices_max) i`, [id, now])
      return row!
    },
    /** What was changed about them, their invitations, phones and certificates: the newest of the newest. */
    async changes(id: string, limit: number): Promise<AuditRecord[]> {
      const subjects = await db.query<{ subject: string }>(`
        (select 'device:' || id as subject from devices where person_id = $1 order by created_at desc limit 50)
        union all (select 'invitation:' || id from invitations where person_id = $1 order by created_at desc limit 50)
        union all (select 'certificate:' || encode(c.serial_number, 'hex') from devices d join certificates c on c.device_id = d.id
          where d.person_id = $1 and c.kind = 'device' order by c.created_at desc limit 100)`, [id])
      return await db.query<AuditRecord>('select id, at, actor, source, action, subject, detail from audit where subject = any($1::text[]) order by id desc limit $2',
        [[`person:${id}`, ...subjects.map(({ subject }) => subject)], limit])
    },
  }
}
