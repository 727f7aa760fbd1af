import { atLeast } from '../devices/evidence.ts'
import { examine, modelEvidence, outcomeOf } from './conditions.ts'
import type { Trust } from './conditions.ts'
import { summaryOf } from './decision.ts'
import type { Decision, KnownDevice, PolicySnapshot, Ruling } from './decision.ts'
import { reasonFor, textForAdmin, textForPerson } from './explain.ts'
import { grantOrDefault } from './grants.ts'
import { personReason } from './person-reason.ts'
import { verdicts } from './rules.ts'
import type { Exemption, Rule } from './rules.ts'

export type { Decision, DecisionCode, KnownDevice, KnownSummary, LockOut, PolicySnapshot } from './decision.ts'

/**
 * Decides about a device, in this order: whether it is locked out, a personal exemption, any block rule, any quarantine rule,
 * any approval or allow rule, and block where nothing spoke. The order of the lists does not matter.
 *
 * Nothing that is not known, or only claimed, ever helps: it satisfies no allow, and a block or
 * quarantine rule that cannot be answered for want of it turns an allow into quarantine. A model
 * that is not in the catalogue is quarantined at best, unless an exemption names the device.
 *
 * @param now  instant of the decision; approvals and exemptions that are over do not count
 */
export function decide(known: KnownDevice, policy: PolicySnapshot, now: Date): Decision {
  const trust: Trust = { trustTestDevices: policy.trustTestDevices === true }
  const ruling = lockOutRuling(known) ?? exemptionRuling(known, policy, now, trust) ?? ruleRuling(known, policy, now, trust)
  const forPerson = personReason(ruling, known)
  const author = ruling.exemption ?? ruling.rule ?? ruling.approval
  const kind = ruling.exemption !== undefined ? 'exemption' : ruling.rule !== undefined ? 'rule' : 'approval'
  // An approval or allow rule that only came near did not decide; the default did.
  const spoke = author !== undefined && (ruling.verdict !== 'block' || ruling.code === 'blocked-by-rule' || ruling.code === 'blocked-by-exemption')
  return {
    verdict: ruling.verdict,
    code: ruling.code,
    because: spoke
      ? { kind, id: author.id, reason: ruling.code === 'model-unknown' ? reasonFor(ruling, known) : author.reason }
      : { kind: 'default', reason: reasonFor(ruling, known) },
    known: summaryOf(known, modelEvidence(known, trust)),
    textForPerson: textForPerson(forPerson),
    forPerson,
    textForAdmin: textForAdmin(ruling, known, trust),
    approvalEndsAt: ruling.verdict === 'allow' ? ruling.endsAt ?? null : null,
  }
}

/** A phone that was reported lost is lost whatever else was said of it, before or since. */
function lockOutRuling({ lockedOut }: KnownDevice): Ruling | undefined {
  if (lockedOut === undefined) return undefined
  return { verdict: 'block', code: lockedOut === 'person-held' ? 'person-held' : `device-${lockedOut}` }
}

/** Exemptions for exactly this device under exactly this invitation that are not over. */
function exemptionsFor(known: KnownDevice, policy: PolicySnapshot, now: Date): Exemption[] {
  const { deviceId, invitationId } = known
  if (deviceId === undefined || invitationId === undefined) return []
  return policy.exemptions
    .filter(exemption => exemption.deviceId === deviceId && exemption.invitationId === invitationId && now <= exemption.notAfter)
    .sort((a, b) => verdicts.indexOf(b.verdict) - verdicts.indexOf(a.verdict)
      || b.notAfter.getTime() - a.notAfter.getTime() || (a.id < b.id ? -1 : 1))
}

function exemptionRuling(known: KnownDevice, policy: PolicySnapshot, now: Date, trust: Trust): Ruling | undefined {
  const evidence = modelEvidence(known, trust)
  const exemption = exemptionsFor(known, policy, now)
    // A personal block needs no proof: knowing less of a phone must not open anything.
    .find(({ verdict, evidence: needed }) => verdict === 'block' || (evidence !== undefined && atLeast(evidence, needed)))
  switch (exemption?.verdict) {
    case undefined: return undefined
    case 'allow': return { verdict: 'allow', code: 'allowed-by-exemption', exemption: exemption!, endsAt: exemption!.notAfter }
    case 'quarantine': return { verdict: 'quarantine', code: 'quarantined-by-exemption', exemption: exemption! }
    case 'block': return { verdict: 'block', code: 'blocked-by-exemption', exemption: exemption! }
  }
}

function ruleRuling(known: KnownDevice, policy: PolicySnapshot, now: Date, trust: Trust): Ruling {
  const restrictive = policy.rules.filter(rule => rule.verdict !== 'allow').sort(byAge)
    .map(rule => ({ rule, outcome: outcomeOf(examine(rule.conditions, known, rule.verdict, 'listed', trust)) }))
  const matching = (verdict: Rule['verdict']): Rule | undefined =>
    restrictive.find(({ rule, outcome }) => rule.verdict === verdict && outcome === 'matches')?.rule

  const block = matching('block')
  if (block !== undefined) return { verdict: 'block', code: 'blocked-by-rule', rule: block }
  const quarantine = matching('quarantine')
  if (quarantine !== undefined) return { verdict: 'quarantine', code: 'quarantined-by-rule', rule: quarantine }

  const ruling = grantOrDefault(known, policy, now, trust)
  if (ruling.verdict !== 'allow') return ruling
  // A device set aside by name stays set aside, also when less is known of it than the admin asked for.
  const aside = exemptionsFor(known, policy, now).find(exemption => exemption.verdict === 'quarantine')
  if (aside !== undefined) return { verdict: 'quarantine', code: 'quarantined-by-exemption', exemption: aside }
  const unanswered = restrictive.find(({ outcome }) => outcome === 'undetermined')?.rule
  return unanswered === undefined ? ruling : { verdict: 'quarantine', code: 'facts-missing', rule: unanswered }
}

/** Which of several rules is named depends on nothing but the rules. */
const byAge = (a: Rule, b: Rule): number => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1)
