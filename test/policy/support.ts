/** Shorthand for the policy tests: devices and snapshots as one would describe them aloud. */
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import type { EvidenceGrade, Fact } from '../../src/devices/evidence.ts'
import { decide } from '../../src/policy/decide.ts'
import { knownDevice } from '../../src/policy/decision.ts'
import type { Decision, KnownDevice, PolicySnapshot } from '../../src/policy/decision.ts'
import type { Approval, Conditions, Exemption, Rule, Verdict } from '../../src/policy/rules.ts'

export const catalogue = loadBundledCatalogue()
export const now = new Date('2026-11-01T12:00:00Z')
export const seconds = (count: number): Date => new Date(now.getTime() + count * 1000)

export const fact = (value: string, grade: EvidenceGrade = 'signed', test = false): Fact<string> => test ? { value, grade, test } : { value, grade }

export type Said = Omit<KnownDevice, 'model' | 'buildRanOnModel'>
export const device = (productType: string, build?: string, more: Said = {}): KnownDevice => knownDevice(catalogue, {
  productType: fact(productType), build: build === undefined ? undefined : fact(build), ...more,
})

export const approval = (pattern: string, more: Partial<Approval> = {}): Approval => ({
  id: 'a1', pattern, leastEvidence: 'signed', reason: 'bought in spring', author: 'ada',
  notBefore: seconds(-1000), notAfter: seconds(1000), endedAt: null, ...more,
})

export const rule = (verdict: Verdict, conditions: Conditions, more: Partial<Rule> = {}): Rule => ({
  id: `${verdict}-${JSON.stringify(conditions)}`, verdict, conditions, reason: 'board decision', author: 'ada', createdAt: seconds(-500), ...more,
})

export const exemption = (verdict: Verdict, more: Partial<Exemption> = {}): Exemption => ({
  id: `e-${verdict}`, deviceId: 'd1', invitationId: 'i1', verdict, evidence: 'signed', reason: 'the director', author: 'ada', notAfter: seconds(1000), ...more,
})

export const snapshot = (parts: Partial<PolicySnapshot>): PolicySnapshot => ({ approvals: [], rules: [], exemptions: [], requireInventory: false, ...parts })

export const decided = (known: KnownDevice, parts: Partial<PolicySnapshot>): Decision => decide(known, snapshot(parts), now)
/** `allow allowed`, for one-line expectations. */
export const outcome = (known: KnownDevice, parts: Partial<PolicySnapshot>): string => {
  const { verdict, code } = decided(known, parts)
  return `${verdict} ${code}`
}
