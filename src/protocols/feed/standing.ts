import type { ReceiptRecord } from '../../store/receipts.ts'
import { receiptSchema, type Receipt } from './receipts.ts'

/**
 * How a front end stands, in one word. `silent`: its agent has not been heard for long; `stale`: what is in force there may
 * not be relied on any more; `canary-failed`: it let a revoked certificate in, or refused a good one; `behind`: a change is
 * not in force there although it was made long ago.
 */
export const standings = ['in-force', 'behind', 'silent', 'stale', 'canary-failed'] as const
export type Standing = typeof standings[number]

/** Agents say something every half minute. */
const silentMs = 90_000

/** @param newest  the newest change, and whether every agent has had time to make it take effect */
export function standingOf(record: ReceiptRecord, newest: { change: number, settled: boolean }, now: Date): { standing: Standing, receipt: Receipt } {
  const receipt = receiptSchema.parse(record.receipt)
  return { receipt, standing: standing(record, receipt, newest, now) }
}

function standing(record: ReceiptRecord, { fresh, canary }: Receipt, newest: { change: number, settled: boolean }, now: Date): Standing {
  if (now.getTime() - record.receivedAt.getTime() > silentMs) return 'silent'
  if (!fresh) return 'stale'
  if (canary !== null && !(canary.revokedRefused && canary.goodPassed)) return 'canary-failed'
  return record.changeNumber < newest.change && newest.settled ? 'behind' : 'in-force'
}
