/** A phone's story in sentences. */
import type { StoryEvent } from '../../protocols/api/operations/device-story.ts'
import { html, type Markup } from '../html.ts'
import { linkInto } from '../links.ts'
import { refusalWords } from '../refusal-words.ts'
import { named } from '../status-words.ts'
import { grade, when, type Tone } from '../words.ts'

const tones: Partial<Record<StoryEvent['kind'], Tone>> = {
  'allowed': 'good', 'certificate-issued': 'good', 'certificate-used': 'good', 'certificate-released': 'good', 'approved-by-admin': 'good', 'let-in-again': 'good',
  'quarantined': 'wait', 'certificate-held': 'wait', 'stuck': 'wait', 'contradicted': 'wait',
  'refused': 'stop', 'refused-by-admin': 'stop', 'certificate-revoked': 'stop', 'locked-out': 'stop',
}

export function storyList(phone: string, events: readonly StoryEvent[], now: Date): Markup {
  if (events.length === 0) return html`<p class="empty">Nothing is on record yet.</p>`
  return html`<ol class="story">${events.map(event => {
    const tone = tones[event.kind]
    return html`<li${tone !== undefined && html` class="${tone}"`}>${when(new Date(event.at), now)}<br>${headline(event)}${details(phone, event)}</li>
`
  })}</ol>`
}

const by = (event: StoryEvent): Markup => html`${event.by === null ? 'Somebody' : named(event.by)}`

const certificateOf = ({ certificate }: StoryEvent): Markup =>
  certificate === null ? html`Certificate` : html`Certificate <a href="/console/certificates/${certificate}"><code>${certificate.slice(0, 8)}…</code></a>`

function headline(event: StoryEvent): Markup {
  switch (event.kind) {
    case 'invited': return html`<b>Invited</b> by ${by(event)}${event.invitation !== null && html` (${linkInto('invitations', `/console/invitations/${event.invitation}`, 'invitation')})`}`
    case 'introduced': return html`<b>The phone introduced itself</b>, ${event.grade !== null && grade(event.grade, event.test)}`
    case 'introduced-again': return html`<b>The phone said it again</b>, with the key that it had just made, ${event.grade !== null && grade(event.grade, event.test)}`
    case 'allowed': return html`<b>Allowed</b>`
    case 'quarantined': return html`<b>Set aside for somebody to look at</b>`
    case 'refused': return html`<b>Refused</b>`
    case 'stuck': return html`<b>It did not go on</b>`
    case 'approved-by-admin': return html`<b>Approved</b> by ${by(event)}`
    case 'refused-by-admin': return html`<b>Refused</b> by ${by(event)}`
    case 'exempted': return html`<b>Exempted</b> from the rules by ${by(event)}`
    case 'exemption-ended': return html`<b>Exemption ended</b> by ${by(event)}`
    case 'locked-out': return html`<b>Locked out</b> by ${by(event)}`
    case 'let-in-again': return html`<b>Let in again</b> by ${by(event)}`
    case 'certificate-issued': return html`${certificateOf(event)} <b>issued</b>`
    case 'certificate-used': return html`${certificateOf(event)} <b>used for the first time</b> at a front end`
    case 'certificate-held': return html`${certificateOf(event)} <b>put on hold</b> by ${by(event)}`
    case 'certificate-released': return html`${certificateOf(event)} <b>released</b> by ${by(event)}`
    case 'certificate-revoked': return html`${certificateOf(event)} <b>revoked</b> by ${by(event)}`
    case 'certificate-superseded': return html`${certificateOf(event)} <b>replaced by a newer one</b>`
    case 'contradicted': return html`<b>A request contradicted its certificate</b> at the front end ${by(event)}`
    case 'claims-accepted': return html`<b>What it claimed was accepted</b> by ${by(event)}`
    case 'certificate-ended': return html`${certificateOf(event)} <b>ended</b>, as it was made to`
  }
}

function details(phone: string, event: StoryEvent): Markup | undefined {
  switch (event.kind) {
    case 'introduced':
    case 'introduced-again': return html`<p class="soft">As <code>${named(event.text)}</code>${event.evidence !== null && html` · <a href="/console/phones/${phone}/evidence/${event.evidence}">the message it signed</a>`}</p>`
    case 'stuck': return html`<p class="soft">Its owner was told: ${refusalWords(event.code ?? '')} <code>${event.code}</code></p>`
    default: return event.text === '' ? undefined : html`<p class="soft">${named(event.text)}${event.code !== null && html` <code>${event.code}</code>`}</p>`
  }
}
