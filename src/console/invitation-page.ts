import { consequencesOf, canErase } from '../enrollment/consequences.ts'
import type { InvitationRecord } from '../enrollment/records.ts'
import { inWords } from './consequence-words.ts'
import { html, type Markup } from './html.ts'
import type { Page } from './page.ts'

export const who = (invitation: InvitationRecord): Markup => html`<div class="who"><span class="mark" aria-hidden="true">${invitation.template.organization.slice(0, 1)}</span><span><b>${invitation.template.organization}</b><br>for ${invitation.person.name}</span></div>`

export const dateInWords = (instant: Date): string =>
  new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' }).format(instant)

/** What somebody who opens the link sees first. Opening it consumes nothing. */
export function invitationPage(invitation: InvitationRecord, token: string, now: Date): Page {
  const { template } = invitation
  const consequences = consequencesOf(template)
  const body = html`${who(invitation)}
<section><h1>${template.displayName}</h1>
<p>${template.description ?? `${template.organization} gives this phone a key of its own. It takes about two minutes.`}</p></section>
${state(invitation, now) ?? html`<a class="button main" href="/ota/${token}/enroll.mobileconfig">Start</a>`}
<section><h2>What happens next</h2><ol class="steps"><li><span>Safari asks to download a profile. Tap <b>Allow</b>.</span></li>
<li><span>Open <b>Settings</b>. Near the top it says <b>Profile Downloaded</b>. Tap it. It waits there for eight minutes.</span></li>
<li><span>Tap <b>Install</b> and enter your passcode. The phone introduces itself and gets its key.</span></li></ol></section>
<section><h2>Before you start</h2><dl>
<div><dt>Can they read my messages or photos?</dt><dd>No. Nothing here lets anybody look into this phone.</dd></div>
<div><dt>Can they erase my phone?</dt><dd>${canErase(consequences) ? 'It can be erased; how is written below. Keep a backup.' : 'No.'}</dd></div>
<div><dt>What changes on this phone?</dt><dd><ul>${consequences.map(consequence => html`<li>${inWords(consequence)}</li>`)}</ul></dd></div>
<div><dt>Can I undo it?</dt><dd>Yes, at any time: Settings, General, VPN &amp; Device Management.</dd></div></dl></section>
<p class="soft">Open this page in Safari on the iPhone or iPad that is to get the key. In Lockdown Mode profiles cannot be installed.</p>
<p class="soft">The link is good until ${dateInWords(invitation.expiresAt)}. ${template.contact}</p>`
  return { title: template.displayName, room: 'phone', body }
}

/** Why the button is not there; a link whose places are taken still serves the phone that took one. */
function state(invitation: InvitationRecord, now: Date): Markup | undefined {
  if (invitation.endedAt !== null) return html`<p role="status"><b>This invitation was taken back.</b> Ask for a new one.</p>`
  if (invitation.expiresAt < now) return html`<p role="status"><b>This invitation has run out.</b> Ask for a new one.</p>`
  return undefined
}

export const unknownInvitation: Page = {
  title: 'No such invitation', room: 'phone',
  body: html`<section><h1>This link is not an invitation</h1><p>Perhaps a part of it was lost on its way. Open it again from the message, or ask for a new one.</p></section>`,
}
