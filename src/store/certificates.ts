import type { EvidenceGrade } from '../devices/evidence.ts'
import type { CertificateKind, Completion, KeyOrigin } from '../certificates/issue.ts'
import type { CertificateKey, RevocableCertificate, Revocation, RevocationStore } from '../certificates/revoke.ts'
import type { StatusRecord } from '../certificates/status.ts'
import { json, type Queryable } from './db.ts'
import { revocationChannel } from './feed.ts'
import { afterKey, orderBy, parameters, personColumns, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

/** A certificate as lists and pages show it. */
export type CertificateRecord = StatusRecord & CertificateKey & {
  kind: CertificateKind
  deviceId: string | null
  personId: string | null
  enrollmentId: string | null
  keyOrigin: KeyOrigin | null
  grade: EvidenceGrade | null
  test: boolean
  der: Buffer | null
  sha256: Buffer | null
  createdAt: Date
  firstUsedAt: Date | null
  productType: string | null
  personName: string | null
  personEmail: string | null
  /** Grows with what the ActiveSync gate found of the device, and with what somebody settled. */
  activeSyncVersion: number
  revocation: Revocation | null
}

const columns = `
  c.authority_id, c.serial_number, c.kind, c.state, c.device_id, c.enrollment_id, c.key_origin, c.grade, c.test, c.der, c.sha256,
  c.not_before, c.not_after, c.created_at, c.first_used_at, d.person_id, d.product_type, coalesce(d.activesync_version, 0) as activesync_version, p.name as person_name, p.email as person_email,
  r.revoked_at, r.reason, r.change_number, r.actor, r.cause, a.revoked_at as issuer_revoked_at`
const withHolder = (join: 'join' | 'left join'): string => `certificates c
  join authorities a on a.id = c.authority_id
  left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
  ${join} devices d on d.id = c.device_id
  ${join} people p on p.id = d.person_id`
const joined = withHolder('left join')

export const revocationOf = (row: any): Revocation | null => row.revoked_at === null ? null
  : { revokedAt: row.revoked_at, reason: row.reason, changeNumber: row.change_number, actor: row.actor, cause: row.cause }

const recordOf = (row: any): CertificateRecord => ({
  authorityId: row.authority_id, serialNumber: row.serial_number, kind: row.kind, state: row.state, deviceId: row.device_id,
  personId: row.person_id, enrollmentId: row.enrollment_id, keyOrigin: row.key_origin, grade: row.grade, test: row.test,
  der: row.der, sha256: row.sha256, notBefore: row.not_before, notAfter: row.not_after, createdAt: row.created_at,
  firstUsedAt: row.first_used_at, productType: row.product_type, personName: row.person_name, personEmail: row.person_email,
  activeSyncVersion: row.activesync_version,
  revocation: revocationOf(row), issuerRevokedAt: row.issuer_revoked_at,
})

/** Where a certificate stands among all, by when it was issued. @property createdAt  as PostgreSQL writes it: a date here has no microseconds */
export type IssuedPlace = { createdAt: string, serialNumber: Buffer }
/** @property supersedes  it is in force, while an older one of its device is in force or on hold */
export type Issued = IssuedPlace & { deviceId: string, supersedes: boolean }

export type CertificateFilter = { personId?: string | undefined, deviceId?: string | undefined, sorted?: Sorted, limit: number }

export const certificateOrders = {
  created: { columns: [{ sql: 'c.created_at', type: 'timestamptz' }, { sql: 'c.serial_number', type: 'bytea' }] },
  ends: { columns: [{ sql: 'c.not_after', type: 'timestamptz' }, { sql: 'c.serial_number', type: 'bytea' }] },
  person: { columns: [...personColumns('p'), { sql: 'c.serial_number', type: 'bytea' }], outer: 2 },
} as const satisfies Record<string, Order>

const newestFirst: Sorted = { order: certificateOrders.created, descending: true }

export function certificateStore(db: Queryable) {
  const find = async (where: string, params: unknown[]): Promise<CertificateRecord | undefined> => {
    const [row] = await db.query(`select ${columns} from ${joined} where ${where} limit 1`, params)
    return row === undefined ? undefined : recordOf(row)
  }
  return {
    async complete(all: readonly Completion[]): Promise<boolean> {
      const rows = await db.query(`
        with taken as (delete from reservations where serial_number = any($2::bytea[]) returning authority_id, serial_number)
        insert into certificates (authority_id, serial_number, kind, partition, device_id, enrollment_id, invitation_id, key_origin,
          grade, test, decision, not_before, not_after, public_key_sha256, created_at, der, sha256, request_sha256, state)
        select c.*, 'issued' from unnest($1::smallint[], $2::bytea[], $3::text[], $4::smallint[], $5::uuid[], $6::text[], $7::uuid[], $8::text[],
          $9::text[], $10::boolean[], $11::jsonb[], $12::timestamptz[], $13::timestamptz[], $14::bytea[], $15::timestamptz[], $16::bytea[], $17::bytea[], $18::bytea[])
          as c (authority_id, serial_number) join taken using (authority_id, serial_number) returning 1`,
      [all.map(c => c.authorityId), all.map(c => c.serialNumber), all.map(c => c.kind), all.map(c => c.partition), all.map(c => c.deviceId), all.map(c => c.enrollmentId),
        all.map(c => c.invitationId), all.map(c => c.keyOrigin), all.map(c => c.grade), all.map(c => c.test), all.map(c => c.decision === null ? null : json(c.decision)),
        all.map(c => c.validity.notBefore), all.map(c => c.validity.notAfter), all.map(c => c.publicKeySha256), all.map(c => c.createdAt),
        all.map(c => c.der), all.map(c => c.sha256), all.map(c => c.requestSha256)])
      return rows.length === all.length
    },
    bySha256: async (sha256: Buffer) => await find('c.sha256 = $1', [sha256]),
    byRequest: async (requestSha256: Buffer) => await find('c.request_sha256 = $1', [requestSha256]),
    byKey: async (key: CertificateKey) => await find('c.authority_id = $1 and c.serial_number = $2', [key.authorityId, key.serialNumber]),
    bySerialNumber: async (serialNumber: Buffer) => await find('c.serial_number = $1', [serialNumber]),
    /** Device certificates only; newest first unless said otherwise. */
    async list({ personId, deviceId, sorted = newestFirst, limit }: CertificateFilter): Promise<(CertificateRecord & { sortKey: SortKey })[]> {
      const { values, add } = parameters()
      const conditions = [
        afterKey(sorted, add), ...personId === undefined ? [] : [`d.person_id = ${add(personId)}`], ...deviceId === undefined ? [] : [`c.device_id = ${add(deviceId)}`],
      ]
      // People can only be walked first where none is missing; a device certificate has its holder.
      const from = sorted.order.outer === undefined ? joined : withHolder('join')
      return (await db.query(`select ${columns}, ${sortKeyOf(sorted)} from ${from} where c.kind = 'device' and c.state = 'issued' and ${conditions.join(' and ')} ${orderBy(sorted)} limit ${add(limit)}`, values))
        .map(row => ({ ...recordOf(row), sortKey: row.sort_key }))
    },
    /** Device certificates, newest first. */
    async bySerialNumbers(serialNumbers: readonly Buffer[]): Promise<CertificateRecord[]> {
      return (await db.query(`select ${columns} from ${joined} where c.serial_number = any($1::bytea[]) and c.kind = 'device' and c.state = 'issued'
        order by c.created_at desc, c.serial_number desc`, [serialNumbers])).map(recordOf)
    },
    /** The newest certificate of each of these devices. */
    async newestOf(deviceIds: readonly string[]): Promise<CertificateRecord[]> {
      return (await db.query(`select distinct on (c.device_id) ${columns} from ${joined}
        where c.device_id = any($1::uuid[]) and c.kind = 'device' and c.state = 'issued' order by c.device_id, c.created_at desc, c.serial_number desc`, [deviceIds])).map(recordOf)
    },
    /** What a leaver's or a lost phone's revocation concerns: every certificate that could still be used. */
    async inForceOf(whose: { personId: string } | { deviceId: string }, now: Date): Promise<(CertificateKey & { kind: CertificateKind })[]> {
      const [column, value] = 'personId' in whose ? ['person_id', whose.personId] : ['id', whose.deviceId]
      return (await db.query(`
        select c.authority_id, c.serial_number, c.kind from certificates c join devices d on d.id = c.device_id
        where d.${column} = $1 and c.state = 'issued' and c.not_after > $2
        order by c.created_at`, [value, now])).map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number, kind: row.kind }))
    },
    async markSuperseded(key: CertificateKey, newer: Buffer): Promise<void> {
      await db.query('update certificates set superseded_by = $3 where authority_id = $1 and serial_number = $2', [key.authorityId, key.serialNumber, newer])
    },
    /** The first use ends the wait of a delivered key, so the answer that holds it is forgotten. @returns true the first time */
    async markUsed(key: CertificateKey, now: Date): Promise<boolean> {
      const [row] = await db.query(`update certificates set first_used_at = $3
        where authority_id = $1 and serial_number = $2 and first_used_at is null returning enrollment_id`, [key.authorityId, key.serialNumber, now])
      if (row === undefined) return false
      await db.query('update enrollments set final_answer = null, final_answer_until = null where id = $1 and final_answer is not null', [row.enrollment_id])
      return true
    },
    /** Earlier certificates of the same device that are in force or on hold, while this one is in force: reason 8 is a release, so in force again. */
    async olderOf(deviceId: string, newer: Buffer, now: Date): Promise<CertificateKey[]> {
      return (await db.query(`
        select c.authority_id, c.serial_number from certificates c
          left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.device_id = $1 and c.kind = 'device' and c.state = 'issued' and c.not_after > $3 and (r.serial_number is null or r.reason in (6, 8))
          and (c.created_at, c.serial_number) < (select n.created_at, n.serial_number from certificates n where n.serial_number = $2 and n.device_id = $1
            and not exists (select 1 from revocations m where m.authority_id = n.authority_id and m.serial_number = n.serial_number and m.reason <> 8) limit 1)`, [deviceId, newer, now]))
        .map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number }))
    },
    /** Device certificates issued after this place and before that time, oldest first. */
    async issuedBetween(after: IssuedPlace, until: Date, limit: number): Promise<Issued[]> {
      return (await db.query(`
        select c.device_id, c.serial_number, c.created_at::text as at,
          not exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number and r.reason <> 8)
          and exists (select 1 from certificates o
            left join revocations q on q.authority_id = o.authority_id and q.serial_number = o.serial_number
            where o.device_id = c.device_id and o.kind = 'device' and o.state = 'issued' and o.not_after > $3
              and (o.created_at, o.serial_number) < (c.created_at, c.serial_number) and (q.serial_number is null or q.reason in (6, 8))) as supersedes
        from certificates c where c.kind = 'device' and c.state = 'issued' and (c.created_at, c.serial_number) > ($1::timestamptz, $2::bytea) and c.created_at < $3
        order by c.created_at, c.serial_number limit $4`, [after.createdAt, after.serialNumber, until, limit]))
        .map(row => ({ deviceId: row.device_id, serialNumber: row.serial_number, createdAt: row.at, supersedes: row.supersedes }))
    },
    /** Certificates of simulated phones that are neither revoked nor held; a release (8) does not make them good. */
    async testInForce(now: Date, limit: number): Promise<CertificateKey[]> {
      return (await db.query(`
        select c.authority_id, c.serial_number from certificates c
          left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.test and c.kind = 'device' and c.state = 'issued' and c.not_after > $1 and (r.serial_number is null or r.reason = 8) limit $2`, [now, limit]))
        .map(row => ({ authorityId: row.authority_id, serialNumber: row.serial_number }))
    },
    /** How many rows there are, as the planner knows it: counting them would read them all. */
    async estimate(): Promise<number> {
      const [row] = await db.query<{ rows: number }>("select greatest(reltuples, 0)::bigint as rows from pg_class where oid = 'certificates'::regclass")
      return row!.rows
    },
  }
}

