import { z } from 'zod'
import type { Approval } from '../../../policy/rules.ts'
import { at, atOrNull, id, instant } from '../fields.ts'

export const approvalView = z.strictObject({
  id, pattern: z.string(), leastEvidence: z.enum(['listed', 'signed', 'attested']), reason: z.string(), author: z.string(),
  notBefore: instant,
  /** The last instant at which it holds; null when it has no end. */
  notAfter: instant.nullable(),
})

export const viewOfApproval = (a: Approval): z.input<typeof approvalView> => ({
  id: a.id, pattern: a.pattern, leastEvidence: a.leastEvidence, reason: a.reason, author: a.author, notBefore: at(a.notBefore), notAfter: atOrNull(a.notAfter),
})
