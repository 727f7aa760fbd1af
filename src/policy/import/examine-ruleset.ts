import type { Catalogue } from '../../devices/catalogue.ts'
import { ruleNames } from '../../formats/rewrite/rule-names.ts'
import { readRuleset } from '../../formats/rewrite/ruleset.ts'
import { aimOf, type AimInput } from './aim.ts'
import { reportOn, simulateKnown, type RulesetReport } from './ruleset-report.ts'
import { simulate, variablesWith, type Simulated, type SimulatedKnown } from './simulate.ts'

export type RulesetInput = {
  readonly ruleset: string
  readonly aim?: AimInput | undefined
  readonly perDirectory?: boolean | undefined
  /** What `%{NAME}` is, for names that an ActiveSync request does not settle. */
  readonly variables?: Readonly<Record<string, string>> | undefined
}

const settingsOf = ({ ruleset, perDirectory, variables = {} }: RulesetInput) => ({
  ruleset: readRuleset(ruleset, { perDirectory: perDirectory === true }),
  variables: variablesWith(new Map(Object.entries(variables).map(([name, value]) => [name.toUpperCase(), value]))),
})

/** What the ruleset does with each of these. @throws {CaError} malformed-rewrite-rules, unsupported-rewrite-rules */
export function tryUserAgents(input: RulesetInput): (userAgent: string) => Simulated {
  const { ruleset, variables } = settingsOf(input)
  const names = ruleNames(ruleset)
  return userAgent => simulate(ruleset, names, variables, userAgent)
}

/** @throws {CaError} malformed-rewrite-rules, unsupported-rewrite-rules, invalid-argument for the aim */
export function examineRuleset(catalogue: Catalogue, input: RulesetInput, now: Date): { report: RulesetReport, rows: SimulatedKnown[] } {
  const { ruleset, variables } = settingsOf(input)
  const aim = aimOf(catalogue, input.aim ?? {})
  const rows = simulateKnown(catalogue, ruleset, variables, aim)
  return { rows, report: reportOn(catalogue, ruleset, variables, aim, rows, now) }
}
