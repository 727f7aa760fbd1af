import type { CertificateKind } from '../certificates/issue.ts'
import type { CertificateKey } from '../certificates/revoke.ts'
import { CaError } from '../errors.ts'
import type { Queryable } from './db.ts'
import type { FrontEnd } from './front-ends.ts'

/** An agent's certificate as a signed request names it. `inForce`: neither revoked nor outside its dates, and its front end has not ended. */
export type AgentRecord = CertificateKey & { der: Buffer, firstUsedAt: Date | null, frontEndName: string, inForce: boolean }

export function agentStore(db: Queryable) {
  return {
    /** Says for which front end each was made. @throws {CaError} unauthorized where one has ended, or been given another secret, since it was looked up */
    async add(all: readonly (CertificateKey & { frontEnd: Pick<FrontEnd, 'id' | 'secretSha256'> })[]): Promise<void> {
      const added = await db.query(`insert into front_end_certificates (authority_id, serial_number, front_end_id)
        select c.authority_id, c.serial_number, f.id from unnest($1::smallint[], $2::bytea[], $3::uuid[], $4::bytea[]) as c (authority_id, serial_number, front_end_id, secret_sha256)
          join front_ends f on f.id = c.front_end_id and f.secret_sha256 = c.secret_sha256 and f.ended_at is null returning true`,
      [all.map(c => c.authorityId), all.map(c => c.serialNumber), all.map(({ frontEnd }) => frontEnd.id), all.map(({ frontEnd }) => frontEnd.secretSha256)])
      if (added.length < all.length) throw new CaError('unauthorized', 'this front end has ended, or has another secret')
    },
    async bySha256(sha256: Buffer, now: Date): Promise<AgentRecord | undefined> {
      const [row] = await db.query(`
        select c.authority_id, c.serial_number, c.der, c.first_used_at, f.name,
          f.ended_at is null and r.serial_number is null and c.not_before <= $2 and c.not_after >= $2 as in_force
        from certificates c
          join front_end_certificates fc on fc.authority_id = c.authority_id and fc.serial_number = c.serial_number
          join front_ends f on f.id = fc.front_end_id
          left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.sha256 = $1 and c.kind = 'agent'`, [sha256, now])
      return row === undefined ? undefined : {
        authorityId: row.authority_id, serialNumber: row.serial_number, der: row.der, firstUsedAt: row.first_used_at, frontEndName: row.name, inForce: row.in_force,
      }
    },
    /** Certificates of the same front end and kind that were issued before this one, and could still be used. */
    async olderOf(key: CertificateKey, now: Date): Promise<CertificateKey[]> {
      return (await db.query(`
        select older.authority_id, older.serial_number from certificates c
          join front_end_certificates fc on fc.authority_id = c.authority_id and fc.serial_number = c.serial_number
          join front_end_certificates other on other.front_end_id = fc.front_end_id
          join certificates older on older.authority_id = other.authority_id and older.serial_number = other.serial_number
          left join revocations r on r.authority_id = older.authority_id and r.serial_number = older.serial_number
        where c.authority_id = $1 and c.serial_number = $2 and older.kind = c.kind and older.state = 'issued' and older.not_after > $3
          and (older.created_at, older.serial_number) < (c.created_at, c.serial_number) and r.serial_number is null`, [key.authorityId, key.serialNumber, now]))
        .map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number }))
    },
    /** How many of a kind a front end's agent was given since then; what somebody tries a front end out with is not the agent's. */
    async made(frontEndId: string, kind: CertificateKind, since: Date): Promise<number> {
      const [row] = await db.query<{ made: number }>(`
        select count(*) as made from front_end_certificates fc
          join certificates c on c.authority_id = fc.authority_id and c.serial_number = fc.serial_number
        where fc.front_end_id = $1 and c.kind = $2 and c.created_at > $3
          and not exists (select 1 from front_end_probes p where p.authority_id = c.authority_id and p.serial_number = c.serial_number)`, [frontEndId, kind, since])
      return row!.made
    },
  }
}
