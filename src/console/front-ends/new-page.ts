import type { Context } from 'koa'
import { frontEndKinds, type FrontEndKind } from '../../protocols/check/kinds.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, field, problem } from '../words.ts'
import { kindWords } from './words.ts'

export type NewFrontEnd = Partial<Record<'name' | 'kind' | 'authority' | 'minutes' | 'whenStale', string>>

export const newFrontEndPage = (ctx: Context, { values, mistakes, authorities }: { values: NewFrontEnd, mistakes: Readonly<Record<string, string>>, authorities: readonly string[] }): Markup => html`
<section><p class="soft"><a href="/console/front-ends">Front ends</a></p><h1>Add a front end</h1></section>
<form method="post" action="/console/front-ends/new">${problem(mistakes[''])}${csrfField(ctx)}
${field({ label: 'Name', name: 'name', value: values.name ?? '', maxlength: 63, required: true, spellcheck: false, autocomplete: 'off', error: mistakes['name'], hint: 'Lower-case letters, digits and hyphens, like mail-1. It stands in the address that it asks.' })}
${choices({ legend: 'What it is', name: 'kind', value: values.kind ?? 'nginx', error: mistakes['kind'], options: (Object.keys(frontEndKinds) as FrontEndKind[]).map(value => ({ value, text: kindWords[value].name, hint: kindWords[value].hint })) })}
${field({ label: 'Certificates of', name: 'authority', type: 'select', value: values.authority ?? '', error: mistakes['authority'], options: [{ value: '', text: 'every authority that issues to phones' }, ...authorities.map(name => ({ value: name, text: name }))] })}
${field({ label: 'Last good data count, in minutes', name: 'minutes', type: 'number', value: values.minutes ?? '15', min: '1', max: '10080', error: mistakes['maxAgeSeconds'], hint: 'For a front end with an agent, when it cannot hear Latchkey.' })}
${choices({ legend: 'After that', name: 'whenStale', value: values.whenStale ?? 'refuse', error: mistakes['whenStale'], options: [
  { value: 'refuse', text: 'Refuse everybody', hint: 'Nobody can be sure any more, so nobody passes.' }, { value: 'alarm', text: 'Go on, and tell somebody', hint: 'A phone that is revoked meanwhile still passes.' },
] })}
<div class="actions"><button class="main" type="submit">Add it, and show its secret</button><a href="/console/front-ends">Leave it</a></div></form>`

export const addedFrontEndPage = ({ name, secret, checkUrl }: { name: string, secret: string, checkUrl: string | null }): Markup => html`<section><h1>${name} ${checkUrl === null ? 'is added' : 'may ask'}</h1>
<p>Keep its secret now: it is stored as a hash and is not shown again.</p><p><code class="secret">${secret}</code></p>
${checkUrl === null ? html`<p>It asks nothing. With this secret <code>latchkey agent enroll</code> makes the agent that brings it the revocation lists.</p>`
  : html`<p>It asks <code class="long">${checkUrl}</code> and sends <code>Authorization: Bearer …</code> with it. A secret in the configuration file should be readable by its program alone.</p>`}
<p><a class="button main" href="/console/front-ends/${name}">I have kept it</a></p></section>`
