/** Serial numbers that are taken: nothing is signed that could not be revoked. A certificate takes the place of its reservation. */
import type { Reservation } from '../certificates/issue.ts'
import type { CertificateKey } from '../certificates/revoke.ts'
import { CaError } from '../errors.ts'
import type { Queryable } from './db.ts'

export function reservationStore(db: Queryable) {
  return {
    /** All or none. @throws {CaError} conflict where a number is a certificate's: nothing may be signed under it again */
    async add(all: readonly Reservation[]): Promise<void> {
      const added = await db.query(`
        insert into reservations (authority_id, serial_number, kind, partition, device_id, not_before, not_after, public_key_sha256, created_at, lease_until)
        select * from unnest($1::smallint[], $2::bytea[], $3::text[], $4::smallint[], $5::uuid[], $6::timestamptz[], $7::timestamptz[], $8::bytea[], $9::timestamptz[], $10::timestamptz[])
          where not exists (select 1 from certificates c where c.authority_id = any($1::smallint[]) and c.serial_number = any($2::bytea[])) returning 1`,
      [all.map(r => r.authorityId), all.map(r => r.serialNumber), all.map(r => r.kind), all.map(r => r.partition), all.map(r => r.deviceId),
        all.map(r => r.validity.notBefore), all.map(r => r.validity.notAfter), all.map(r => r.publicKeySha256), all.map(r => r.createdAt), all.map(r => r.leaseUntil)])
      if (added.length < all.length) throw new CaError('conflict', 'this serial number is a certificate’s')
    },
    /** Those whose lease has ended, oldest first. */
    async ended(now: Date, limit: number): Promise<CertificateKey[]> {
      return (await db.query('select authority_id, serial_number from reservations where lease_until < $1 order by lease_until limit $2', [now, limit]))
        .map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number }))
    },
    /** What is being made for them. */
    async of(whose: { personId: string } | { deviceId: string }): Promise<CertificateKey[]> {
      const [column, value] = 'personId' in whose ? ['person_id', whose.personId] : ['id', whose.deviceId]
      return (await db.query(`select r.authority_id, r.serial_number from reservations r join devices d on d.id = r.device_id where d.${column} = $1 order by r.created_at`, [value]))
        .map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number }))
    },
    /** It is never completed, and its number stays taken, so that it can be revoked. @returns false when there is none any more */
    async abandon(key: CertificateKey): Promise<boolean> {
      const rows = await db.query(`
        with ended as (delete from reservations where authority_id = $1 and serial_number = $2 returning *)
        insert into certificates (authority_id, serial_number, kind, state, partition, device_id, not_before, not_after, public_key_sha256, created_at)
        select authority_id, serial_number, kind, 'abandoned', partition, device_id, not_before, not_after, public_key_sha256, created_at from ended returning 1`, [key.authorityId, key.serialNumber])
      return rows.length === 1
    },
  }
}
