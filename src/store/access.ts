import type { Queryable } from './db.ts'

export type Role = 'admin' | 'operator' | 'auditor'
export type Admin = { id: string, name: string, email: string, role: Role, createdAt: Date, endedAt: Date | null }
export type Token = { id: string, name: string, role: Role, adminId: string | null, madeBy: string | null, createdAt: Date, expiresAt: Date | null, endedAt: Date | null }

type AdminRow = { id: string, name: string, email: string, role: Role, created_at: Date, ended_at: Date | null }
type TokenRow = { id: string, name: string, role: Role, admin_id: string | null, made_by: string | null, created_at: Date, expires_at: Date | null, ended_at: Date | null }

const adminColumns = 'id, name, email, role, created_at, ended_at'
const tokenColumns = 'id, name, role, admin_id, made_by, created_at, expires_at, ended_at'

const adminOf = (row: AdminRow): Admin =>
  ({ id: row.id, name: row.name, email: row.email, role: row.role, createdAt: row.created_at, endedAt: row.ended_at })
const tokenOf = (row: TokenRow): Token => ({
  id: row.id, name: row.name, role: row.role, adminId: row.admin_id, madeBy: row.made_by, createdAt: row.created_at, expiresAt: row.expires_at, endedAt: row.ended_at,
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
    /** Who is in office and stays so until the transaction ends. */
    async lockInOffice(id: string): Promise<Admin | undefined> {
      const [row] = await db.query<AdminRow>(`select ${adminColumns} from admins where id = $1 and ended_at is null for share`, [id])
      return row === undefined ? undefined : adminOf(row)
    },
    /** Ends the admin, every token that is theirs or that they were told, and the setup links that they made. */
    async end(id: string, now: Date): Promise<{ admin: Admin, tokensEnded: number } | undefined> {
      const [row] = await db.query<AdminRow>(`update admins set ended_at = $2 where id = $1 and ended_at is null returning ${adminColumns}`, [id, now])
      if (row === undefined) return undefined
      await db.query('update setup_links set consumed_at = $2 where admin_id = $1 and consumed_at is null', [id, now])
      const ended = await db.query('update tokens set ended_at = $2 where (admin_id = $1 or made_by = $1) and ended_at is null returning 1', [id, now])
      return { admin: adminOf(row), tokensEnded: ended.length }
    },
    /** Operators and auditors do not count: they can make no admin. */
    async anyInOffice(): Promise<boolean> {
      return (await db.query(`select 1 from admins where ended_at is null and role = 'admin' limit 1`)).length > 0
    },
  }
}

export function tokenStore(db: Queryable) {
  return {
    async add(t: Token, tokenSha256: Buffer): Promise<void> {
      await db.query(`insert into tokens (${tokenColumns}, token_sha256) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [t.id, t.name, t.role, t.adminId, t.madeBy, t.createdAt, t.expiresAt, t.endedAt, tokenSha256])
    },
    async list(): Promise<Token[]> {
      return (await db.query<TokenRow>(`select ${tokenColumns} from tokens where ended_at is null order by created_at, id`)).map(tokenOf)
    },
    /** The token of that hash if it is in force. */
    async inForce(tokenSha256: Buffer, now: Date): Promise<Token | undefined> {
      const [row] = await db.query<TokenRow>(`select ${tokenColumns} from tokens
        where token_sha256 = $1 and ended_at is null and (expires_at is null or expires_at > $2)`, [tokenSha256, now])
      return row === undefined ? undefined : tokenOf(row)
    },
    async end(id: string, now: Date): Promise<Token | undefined> {
      const [row] = await db.query<TokenRow>(`update tokens set ended_at = $2 where id = $1 and ended_at is null returning ${tokenColumns}`, [id, now])
      return row === undefined ? undefined : tokenOf(row)
    },
  }
}

export type SetupLink = { tokenSha256: Buffer, byAdmin: boolean, adminId: string | null, expiresAt: Date }

/** $1 is the token's hash and $2 the time. A link for the first admin is over once there is one. */
const isOpen = `token_sha256 = $1 and consumed_at is null and expires_at > $2
  and (by_admin or not exists (select 1 from admins where ended_at is null and role = 'admin'))`

export function setupLinkStore(db: Queryable) {
  return {
    async add(link: SetupLink): Promise<void> {
      await db.query('insert into setup_links (token_sha256, by_admin, admin_id, expires_at) values ($1, $2, $3, $4)', [link.tokenSha256, link.byAdmin, link.adminId, link.expiresAt])
    },
    /** Whether the link would still be taken; looking consumes nothing. */
    async isOpen(tokenSha256: Buffer, now: Date): Promise<boolean> {
      return (await db.query(`select 1 from setup_links where ${isOpen}`, [tokenSha256, now])).length > 0
    },
    /** Consumes the link, and with it all for the first admin: of two that are sent at once, one waits here for the other. @returns false when it is over */
    async consume(tokenSha256: Buffer, now: Date): Promise<boolean> {
      await db.query('select 1 from setup_links where not by_admin and consumed_at is null order by token_sha256 for update')
      if ((await db.query(`update setup_links set consumed_at = $2 where ${isOpen} returning 1`, [tokenSha256, now])).length === 0) return false
      await db.query('update setup_links set consumed_at = $1 where not by_admin and consumed_at is null', [now])
      return true
    },
  }
}
