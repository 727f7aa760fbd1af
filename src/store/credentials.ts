/** What people who administer prove themselves with. */
import type { Role } from './access.ts'
import type { Queryable } from './db.ts'

/** @property hash  argon2id in PHC format; null when the person never set a password */
export type SignInCandidate = { id: string, name: string, email: string, role: Role, hash: string | null, passkeys: number }

export function passwordStore(db: Queryable) {
  return {
    /** One query, whether there is such an account or not. */
    async candidate(email: string): Promise<SignInCandidate | undefined> {
      return (await db.query<SignInCandidate>(`select a.id, a.name, a.email, a.role, p.hash,
          (select count(*) from passkeys k where k.admin_id = a.id and k.ended_at is null) as passkeys
        from admins a left join admin_passwords p on p.admin_id = a.id where lower(a.email) = lower($1) and a.ended_at is null`, [email]))[0]
    },
    async set(adminId: string, hash: string, now: Date): Promise<void> {
      await db.query(`insert into admin_passwords (admin_id, hash, changed_at) values ($1, $2, $3)
        on conflict (admin_id) do update set hash = excluded.hash, changed_at = excluded.changed_at`, [adminId, hash, now])
    },
    async changedAt(adminId: string): Promise<Date | undefined> {
      return (await db.query<{ changed_at: Date }>('select changed_at from admin_passwords where admin_id = $1', [adminId]))[0]?.changed_at
    },
  }
}

export type Passkey = {
  credentialId: Buffer, adminId: string, name: string, publicKey: Buffer, signCount: number, transports: string[], backedUp: boolean
  createdAt: Date, lastUsedAt: Date | null
}
type PasskeyRow = {
  credential_id: Buffer, admin_id: string, name: string, public_key: Buffer, sign_count: number, transports: string[], backed_up: boolean
  created_at: Date, last_used_at: Date | null
}
const passkeyColumns = 'credential_id, admin_id, name, public_key, sign_count, transports, backed_up, created_at, last_used_at'
const passkeyOf = (row: PasskeyRow): Passkey => ({
  credentialId: row.credential_id, adminId: row.admin_id, name: row.name, publicKey: row.public_key, signCount: row.sign_count,
  transports: row.transports, backedUp: row.backed_up, createdAt: row.created_at, lastUsedAt: row.last_used_at,
})

export function passkeyStore(db: Queryable) {
  return {
    /** A unique violation of `passkeys_pkey` when it is known already. */
    async add(p: Passkey): Promise<void> {
      await db.query(`insert into passkeys (${passkeyColumns}) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
        [p.credentialId, p.adminId, p.name, p.publicKey, p.signCount, p.transports, p.backedUp, p.createdAt, p.lastUsedAt])
    },
    async listOf(adminId: string): Promise<Passkey[]> {
      return (await db.query<PasskeyRow>(`select ${passkeyColumns} from passkeys where admin_id = $1 and ended_at is null order by created_at, credential_id`, [adminId])).map(passkeyOf)
    },
    /** Of somebody in office. */
    async find(credentialId: Buffer): Promise<Passkey | undefined> {
      const [row] = await db.query<PasskeyRow>(`select ${passkeyColumns} from passkeys k where credential_id = $1 and ended_at is null
        and exists (select 1 from admins a where a.id = k.admin_id and a.ended_at is null)`, [credentialId])
      return row === undefined ? undefined : passkeyOf(row)
    },
    async used(credentialId: Buffer, signCount: number, now: Date): Promise<void> {
      await db.query('update passkeys set sign_count = greatest(sign_count, $2), last_used_at = $3 where credential_id = $1', [credentialId, signCount, now])
    },
    async end(credentialId: Buffer, adminId: string, now: Date): Promise<string | undefined> {
      return (await db.query<{ name: string }>(`update passkeys set ended_at = $3
        where credential_id = $1 and admin_id = $2 and ended_at is null returning name`, [credentialId, adminId, now]))[0]?.name
    },
    async endAll(adminId: string, now: Date): Promise<void> {
      await db.query('update passkeys set ended_at = $2 where admin_id = $1 and ended_at is null', [adminId, now])
    },
  }
}

export function recoveryCodeStore(db: Queryable) {
  return {
    /** The new ones replace all that were there. */
    async replace(adminId: string, hashes: readonly Buffer[], now: Date): Promise<void> {
      await db.query('delete from recovery_codes where admin_id = $1', [adminId])
      for (const hash of hashes) await db.query('insert into recovery_codes (admin_id, code_sha256, created_at) values ($1, $2, $3)', [adminId, hash, now])
    },
    /** @returns false when there is no such code, or it was used */
    async use(adminId: string, hash: Buffer, now: Date): Promise<boolean> {
      return (await db.query('update recovery_codes set used_at = $3 where admin_id = $1 and code_sha256 = $2 and used_at is null returning 1', [adminId, hash, now])).length === 1
    },
    async left(adminId: string): Promise<number> {
      return (await db.query<{ left: number }>('select count(*) as left from recovery_codes where admin_id = $1 and used_at is null', [adminId]))[0]!.left
    },
  }
}
