/** Where an enrollment stands, as the person who waits for it sees it. Pure: pages and the followed state come from here. */
import type { DeviceRecord, EnrollmentRecord, InvitationRecord } from '../../enrollment/records.ts'
import type { Decision } from '../../policy/decide.ts'
import type { KeyOfEnrollment } from '../../store/person-pages.ts'

export type EnrollmentView = {
  enrollment: EnrollmentRecord
  invitation: InvitationRecord
  device: DeviceRecord | undefined
  /** `iPhone 3G`, where the catalogue knows the model */
  modelName: string | undefined
  /** what would be decided now, while the enrollment waits for somebody, because policy may have changed; and of a device that is locked out */
  decisionNow: Decision | undefined
  key: KeyOfEnrollment | undefined
}

export type Situation =
  | { kind: 'waiting' | 'too-late' | 'making' | 'almost' | 'ready' | 'over' | 'replaced' | 'held' | 'revoked' | 'approved' }
  | { kind: 'failed', code: string }
  | { kind: 'refused' | 'quarantined', decision: Decision }

export type StepName = 'known' | 'decided' | 'issued' | 'seen'
export type StepState = 'later' | 'now' | 'done' | 'stop'

/** What stands on the page first. */
export function situationOf({ enrollment, decisionNow, key }: EnrollmentView, now: Date): Situation {
  const { state, lastError, decision, challengeExpiresAt } = enrollment
  const against = decisionNow !== undefined && decisionNow.verdict !== 'allow' ? decided(decisionNow) : undefined
  if (lastError !== null && !(refusedByPolicy(lastError) && against !== undefined)) return { kind: 'failed', code: lastError }
  if (against !== undefined) return against
  switch (state) {
    case 'invited': return { kind: now > challengeExpiresAt ? 'too-late' : 'waiting' }
    case 'allowed': return { kind: 'making' }
    case 'profiled': return { kind: 'almost' }
    case 'issued': return { kind: key === undefined ? 'ready' : key.state !== 'good' ? key.state : now > key.notAfter ? 'over' : 'ready' }
    case 'quarantined': return decisionNow === undefined ? decided(decision!) : { kind: 'approved' }
    case 'refused': return decided(decision!)
  }
}

const refusedByPolicy = (code: string): boolean => code === 'blocked-by-policy' || code === 'quarantined-by-policy'
const decided = (decision: Decision): Situation => ({ kind: decision.verdict === 'block' ? 'refused' : 'quarantined', decision })

/** For programs: the simulated phone reads here what it was sent to this page for. */
export function outcomeOf(situation: Situation): 'refused' | 'quarantined' | undefined {
  if (situation.kind === 'failed') return situation.code === 'quarantined-by-policy' ? 'quarantined' : 'refused'
  return situation.kind === 'refused' || situation.kind === 'quarantined' ? situation.kind : undefined
}

export function stepsOf(view: EnrollmentView, { kind }: Situation): Record<StepName, StepState> {
  const { device, key } = view
  switch (kind) {
    case 'waiting': return { known: 'now', decided: 'later', issued: 'later', seen: 'later' }
    case 'too-late': return { known: 'stop', decided: 'later', issued: 'later', seen: 'later' }
    case 'making':
    case 'almost': return { known: 'done', decided: 'done', issued: 'now', seen: 'later' }
    case 'ready': return { known: 'done', decided: 'done', issued: 'done', seen: key?.firstUsedAt == null ? 'now' : 'done' }
    case 'over':
    case 'replaced':
    case 'held':
    case 'revoked': return { known: 'done', decided: 'done', issued: 'done', seen: 'stop' }
    case 'approved': return { known: 'done', decided: 'done', issued: 'later', seen: 'later' }
    case 'quarantined': return { known: 'done', decided: 'now', issued: 'later', seen: 'later' }
    // Whoever was locked out after it was issued had been approved.
    case 'refused': if (key !== undefined) return { known: 'done', decided: 'done', issued: 'done', seen: 'stop' }
      return { known: 'done', decided: 'stop', issued: 'stop', seen: 'later' }
    case 'failed': return { known: device === undefined ? 'stop' : 'done', decided: view.enrollment.decidedAt === null ? 'later' : 'done', issued: 'stop', seen: 'later' }
  }
}

const hourMs = 3_600_000

/** After how many seconds it is worth looking again; null when nothing more will change by itself. */
export function lookAgainAfter({ enrollment, key }: EnrollmentView, situation: Situation, now: Date): number | null {
  const age = now.getTime() - enrollment.createdAt.getTime()
  switch (situation.kind) {
    case 'waiting':
    case 'making':
    case 'almost': return age < hourMs ? 2 : null
    case 'held':
    case 'quarantined': return 15
    case 'refused': return situation.decision.code.endsWith('-held') ? 15 : null
    case 'ready': return key?.firstUsedAt == null && age < hourMs ? 15 : null
    default: return null
  }
}

/**
 * Whether a key ends so soon that its owner should get a new one: within the days of the setting, and in the second half
 * of its life, because a key that was made short is not to be made anew at once.
 */
export function isEnding({ notBefore, notAfter }: { notBefore: Date, notAfter: Date }, renewalDays: number, now: Date): boolean {
  const half = (notBefore.getTime() + notAfter.getTime()) / 2
  return now.getTime() >= notAfter.getTime() - renewalDays * 86_400_000 && now.getTime() >= half
}