/**
 * Taken before the row of any certificate that may be revoked in the same transaction: two transactions that revoke
 * several certificates in different orders would otherwise wait for each other.
 */
export async function lockRevocations(tx: Queryable): Promise<void> {
  await tx.query(`select 1 from counters where name = 'revocation-change' for update`)
}

/** Under the lock. It is told at the commit, so that every instance tells its agents then. @returns the last of so many new numbers */
export async function giveChangeNumbers(tx: Queryable, count: number): Promise<number> {
  const [row] = await tx.query<{ value: number }>(`update counters set value = value + $1, changed_at = clock_timestamp() where name = 'revocation-change'
    returning value, pg_notify('${revocationChannel}', '')`, [count])
  return row!.value
}

export function revocationStore(tx: Queryable): RevocationStore {
  return {
    async lock(key) {
      await lockRevocations(tx)
      const [found] = await tx.query('select partition, not_after from certificates where authority_id = $1 and serial_number = $2 for update', [key.authorityId, key.serialNumber])
      if (found === undefined) return undefined
      const [row] = await tx.query('select revoked_at, reason, change_number, actor, cause from revocations where authority_id = $1 and serial_number = $2', [key.authorityId, key.serialNumber])
      return { ...key, partition: found.partition, notAfter: found.not_after, revocation: row === undefined ? null : revocationOf(row) }
    },
    nextChangeNumber: async () => await giveChangeNumbers(tx, 1),
    async put(certificate: RevocableCertificate, r: Revocation) {
      await tx.query(`
        insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor, cause)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (authority_id, serial_number) do update set revoked_at = excluded.revoked_at, reason = excluded.reason,
          change_number = excluded.change_number, actor = excluded.actor, cause = excluded.cause, listed = true`,
      [certificate.authorityId, certificate.serialNumber, certificate.partition, certificate.notAfter, r.revokedAt, r.reason, r.changeNumber, r.actor, r.cause])
    },
  }
}
