/** A policy as the API takes it, made of what other rules let in and what they did not. */
import type { Catalogue } from '../../devices/catalogue.ts'
import { compareProductTypes } from '../../formats/product-type.ts'
import { compareOsVersions, parseOsVersion, type OsVersion } from '../../formats/os-version.ts'
import { isWildcard } from '../../formats/wildcard.ts'
import { decide } from '../decide.ts'
import { knownDevice, type PolicySnapshot } from '../decision.ts'
import type { Conditions, Rule, RuleInput, Verdict } from '../rules.ts'

/** What `model approve` takes. */
export type ProposedApproval = { readonly models: string[], readonly leastEvidence: 'signed', readonly reason: string }
/** What `policy add` takes. */
export type ProposedRule = Pick<RuleInput, 'verdict' | 'conditions' | 'reason' | 'textForPerson'>
export type Proposal = { readonly approvals: readonly ProposedApproval[], readonly rules: readonly ProposedRule[] }

/** A model at a build, and whether it was let in. */
export type Observed = { readonly productType: string, readonly build: string, readonly osVersion: string | null, readonly in: boolean }

/** More would be a table, and nobody's policy. */
export const maxProposedRules = 500

type Row = Observed & { readonly family: string, readonly version: OsVersion | undefined }

/**
 * The policy that decides about every observed model and build as was observed: an approval for each model that is let in at
 * some build, and rules for the builds at which it is not, as ranges of versions where they are ranges, for all models where
 * that harms none.
 *
 * @returns undefined when it would take more than `maxProposedRules` rules
 */
export function proposeFrom(catalogue: Catalogue, observed: readonly Observed[], reason: string): Proposal | undefined {
  const rows = observed.map((row): Row => ({ ...row, family: catalogue.models.get(row.productType)?.family ?? '', version: row.osVersion === null ? undefined : parseOsVersion(row.osVersion) }))
  const approved = [...Map.groupBy(rows, row => row.productType)].filter(([, ofModel]) => ofModel.some(row => row.in)).sort(([a], [b]) => compareProductTypes(a, b))
  const admitted = approved.flatMap(([, ofModel]) => ofModel.filter(row => row.in))
  const rules = new Map<string, Conditions>()
  for (const [productType, ofModel] of approved) {
    for (const narrow of shutOut(ofModel)) {
      const conditions = widest(narrow, productType, ofModel[0]!.family, admitted)
      rules.set(JSON.stringify(conditions), conditions)
      if (rules.size > maxProposedRules) return undefined
    }
  }
  return {
    approvals: approved.length === 0 ? [] : [{ models: approved.map(([productType]) => productType), leastEvidence: 'signed', reason }],
    rules: [...rules.values()].map(conditions => ({ verdict: 'block', conditions, reason })),
  }
}

type Narrow = Pick<Conditions, 'osVersion' | 'build'>

/** Conditions that shut out exactly the builds of one model that were not let in. */
function shutOut(ofModel: readonly Row[]): Narrow[] {
  const versions = [...Map.groupBy(ofModel.filter(row => row.version !== undefined), row => `${row.version!.numbers.join('.')} ${row.version!.beforeRelease} ${row.version!.response}`).values()]
    .sort(([a], [b]) => compareOsVersions(a!.version!, b!.version!))
  const found: Narrow[] = []
  let from: number | undefined
  for (let i = 0; i <= versions.length; i++) {
    const isOut = i < versions.length && versions[i]!.every(row => !row.in)
    if (isOut) from ??= i
    if (isOut || from === undefined) continue
    const range = { ...from === 0 ? {} : { from: versions[from]![0]!.osVersion! }, ...i === versions.length ? {} : { below: versions[i]![0]!.osVersion! } }
    // A model of which every version is shut out but for builds without one.
    if (range.from === undefined && range.below === undefined) found.push(...versions.flat().map(({ build }) => ({ build })))
    else found.push({ osVersion: range })
    from = undefined
  }
  const mixed = versions.filter(rows => rows.some(row => row.in)).flat()
  return [...found, ...[...mixed, ...ofModel.filter(row => row.version === undefined)].filter(row => !row.in).map(({ build }) => ({ build }))]
}

/** The same without the model, or for its family, where that shuts out nobody who was let in. */
function widest(narrow: Narrow, productType: string, family: string, admitted: readonly Row[]): Conditions {
  const touched = admitted.filter(row => mayMeet(narrow, row))
  if (touched.length === 0) return narrow
  return touched.every(row => row.family !== family) && family !== '' ? { family, ...narrow } : { productType, ...narrow }
}

/** Whether the row meets the conditions, or cannot be told from one that does: policy sets such a phone aside. */
function mayMeet({ osVersion, build }: Narrow, row: Row): boolean {
  if (build !== undefined) return build === row.build
  if (row.version === undefined) return true
  const { from, below } = osVersion!
  return (from === undefined || compareOsVersions(row.version, parseOsVersion(from)!) >= 0) && (below === undefined || compareOsVersions(row.version, parseOsVersion(below)!) < 0)
}

/** The proposal as if it were all the policy there is. @param productType  leaves out what is about another model, which takes time and decides nothing */
export function snapshotOf({ approvals, rules }: Proposal, now: Date, productType?: string): PolicySnapshot {
  const author = 'proposal'
  return {
    approvals: approvals.flatMap(({ models, leastEvidence, reason }) => models.filter(model => productType === undefined || model === productType)
      .map(pattern => ({ id: pattern, pattern, leastEvidence, reason, author, notBefore: now, notAfter: null, endedAt: null }))),
    rules: rules.filter(({ conditions: { productType: named } }) => productType === undefined || named === undefined || isWildcard(named) || named === productType).map((rule, i): Rule => ({ id: String(i), ...rule, author, createdAt: now })),
    exemptions: [], requireInventory: false,
  }
}

/** How a policy decides about a model at a build, both known well enough. */
export function verdictOf(catalogue: Catalogue, policy: PolicySnapshot, { productType, build }: { productType: string, build?: string | undefined }, now: Date): Verdict {
  const fact = (value: string): { value: string, grade: 'signed' } => ({ value, grade: 'signed' })
  return decide(knownDevice(catalogue, { productType: fact(productType), ...build === undefined ? {} : { build: fact(build) } }), policy, now).verdict
}
