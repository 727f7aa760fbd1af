import type { NewInvitation } from '../../protocols/api/operations/invitations.ts'
import { html, type Markup } from '../html.ts'
import { qrCode } from '../qr-code.ts'
import { choices, dayInWords, field, problem } from '../words.ts'

export type InvitationForm = Readonly<Record<'name' | 'email' | 'userPrincipalName' | 'groups' | 'language' | 'template' | 'devices' | 'key' | 'days' | 'send', string>>

export const crumb = html`<p class="soft"><a href="/console/invitations">Invitations</a> /</p>`

export function newPage({ csrf, templates, values, mistakes, canMail }: { csrf: Markup, canMail: boolean, templates: readonly { name: string, displayName: string }[], values: InvitationForm, mistakes: Readonly<Record<string, string>> }): Markup {
  const wrong = Object.keys(mistakes).length
  return html`<section>${crumb}<h1>Invite a person</h1><p>They get a link that opens once per phone. You see it after the next step, and only then.</p></section>
<form method="post" action="/console/invitations" class="stack">${csrf}
${problem(wrong === 0 ? undefined : mistakes[''] ?? 'Nothing was created. Please mend what is marked below.')}
${field({ label: 'Name', name: 'name', value: values.name, error: mistakes['name'], hint: 'As certificates will say it.', required: true, maxlength: 64, autocomplete: 'off' })}
${field({ label: 'E-mail address', name: 'email', type: 'email', value: values.email, error: mistakes['email'], required: true, maxlength: 254, autocomplete: 'off' })}
${field({ label: 'Written to in', name: 'language', type: 'select', value: values.language, error: mistakes['language'], hint: 'Mail only: their pages follow the phone’s own language.', options: [{ value: '', text: 'as on record, or English and German' }, { value: 'en', text: 'English' }, { value: 'de', text: 'German' }] })}
${field({ label: 'Template', name: 'template', type: 'select', value: values.template, error: mistakes['template'], hint: 'What the phone is set up with besides its key.', options: templates.map(({ name, displayName }) => ({ value: name, text: name === displayName ? name : `${name}: ${displayName}` })) })}
${field({ label: 'How many phones', name: 'devices', type: 'number', value: values.devices, error: mistakes['devices'], min: '1', max: '1000', inputmode: 'numeric' })}
${field({ label: 'Days the link opens', name: 'days', type: 'number', value: values.days, error: mistakes['days'], min: '1', max: '365', inputmode: 'numeric' })}
${choices({ legend: 'Where the private key is born', name: 'key', value: values.key, error: mistakes['key'], options: [
  { value: 'device', text: 'On the phone', hint: 'It never leaves the phone. Right for nearly everybody.' },
  { value: 'delivered', text: 'Here, and delivered to the phone', hint: 'For phones that cannot make one. Whoever holds Latchkey could have read it.' },
] })}
<details${(values.userPrincipalName !== '' || values.groups !== '' || mistakes['userPrincipalName'] !== undefined || mistakes['groups'] !== undefined) && html` open`}><summary>More about the person</summary>
${field({ label: 'Name in your directory', name: 'userPrincipalName', value: values.userPrincipalName, error: mistakes['userPrincipalName'], hint: 'A user principal name like ada@corp.example, where your servers ask for one.', maxlength: 254 })}
${field({ label: 'Groups', name: 'groups', value: values.groups, error: mistakes['groups'], hint: 'Rules can name them. Commas between; they replace those on record, and nothing written here leaves those.', maxlength: 5000 })}
</details>
${canMail && sendChoice(values.send === 'yes')}
<div class="actions"><button class="main" type="submit">Create the invitation</button><a href="/console/invitations">Cancel</a></div></form>`
}

/** Offered where there is a server for mail. */
export const sendChoice = (checked: boolean): Markup => html`<label class="choice"><input type="checkbox" name="send" value="yes"${checked && html` checked`}><span>Also mail the link<span class="hint">It is shown here all the same.</span></span></label>`

export type Told = NewInvitation & { name: string, email: string }

/** The links, told this once: to copy, to scan, or to print and cut apart. */
export function toldPage(told: readonly Told[], sent: boolean, again = false): Markup {
  const one = told.length === 1 ? told[0] : undefined
  return html`<section class="screen-only">${crumb}<h1>${one !== undefined && again ? `A new link for ${one.name}` : one !== undefined ? `${one.name} is invited` : `${told.length} people are invited`}</h1>
<p><b>${one !== undefined ? 'This link is' : 'These links are'} shown for ten minutes, only here.</b> Latchkey keeps no copy: who loses a link gets a new one from the page of the invitation. Whoever has a link can use it, so give it to nobody else.</p>${sent && html`
<p class="done" role="status">${one !== undefined ? `A message with the link is on its way to ${one.email}.` : 'A message with the link is on its way to each of them.'}</p>`}
<div class="actions"><button type="button" class="main" data-print hidden>Print</button>${one !== undefined && html`<a href="/console/invitations/${one.id}">See how far the phone comes</a>`}<a href="/console/invitations">All invitations</a></div></section>
<ul class="sheet" aria-label="${one !== undefined ? 'The link' : 'The links'}">${told.map(slip)}</ul>`
}

const slip = ({ id, name, email, url, expiresAt }: Told): Markup => html`<li>${qrCode(url, `QR code of the link for ${name}`)}
<div><p><b>${name}</b><br>${email}</p><p>Scan this with the iPhone that is to get its key, or open in Safari:</p>
<p><code class="link" id="link-${id}">${url}</code></p><p class="actions screen-only"><button type="button" data-copy="link-${id}" hidden>Copy the link</button></p>
<p class="soft">Good until ${dayInWords(new Date(expiresAt))}.</p></div></li>
`
