import type { Queryable } from './db.ts'

export type Role = 'admin' | 'operator' | 'auditor'
export type Admin = { id: string, name: string, email: string, role: Role, createdAt: Date, endedAt: Date | null }
export type Token = { id: string, name: string, role: Role, adminId: string | null, createdAt: Date, expiresAt: Date | null, endedAt: Date | null }

type AdminRow = { id: string, name: string, email: string, role: Role, created_at: Date, ended_at: Date | null }
type TokenRow = { id: string, name: string, role: Role, admin_id: string | null, created_at: Date, expires_at: Date | null, ended_at: Date | null }

const adminColumns = 'id, name, email, role, created_at, ended_at'
const tokenColumns = 'id, name, role, admin_id, created_at, expires_at, ended_at'

const adminOf = (row: AdminRow): Admin =>
  ({ id: row.id, name: row.name, email: row.email, role: row.role, createdAt: row.created_at, endedAt: row.ended_at })
const tokenOf = (row: TokenRow): Token => ({
  id: row.id, name: row.name, role: row.role, adminId: row.admin_id, createdAt: row.created_at, expiresAt: row.expires_at, endedAt: row.ended_at,
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
    /** Ends the admin and every token of theirs; sessions end with their admin. */
    async end(id: string, now: Date): Promise<Admin | undefined> {
      const [row] = await db.query<AdminRow>(`update admins set ended_at = $2 where id = $1 and ended_at is null returning ${adminColumns}`, [id, now])
      if (row === undefined) return undefined
      await db.query('update tokens set ended_at = $2 where admin_id = $1 and ended_at is null', [id, now])
      return adminOf(row)
    },
    async anyInOffice(): Promise<boolean> {
      return (await db.query('select 1 from admins where ended_at is null limit 1')).length > 0
    },
  }
}

export function tokenStore(db: Queryable) {
  return {
    async add(t: Token, tokenSha256: Buffer): Promise<void> {
      await db.query(`insert into tokens (${tokenColumns}, token_sha256) values ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [t.id, t.name, t.role, t.adminId, t.createdAt, t.expiresAt, t.endedAt, tokenSha256])
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

/** @property adminId  whom the link is for; null when it makes a new admin */
export type SetupLink = { adminId: string | null }

export function setupLinkStore(db: Queryable) {
  const open = 'token_sha256 = $1 and consumed_at is null and expires_at > $2'
  const linkOf = (row: { admin_id: string | null } | undefined): SetupLink | undefined => row === undefined ? undefined : { adminId: row.admin_id }
  return {
    async add(tokenSha256: Buffer, expiresAt: Date, adminId: string | null = null): Promise<void> {
      await db.query('insert into setup_links (token_sha256, expires_at, admin_id) values ($1, $2, $3)', [tokenSha256, expiresAt, adminId])
    },
    /** The link while it would still be taken; looking consumes nothing. */
    async find(tokenSha256: Buffer, now: Date): Promise<SetupLink | undefined> {
      return linkOf((await db.query<{ admin_id: string | null }>(`select admin_id from setup_links where ${open}`, [tokenSha256, now]))[0])
    },
    /** @returns undefined when there is no such link, or it is over */
    async consume(tokenSha256: Buffer, now: Date): Promise<SetupLink | undefined> {
      return linkOf((await db.query<{ admin_id: string | null }>(`update setup_links set consumed_at = $2 where ${open} returning admin_id`, [tokenSha256, now]))[0])
    },
  }
}
