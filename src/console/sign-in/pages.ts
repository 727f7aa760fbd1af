import { relyingParty, signInOptions } from '../../http/passkeys.ts'
import { leastPasswordLength, longestPasswordLength } from '../../http/password.ts'
import type { Service } from '../../http/service.ts'
import { html, type Markup } from '../html.ts'
import type { ConsolePage } from '../layout.ts'
import { field, problem } from '../words.ts'

/** @property email  as typed before; never whether there is such an account */
export type SignInState = { next: string, email?: string, problem?: string | undefined, status?: number }

/** With a passkey at the top: it is the shorter and the better way. */
export async function signInPage(service: Service, state: SignInState): Promise<ConsolePage> {
  return {
    title: 'Sign in', scripts: ['passkey.js'], ...state.status === undefined ? {} : { status: state.status },
    body: html`<section><h1>Sign in</h1>${problem(state.problem)}
${await passkeyForm(service, state.next)}</section>
<section><h2>With your password</h2><form method="post" action="/console/sign-in">
<input type="hidden" name="next" value="${state.next}">
${field({ label: 'E-mail', name: 'email', type: 'email', value: state.email ?? '', autocomplete: 'username', required: true, maxlength: 254, spellcheck: false })}
${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'current-password', required: true, maxlength: longestPasswordLength })}
<button type="submit">Sign in</button></form></section>
<p class="soft">Lost everything? Another admin can give you a new link under Account, People. On the machine that runs Latchkey, <code>npx latchkey admin link</code> prints one.</p>`,
  }
}

async function passkeyForm(service: Service, next: string): Promise<Markup> {
  return html`<form method="post" action="/console/sign-in/passkey" data-passkey="use" data-host="${relyingParty(service).id}" data-options="${JSON.stringify(await signInOptions(service))}" hidden>
<input type="hidden" name="next" value="${next}"><input type="hidden" name="credential" value="">
<button class="main" type="submit">Sign in with a passkey</button><p class="soft" role="status"></p></form>
<p class="soft" data-without-passkey>Passkeys need script and the address <code>${service.config.url}</code>.</p>`
}

export type SecondStep = { next: string, adminId: string, ticket: string, problem?: string | undefined, status?: number }

export async function secondStepPage(service: Service, state: SecondStep): Promise<ConsolePage> {
  return {
    title: 'One more step', scripts: ['passkey.js'], ...state.status === undefined ? {} : { status: state.status },
    body: html`<section><h1>The password is right. One more step.</h1>${problem(state.problem)}
<p>You have a passkey, so the password alone does not open the console.</p>${await passkeyForm(service, state.next)}</section>
<section><h2>Without your passkey</h2><form method="post" action="/console/sign-in/recovery">
<input type="hidden" name="next" value="${state.next}"><input type="hidden" name="admin" value="${state.adminId}"><input type="hidden" name="ticket" value="${state.ticket}">
${field({ label: 'Recovery code', name: 'code', hint: 'One of the ten you kept, like ab12-cd34-ef56-gh78. Each works once.', autocomplete: 'one-time-code', required: true, maxlength: 64, spellcheck: false })}
<button type="submit">Sign in with the code</button></form></section>`,
  }
}

/** @property person  set when the link is for somebody who is an admin already */
export type SetupState = { token: string, name?: string, email?: string, person?: { name: string, email: string } | undefined, errors?: Readonly<Record<string, string>>, status?: number }

export function setupPage(state: SetupState): ConsolePage {
  const { errors = {}, person } = state
  const count = Object.keys(errors).length
  return {
    title: person === undefined ? 'Set up Latchkey' : 'Set your password', ...state.status === undefined ? {} : { status: state.status },
    body: html`<section><h1>${person === undefined ? 'You are the first admin' : `Welcome, ${person.name}`}</h1>
<p>${person === undefined ? 'An admin approves models, invites people and takes keys back. This link makes one, once.' : 'This link gives you a new password, once. Passkeys, codes and sessions that you had before end.'}</p>
${problem(count === 0 ? undefined : errors['form'] ?? (count === 1 ? 'One answer needs another look.' : `${count} answers need another look.`))}
<form method="post" action="/setup"><input type="hidden" name="token" value="${state.token}">
${person === undefined ? nameAndAddress(state, errors) : html`<input type="hidden" name="email" value="${person.email}" autocomplete="username">`}
${field({ label: 'Password', name: 'password', type: 'password', autocomplete: 'new-password', required: true, maxlength: longestPasswordLength, hint: `At least ${leastPasswordLength} characters; a sentence is good. Next you are offered a passkey.`, error: errors['password'] })}
${field({ label: 'The same password again', name: 'again', type: 'password', autocomplete: 'new-password', required: true, maxlength: longestPasswordLength, error: errors['again'] })}
<button class="main" type="submit">${person === undefined ? 'Make me the first admin' : 'Set my password'}</button></form></section>`,
  }
}

const nameAndAddress = (state: SetupState, errors: Readonly<Record<string, string>>): Markup => html`
${field({ label: 'Your name', name: 'name', value: state.name ?? '', autocomplete: 'name', required: true, maxlength: 64, error: errors['name'] })}
${field({ label: 'E-mail', name: 'email', type: 'email', value: state.email ?? '', autocomplete: 'username', required: true, maxlength: 254, spellcheck: false, hint: 'You sign in with it.', error: errors['email'] })}`

export const setupOverPage: ConsolePage = {
  title: 'This link is over', status: 410,
  body: html`<section><h1>This link was used, has ended, or never was one</h1>
<p>A setup link works once, for an hour. On the machine that runs Latchkey, <code>npx latchkey admin setup-link</code> prints a new one.</p>
<p><a class="button main" href="/console/sign-in">Sign in</a></p></section>`,
}
