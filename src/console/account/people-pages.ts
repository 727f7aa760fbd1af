import type { Context } from 'koa'
import { mayActAs, sessionOf } from '../../http/session.ts'
import { roles, type Role } from '../../store/access.ts'
import { html, type Markup } from '../html.ts'
import { choices, csrfField, field, problem, state, table, when } from '../words.ts'
import { button, roleInWords } from './pages.ts'

export type AdminView = { id: string, name: string, email: string, role: Role, createdAt: string }

export function peoplePage(ctx: Context, now: Date, items: readonly AdminView[], given: { name?: string, email?: string, role?: string, problem?: string | undefined } = {}): Markup {
  const mayChange = mayActAs(ctx, 'admin')
  const { adminId } = sessionOf(ctx).actor
  return html`<section><p class="soft"><a href="/console/account">Account</a> / People who administer</p><h1>People who administer</h1>
${table({
  caption: 'In office', head: ['Name', 'E-mail', 'Role', 'Since', ...mayChange ? [''] : []], empty: 'Nobody.',
  rows: items.map(admin => [admin.name, admin.email, admin.role, when(new Date(admin.createdAt), now),
    ...mayChange ? [admin.id === adminId ? state('you', 'good') : html`<div class="actions"><a class="button" href="${`/console/account/people/role?id=${admin.id}`}" aria-label="${`Another role for ${admin.name}`}">Role</a>${button(ctx, '/console/account/people/link', 'New link', `A new link for ${admin.name}`, { id: admin.id })}${button(ctx, '/console/account/people/end', 'End', `End ${admin.name}`, { id: admin.id }, 'stop')}</div>`] : []]),
})}<p class="soft">A new link replaces the password, passkeys and codes of that person when it is used.</p></section>
${mayChange && html`<section><h2>Add somebody</h2>${problem(given.problem)}<form method="post" action="/console/account/people">${csrfField(ctx)}
${field({ label: 'Name', name: 'name', value: given.name ?? '', maxlength: 64, required: true, autocomplete: 'off' })}
${field({ label: 'E-mail', name: 'email', type: 'email', value: given.email ?? '', maxlength: 254, required: true, autocomplete: 'off', spellcheck: false })}
${field({ label: 'Role', name: 'role', type: 'select', value: given.role ?? 'operator', options: roles.map(role => ({ value: role, text: roleInWords[role] })) })}
<button class="main" type="submit">Add, and make their link</button></form></section>`}`
}

export const linkPage = (name: string, url: string): Markup => html`<section><h1>A link for ${name}</h1>
<p>Send it on a way that only they can read. It works once, for an hour, and is not shown again.</p>
<p><code class="secret">${url}</code></p><p><a class="button main" href="/console/account/people">Done</a></p></section>`

const counted = (count: number, one: string, many: string): string => count === 0 ? `no ${many}` : count === 1 ? `one ${one}` : `${count} ${many}`

export const endPage = (ctx: Context, { id, name, email }: { id: string, name: string, email: string }, sessions: number, tokens: number): Markup => html`<section><h1>End ${name}?</h1>
<div class="consequence"><p>${name} (${email}) is signed out at once and cannot sign in again. This ends ${counted(sessions, 'session', 'sessions')} and ${counted(tokens, 'token', 'tokens')} of theirs. What they did stays in the record.</p></div>
<p>It cannot be taken back; they can be added anew.</p>
<div class="actions">${button(ctx, '/console/account/people/end', `End ${name}`, `End ${name}`, { id, sure: 'yes' }, 'stop')}<a href="/console/account/people">Not now</a></div></section>`

/** @param problem  why it was not changed */
export const rolePage = (ctx: Context, { id, name, email, role }: AdminView, sessions: number, tokens: number, problemWords?: string): Markup => html`<section><h1>Another role for ${name}</h1>
${problem(problemWords)}<div class="consequence"><p>${name} (${email}) is ${role} now. Another role counts at once: in ${counted(sessions, 'open session', 'open sessions')} of theirs, and in ${counted(tokens, 'token', 'tokens')} that they have or made, which never do more than they may. Links that they made for new admins end when they may make none any more.</p></div>
<form method="post" action="/console/account/people/role">${csrfField(ctx)}<input type="hidden" name="id" value="${id}">
${choices({ legend: 'Role', name: 'role', value: role, options: roles.map(value => ({ value, text: roleInWords[value] })) })}
<div class="actions"><button class="main" type="submit">Change the role</button><a href="/console/account/people">Not now</a></div></form></section>`
