/** What answers about certificates rest on, read for many certificates at once. */
import type { CertificateKind } from '../certificates/issue.ts'
import { removeFromCrl, type CertificateKey, type Revocation } from '../certificates/revoke.ts'
import type { StatusRecord } from '../certificates/status.ts'
import type { Queryable } from './db.ts'

/** What is known of the person and the device is missing where a certificate is revoked: no answer names them then.
 * @property activeSyncVersion  grows with what the ActiveSync gate found of the device, and with what somebody settled */
export type AnswerRecord = StatusRecord & CertificateKey & {
  kind: CertificateKind, deviceId: string | null, test: boolean, sha256: Buffer | null, firstUsedAt: Date | null, personEmail: string | null, activeSyncVersion: number
  revocation: Pick<Revocation, 'revokedAt' | 'reason'> | null
  /** Somebody tries out a front end with it. */
  probe: boolean
}

// "exists" would be looked up by reading all probes where the plan does not know how many certificates are asked about.
// As a condition beside it, what is known of a revoked certificate would keep no device from being looked up; and with "is null or" it would have no name.
const select = `select c.authority_id, c.serial_number, c.kind, c.state, c.device_id, c.test, c.sha256, c.not_before, c.not_after, c.first_used_at,
    coalesce(d.activesync_version, 0) as activesync_version, p.email, r.revoked_at, r.reason, a.revoked_at as issuer_revoked_at,
    coalesce((select true from front_end_probes o where o.authority_id = c.authority_id and o.serial_number = c.serial_number), false) as probe
  from certificates c join authorities a on a.id = c.authority_id
    left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
    left join devices d on d.id = case when coalesce(r.reason, ${removeFromCrl}) = ${removeFromCrl} then c.device_id end
    left join people p on p.id = d.person_id`

const recordOf = (row: any): AnswerRecord => ({
  authorityId: row.authority_id, serialNumber: row.serial_number, kind: row.kind, state: row.state, deviceId: row.device_id, test: row.test, sha256: row.sha256,
  notBefore: row.not_before, notAfter: row.not_after, firstUsedAt: row.first_used_at, personEmail: row.email, activeSyncVersion: row.activesync_version,
  revocation: row.revoked_at === null ? null : { revokedAt: row.revoked_at, reason: row.reason }, issuerRevokedAt: row.issuer_revoked_at, probe: row.probe,
})

export function answerRecordStore(db: Queryable) {
  return {
    bySha256: async (digests: readonly Buffer[]): Promise<AnswerRecord[]> => (await db.query(`${select} where c.sha256 = any($1::bytea[])`, [digests])).map(recordOf),
    byKey: async (keys: readonly CertificateKey[]): Promise<AnswerRecord[]> =>
      (await db.query(`${select} where (c.authority_id, c.serial_number) in (select * from unnest($1::smallint[], $2::bytea[]))`,
        [keys.map(({ authorityId }) => authorityId), keys.map(({ serialNumber }) => serialNumber)])).map(recordOf),
  }
}
