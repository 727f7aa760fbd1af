/** What agents are told: changes of revocation in their order, and which lists are in force. */
import { removeFromCrl } from '../certificates/revoke.ts'
import type { Queryable } from './db.ts'

/** Sent at the commit of whatever changes a revocation or publishes a list. */
export const revocationChannel = 'latchkey_revocations'

/** @property serialNumber 16 octets; @property hold it may come back, on a signed list */
export type RevokedChange = { authorityId: number, serialNumber: Buffer, partition: number, change: number, hold: boolean }

const certificateHold = 6

export function feedStore(db: Queryable) {
  return {
    /** The newest change there is. Its number was given under a lock, so everything up to it has been committed. */
    newestChange: async (): Promise<number> =>
      (await db.query<{ value: number }>(`select value from counters where name = 'revocation-change'`))[0]!.value,
    /** The same, and whether it is so old that every agent has had time to make it take effect. */
    newestSettled: async (): Promise<{ change: number, settled: boolean }> =>
      (await db.query<{ change: number, settled: boolean }>(`select value as change, coalesce(changed_at < clock_timestamp() - interval '10 seconds', true) as settled
        from counters where name = 'revocation-change'`))[0]!,
    /**
     * Refusals after one change and up to another, oldest first. Releases are not among them: those are for signed lists
     * to tell. Nothing is missing although a row keeps its newest change only, for that one comes later.
     */
    async revokedBetween(authorityIds: readonly number[], after: number, upTo: number): Promise<RevokedChange[]> {
      const rows = await db.query(`
        select authority_id, serial_number, partition, reason, change_number from revocations
        where authority_id = any($1::smallint[]) and change_number > $2 and change_number <= $3 and reason <> $4
        order by change_number`, [authorityIds, after, upTo, removeFromCrl])
      return rows.map(row => ({
        authorityId: row.authority_id, serialNumber: row.serial_number, partition: row.partition, change: row.change_number, hold: row.reason === certificateHold,
      }))
    },
  }
}
