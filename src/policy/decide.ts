import type { Decision, KnownDevice, PolicySnapshot } from './decision.ts'
export type { Decision, DecisionCode, KnownDevice, KnownSummary, PolicySnapshot } from './decision.ts'

export function decide(_known: KnownDevice, _policy: PolicySnapshot, _now: Date): Decision {
  throw new Error('not written yet')
}
