import type { Queryable } from './db.ts'

/** Each may do what those before it may. */
export const roles = ['auditor', 'operator', 'admin'] as const
export type Role = typeof roles[number]
export type Admin = { id: string, name: string, email: string, role: Role, createdAt: Date, endedAt: Date | null }
/**
 * @property actsAs  its role, and never more than that of whoever has it or made it has now
 * @property scope  what it is kept to, `invitations` or `invitations:read`; null is all that its role may
 */
export type Token = {
  id: string, name: string, role: Role, actsAs: Role, scope: readonly string[] | null, adminId: string | null, madeBy: string | null, createdAt: Date, expiresAt: Date | null, endedAt: Date | null
}

type AdminRow = { id: string, name: string, email: string, role: Role, created_at: Date, ended_at: Date | null }
type TokenRow = { id: string, name: string, role: Role, scope: string[] | null, admin_id: string | null, made_by: string | null, created_at: Date, expires_at: Date | null, ended_at: Date | null, owner: Role | null, maker: Role | null }

const adminColumns = 'id, name, email, role, created_at, ended_at'
const tokenColumns = 'id, name, role, scope, admin_id, made_by, created_at, expires_at, ended_at'

const adminOf = (row: AdminRow): Admin =>
  ({ id: row.id, name: row.name, email: row.email, role: row.role, createdAt: row.created_at, endedAt: row.ended_at })
const lowest = (of: readonly Role[]): Role => roles.find(role => of.includes(role))!
const tokenOf = (row: TokenRow): Token => ({
  id: row.id, name: row.name, role: row.role, actsAs: lowest([row.role, row.owner ?? row.role, row.maker ?? row.role]), scope: row.scope, adminId: row.admin_id, madeBy: row.made_by, createdAt: row.created_at, expiresAt: row.expires_at, endedAt: row.ended_at,
})

export function adminStore(db: Queryable) {
  return {
    /** A unique violation of `admins_by_email` when somebody in office has that address. */
    async add(a: Admin): Promise<void> {
      await db.query(`insert into admins (${adminColumns}) values ($1, $2, $3, $4, $5, $6)`, [a.id, a.name, a.email, a.role, a.createdAt, a.endedAt])
    },
    async list(): Promise<Admin[]> {
      return (await db.query<AdminRow>(`select ${adminColumns} from admins where ended_at is null order by created_at, id`)).map(adminOf)
    },
    /** Somebody in office. */
    async find(id: string): Promise<Admin | undefined> {
      const [row] = await db.query<AdminRow>(`select ${adminColumns} from admins where id = $1 and ended_at is null`, [id])
      return row === undefined ? undefined : adminOf(row)
    },
    /** Who is in office and stays so until the transaction ends. */
    async lockInOffice(id: string): Promise<Admin | undefined> {
      const [row] = await db.query<AdminRow>(`select ${adminColumns} from admins where id = $1 and ended_at is null for share`, [id])
      return row === undefined ? undefined : adminOf(row)
    },
    /** Somebody in office, whom nobody else changes until the transaction ends. */
    async lockForChange(id: string): Promise<Admin | undefined> {
      const [row] = await db.query<AdminRow>(`select ${adminColumns} from admins where id = $1 and ended_at is null for update`, [id])
      return row === undefined ? undefined : adminOf(row)
    },
    /** Ends the admin, every token that is theirs or that they were told, and the setup links that they made or that are for them; sessions end with their admin. */
    async end(id: string, now: Date): Promise<{ admin: Admin, tokensEnded: number } | undefined> {
      const [row] = await db.query<AdminRow>(`update admins set ended_at = $2 where id = $1 and ended_at is null returning ${adminColumns}`, [id, now])
      if (row === undefined) return undefined
      await db.query('update setup_links set consumed_at = $2 where (admin_id = $1 or for_admin = $1) and consumed_at is null', [id, now])
      const ended = await db.query('update tokens set ended_at = $2 where (admin_id = $1 or made_by = $1) and ended_at is null returning 1', [id, now])
      return { admin: adminOf(row), tokensEnded: ended.length }
    },
    /** Until the transaction ends, nobody else ends an admin or changes one's role. In order, so that two who do this do not wait for each other. */
    async lockAdmins(): Promise<string[]> {
      return (await db.query<{ id: string }>(`select id from admins where ended_at is null and role = 'admin' order by id for update`)).map(({ id }) => id)
    },
    /** Also ends the setup links that they made when they may make none any more: whoever has one would become an admin. */
    async setRole(id: string, role: Role, now: Date): Promise<void> {
      await db.query('update admins set role = $2 where id = $1', [id, role])
      if (role !== 'admin') await db.query('update setup_links set consumed_at = $2 where admin_id = $1 and consumed_at is null', [id, now])
    },
    /** Operators and auditors do not count: they can make no admin. */
    async anyInOffice(): Promise<boolean> {
      return (await db.query(`select 1 from admins where ended_at is null and role = 'admin' limit 1`)).length > 0
    },
  }
}

