import type { z } from 'zod'
import { Template } from '../../enrollment/template.ts'
import type { templateCheck } from '../../protocols/api/operations/templates.ts'
import { html, type Markup } from '../html.ts'
import { readerOf } from '../person/page.ts'
import { questions } from '../person/template-section.ts'

export type Checked = z.input<typeof templateCheck.output>

/** What Settings calls the payloads of each type (iOS 17 and 18). */
const kinds: Readonly<Record<string, readonly [one: string, many: string]>> = {
  'com.apple.security.root': ['Certificate', 'Certificates'],
  'com.apple.security.pkcs1': ['Certificate', 'Certificates'],
  'com.apple.security.scep': ['Device Identity Certificate', 'Device Identity Certificates'],
  'com.apple.security.pkcs12': ['Device Identity Certificate', 'Device Identity Certificates'],
  'com.apple.eas.account': ['Exchange Account', 'Exchange Accounts'],
  'com.apple.wifi.managed': ['Wi-Fi Network', 'Wi-Fi Networks'],
  'com.apple.vpn.managed': ['VPN Setting', 'VPN Settings'],
  'com.apple.mobiledevice.passwordpolicy': ['Passcode Policy', 'Passcode Policies'],
  'com.apple.applicationaccess': ['Restriction', 'Restrictions'],
  'com.apple.webClip.managed': ['Web Clip', 'Web Clips'],
}

/** `2 Certificates`, in the order in which the profile holds them. */
function contents(payloads: readonly { type: string, displayName: string }[]): { text: string, names: string[] }[] {
  const groups = new Map<string, string[]>()
  for (const { type, displayName } of payloads) {
    const key = (kinds[type] ?? [type])[0]!
    groups.set(key, [...groups.get(key) ?? [], displayName])
  }
  const many = new Map(Object.values(kinds))
  return [...groups].map(([key, names]) => ({ names, text: names.length === 1 ? key : `${names.length} ${many.get(key) ?? key}` }))
}

/** What the text says: its mistakes by field, or what the phone and its owner will see. */
export function preview(value: unknown, { mistakes, preview: shown }: Checked): Markup {
  if (shown === null) {
    return html`<div class="problem"><p><b>${mistakes.length === 1 ? 'One field is wrong.' : `${mistakes.length} fields are wrong.`}</b> The template cannot be written like this.</p></div>
<ul class="mistakes">${mistakes.map(({ field, message }) => html`<li>${field === '' ? 'The whole' : html`<code>${field}</code>`}: ${message}</li>`)}</ul>`
  }
  const template = Template.parse(value)
  return html`<p role="status"><b>Every field is good.</b></p>
<section class="device"><h3>In Settings, before “Install”</h3><p><b>${template.displayName}</b><br>${template.organization}</p>
${template.description !== undefined && html`<p class="value">${template.description}</p>`}<p class="soft">Contains</p>
<ul>${contents(shown.payloads).map(({ text, names }) => html`<li>${text}<br><span class="soft">${names.join(', ')}</span></li>`)}</ul>
${template.consentText !== undefined && html`<p class="soft">To be agreed to</p><p class="value">${template.consentText}</p>`}</section>
<section class="device"><h3>On the invitation page</h3>${questions(readerOf('en'), template, false)}<p class="soft">Whom to ask</p><p class="value">${template.contact}</p></section>`
}

/** For a text that is no template yet because it is no JSON. */
export const notJson = (message: string): Markup => html`<div class="problem"><p><b>This is not JSON yet.</b> ${message}</p></div>`
