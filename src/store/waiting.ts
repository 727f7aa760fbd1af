/** Phones whose certificate a change of policy set aside: they wait for somebody's decision like those that never got one. */
import type { CertificateKey } from '../certificates/revoke.ts'
import type { Decision } from '../policy/decide.ts'
import type { Queryable } from './db.ts'

export type SetAside = { deviceId: string, decision: Decision }
export type HeldByPolicy = CertificateKey & { deviceId: string, changeId: string }

const cause = 'policy change '
/** What stands in the record of a hold that a change of policy made. */
export const causeOfChange = (changeId: string): string => `${cause}${changeId}`

export function waitingStore(db: Queryable) {
  const move = async (phones: readonly SetAside[], from: 'issued' | 'quarantined', to: 'issued' | 'quarantined', now: Date): Promise<void> => {
    if (phones.length > 0) await db.query(`update enrollments e set state = $4, decision = s.decision::jsonb, decided_at = $5, updated_at = $5
      from unnest($1::uuid[], $2::text[]) s (device_id, decision)
      where e.id = (select id from enrollments n where n.device_id = s.device_id order by n.created_at desc limit 1) and e.state = $3`,
    [phones.map(({ deviceId }) => deviceId), phones.map(({ decision }) => JSON.stringify(decision)), from, to, now])
  }
  return {
    /** Whatever the verdict is, the queue is for those that wait; a phone that is enrolling anew is where that puts it. */
    setAside: async (phones: readonly SetAside[], now: Date): Promise<void> =>
      await move(phones.map(({ deviceId, decision }) => ({ deviceId, decision: { ...decision, verdict: 'quarantine' } })), 'issued', 'quarantined', now),
    letOn: async (phones: readonly SetAside[], now: Date): Promise<void> => await move(phones, 'quarantined', 'issued', now),
    /** Phones in quarantine that have had a certificate, in the order of their ids. */
    async list(after: string | undefined, limit: number): Promise<string[]> {
      const rows = await db.query<{ id: string }>(`select d.id from devices d where d.waiting_since is not null and ($1::uuid is null or d.id > $1)
        and exists (select 1 from certificates c where c.device_id = d.id and c.kind = 'device' and c.state = 'issued') order by d.id limit $2`, [after, limit])
      return rows.map(row => row.id)
    },
    /** Certificates of these devices that a change of policy holds; what somebody holds by hand is theirs. */
    async heldByPolicy(deviceIds: readonly string[]): Promise<HeldByPolicy[]> {
      const rows = await db.query<CertificateKey & { deviceId: string, cause: string }>(`
        select c.authority_id as "authorityId", c.serial_number as "serialNumber", c.device_id as "deviceId", r.cause
        from certificates c join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.device_id = any($1::uuid[]) and c.kind = 'device' and c.state = 'issued' and r.reason = 6 and starts_with(r.cause, $2)`, [deviceIds, cause])
      return rows.map(({ cause: text, ...key }) => ({ ...key, changeId: text.slice(cause.length) })).filter(({ changeId }) => /^[0-9a-f-]{36}$/.test(changeId))
    },
  }
}
