import type { z } from 'zod'
import type { activesyncExplain, activesyncFindings } from '../../protocols/api/operations/activesync.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { brief, named } from '../status-words.ts'
import { field, problem, state, table, when } from '../words.ts'

type Answers = z.input<typeof activesyncExplain.output>
export type ActiveSyncValues = { userAgent: string, query: string }
export type ActiveSyncPage = { values: ActiveSyncValues, answers: Answers, mistake: string | undefined, findings: z.input<typeof activesyncFindings.output>['items'], now: Date }

export function activesyncPage({ values, answers, mistake, findings, now }: ActiveSyncPage): Markup {
  return html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>Explain an ActiveSync string</h1>
<p>What a line of a mail server’s log claims about a phone, and whether it can be true. A claim is never evidence: what fits is still only a claim.</p></section>
${answers.claims.map(({ input, finding, sentences }) => answer(input, finding === null ? state('nothing against it') : state(findingWords[finding], 'stop'), sentences))}
${answers.queries.map(({ input, error, sentences }) => answer(input, error === null ? state('can be read') : state('refuse it', 'stop'), sentences))}
<section>${problem(mistake)}<form method="get" action="/console/policy/activesync">
${field({ label: 'User-Agent', name: 'userAgent', value: values.userAgent, maxlength: 4096, hint: 'Apple-iPhone14C5/2001.362', spellcheck: false })}
${field({ label: 'Query', name: 'query', value: values.query, maxlength: 4096, hint: 'What stands after the question mark, plain or in base64', spellcheck: false })}
<button class="main" type="submit">Explain</button></form></section>
<section><h2>Phones whose requests contradict their certificate</h2>${table({
  caption: 'The newest of each phone that nobody has looked at', head: ['Person', 'What', 'Since'],
  rows: findings.map(found => [html`<a href="/console/phones/${found.deviceId}#activesync">${brief(found.personName)}</a><br><span class="soft">${personLink(found.personId, found.personEmail)}</span>`, html`${brief(found.sentence, 300)} <code>${found.finding}</code>`, when(new Date(found.foundAt), now)]),
  empty: 'None. Front ends that pass on the address of a request and its User-Agent are watched; a phone that contradicts its certificate stands here.',
})}</section>`
}

const findingWords = { 'unknown-model': 'unknown model', 'unknown-build': 'unknown build', 'impossible-pair': 'cannot be', 'not-activesync': 'not ActiveSync' } as const

const answer = (input: string, verdict: Markup, sentences: readonly string[]): Markup =>
  html`<section class="consequence"><h2>${verdict}</h2><p><code class="long">${named(input)}</code></p>${sentences.map(sentence => html`<p>${named(sentence)}</p>`)}</section>`
