/** What front ends enforce, as their agents' receipts say. */
import { z } from 'zod'
import { feedStore } from '../store/feed.ts'
import { frontEndStore, type FrontEnd } from '../store/front-ends.ts'
import { receiptStore, type AgentWay, type ReceiptRecord } from '../store/receipts.ts'
import type { Service } from './service.ts'

const short = z.string().max(200)
const count = z.int().min(0)

/**
 * What is in force at a front end, as its agent sees it. `fresh`: it may still be relied on; `canary`: what the front end
 * itself did with a certificate that is revoked, and with a good one.
 */
export const receiptSchema = z.strictObject({
  sequence: count, target: short, targetVersion: short.nullable(), change: count,
  lists: z.array(z.strictObject({ authority: z.string().max(40), partition: count, crlNumber: count, sha256: z.string().regex(/^[0-9a-f]{64}$/) })).max(512),
  appliedAt: z.iso.datetime(), fresh: z.boolean(), refused: count, clockOffsetMs: z.int(),
  canary: z.strictObject({ at: z.iso.datetime(), revokedRefused: z.boolean(), goodPassed: z.boolean(), detail: short.nullable() }).nullable(),
  problems: z.array(z.strictObject({ code: z.string().max(60), detail: short })).max(20),
})
export type Receipt = z.infer<typeof receiptSchema>

export async function recordReceipt(service: Service, frontEnd: FrontEnd, receipt: Receipt, way: AgentWay): Promise<void> {
  const { sequence, change } = receipt
  await receiptStore(service.db).put({ frontEndId: frontEnd.id, sequence, changeNumber: change, receipt, way }, service.now())
}

/**
 * How a front end stands, in one word. `silent`: its agent has not been heard for long; `stale`: what is in force there may
 * not be relied on any more; `canary-failed`: it let a revoked certificate in, or refused a good one; `behind`: a change is
 * not in force there although it was made long ago.
 */
export const standings = ['in-force', 'behind', 'silent', 'stale', 'canary-failed'] as const
export type Standing = typeof standings[number]

/** Agents say something every half minute. */
const silentMs = 90_000

export type Enforced = { frontEnd: FrontEnd, record: ReceiptRecord, receipt: Receipt, standing: Standing }

/** @returns `without`: front ends whose agents have never been heard */
export async function enforcement(service: Service): Promise<{ change: number, enforced: Enforced[], without: FrontEnd[] }> {
  const now = service.now()
  const newest = await feedStore(service.db).newestSettled()
  const frontEnds = await frontEndStore(service.db).list()
  const records = new Map((await receiptStore(service.db).of(frontEnds.map(({ id }) => id))).map(record => [record.frontEndId, record]))
  const enforced = frontEnds.flatMap((frontEnd): Enforced[] => {
    const record = records.get(frontEnd.id)
    if (record === undefined) return []
    const receipt = receiptSchema.parse(record.receipt)
    return [{ frontEnd, record, receipt, standing: standingOf(record, receipt, newest, now) }]
  })
  return { change: newest.change, enforced, without: frontEnds.filter(({ id }) => !records.has(id)) }
}

function standingOf(record: ReceiptRecord, { fresh, canary }: Receipt, newest: { change: number, settled: boolean }, now: Date): Standing {
  if (now.getTime() - record.receivedAt.getTime() > silentMs) return 'silent'
  if (!fresh) return 'stale'
  if (canary !== null && !(canary.revokedRefused && canary.goodPassed)) return 'canary-failed'
  return record.changeNumber < newest.change && newest.settled ? 'behind' : 'in-force'
}
