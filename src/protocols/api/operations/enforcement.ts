import { z } from 'zod'
import { enforcement, standings, type Enforced } from '../../../http/enforcement.ts'
import { agentWays } from '../../../store/receipts.ts'
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
  /** How its agent was known: by mutual TLS at the door for agents, or by requests that it signed; null where an older version heard it. */
  way: z.enum(agentWays).nullable(),
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
  async run(service) {
    const { change, enforced, without } = await enforcement(service)
    return { change, items: enforced.map(viewOf), without: without.map(({ name }) => name) }
  },
})

function viewOf({ frontEnd: { name, kind }, record, receipt, standing }: Enforced): EnforcementView {
  const { target, targetVersion, refused, lists, canary, clockOffsetMs, problems } = receipt
  return {
    name, kind, standing, heardAt: at(record.receivedAt), change: record.changeNumber, changedAt: at(record.changedAt), enforcementMs: record.enforcementMs,
    target, targetVersion, refused, lists, clockOffsetMs, problems, way: record.way, canary: canary === null ? null : { ...canary, at: at(new Date(canary.at)) },
  }
}
