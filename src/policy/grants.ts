/** What could let a device in: approvals and allow rules, and for each of them what it still lacks. */
import { atLeast } from '../devices/evidence.ts'
import type { EvidenceGrade } from '../devices/evidence.ts'
import { covers, endOf, isInForce, isOver } from './approvals.ts'
import { examine, modelEvidence, modelOf, outcomeOf } from './conditions.ts'
import type { Finding, Trust } from './conditions.ts'
import type { DecisionCode, KnownDevice, PolicySnapshot, Ruling } from './decision.ts'
import type { Approval, Conditions, Rule } from './rules.ts'

type Grant = {
  readonly source: { readonly approval: Approval } | { readonly rule: Rule }
  readonly conditions: Conditions
  readonly least: EvidenceGrade
  readonly endsAt: Date | null
}

/** From the nearest to a yes to the furthest: the nearest explains a refusal best. */
const nearness = [
  'inventory-disagrees', 'inventory-missing', 'evidence-too-weak', 'facts-missing', 'conditions-not-met', 'approval-ended', 'model-not-approved',
] as const satisfies readonly DecisionCode[]
type Obstacle = typeof nearness[number] | 'model-missing' | 'model-unknown'

/** A claim gains nothing, whatever a stored row says. */
const proving = (grade: EvidenceGrade): EvidenceGrade => grade === 'claimed' ? 'listed' : grade

function grantsIn(policy: PolicySnapshot, now: Date): Grant[] {
  const approvals = policy.approvals.filter(approval => isInForce(approval, now)).map((approval): Grant => ({
    source: { approval }, conditions: { productType: approval.pattern }, least: proving(approval.leastEvidence), endsAt: endOf(approval),
  }))
  const rules = policy.rules.filter(rule => rule.verdict === 'allow').map((rule): Grant => {
    const { evidence = 'signed', ...conditions } = rule.conditions
    return { source: { rule }, conditions, least: proving(evidence), endsAt: null }
  })
  return [...approvals, ...rules].sort(byPrecedence)
}

/** The one that lasts longest speaks, then approvals before rules; the rest only keeps the outcome the same for any order. */
function byPrecedence(a: Grant, b: Grant): number {
  const end = (grant: Grant): number => grant.endsAt?.getTime() ?? Infinity
  if (end(a) !== end(b)) return end(a) > end(b) ? -1 : 1
  return keyOf(a) < keyOf(b) ? -1 : 1
}

const keyOf = ({ source }: Grant): string => 'approval' in source ? `a ${source.approval.id}` : `r ${source.rule.id}`

/** What stands between the device and this grant; undefined when nothing does. */
function obstacleTo(grant: Grant, known: KnownDevice, policy: PolicySnapshot, trust: Trust): Obstacle | undefined {
  const evidence = modelEvidence(known, trust)
  if (evidence === undefined) return 'model-missing'
  const findings = examine(grant.conditions, known, 'allow', grant.least, trust)
  const outcome = outcomeOf(findings)
  if (outcome === 'fails') return failure(findings)
  if (!atLeast(evidence, grant.least) || findings.some(finding => finding.answer === 'weak')) return 'evidence-too-weak'
  if (outcome === 'undetermined') return 'facts-missing'
  if (policy.requireInventory && known.inventoryAgrees !== true) {
    return known.inventoryAgrees === false ? 'inventory-disagrees' : 'inventory-missing'
  }
  // Last, so that it means: all else is in order.
  return modelOf(known) === undefined ? 'model-unknown' : undefined
}

/** A rule about this model that asks for something else is worth naming; one about other models is not. */
function failure(findings: readonly Finding[]): Obstacle {
  const aboutModel: readonly string[] = ['productType', 'family', 'person', 'group']
  return findings.some(finding => finding.answer === 'no' && aboutModel.includes(finding.condition)) ? 'model-not-approved' : 'conditions-not-met'
}

/** The best that approvals and allow rules have to say: an allow, or the default with what came nearest. */
export function grantOrDefault(known: KnownDevice, policy: PolicySnapshot, now: Date, trust: Trust): Ruling {
  const tried = grantsIn(policy, now).map(grant => ({ grant, obstacle: obstacleTo(grant, known, policy, trust) }))
  const granted = tried.find(({ obstacle }) => obstacle === undefined)
  if (granted !== undefined) return { verdict: 'allow', code: 'allowed', ...granted.grant.source, endsAt: granted.grant.endsAt }

  const { productType } = known
  if (productType === undefined) return { verdict: 'block', code: 'model-missing' }
  const unknown = tried.find(({ obstacle }) => obstacle === 'model-unknown')
  // Everything says yes except that nobody knows what this is: for a person to look at.
  if (unknown !== undefined) return { verdict: 'quarantine', code: 'model-unknown', ...unknown.grant.source }
  if (modelOf(known) === undefined) return { verdict: 'block', code: 'model-unknown' }

  for (const code of nearness) {
    if (code === 'model-not-approved') break
    const near = tried.find(({ obstacle }) => obstacle === code)
    if (near !== undefined) return { verdict: 'block', code, ...near.grant.source, least: near.grant.least }
    if (code === 'approval-ended') {
      const approval = lastOver(policy.approvals, productType.value, now)
      if (approval !== undefined) return { verdict: 'block', code, approval }
    }
  }
  return { verdict: 'block', code: 'model-not-approved' }
}

function lastOver(approvals: readonly Approval[], productType: string, now: Date): Approval | undefined {
  const end = (approval: Approval): number => endOf(approval)?.getTime() ?? Infinity
  return approvals.filter(approval => covers(approval, productType) && isOver(approval, now))
    .sort((a, b) => end(b) - end(a) || (a.id < b.id ? -1 : 1))[0]
}
