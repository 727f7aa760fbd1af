import { json, type Queryable } from './db.ts'

/** How an agent was known: by the certificate of its connection, or by what it signed. */
export const agentWays = ['mutual-tls', 'signed'] as const
export type AgentWay = typeof agentWays[number]

/**
 * What the agent of a front end last said.
 * @property changeNumber the newest change of revocation in force there, since `changedAt`
 * @property enforcementMs from the row of the newest revocation that could be measured to its receipt
 * @property told how it stood when somebody was told last
 * @property receipt as it was sent (`http/enforcement.ts`)
 * @property way how the agent that sent it was known; null before that was kept
 */
export type ReceiptRecord = { way: AgentWay | null, frontEndId: string, receivedAt: Date, changeNumber: number, changedAt: Date, enforcementMs: number | null, receipt: unknown, told: string }

/** An agent that begins to count anew is believed after this long. */
const forgottenMs = 240_000

export function receiptStore(db: Queryable) {
  return {
    /** The newest counts, whichever instance it comes to first. */
    async put({ frontEndId, sequence, changeNumber, receipt, way }: { frontEndId: string, sequence: number, changeNumber: number, receipt: unknown, way?: AgentWay }, now: Date): Promise<void> {
      await db.query(`
        insert into front_end_receipts as r (front_end_id, sequence, received_at, change_number, changed_at, enforcement_ms, receipt, way)
        select $1, $2, $3, $4, $3, (select (extract(epoch from clock_timestamp() - changed_at) * 1000)::integer from counters
          where name = 'revocation-change' and value = $4 and changed_at > clock_timestamp() - interval '1 day'), $5, $7
        on conflict (front_end_id) do update set sequence = excluded.sequence, received_at = excluded.received_at, receipt = excluded.receipt, way = excluded.way,
          change_number = excluded.change_number,
          changed_at = case when excluded.change_number = r.change_number then r.changed_at else excluded.changed_at end,
          enforcement_ms = case when excluded.change_number > r.change_number then coalesce(excluded.enforcement_ms, r.enforcement_ms) else r.enforcement_ms end
        where r.sequence < excluded.sequence or r.received_at < $6`,
      [frontEndId, sequence, now, changeNumber, json(receipt), new Date(now.getTime() - forgottenMs), way ?? null])
    },
    /** @returns true for the one who is to tell that a front end stands so now */
    async tell(frontEndId: string, standing: string): Promise<boolean> {
      return (await db.query('update front_end_receipts set told = $2 where front_end_id = $1 and told <> $2 returning 1', [frontEndId, standing])).length === 1
    },
    async of(frontEndIds: readonly string[]): Promise<ReceiptRecord[]> {
      return (await db.query(`select front_end_id, received_at, change_number, changed_at, enforcement_ms, receipt, told, way
        from front_end_receipts where front_end_id = any($1::uuid[])`, [frontEndIds]))
        .map(row => ({ frontEndId: row.front_end_id, receivedAt: row.received_at, changeNumber: row.change_number, changedAt: row.changed_at, enforcementMs: row.enforcement_ms, receipt: row.receipt, told: row.told, way: row.way }))
    },
  }
}