const withRoles = `select ${tokenColumns.split(', ').map(column => `t.${column}`).join(', ')}, a.role as owner, m.role as maker
  from tokens t left join admins a on a.id = t.admin_id left join admins m on m.id = t.made_by`

export function tokenStore(db: Queryable) {
  return {
    async add(t: Omit<Token, 'actsAs'>, tokenSha256: Buffer): Promise<void> {
      await db.query(`insert into tokens (${tokenColumns}, token_sha256) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [t.id, t.name, t.role, t.scope, t.adminId, t.madeBy, t.createdAt, t.expiresAt, t.endedAt, tokenSha256])
    },
    async list(): Promise<Token[]> {
      return (await db.query<TokenRow>(`${withRoles} where t.ended_at is null order by t.created_at, t.id`)).map(tokenOf)
    },
    /** The token of that hash if it is in force. */
    async inForce(tokenSha256: Buffer, now: Date): Promise<Token | undefined> {
      const [row] = await db.query<TokenRow>(`${withRoles}
        where t.token_sha256 = $1 and t.ended_at is null and (t.expires_at is null or t.expires_at > $2)`, [tokenSha256, now])
      return row === undefined ? undefined : tokenOf(row)
    },
    /** @returns it as it was */
    async end(id: string, now: Date): Promise<Token | undefined> {
      if ((await db.query('update tokens set ended_at = $2 where id = $1 and ended_at is null returning 1', [id, now])).length === 0) return undefined
      return tokenOf((await db.query<TokenRow>(`${withRoles} where t.id = $1`, [id]))[0]!)
    },
  }
}

/**
 * @property byAdmin  made by an admin, or at the machine itself; the others are for the first admin
 * @property madeBy  that admin, where one is on record
 * @property forAdmin  who sets a password anew with it; null when it makes a new admin
 */
export type SetupLink = { tokenSha256: Buffer, byAdmin: boolean, madeBy: string | null, forAdmin: string | null, expiresAt: Date }

/** $1 is the token's hash and $2 the time. A link for the first admin is over once there is one. */
const isOpen = `token_sha256 = $1 and consumed_at is null and expires_at > $2
  and (by_admin or not exists (select 1 from admins where ended_at is null and role = 'admin'))`
const firstLinks = 'not by_admin and consumed_at is null'

export function setupLinkStore(db: Queryable) {
  const linkOf = (row: { for_admin: string | null } | undefined): Pick<SetupLink, 'forAdmin'> | undefined => row === undefined ? undefined : { forAdmin: row.for_admin }
  return {
    async add(link: SetupLink): Promise<void> {
      await db.query('insert into setup_links (token_sha256, by_admin, admin_id, for_admin, expires_at) values ($1, $2, $3, $4, $5)',
        [link.tokenSha256, link.byAdmin, link.madeBy, link.forAdmin, link.expiresAt])
    },
    /** Whom the link is for while it would still be taken; looking consumes nothing. */
    async find(tokenSha256: Buffer, now: Date): Promise<Pick<SetupLink, 'forAdmin'> | undefined> {
      return linkOf((await db.query<{ for_admin: string | null }>(`select for_admin from setup_links where ${isOpen}`, [tokenSha256, now]))[0])
    },
    /**
     * Consumes the link, and one that makes an admin also all for the first: of two that are sent at once, one waits here for the other.
     *
     * @returns undefined when there is no such link, or it is over
     */
    async consume(tokenSha256: Buffer, now: Date): Promise<Pick<SetupLink, 'forAdmin'> | undefined> {
      await db.query(`select 1 from setup_links where ${firstLinks} order by token_sha256 for update`)
      const link = linkOf((await db.query<{ for_admin: string | null }>(`update setup_links set consumed_at = $2 where ${isOpen} returning for_admin`, [tokenSha256, now]))[0])
      if (link?.forAdmin === null) await db.query(`update setup_links set consumed_at = $1 where ${firstLinks}`, [now])
      return link
    },
  }
}
