/** A published ruleset in the variants that were tried on a real Apache, and what came of each User-Agent. */
import { readFileSync } from 'node:fs'

export type RewriteCase = {
  id: string, userAgent: string, rulesetVariant: string
  expect: { rule: string, matchedPattern: string | null, verdict: 'blocked' | 'passed', httpStatus: number | 'unmodified', location: string | null }
  truth: { kind: string, identifier?: string, build?: string | null }
  encryptionPolicyWants: 'allow' | 'block' | 'not-decidable-from-UA'
  outcomeForThatPolicy: string
  checkedOnApache: { observed: { status: number, location: string | null } }
}

const file = JSON.parse(readFileSync(new URL('../data/rewrite-ruleset-cases.json', import.meta.url), 'utf8')) as {
  cases: RewriteCase[], rulesetVariants: Record<string, { rule1: string[] }>
}

export const rewriteCases = file.cases
export const variants = Object.keys(file.rulesetVariants)

/** @param twoRules  the pass for iPhone and iPad written as two rules instead of one with OR */
export function rulesetOf(variant: string, { twoRules = false }: { twoRules?: boolean } = {}): string {
  const patterns = file.rulesetVariants[variant]!.rule1
  const pass = 'RewriteRule (.*) $1 [L]'
  return [
    'RewriteEngine on', '# not these', ...patterns.map((pattern, i) => `RewriteCond %{HTTP_USER_AGENT} ${pattern} [NC${i < patterns.length - 1 ? ',OR' : ''}]`),
    'RewriteRule .* http://www.nfp.com?rule1 [R=301,L]', '',
    ...twoRules ? ['RewriteCond %{HTTP_USER_AGENT} .*iPhone.* [NC]', pass, 'RewriteCond %{HTTP_USER_AGENT} .*iPad.* [NC]', pass]
      : ['RewriteCond %{HTTP:User-Agent} .*iPhone.* [NC,OR]', 'RewriteCond %{HTTP:User-Agent} \\', '  .*iPad.* [NC]', pass],
    'RewriteRule .* http://www.nfp.com/?rule=3 [R=301,L]', '',
  ].join('\n')
}
