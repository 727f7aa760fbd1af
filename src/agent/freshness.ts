/** How long the data at hand counts. Pure, but for the meter, which remembers one moment. */
import type { Policy } from './trust.ts'

/** One moment on two clocks: that of the wall, which can be set, and one that only goes forward. */
export type Moment = { readonly wall: Date, readonly monotonicMs: number }
export type Clock = () => Moment

// Policy `alarm` goes on whatever happens: the service raises the alarm. Far enough to be for ever.
const goesOnMs = 10 * 365 * 86_400_000

/**
 * The age of something. Clocks that were set back must not make it younger, and a machine that slept must not either,
 * so the greater of both differences counts.
 */
export const ageMs = (then: Moment, now: Moment): number =>
  Math.max(now.wall.getTime() - then.wall.getTime(), now.monotonicMs - then.monotonicMs, 0)

/** What an earlier process of ours wrote down; where the clock was set back meanwhile it says nothing. */
export function momentOnDisk(wall: Date, now: Moment): Moment | undefined {
  const age = now.wall.getTime() - wall.getTime()
  return age < 0 ? undefined : { wall, monotonicMs: now.monotonicMs - age }
}

export type Freshness = {
  /** By the clock of this machine, which the front end reads as well. */
  readonly until: Date
  readonly stale: boolean
}

/**
 * Until when a front end may let phones in.
 *
 * @param age         since the service last confirmed that nothing is missing
 * @param nextUpdate  by this machine's clock: when the first of the lists in force ends
 */
export function decideFreshness(policy: Policy, age: number, nextUpdate: Date, now: Date): Freshness {
  const left = policy.maxAgeSeconds * 1000 - age
  const stale = left <= 0 || nextUpdate <= now
  if (policy.whenStale === 'alarm') return { until: new Date(now.getTime() + goesOnMs), stale }
  // Long ago, and not now: a front end counts whole seconds, and would go on letting in for the rest of this one, and of the next.
  return { until: stale ? new Date(0) : new Date(Math.min(now.getTime() + left, nextUpdate.getTime())), stale }
}
