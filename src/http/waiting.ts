/** Phones that were in and were set aside: what is held of them, and which of them still wait as everything stands now. */
import type { Decision } from '../policy/decide.ts'
import type { Queryable } from '../store/db.ts'
import { policyChangeStore, type Candidate } from '../store/policy-changes.ts'
import { waitingStore, type HeldByPolicy } from '../store/waiting.ts'
import { decideCandidate, policyFor } from './policy-for.ts'
import type { Service } from './service.ts'

/** `held`: what a change of policy holds of it, which a yes releases. */
export type Holding = { candidate: Candidate, decision: Decision, held: readonly HeldByPolicy[] }

/** Those of these phones that have a certificate which is good or on hold. */
export async function holdingsOf(service: Pick<Service, 'config' | 'catalogue'>, db: Queryable, deviceIds: readonly string[], now: Date): Promise<Holding[]> {
  if (deviceIds.length === 0) return []
  const candidates = await policyChangeStore(db).candidatesById(deviceIds, now)
  const policy = await policyFor(service, db, candidates, now)
  const held = Map.groupBy(await waitingStore(db).heldByPolicy(deviceIds), ({ deviceId }) => deviceId)
  return candidates.flatMap(candidate => {
    const decision = decideCandidate(service, candidate, policy, now)
    return decision === undefined || candidate.certificates.length === 0 ? [] : [{ candidate, decision, held: held.get(candidate.device.id) ?? [] }]
  })
}

const phonesPerSlice = 500

/**
 * Whom policy lets in again since they were set aside (the rule is gone, the phone was updated) waits no more, unless
 * a certificate of theirs is on hold still; nor does who is locked out. @returns how many left the queue
 */
export async function reviewWaiting(service: Service): Promise<number> {
  const now = service.now()
  let left = 0
  for (let after: string | undefined; ;) {
    const ids = await waitingStore(service.db).list(after, phonesPerSlice)
    const holdings = await holdingsOf(service, service.db, ids, now)
    const gone = holdings.filter(({ candidate: { device, invitation }, decision, held }) =>
      device.lockedOut !== null || invitation?.person.held === true || held.length === 0 && decision.verdict !== 'quarantine')
    await waitingStore(service.db).letOn(gone.map(({ candidate, decision }) => ({ deviceId: candidate.device.id, decision })), now)
    left += gone.length
    after = ids.at(-1)
    if (ids.length < phonesPerSlice) return left
  }
}
