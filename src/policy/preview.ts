/** What a change of policy would do to one phone: the same decision twice, before and after. */
import { decide, type Decision, type KnownDevice, type PolicySnapshot } from './decide.ts'
import type { Approval, Exemption, Rule } from './rules.ts'
import { cannotReach, requiredVersion } from './words.ts'

/** `phone`: how it is called in a sentence, as it was when the change was made. */
export type PolicyEdit =
  | { readonly kind: 'add-rule', readonly rule: Rule }
  | { readonly kind: 'remove-rule', readonly rule: Rule }
  | { readonly kind: 'approve', readonly approvals: readonly Approval[] }
  | { readonly kind: 'withdraw', readonly approvals: readonly Approval[] }
  | { readonly kind: 'exempt', readonly exemption: Exemption, readonly phone: string }
  | { readonly kind: 'end-exemption', readonly exemption: Exemption, readonly phone: string }

/** The one phone that it is about; undefined when it may reach any. */
export const onlyPhoneOf = (edit: PolicyEdit): string | undefined => 'exemption' in edit ? edit.exemption.deviceId : undefined

/** Policy as it would stand after the change. */
export function withEdit(policy: PolicySnapshot, edit: PolicyEdit, now: Date): PolicySnapshot {
  switch (edit.kind) {
    case 'add-rule': return { ...policy, rules: [...policy.rules, edit.rule] }
    case 'remove-rule': return { ...policy, rules: policy.rules.filter(rule => rule.id !== edit.rule.id) }
    case 'approve': return { ...policy, approvals: [...policy.approvals, ...edit.approvals] }
    case 'withdraw': {
      const ids = new Set(edit.approvals.map(approval => approval.id))
      return { ...policy, approvals: policy.approvals.map(approval => ids.has(approval.id) && approval.endedAt === null ? { ...approval, endedAt: now } : approval) }
    }
    case 'exempt': return { ...policy, exemptions: [...policy.exemptions, edit.exemption] }
    case 'end-exemption': return { ...policy, exemptions: policy.exemptions.filter(exemption => exemption.id !== edit.exemption.id) }
  }
}

/**
 * `stops`: a certificate that policy allowed, and would not any more. `starts`: a phone without one that would be let in.
 * `help`: whether the phone can be updated to what a new rule asks for; null where it is about something else.
 */
export type Effect = { readonly effect: 'stops' | 'starts', readonly after: Decision, readonly help: 'update' | 'no-update' | null }

/** @param holdsCertificate  one that is good now; @returns undefined when nothing changes for the phone */
export function effectOn(known: KnownDevice, holdsCertificate: boolean, before: PolicySnapshot, edit: PolicyEdit, now: Date): Effect | undefined {
  const allowedBefore = decide(known, before, now).verdict === 'allow'
  const after = decide(known, withEdit(before, edit, now), now)
  if (holdsCertificate && allowedBefore && after.verdict !== 'allow') return { effect: 'stops', after, help: helpFor(known, edit, after) }
  if (!holdsCertificate && !allowedBefore && after.verdict === 'allow') return { effect: 'starts', after, help: null }
  return undefined
}

function helpFor(known: KnownDevice, edit: PolicyEdit, after: Decision): Effect['help'] {
  if (edit.kind !== 'add-rule' || after.because.id !== edit.rule.id) return null
  const required = requiredVersion(edit.rule.verdict, edit.rule.conditions, known)
  return required === undefined ? null : cannotReach(known, required.version) ? 'no-update' : 'update'
}
