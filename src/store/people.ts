import type { Language, Person } from '../devices/invitations.ts'
import type { Queryable } from './db.ts'

type PersonRow = { id: string, name: string, email: string, user_principal_name: string | null, groups: string[], language: Language | null, created_at: Date }
const columns = 'id, name, email, user_principal_name, groups, language, created_at'

const personOf = (row: PersonRow): Person => ({
  id: row.id, name: row.name, email: row.email, userPrincipalName: row.user_principal_name, groups: row.groups, language: row.language, createdAt: row.created_at,
})

export function personStore(db: Queryable) {
  const first = async (where: string, value: unknown): Promise<Person | undefined> => {
    const [row] = await db.query<PersonRow>(`select ${columns} from people where ${where}`, [value])
    return row === undefined ? undefined : personOf(row)
  }
  return {
    find: async (id: string) => await first('id = $1', id),
    /** Case does not count in an address. */
    byEmail: async (email: string) => await first('lower(email) = lower($1)', email),
    /** @returns false when nothing changed */
    hold: async (id: string, now: Date) => (await db.query('update people set held_at = $2 where id = $1 and held_at is null returning 1', [id, now])).length === 1,
    release: async (id: string) => (await db.query('update people set held_at = null where id = $1 and held_at is not null returning 1', [id])).length === 1,
    /** The same, until the transaction ends. */
    lockByEmail: async (email: string) => await first('lower(email) = lower($1) for no key update', email),
    /** A unique violation of `people_by_user_principal_name` when somebody else has that one. @returns false when there is somebody of that address */
    async add(p: Person): Promise<boolean> {
      return (await db.query(`insert into people (${columns}) values ($1, $2, $3, $4, $5, $6, $7) on conflict (lower(email)) do nothing returning 1`,
        [p.id, p.name, p.email, p.userPrincipalName, p.groups, p.language, p.createdAt])).length === 1
    },
    /** Writes all but id and address over what is on record. A unique violation as in `add`. */
    async update(p: Person): Promise<void> {
      await db.query('update people set name = $2, user_principal_name = $3, groups = $4, language = $5 where id = $1', [p.id, p.name, p.userPrincipalName, p.groups, p.language])
    },
  }
}
