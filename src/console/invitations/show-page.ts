import type { AttemptView, InvitationView } from '../../protocols/api/operations/invitations.ts'
import { html, type Markup } from '../html.ts'
import { linkInto, personLink } from '../links.ts'
import { done, state, table, when } from '../words.ts'
import { crumb, sendChoice } from './new-page.ts'
import { attemptInWords, progressOf } from './progress.ts'

/** @property csrf  undefined for whoever may not end it */
export type ShowPage = { invitation: InvitationView, attempts: readonly AttemptView[], csrf: Markup | undefined, canMail: boolean, days: number, ended: boolean, now: Date }

export function showPage({ invitation: i, attempts, csrf, canMail, days, ended, now }: ShowPage): Markup {
  const progress = progressOf(i, now)
  return html`<section>${crumb}<h1>The invitation of ${personLink(i.personId, i.personName)}</h1>${done(ended ? 'The invitation was taken back. Its link opens nothing any more.' : undefined)}
<p>${state(progress.word, progress.tone)} ${progress.text}</p>
<dl class="facts"><div><dt>For</dt><dd>${personLink(i.personId, i.personName)}, ${i.personEmail}</dd></div>
<div><dt>Phones</dt><dd>${i.devicesEnrolled} of ${i.devices} hold a key</dd></div>
<div><dt>The link opens until</dt><dd>${when(new Date(i.expiresAt), now)}</dd></div>
<div><dt>Template</dt><dd>${linkInto('templates', `/console/templates/${encodeURIComponent(i.template)}`, i.template)}</dd></div>
<div><dt>The key is born</dt><dd>${i.key === 'device' ? 'on the phone' : 'here, and delivered'}</dd></div>
<div><dt>Made</dt><dd>${when(new Date(i.createdAt), now)} by ${i.createdBy}</dd></div>${i.endedAt !== null && html`
<div><dt>Taken back</dt><dd>${when(new Date(i.endedAt), now)}</dd></div>`}</dl>
<p class="soft">${linkInto('records', `/console/records?subject=${encodeURIComponent(`invitation:${i.id}`)}`, 'What was changed, by whom')} · <code>${i.id}</code></p></section>
<section><h2>What happened</h2>${table({
  caption: 'Attempts of phones, newest first', head: ['When', 'State', 'What happened', 'Phone'],
  rows: attempts.map(attempt => row(attempt, now)),
  empty: 'Nobody has downloaded the profile yet. Each download stands here, with what became of it.',
})}</section>
${csrf !== undefined && i.state !== 'ended' && html`<section><h2>Send it again</h2><p>Latchkey kept no copy of the link, so this makes a new one, which opens for ${days} ${days === 1 ? 'day' : 'days'}. The old link opens nothing any more; what a phone has begun under it goes on.</p>
<form method="post" action="/console/invitations/${i.id}/resend">${csrf}${canMail && sendChoice(true)}<button type="submit">Make a new link</button></form></section>`}
${csrf !== undefined && (i.state === 'open' || i.state === 'used-up') && html`<section class="consequence"><h2>Take it back</h2><p>The link opens nothing any more, from this moment. Certificates that were issued under it stay as they are${i.devicesEnrolled > 0 && html`: ${i.devicesEnrolled === 1 ? 'one phone keeps its key' : `${i.devicesEnrolled} phones keep their keys`}`}. This cannot be undone; a new invitation can be made.</p>
<form method="post" action="/console/invitations/${i.id}/end">${csrf}<button class="stop" type="submit">Take the invitation back</button></form></section>`}`
}

function row(attempt: AttemptView, now: Date): (string | Markup)[] {
  const { word, tone, text } = attempt.state === 'issued' && attempt.error === null ? { word: 'done', tone: 'good' as const, text: 'The phone got its certificate.' } : attemptInWords(attempt, '', now)
  return [
    when(new Date(attempt.at), now), state(word, tone), html`${text}${attempt.error !== null && html` <code class="soft">${attempt.error}</code>`}`,
    attempt.deviceId === null ? 'not known yet' : linkInto('phones', `/console/phones/${attempt.deviceId}`, 'the phone'),
  ]
}
