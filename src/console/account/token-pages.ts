import type { Context } from 'koa'
import { areas } from '../../http/scope.ts'
import { mayActAs } from '../../http/session.ts'
import type { Role } from '../../store/access.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, dayInWords, field, problem, state, table, when } from '../words.ts'
import { areaWords, scopeInWords } from './area-words.ts'
import { button, roleInWords } from './pages.ts'

export type TokenView = { id: string, name: string, role: Role, actsAs: Role, scope: readonly string[] | null, createdAt: string, expiresAt: string | null }

export type GivenToken = { name?: string, role?: string, until?: string, reach?: string, scope?: readonly string[], problem?: string | undefined }

/** Reading comes with changing, so nobody has to tick both. */
function scopeFields({ reach = 'all', scope = [] }: GivenToken): Markup {
  const box = (value: string, text: string, of: string): Markup =>
    html`<label class="choice"><input type="checkbox" name="scope" value="${value}"${scope.includes(value) && html` checked`}><span>${text}<span class="unseen"> ${of}</span></span></label>`
  return html`${choices({ legend: 'What it may use', name: 'reach', value: reach, options: [
    { value: 'all', text: 'Everything its role may' }, { value: 'some', text: 'Only what is ticked here', hint: 'Within its role all the same.' },
  ] })}
<ul class="areas" aria-label="Areas">${areas.map(area => html`<li><div>${areaWords[area].name}<span class="hint">${areaWords[area].hint}</span></div>${box(`${area}:read`, 'read', areaWords[area].name)}${area === 'overview' || area === 'audit' ? '' : box(area, 'read and change', areaWords[area].name)}</li>
`)}</ul>`
}

export function tokensPage(ctx: Context, now: Date, items: readonly TokenView[], given: GivenToken = {}): Markup {
  const mayChange = mayActAs(ctx, 'admin')
  return html`<section><p class="soft"><a href="/console/account">Account</a> / API tokens</p><h1>API tokens</h1><p>For programs, and for <code>latchkey</code> on other machines. Each has a role and, better, an end, and the few areas that it is for.</p>
${table({
  caption: 'Tokens in force', head: ['Name', 'Role', 'May use', 'Made', 'Ends', ...mayChange ? [''] : []], empty: 'No token yet. Programs that use the API need one.',
  rows: items.map(token => [token.name, token.actsAs === token.role ? token.role : html`${token.role} ${state(`acts as ${token.actsAs}`, 'wait')}`, scopeInWords(token.scope), when(new Date(token.createdAt), now),
    token.expiresAt === null ? 'never' : new Date(token.expiresAt) <= now ? state('over', 'stop') : when(new Date(token.expiresAt), now),
    ...mayChange ? [button(ctx, '/console/account/tokens/end', 'End', `End the token ${token.name}`, { id: token.id })] : []]),
})}</section>
${mayChange && html`<section><h2>Make a token</h2>${problem(given.problem)}<form method="post" action="/console/account/tokens">${csrfField(ctx)}
${field({ label: 'What it is for', name: 'name', value: given.name ?? '', maxlength: 64, required: true, autocomplete: 'off' })}
${field({ label: 'Role', name: 'role', type: 'select', value: given.role ?? 'operator', options: (['auditor', 'operator', 'admin'] as const).map(role => ({ value: role, text: roleInWords[role] })) })}
${scopeFields(given)}
${field({ label: 'Last day', name: 'until', type: 'date', value: given.until ?? dayAfter(now, 365), hint: 'Empty for a token that never ends.' })}
<button class="main" type="submit">Make the token</button></form></section>`}`
}

const dayAfter = (now: Date, days: number): string => new Date(now.getTime() + days * 86_400_000).toISOString().slice(0, 10)

export const tokenMadePage = (url: string, { name, token, expiresAt }: { name: string, token: string, expiresAt: string | null }): Markup => html`<section><h1>The token ${name}</h1>
<p>Keep it now: it is stored as a hash and is not shown again. ${expiresAt === null ? 'It never ends by itself.' : `It ends on ${dayInWords(new Date(expiresAt))}.`}</p>
<p><code class="secret">${token}</code></p>
<p class="soft">As <code>Authorization: Bearer …</code>, or for <code>latchkey</code> on another machine: <code>${`LATCHKEY_URL=${url} LATCHKEY_TOKEN=…`}</code></p>
<p><a class="button main" href="/console/account/tokens">I have kept it</a></p></section>`
