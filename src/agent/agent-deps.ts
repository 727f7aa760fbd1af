import type { FeedState } from './feed-events.ts'
import type { Clock } from './freshness.ts'
import type { Problems } from './problems.ts'
import type { StateFolder } from './state.ts'
import type { Target } from './target.ts'
import type { Policy, Trust } from './trust.ts'

/** What an agent works with: everything it hears, keeps and does goes through here. */
export type AgentDeps = {
  folder: StateFolder
  target: Target
  trust: Trust
  policy: Policy
  clock: Clock
  /** How far the service's clock is ahead. */
  clockOffsetMs: () => number
  fetchList: (path: string) => Promise<Buffer>
  feedState: (after: number) => Promise<FeedState>
  fetchTrust: () => Promise<{ trust: Trust, policy: Policy }>
  problems: Problems
  log: (event: string, detail: string) => void
  /** A change is in force at the front end. */
  inForce?: (change: number) => void
}
