/** A mod_rewrite ruleset as a report: what it does, to whom it does it against the aim, and the policy on evidence in its place. */
import type { Catalogue } from '../../devices/catalogue.ts'
import { knownUserAgents } from '../../devices/known-user-agents.ts'
import { ruleNames, type RuleNames } from '../../formats/rewrite/rule-names.ts'
import type { Ruleset, RewriteRule } from '../../formats/rewrite/ruleset.ts'
import { compareProductTypes } from '../../formats/product-type.ts'
import type { Aim } from './aim.ts'
import { proposeFrom, snapshotOf, verdictOf, type Observed, type Proposal } from './proposal.ts'
import { findingsOf, type RulesetFinding } from './ruleset-findings.ts'
import { judged, simulate, type Simulated, type SimulatedKnown, type Variables } from './simulate.ts'

export type RuleSummary = { rule: string, line: number, sentence: string, passed: number, blocked: number }
/** Of the texts that phones of this model send. `some-in`: also sent by models that are wanted. */
export type ModelSummary = { productType: string, name: string, texts: number, passed: number, blocked: number, wronglyIn: number, wronglyOut: number, example: string | null }

export type RulesetReport = {
  readonly aim: string | null
  readonly totals: { texts: number, passed: number, blocked: number, wronglyIn: number, wronglyOut: number, notToldApart: number }
  readonly rules: readonly RuleSummary[]
  readonly models: readonly ModelSummary[]
  readonly findings: readonly RulesetFinding[]
  /** Null when it would take too many rules: then the ruleset is a table of phones, and a policy has to be thought of anew. */
  readonly proposal: Proposal | null
  /** What the proposal decides otherwise than the ruleset (or than the aim), about models at builds. */
  readonly differences: readonly { productType: string, build: string, now: 'in' | 'out', proposed: 'allow' | 'quarantine' | 'block' }[]
}

/** Every known text with what becomes of it: it is this that takes time, seconds for a hundred conditions. */
export function simulateKnown(catalogue: Catalogue, ruleset: Ruleset, variables: Variables, aim: Aim | undefined): SimulatedKnown[] {
  const names = ruleNames(ruleset)
  return knownUserAgents(catalogue).map(known => judged(known, simulate(ruleset, names, variables, known.userAgent), aim))
}

export function reportOn(catalogue: Catalogue, ruleset: Ruleset, variables: Variables, aim: Aim | undefined, rows: readonly SimulatedKnown[], now: Date): RulesetReport {
  const names = ruleNames(ruleset)
  const ask = (userAgent: string): Simulated => simulate(ruleset, names, variables, userAgent)
  const genuine = rows.filter(row => row.genuine)
  const count = (holds: (row: SimulatedKnown) => boolean): number => genuine.filter(holds).length
  const models = modelSummaries(catalogue, genuine)
  const { proposal, differences } = propose(catalogue, genuine, aim, now)
  return {
    aim: aim?.words ?? null,
    totals: {
      texts: genuine.length, passed: count(row => row.verdict === 'passed'), blocked: count(row => row.verdict === 'blocked'),
      wronglyIn: count(row => row.wrong === 'in'), wronglyOut: count(row => row.wrong === 'out'), notToldApart: count(row => row.wanted === 'some'),
    },
    rules: ruleSummaries(ruleset, names, genuine), models, findings: [...findingsOf({ ruleset, rows, ask }), ...neverRefused(models, aim)], proposal, differences,
  }
}

function neverRefused(models: readonly ModelSummary[], aim: Aim | undefined): RulesetFinding[] {
  const free = models.filter(({ productType, blocked }) => blocked === 0 && aim?.wants(productType, null) === false)
  return free.length === 0 ? [] : [{
    code: 'never-refused', lines: [], text: `Not once refused, although the aim is ${aim!.words}: ${free.map(({ productType, name }) => `${name} (${productType})`).join(', ')}. Every text that these send passes.`,
  }]
}

