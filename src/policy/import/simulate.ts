/** A User-Agent ruleset, tried with one User-Agent after the other. */
import type { KnownUserAgent } from '../../devices/known-user-agents.ts'
import { evaluateRuleset, type Outcome } from '../../formats/rewrite/evaluate.ts'
import { usualVariables } from '../../formats/rewrite/expand.ts'
import type { RuleNames } from '../../formats/rewrite/rule-names.ts'
import type { Ruleset } from '../../formats/rewrite/ruleset.ts'
import type { Aim } from './aim.ts'

/** `rule`: null where none applied, and the request went on untouched. */
export type Simulated = {
  readonly userAgent: string
  readonly rule: string | null
  readonly verdict: 'passed' | 'blocked'
  readonly matchedPattern: string | null
  readonly line: number | null
  readonly httpStatus: Outcome['httpStatus']
  readonly location: string | null
}

export type Variables = ReadonlyMap<string, string>
export const variablesWith = (more: Variables): Variables => new Map([...usualVariables, ...more])

export function simulate(ruleset: Ruleset, names: RuleNames, variables: Variables, userAgent: string): Simulated {
  const { match, httpStatus, location, passed } = evaluateRuleset(ruleset, new Map(variables).set('HTTP_USER_AGENT', userAgent))
  return {
    userAgent, rule: match === undefined ? null : names.nameOf(match, userAgent), verdict: passed ? 'passed' : 'blocked',
    matchedPattern: match?.condition?.test.source ?? null, line: match?.rule.line ?? null, httpStatus, location,
  }
}

/**
 * What the aim says of a string: `some` where it stands for several models (or a version that nobody knows) of which it
 * wants some; null where nothing is aimed at.
 */
export type Wanted = 'in' | 'out' | 'some'

/** `in`: let in against the aim. `some-in`: let in together with some that belong in. The same for out. */
export type Wrong = 'in' | 'out' | 'some-in' | 'some-out'

export type SimulatedKnown = Simulated & Omit<KnownUserAgent, 'userAgent'> & { readonly wanted: Wanted | null, readonly wrong: Wrong | null }

export function judged(known: KnownUserAgent, simulated: Simulated, aim: Aim | undefined): SimulatedKnown {
  const wanted = aim === undefined ? null : wantedOf(known, aim)
  const went = simulated.verdict === 'passed' ? 'in' : 'out'
  const wrong = wanted === null || wanted === went ? null : wanted === 'some' ? `some-${went}` as const : went
  return { ...known, ...simulated, wanted, wrong }
}

function wantedOf({ productTypes, osVersion }: KnownUserAgent, aim: Aim): Wanted {
  const answers = productTypes.map(productType => aim.wants(productType, osVersion))
  return answers.every(answer => answer === true) ? 'in' : answers.every(answer => answer === false) ? 'out' : 'some'
}
