import { z } from 'zod'
import type { Service } from '../../http/service.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { receiptStore } from '../../store/receipts.ts'

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

export async function recordReceipt(service: Service, frontEnd: FrontEnd, receipt: Receipt): Promise<void> {
  const { sequence, change } = receipt
  await receiptStore(service.db).put({ frontEndId: frontEnd.id, sequence, changeNumber: change, receipt }, service.now())
}
