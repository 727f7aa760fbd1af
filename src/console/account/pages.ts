import type { Context } from 'koa'
import { leastPasswordLength, longestPasswordLength } from '../../http/password.ts'
import { sessionOf } from '../../http/session.ts'
import type { Role } from '../../store/access.ts'
import type { Passkey } from '../../store/credentials.ts'
import type { Session, SignInMethod } from '../../store/sessions.ts'
import { html, type Markup } from '../html.ts'
import { csrfField, field, problem, state, table, when } from '../words.ts'
import type { NoticeKind } from '../../store/admin-notices.ts'
import { noticesSection } from './notices.ts'
import { deviceInWords } from './user-agent.ts'

export type AccountView = {
  now: Date, passkeys: Passkey[], passwordChangedAt: Date | undefined, codesLeft: number, sessions: Session[], wanted: readonly NoticeKind[], canMail: boolean
}

/** A form that is one button. */
export const button = (ctx: Context, action: string, text: string, label: string, fields: Record<string, string> = {}, kind = ''): Markup =>
  html`<form method="post" action="${action}">${csrfField(ctx)}${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}<button type="submit" class="${kind}" aria-label="${label}">${text}</button></form>`

export function accountPage(ctx: Context, view: AccountView): Markup {
  const { actor, email } = sessionOf(ctx)
  return html`<section><h1>${actor.name}</h1><p>${email} · ${roleInWords[actor.role]}</p>
<p class="actions"><a class="button" href="/console/account/tokens">API tokens</a><a class="button" href="/console/account/people">People who administer</a></p></section>
${signInSection(ctx, view)}${sessionSection(ctx, view)}${noticesSection(ctx, view.wanted, view.canMail)}`
}

export const roleInWords: Readonly<Record<Role, string>> = {
  admin: 'admin: may do everything', operator: 'operator: invites, decides, revokes', auditor: 'auditor: sees all, changes nothing',
}

function signInSection(ctx: Context, { now, passkeys, passwordChangedAt, codesLeft }: AccountView): Markup {
  return html`<section><h2>How you sign in</h2>
<p>${passkeys.length === 0
  ? 'With your password alone. Add a passkey: it cannot be guessed, nor typed into a page that only looks like this one.'
  : 'With a passkey, or with your password and a recovery code.'}</p>
${table({
  caption: 'Passkeys', head: ['Name', 'Added', 'Last used', 'Kept', ''], empty: 'No passkey yet.',
  rows: passkeys.map(passkey => [passkey.name, when(passkey.createdAt, now), passkey.lastUsedAt === null ? 'never' : when(passkey.lastUsedAt, now),
    passkey.backedUp ? 'in your account at its maker' : 'on one device', button(ctx, '/console/account/passkey/end', 'Remove', `Remove the passkey ${passkey.name}`, { id: passkey.credentialId.toString('base64url') })]),
})}
<div class="actions"><a class="button${passkeys.length === 0 && ' main'}" href="/console/account/passkey">Add a passkey</a>
<a class="button" href="/console/account/password">${passwordChangedAt === undefined ? 'Set a password' : 'Change the password'}</a>
${passkeys.length > 0 && html`<a class="button" href="/console/account/codes">Make new recovery codes</a>`}</div>
<p class="soft">${passwordChangedAt !== undefined && html`Password set ${when(passwordChangedAt, now)}. `}${passkeys.length > 0 && (codesLeft === 0 ? 'No recovery code is left: make new ones.' : `${codesLeft} of ten recovery codes left.`)}</p></section>`
}

const methodInWords: Readonly<Record<SignInMethod, string>> = {
  'setup-link': 'setup link', password: 'password', passkey: 'passkey', 'recovery-code': 'password and recovery code',
}

