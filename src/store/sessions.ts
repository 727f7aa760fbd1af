import type { Role } from './access.ts'
import type { Queryable } from './db.ts'

export type SignInMethod = 'setup-link' | 'password' | 'passkey' | 'recovery-code'

/** @property address, userAgent  from where it was begun; for people to recognise, never to decide on */
export type Session = {
  id: string, adminId: string, method: SignInMethod
  createdAt: Date, lastSeenAt: Date, expiresAt: Date, endedAt: Date | null
  address: string, userAgent: string
}

/** Whose session it is, as they are now: a role that was changed counts at once. */
/** @property renew  the browser gets another token with its next page */
export type SessionHolder = { session: Session, renew: boolean, name: string, email: string, role: Role }

type SessionRow = {
  id: string, admin_id: string, method: SignInMethod, created_at: Date, last_seen_at: Date, expires_at: Date, ended_at: Date | null
  address: string, user_agent: string
}

const columns = 'id, admin_id, method, created_at, last_seen_at, expires_at, ended_at, address, user_agent'
const sessionOf = (row: SessionRow): Session => ({
  id: row.id, adminId: row.admin_id, method: row.method, createdAt: row.created_at, lastSeenAt: row.last_seen_at,
  expiresAt: row.expires_at, endedAt: row.ended_at, address: row.address, userAgent: row.user_agent,
})

export function sessionStore(db: Queryable) {
  return {
    async add(s: Session, tokenSha256: Buffer): Promise<void> {
      await db.query(`insert into console_sessions (${columns}, token_sha256) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
        [s.id, s.adminId, s.method, s.createdAt, s.lastSeenAt, s.expiresAt, s.endedAt, s.address, s.userAgent, tokenSha256])
    },
    /** The session of that token while it is in force and its admin in office. @param seenSince  an older one has idled too long */
    async inForce(tokenSha256: Buffer, now: Date, seenSince: Date): Promise<SessionHolder | undefined> {
      const [row] = await db.query<SessionRow & { renew: boolean, name: string, email: string, role: Role }>(`
        select ${columns.split(', ').map(column => `s.${column}`).join(', ')}, s.renew, a.name, a.email, a.role
        from console_sessions s join admins a on a.id = s.admin_id
        where s.token_sha256 = $1 and s.ended_at is null and s.expires_at > $2 and s.last_seen_at > $3 and a.ended_at is null`,
      [tokenSha256, now, seenSince])
      return row === undefined ? undefined : { session: sessionOf(row), renew: row.renew, name: row.name, email: row.email, role: row.role }
    },
    /** For all of an admin: what a browser brings is taken once more, and then replaced. @returns how many are open */
    async renewAll(adminId: string, now: Date, seenSince: Date): Promise<number> {
      return (await db.query('update console_sessions set renew = true where admin_id = $1 and ended_at is null and expires_at > $2 and last_seen_at > $3 returning 1', [adminId, now, seenSince])).length
    },
    /** @returns false when another request of this browser was first */
    async renew(id: string, before: Buffer, after: Buffer): Promise<boolean> {
      return (await db.query('update console_sessions set token_sha256 = $3, renew = false where id = $1 and token_sha256 = $2 and renew returning 1', [id, before, after])).length === 1
    },
    /** @returns false when it has ended, or has another token already */
    async replaceToken(id: string, before: Buffer, after: Buffer): Promise<boolean> {
      return (await db.query('update console_sessions set token_sha256 = $3, renew = false where id = $1 and token_sha256 = $2 and ended_at is null returning 1', [id, before, after])).length === 1
    },
    async seen(id: string, now: Date): Promise<void> {
      await db.query('update console_sessions set last_seen_at = greatest(last_seen_at, $2) where id = $1', [id, now])
    },
    /** Those in force, the newest first. */
    async listOf(adminId: string, now: Date, seenSince: Date): Promise<Session[]> {
      return (await db.query<SessionRow>(`select ${columns} from console_sessions
        where admin_id = $1 and ended_at is null and expires_at > $2 and last_seen_at > $3 order by created_at desc, id limit 200`, [adminId, now, seenSince])).map(sessionOf)
    },
    /** @returns undefined when this admin has no such session */
    async end(id: string, adminId: string, now: Date): Promise<Session | undefined> {
      const [row] = await db.query<SessionRow>(`update console_sessions set ended_at = $3
        where id = $1 and admin_id = $2 and ended_at is null returning ${columns}`, [id, adminId, now])
      return row === undefined ? undefined : sessionOf(row)
    },
    /** @param except  a session that goes on @returns how many ended */
    async endAll(adminId: string, now: Date, except: string | null = null): Promise<number> {
      return (await db.query(`update console_sessions set ended_at = $2
        where admin_id = $1 and ended_at is null and id is distinct from $3::uuid returning 1`, [adminId, now, except])).length
    },
    /** Whether this admin has signed in from there before. */
    async knows(email: string, address: string, since: Date): Promise<boolean> {
      return (await db.query(`select 1 from console_sessions s join admins a on a.id = s.admin_id
        where lower(a.email) = lower($1) and a.ended_at is null and s.address = $2 and s.created_at > $3 limit 1`, [email, address, since])).length > 0
    },
  }
}
