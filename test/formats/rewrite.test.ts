import test from 'ava'
import { CaError } from '../../src/errors.ts'
import { readRuleset } from '../../src/formats/rewrite/ruleset.ts'
import { evaluateRuleset, type Outcome } from '../../src/formats/rewrite/evaluate.ts'
import { usualVariables } from '../../src/formats/rewrite/expand.ts'
import { ruleNames } from '../../src/formats/rewrite/rule-names.ts'
import { rewriteCases, rulesetOf, variants } from '../support/rewrite-cases.ts'

const ask = (rules: string, userAgent: string, options: { perDirectory?: boolean } = {}): Outcome =>
  evaluateRuleset(readRuleset(rules, options), new Map([...usualVariables, ['HTTP_USER_AGENT', userAgent]]))
const codeOf = (rules: string): string => {
  try {
    ask(rules, 'x')
    return 'none'
  } catch (error) {
    return error instanceof CaError ? `${error.code} ${/line (\d+)/.exec(error.message)?.[1] ?? '-'}` : String(error)
  }
}

for (const twoRules of [false, true]) {
  test(`every case that was observed on a real Apache comes out the same, the pass written as ${twoRules ? 'two rules' : 'one'}`, t => {
    for (const variant of variants) {
      const ruleset = readRuleset(rulesetOf(variant, { twoRules }))
      const names = ruleNames(ruleset)
      for (const { id, userAgent, expect, checkedOnApache: { observed } } of rewriteCases.filter(c => c.rulesetVariant === variant)) {
        const { match, httpStatus, location, passed } = evaluateRuleset(ruleset, new Map([...usualVariables, ['HTTP_USER_AGENT', userAgent]]))
        t.deepEqual({ rule: names.nameOf(match!, userAgent), matchedPattern: match!.condition?.test.source ?? null, verdict: passed ? 'passed' : 'blocked', httpStatus, location }, expect, id)
        t.is(httpStatus === 'unmodified' ? 200 : httpStatus, observed.status, id)
      }
    }
    t.is(rewriteCases.length, 42)
  })
}

test('an OR behind which no condition stands lets the rule apply to everybody', t => {
  const rules = 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} iPad [OR]\nRewriteRule .* - [F]'
  t.is(ask(rules, 'Android').httpStatus, 403)
})

test('a redirection without L goes on, and a later pass does not take it back', t => {
  const rules = 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} iPad\nRewriteRule .* http://no.example/ [R]\nRewriteRule .* - [L]'
  t.like(ask(rules, 'iPad'), { httpStatus: 302, location: 'http://no.example/', passed: false, match: { rule: { line: 3 } } })
  t.like(ask(rules, 'iPhone'), { httpStatus: 'unmodified', passed: true, match: { rule: { line: 4 } } })
})

test('negation, chains, skips, environment and groups do what they do', t => {
  t.is(ask('RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} !^Apple- [NC]\nRewriteRule ^/ - [F]', 'apple-x').passed, true)
  t.is(ask('RewriteEngine on\nRewriteRule !^/Microsoft - [G]', 'x').passed, true)
  const chained = 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} a\nRewriteRule .* - [C]\nRewriteRule .* - [F]\nRewriteRule .* - [G]'
  t.deepEqual([ask(chained, 'a').httpStatus, ask(chained, 'b').httpStatus], [403, 410])
  const skipping = 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} a\nRewriteRule .* - [S=1]\nRewriteRule .* - [F]'
  t.deepEqual([ask(skipping, 'a').passed, ask(skipping, 'b').passed], [true, false])
  const env = 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} (\\d+)\nRewriteRule .* - [E=n:%1]\nRewriteCond %{ENV:n} =42\nRewriteRule .* - [F]'
  t.deepEqual([ask(env, 'x42').passed, ask(env, 'x43').passed], [false, true])
  t.is(ask('RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} ^(\\w+)\nRewriteRule ^/(.*)$ http://no.example/%1/$1 [R=302]', 'Apple-x').location, 'http://no.example/Apple/Microsoft-Server-ActiveSync')
  t.is(ask('RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} "Windows\\ Phone" [NC]\nRewriteRule .* /sorry.html [L]', 'windows phone').httpStatus, 'rewritten')
  t.is(ask('RewriteRule ^Microsoft - [F]', 'x', { perDirectory: true }).passed, false)
  t.is(ask('RewriteEngine off\nRewriteRule .* - [F]', 'x').passed, true)
})

test('what Apache would not start with, and what would have to be guessed, is refused and names its line', t => {
  const refusals: Record<string, string> = {
    'RewriteRule a': 'malformed-rewrite-rules 1',
    'RewriteCond %{HTTP_USER_AGENT} a # all\nRewriteRule .* - [F]': 'malformed-rewrite-rules 1',
    'RewriteEngine perhaps\nRewriteRule .* - [F]': 'malformed-rewrite-rules 1',
    '\nRewriteRule (.* - [F]': 'malformed-rewrite-rules 2',
    'RewriteRule .* - [X]': 'unsupported-rewrite-rules 1',
    'RewriteRule .* - [N]': 'unsupported-rewrite-rules 1',
    'RewriteMap m txt:/m\nRewriteRule .* ${m:x}': 'unsupported-rewrite-rules 1',
    '<If "true">\nRewriteRule .* - [F]\n</If>': 'unsupported-rewrite-rules 1',
    'RewriteCond %{REQUEST_FILENAME} -f\nRewriteRule .* - [F]': 'unsupported-rewrite-rules 1',
    'RewriteCond %{REMOTE_ADDR} ^10\\.\nRewriteRule .* - [F]': 'unsupported-rewrite-rules -',
    '# nothing': 'malformed-rewrite-rules -',
  }
  for (const [rules, code] of Object.entries(refusals)) t.is(codeOf(rules), code, rules)
})