function sessionSection(ctx: Context, { now, sessions }: AccountView): Markup {
  const { sessionId } = sessionOf(ctx)
  return html`<section><h2>Where you are signed in</h2>${table({
    caption: 'A session ends an hour after its last request, and twelve hours after it began.', empty: 'Nowhere.',
    head: ['Browser', 'From', 'With', 'Since', 'Last seen', ''],
    rows: sessions.map(session => [deviceInWords(session.userAgent), html`<code>${session.address}</code>`, methodInWords[session.method], when(session.createdAt, now), when(session.lastSeenAt, now),
      session.id === sessionId ? state('this one', 'good') : button(ctx, '/console/account/sessions/end', 'End', `End the session from ${session.address}`, { id: session.id })]),
  })}${sessions.length > 1 && html`<div class="actions">${button(ctx, '/console/account/sessions/end', 'End all other sessions', 'End all other sessions', { id: 'others' })}</div>`}</section>`
}

export const notFreshPage = (path: string): Markup => html`<section><h1>Sign in once more</h1>
<p>What you are about to change decides who can sign in as you, so it needs a sign-in of the last 15 minutes.</p>
<p><a class="button main" href="${`/console/sign-in?next=${encodeURIComponent(path)}`}">Sign in</a> <a href="/console/account">Not now</a></p></section>`

export const passkeyPage = (ctx: Context, { host, url, options, name, first }: { host: string, url: string, options: object, name: string, first: boolean }): Markup => html`<section><h1>Add a passkey</h1>
<p>It lives on your device or in your password manager, opens with your face, finger or PIN, and works only here. ${first && 'From then on your password alone no longer opens the console.'}</p>
<form method="post" action="/console/account/passkey" data-passkey="make" data-host="${host}" data-options="${JSON.stringify(options)}" hidden>
${csrfField(ctx)}<input type="hidden" name="credential" value="">
${field({ label: 'A name for it', name: 'name', value: name, maxlength: 60, required: true, autocomplete: 'off', hint: 'So that you know which one to remove.' })}
<button class="main" type="submit">Add a passkey</button><p class="soft" role="status"></p></form>
<p data-without-passkey>This browser offers no passkey here. It needs script and the address <code>${url}</code>.</p>
<p><a href="/console/account">Not now</a></p></section>`

/** Shown once: they are stored as hashes. */
export const codesPage = (codes: readonly string[], heading: string): Markup => html`<section><h1>${heading}</h1>
<p>Keep these ten recovery codes on paper, or where you keep passwords. Each opens the console once, together with your password, when your passkey is not at hand. They are not shown again.</p>
<ol class="codes">${codes.map(code => html`<li><code>${code}</code></li>`)}</ol>
<p><a class="button main" href="/console/account">I have kept them</a></p></section>`

export const newCodesPage = (ctx: Context, left: number): Markup => html`<section><h1>Make new recovery codes</h1>
<p>${left === 0 ? 'None is left.' : left === 1 ? 'The one that is left ends then.' : `The ${left} that are left end then.`} You see the new ones once.</p>
<div class="actions">${button(ctx, '/console/account/codes', 'Make ten new codes', 'Make ten new codes', {}, 'main')}<a href="/console/account">Not now</a></div></section>`

export const passwordPage = (ctx: Context, errors: Readonly<Record<string, string>> = {}): Markup => html`<section><h1>A new password</h1>
<p>Your other sessions end when it is set.</p>${problem(Object.keys(errors).length === 0 ? undefined : 'The password was not changed.')}
<form method="post" action="/console/account/password">${csrfField(ctx)}<input type="hidden" name="username" value="${sessionOf(ctx).email}" autocomplete="username">
${field({ label: 'New password', name: 'password', type: 'password', autocomplete: 'new-password', required: true, maxlength: longestPasswordLength, hint: `At least ${leastPasswordLength} characters; a sentence is good.`, error: errors['password'] })}
${field({ label: 'The same password again', name: 'again', type: 'password', autocomplete: 'new-password', required: true, maxlength: longestPasswordLength, error: errors['again'] })}
<div class="actions"><button class="main" type="submit">Set this password</button><a href="/console/account">Not now</a></div></form></section>`
