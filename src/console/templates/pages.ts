import { html, type Markup } from '../html.ts'
import { linkInto } from '../links.ts'
import { done, field, problem, table, when } from '../words.ts'

export type TemplateLine = { name: string, displayName: string, updatedAt: string, updatedBy: string }

export function listPage(items: readonly TemplateLine[], mayWrite: boolean, now: Date): Markup {
  return html`<section><h1>Templates</h1><p>A template says what a phone is set up with besides its key: mail, Wi-Fi, VPN, a passcode rule. Every invitation names one.</p>
${mayWrite && html`<div class="actions"><a class="button main" href="/console/templates/new">Write a new one</a></div>`}</section>
<section>${table({
  caption: 'By name', head: ['Name', 'The phone shows', 'Written', 'By'], empty: 'No template yet.',
  rows: items.map(({ name, displayName, updatedAt, updatedBy }) => [html`<a href="/console/templates/${name}">${name}</a>`, displayName, when(new Date(updatedAt), now), updatedBy]),
})}</section>`
}

/**
 * @property name  undefined for one that is to be made
 * @property since  when it was written as this page knows it; '' for a new one
 * @property csrf  undefined for whoever may not write
 */
export type Editor = {
  name: string | undefined, givenName?: string, text: string, since: string, preview: Markup, csrf: Markup | undefined
  written?: boolean, refusal?: string | undefined, nameMistake?: string | undefined, updated?: { at: Date, by: string } | undefined, now: Date
}

export function editorPage(e: Editor): Markup {
  return html`<section><p class="soft"><a href="/console/templates">Templates</a> /</p><h1>${e.name ?? 'A new template'}</h1>
${done(e.written === true ? 'The template is written. Phones get it with their next configuration profile.' : undefined)}
${e.updated !== undefined && html`<p class="soft">Written ${when(e.updated.at, e.now)} by ${e.updated.by} · ${linkInto('records', `/console/records?subject=${encodeURIComponent(`template:${e.name}`)}`, 'all that was changed')}</p>`}</section>
<div class="two editor">${e.csrf === undefined ? readOnly(e) : form(e, e.csrf)}
<section aria-labelledby="preview-title"><h2 id="preview-title">What the phone will show</h2><div id="preview" aria-live="polite">${e.preview}</div></section></div>
${reference}`
}

const readOnly = (e: Editor): Markup => html`<section><h2>The text</h2><pre class="value" tabindex="0">${e.text}</pre></section>`

function form(e: Editor, csrf: Markup): Markup {
  return html`<form method="post" action="/console/templates" class="stack" data-check="/console/templates/check" data-preview="preview">${csrf}<input type="hidden" name="since" value="${e.since}">
${problem(e.refusal)}
${e.name === undefined
  ? field({ label: 'Name', name: 'name', value: e.givenName ?? '', error: e.nameMistake, hint: 'Lower-case letters, digits and hyphens. Invitations name the template by it.', required: true, maxlength: 63, spellcheck: false })
  : html`<input type="hidden" name="name" value="${e.name}">`}
${field({ label: 'The text', name: 'text', type: 'textarea', rows: 28, value: e.text, spellcheck: false, hint: 'JSON. It is checked while you type; nothing is written before you press the button.' })}
<p>Phones that have this profile keep what they have until they enroll again. <b>Changing <code>identifier</code></b> makes phones add a second profile beside the first.</p>
<div class="actions"><button class="main" type="submit">Write the template</button><button type="submit" name="only" value="check">Check only</button><a href="/console/templates">Cancel</a></div></form>`
}

/** What can stand in a template, with an example each. A test holds this against the schema. */
export const fieldsInWords: readonly (readonly [field: string, words: string, example: string])[] = [
  ['organization', 'Who gives the profile.', '"Northwind Trust"'],
  ['displayName', 'What the profile is called, and the heading of the invitation.', '"Work mail on this phone"'],
  ['description', 'A sentence or two beneath; may be left out.', '"Mail, calendar and contacts."'],
  ['consentText', 'What the owner has to agree to before installing; may be left out.', '"I have read the rules."'],
  ['contact', 'Whom to ask. Stands on every page that refuses somebody.', '"Call IT, extension 443."'],
  ['identifier', 'A name of your own in reverse; never change it without need.', '"com.example.phones"'],
  ['trustedCertificates', 'Further certificates to trust, as PEM, with a name each.', '[{ "name": "radius", "pem": "-----BEGIN …" }]'],
  ['exchange', 'A mail account with certificate instead of password.', '{ "host": "mail.example.com", "mailDays": 7 }'],
  ['wifi', 'Networks with EAP-TLS.', '[{ "ssid": "office", "trustedServerNames": ["radius.example.com"] }]'],
  ['ikev2', 'A VPN.', '{ "server": "vpn.example.com" }'],
  ['passcode', 'Rules for the passcode. Ten or eleven wrong ones in a row erase the phone.', '{ "minLength": 6, "maxFailedAttempts": 10 }'],
  ['forceEncryptedBackup', 'Backups to a computer need a password.', 'true'],
  ['webClip', 'Links on the home screen.', '[{ "label": "Help", "url": "https://help.example.com/" }]'],
]

const reference = html`<section><details><summary>What can stand in a template</summary>${table({
  caption: 'Fields of a template', head: ['Field', 'What it is', 'Example'], empty: '',
  rows: fieldsInWords.map(([name, words, example]) => [html`<code>${name}</code>`, words, html`<code>${example}</code>`]),
})}</details></section>`