function ruleSummaries({ rules }: Ruleset, names: RuleNames, rows: readonly SimulatedKnown[]): RuleSummary[] {
  const byLine = Map.groupBy(rows, row => row.line)
  return rules.map(rule => {
    const ofRule = byLine.get(rule.line) ?? []
    const passed = ofRule.filter(row => row.verdict === 'passed').length
    return { rule: String(names.numberOf(rule)), line: rule.line, sentence: sentenceOf(rule), passed, blocked: ofRule.length - passed }
  })
}

function sentenceOf({ conditions, substitution, flags }: RewriteRule): string {
  const asked = conditions.length === 0 ? 'Whatever is asked' : `When ${conditions.map(({ test, or }, i) => `${test.negated ? 'not ' : ''}${test.source.replace(/^!/, '')}${i === conditions.length - 1 ? '' : or ? ' or' : ' and'}`).join(' ')} fits`
  const done = flags.status !== null ? `answer ${flags.status}` : substitution === '-' || substitution === '$1' ? 'change nothing' : `${flags.redirect === null ? 'go' : `redirect with ${flags.redirect}`} to ${substitution}`
  return `${asked}, ${done}${flags.last || flags.end || flags.status !== null ? ' and stop' : ''}${flags.chain ? ', and go on to the next rule only then' : ''}.`
}

function modelSummaries(catalogue: Catalogue, rows: readonly SimulatedKnown[]): ModelSummary[] {
  const byModel = Map.groupBy(rows.flatMap(row => row.productTypes.map(productType => ({ productType, row }))), ({ productType }) => productType)
  return [...byModel].sort(([a], [b]) => compareProductTypes(a, b)).map(([productType, found]) => {
    const of = found.map(({ row }) => row)
    const count = (holds: (row: SimulatedKnown) => boolean): number => of.filter(holds).length
    const isWrong = (row: SimulatedKnown, ...wrong: SimulatedKnown['wrong'][]): boolean => wrong.includes(row.wrong)
    return {
      productType, name: catalogue.models.get(productType)?.name ?? productType, texts: of.length,
      passed: count(row => row.verdict === 'passed'), blocked: count(row => row.verdict === 'blocked'),
      wronglyIn: count(row => isWrong(row, 'in')), wronglyOut: count(row => isWrong(row, 'out')), example: of.find(row => isWrong(row, 'in', 'out'))?.userAgent ?? null,
    }
  })
}

/** For the aim where there is one, else for what the ruleset does. */
function propose(catalogue: Catalogue, rows: readonly SimulatedKnown[], aim: Aim | undefined, now: Date): Pick<RulesetReport, 'proposal' | 'differences'> {
  const observed = rows.flatMap(({ productTypes, build, osVersion, verdict }) => productTypes.map((productType): Observed => ({ productType, build, osVersion, in: verdict === 'passed' })))
  const proposal = aim === undefined ? proposeFrom(catalogue, observed, 'as the User-Agent rules did') : aimed(aim, observed)
  if (proposal === undefined) return { proposal: null, differences: [] }
  return { proposal, differences: differencesOf(catalogue, proposal, observed, now) }
}

function differencesOf(catalogue: Catalogue, proposal: Proposal, observed: readonly Observed[], now: Date): RulesetReport['differences'] {
  return [...Map.groupBy(observed, ({ productType }) => productType)].flatMap(([productType, ofModel]) => {
    const policy = snapshotOf(proposal, now, productType)
    return ofModel.map(({ build, in: isIn }) => ({ productType, build, now: isIn ? 'in' as const : 'out' as const, proposed: verdictOf(catalogue, policy, { productType, build }, now) }))
      .filter(({ now: was, proposed }) => (was === 'in') !== (proposed === 'allow'))
  })
}

function aimed(aim: Aim, observed: readonly Observed[]): Proposal {
  const reason = `aim: ${aim.words}`
  const models = [...new Set(observed.map(({ productType }) => productType))].filter(productType => aim.includes(productType)).sort(compareProductTypes)
  const { osFrom } = aim.input
  return {
    approvals: models.length === 0 ? [] : [{ models, leastEvidence: 'signed', reason }],
    rules: osFrom === undefined ? [] : [{ verdict: 'block', conditions: { osVersion: { below: osFrom } }, reason }],
  }
}
