/** Short names of rules for people: their number, and where a rule asks for one word or another, the word: `2-iPhone`. */
import type { Match } from './evaluate.ts'
import type { RewriteCondition, RewriteRule, Ruleset, Test } from './ruleset.ts'

/** `.*iPhone.*`, `iPhone`, `(iPhone|iPad)`: nothing but words to be contained. */
function wordsOf(test: Test): string[] | undefined {
  if (test.negated || !('pattern' in test)) return undefined
  const words = test.source.replace(/^\((.*)\)$/, '$1').split('|').map(part => part.replace(/^\^?\.\*/, '').replace(/\.\*\$?$/, ''))
  return words.every(word => /^[A-Za-z0-9]+$/.test(word)) ? words : undefined
}

/** Whether its conditions are alternatives, any one of which is enough, and all ask for words. */
const asksForWords = ({ conditions }: RewriteRule): boolean => conditions.length > 0
  && conditions.every((condition, i) => (condition.or || i === conditions.length - 1) && wordsOf(condition.test) !== undefined)

const isOneOfSeveral = ({ conditions }: RewriteRule): boolean => conditions.length > 1 || (wordsOf(conditions[0]!.test)?.length ?? 0) > 1

const doesTheSame = (a: RewriteRule, b: RewriteRule): boolean =>
  a.test.source === b.test.source && a.substitution === b.substitution && JSON.stringify(a.flags) === JSON.stringify(b.flags)

/** Rules that ask for a word each and do the same, one after the other, are one rule in the mind of who wrote them. */
const continues = (rule: RewriteRule, before: RewriteRule | undefined): boolean =>
  before !== undefined && asksForWords(rule) && asksForWords(before) && doesTheSame(rule, before)

export type RuleNames = {
  numberOf(rule: RewriteRule): number
  /** @param userAgent  what was compared, for a pattern of several words */
  nameOf(match: Match, userAgent: string): string
}

export function ruleNames({ rules }: Ruleset): RuleNames {
  const numbers = new Map<number, number>()
  const worded = new Set<number>()
  let number = 0
  for (const [i, rule] of rules.entries()) {
    const joined = continues(rule, rules[i - 1])
    if (!joined) number++
    numbers.set(rule.line, number)
    if (joined) worded.add(rules[i - 1]!.line)
    if (joined || (asksForWords(rule) && isOneOfSeveral(rule))) worded.add(rule.line)
  }
  const numberOf = (rule: RewriteRule): number => numbers.get(rule.line)!
  return {
    numberOf,
    nameOf({ rule, condition }, userAgent) {
      const word = worded.has(rule.line) && condition !== undefined ? wordIn(condition, userAgent) : undefined
      return word === undefined ? String(numberOf(rule)) : `${numberOf(rule)}-${word}`
    },
  }
}

const wordIn = ({ test }: RewriteCondition, userAgent: string): string | undefined =>
  wordsOf(test)?.find(word => userAgent.toLowerCase().includes(word.toLowerCase()))
