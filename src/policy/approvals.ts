import { matchesWildcard } from '../formats/wildcard.ts'
import type { Approval } from './rules.ts'

/** Whether the approval holds at this instant: both ends count (RFC 5280 §4.1.2.5), and an early end is the first instant without it. */
export function isInForce(approval: Approval, now: Date): boolean {
  return approval.notBefore <= now
    && (approval.notAfter === null || now <= approval.notAfter)
    && (approval.endedAt === null || now < approval.endedAt)
}

/** Whether it held once and never will again. */
export const isOver = (approval: Approval, now: Date): boolean => approval.notBefore <= now && !isInForce(approval, now)

export const covers = (approval: Approval, productType: string): boolean => matchesWildcard(approval.pattern, productType)

/** The last instant at which it holds, withdrawal included; null when it has no end. */
export function endOf(approval: Approval): Date | null {
  // A certificate's notAfter counts whole seconds; the one before the withdrawal is the last that holds.
  const withdrawn = approval.endedAt === null ? null : new Date(approval.endedAt.getTime() - 1000)
  if (withdrawn === null || approval.notAfter === null) return withdrawn ?? approval.notAfter
  return withdrawn < approval.notAfter ? withdrawn : approval.notAfter
}

/** When it stopped, or will: withdrawn or run out, whichever is first; null when it has no end. */
export function stoppedAt({ endedAt, notAfter }: Approval): Date | null {
  if (endedAt === null || notAfter === null) return endedAt ?? notAfter
  return endedAt < notAfter ? endedAt : notAfter
}
