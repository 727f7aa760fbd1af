/** Revoking, holding and releasing: what it means is said before, with the numbers. */
import type { Context } from 'koa'
import type { RevocationReason } from '../certificates/revoke.ts'
import { html, type Markup } from './html.ts'
import { choices, csrfField, field, problem } from './words.ts'

export const verbs = ['revoke', 'hold', 'release'] as const
export type Verb = typeof verbs[number]
export const isVerb = (text: string): text is Verb => (verbs as readonly string[]).includes(text)

const reasons: readonly { value: Exclude<RevocationReason, 'certificateHold'>, text: string, hint: string }[] = [
  { value: 'cessationOfOperation', text: 'The phone or the person is no longer here', hint: 'Sold, broken, returned, left the company.' },
  { value: 'keyCompromise', text: 'Lost or stolen', hint: 'Somebody else may hold the phone, and with it the key.' },
  { value: 'privilegeWithdrawn', text: 'No longer entitled', hint: 'Phone and person are still here, but may not come in any more.' },
  { value: 'affiliationChanged', text: 'The person does something else now', hint: 'Another department, another name.' },
  { value: 'superseded', text: 'Replaced by a newer one', hint: 'The phone has, or gets, another certificate.' },
  { value: 'unspecified', text: 'None of these', hint: 'The lists then carry no reason.' },
]

export type Scope = { value: string, text: string, hint: string }

/** @property scopes  what it may reach, the first of them preset; none when there is only one thing */
export type RevocationForm = {
  verb: Verb, heading: Markup, back: { path: string, text: string }, action: string
  /** what it reaches, in numbers */
  reach: Markup
  scopes: readonly Scope[], values: { scope?: string, reason?: string, cause?: string }, mistake?: string | undefined
}

const consequences: Readonly<Record<Verb, readonly string[]>> = {
  revoke: [
    'Front ends that ask Latchkey refuse it from this second on; those that load lists follow with the next list, within a second of its publication.',
    'It cannot be taken back. A phone that is revoked as a whole gets nothing new until an admin releases it; then its owner needs a new invitation.',
    'Mail that is already on the phone stays there, and a connection that is open ends only when the front end’s time limit ends it.',
  ],
  hold: [
    'Front ends refuse it as if it were revoked, from this second on where they ask, and with the next list elsewhere.',
    'It can be released at any time: nothing has to be installed again. Until then a phone or a person on hold gets nothing new.',
    'Mail that is already on the phone stays there, and a connection that is open ends only when the front end’s time limit ends it.',
  ],
  release: [
    'Front ends that ask Latchkey let it in again from this second on; those that load lists do with the next list.',
    'Nothing has to be installed again.',
  ],
}

const buttons: Readonly<Record<Verb, string>> = { revoke: 'Revoke', hold: 'Put on hold', release: 'Release' }

export function revocationPage(ctx: Context, { verb, heading, back, action, reach, scopes, values, mistake }: RevocationForm): Markup {
  return html`<section><p class="soft"><a href="${back.path}">${back.text}</a></p><h1>${heading}</h1></section>
<section class="consequence"><h2>${reach}</h2><ul>${consequences[verb].map(sentence => html`<li>${sentence}</li>`)}</ul></section>
<section>${problem(mistake)}<form method="post" action="${action}">${csrfField(ctx)}
${scopes.length > 1 && choices({ legend: 'What', name: 'scope', value: values.scope ?? scopes[0]!.value, options: scopes })}
${verb === 'revoke' && choices({ legend: 'Why', name: 'reason', value: values.reason ?? 'cessationOfOperation', options: reasons, hint: 'The lists say this to every front end. What is more personal than that belongs into the note.' })}
${field({ label: 'Note for the record', name: 'cause', type: 'textarea', rows: 2, maxlength: 2000, value: values.cause ?? '', hint: 'Not shown to the phone’s owner.' })}
<div class="actions"><button class="${verb === 'release' ? 'main' : 'stop'}" type="submit">${buttons[verb]}</button><a href="${back.path}">Leave it as it is</a></div></form></section>`
}

const doneWords: Readonly<Record<string, string>> = {
  revoke: 'Revoked. Front ends that ask know already; the lists follow within a second.',
  hold: 'On hold. It can be released at any time.',
  release: 'Released. Front ends that load lists follow with the next one.',
  nothing: 'Nothing had to be changed: it stood so already.',
  approved: 'Approved. Its owner opens the invitation again and taps Start once more.',
  'goes-on': 'Approved. The phone goes on with the certificate that it has.',
  'claims-accepted': 'Accepted. Said again, it counts as no contradiction.',
  released: 'Approved. What a change of policy held of it is good again; nothing has to be installed.',
  out: 'Refused. What it held is revoked.',
  refused: 'Refused. Its owner reads your text on the page that they have open.',
}
/** What the address says was done: one of our own sentences, never its own words. */
export const doneText = (query: string): string | undefined => Object.hasOwn(doneWords, query) ? doneWords[query] : undefined
