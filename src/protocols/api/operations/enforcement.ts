import { z } from 'zod'
import type { Service } from '../../../http/service.ts'
import { feedStore } from '../../../store/feed.ts'
import { frontEndStore } from '../../../store/front-ends.ts'
import { receiptStore } from '../../../store/receipts.ts'
import { standingOf, standings } from '../../feed/standing.ts'
import { at, instant, nothing } from '../fields.ts'
import { operation } from '../operation.ts'

const enforcementView = z.strictObject({
  name: z.string(), kind: z.string(), standing: z.enum(standings),
  /** When its agent was last heard. */
  heardAt: instant,
  /** The newest change of revocation in force there, and since when. */
  change: z.int(), changedAt: instant,
  /** From the row of the newest revocation that could be measured to the receipt for it. */
  enforcementMs: z.int().nullable(),
  target: z.string(), targetVersion: z.string().nullable(),
  /** How many certificates it refuses. */
  refused: z.int(),
  lists: z.array(z.strictObject({ authority: z.string(), partition: z.int(), crlNumber: z.int(), sha256: z.string() })),
  /** What the front end itself did with a certificate that is revoked, and with a good one. */
  canary: z.strictObject({ at: instant, revokedRefused: z.boolean(), goodPassed: z.boolean(), detail: z.string().nullable() }).nullable(),
  clockOffsetMs: z.int(),
  problems: z.array(z.strictObject({ code: z.string(), detail: z.string() })),
})
export type EnforcementView = z.input<typeof enforcementView>

export const frontEndEnforcement = operation({
  id: 'frontEndEnforcement', method: 'get', path: '/front-ends/enforcement', role: 'auditor',
  summary: 'What is in force at each front end that has an agent, as its last receipt says.',
  input: nothing,
  output: z.strictObject({
    /** The newest change of revocation there is. */
    change: z.int(), items: z.array(enforcementView),
    /** Front ends whose agents have never been heard. */
    without: z.array(z.string()),
  }),
  run: async service => await enforcement(service),
})

async function enforcement(service: Service) {
  const now = service.now()
  const newest = await feedStore(service.db).newestSettled()
  const frontEnds = await frontEndStore(service.db).list()
  const receipts = new Map((await receiptStore(service.db).of(frontEnds.map(({ id }) => id))).map(record => [record.frontEndId, record]))
  const items = frontEnds.flatMap(({ id, name, kind }): EnforcementView[] => {
    const record = receipts.get(id)
    if (record === undefined) return []
    const { standing, receipt: { target, targetVersion, refused, lists, canary, clockOffsetMs, problems } } = standingOf(record, newest, now)
    return [{
      name, kind, standing, heardAt: at(record.receivedAt), change: record.changeNumber, changedAt: at(record.changedAt), enforcementMs: record.enforcementMs,
      target, targetVersion, refused, lists, clockOffsetMs, problems, canary: canary === null ? null : { ...canary, at: at(new Date(canary.at)) },
    }]
  })
  return { change: newest.change, items, without: frontEnds.filter(({ id }) => !receipts.has(id)).map(({ name }) => name) }
}
