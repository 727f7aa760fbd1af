import type { InvitationRecord } from '../../enrollment/records.ts'
import { invitationState, type InvitationState } from '../../devices/invitations.ts'
import { html, type Markup } from '../html.ts'
import type { BrowserWords } from './browser-words.ts'
import { followSection, followedState, time, type Followed } from './enrollment-section.ts'
import { dayIn } from './language.ts'
import { name, type PersonPage, type Reader } from './page.ts'
import { situationOf } from './progress.ts'
import { shortened } from './shortened.ts'
import { nextSteps, troubles } from './steps-section.ts'
import { questions } from './template-section.ts'

/** A key of the person's that ends soon, and on which phone. */
export type EndingKey = { model: string, notAfter: Date }

export type InvitationView = {
  invitation: InvitationRecord
  token: string
  browser: BrowserWords
  /** the enrollment of this invitation that something happened to last, where it is worth showing */
  followed: Followed | undefined
  endingKeys: readonly EndingKey[]
  /** whether phones show our signature as verified */
  verified: boolean
}

export const who = ({ texts }: Reader, { template, person }: InvitationRecord): Markup =>
  html`<div class="who"><span class="badge" aria-hidden="true">${firstLetter(template.organization)}</span><span>${texts.invites(name(shortened(template.organization, 60)), name(shortened(person.name, 60)))}</span></div>`

const firstLetter = (text: string): string => shortened(text, 1).replace(/…$/, '')

/** What somebody who opens the link sees first. Opening it consumes nothing. */
export function invitationPage(reader: Reader, view: InvitationView, now: Date): PersonPage {
  const { texts } = reader
  const { invitation, token, followed } = view
  const { template } = invitation
  const state = invitationState(invitation, invitation.placesTaken, now)
  const open = state === 'open' || state === 'used-up'
  const situation = followed === undefined ? undefined : situationOf(followed.view, now).kind
  const address = `/i/${token}/state`
  // A download alone proves nobody: whoever looked at the mail before may have made it.
  const follow = followSection(reader, followed, address, now)
  const first = situation !== undefined && situation !== 'waiting'
  const underWay = situation === 'making' || situation === 'almost' || situation === 'quarantined' || situation === 'ready' && view.endingKeys.length === 0
  const body = html`${who(reader, invitation)}
<section><h1>${template.displayName}</h1>${!underWay && html`
<p data-before>${template.description === undefined ? texts.intro(template.organization) : name(template.description)}</p>`}</section>
${renewal(reader, view, open)}
${first && follow}
${closed(reader, state)}
${open ? offer(reader, view, underWay, state) : questions(reader, template, true)}
${open && nextSteps(reader, { ...view, hidden: underWay })}
${!first && follow}
${open && troubles(reader, { ...view, hidden: underWay })}
<p class="soft">${lasts(reader, invitation, state)} ${texts.ask}: ${name(template.contact)}</p>`
  const wait = followed === undefined ? null : followedState(reader, followed, now).wait
  return { title: template.displayName, body, refreshSeconds: wait === null ? null : Math.max(wait, 5), follows: open || wait !== null }
}

/** Why the button is not there. */
function closed({ texts }: Reader, state: InvitationState): Markup | undefined {
  if (state === 'ended') return html`<p class="notice">${texts.ended}</p>`
  if (state === 'expired') return html`<p class="notice">${texts.expired}</p>`
  return undefined
}

/** Until when and for how many; a link whose places are taken still serves the phone that took one. */
const lasts = ({ texts }: Reader, { expiresAt, devicesMax }: InvitationRecord, state: InvitationState): Markup | string | undefined =>
  state === 'open' ? texts.linkGood(dayIn(texts, expiresAt), devicesMax) : state === 'used-up' ? texts.usedUp : undefined

function renewal(reader: Reader, { endingKeys }: InvitationView, open: boolean): Markup | undefined {
  if (endingKeys.length === 0) return undefined
  const { texts } = reader
  return html`<section class="notice" data-before><h2>${texts.renewalHeading}</h2>
${endingKeys.map(({ model, notAfter }) => html`<p>${texts.renewal(html`<b>${model}</b>`, time(reader, notAfter))}</p>`)}${open && html`<p>${texts.renewalWhat}</p>`}</section>`
}

/** Everything there is to know, then one button. */
function offer(reader: Reader, { invitation, token, browser }: InvitationView, underWay: boolean, state: InvitationState): Markup {
  const { texts } = reader
  return html`<div class="offer" data-before>
${browser.advice !== undefined && !underWay && html`<p class="notice">${texts.advice[browser.advice]}</p>`}
${state === 'used-up' && !underWay && html`<p class="notice">${texts.usedUp}</p>`}
${questions(reader, invitation.template, underWay)}
<p class="go"><a class="button${!underWay && ' main'}" href="/ota/${token}/enroll.mobileconfig" data-start>${underWay ? texts.startAgain : texts.start}</a></p>
<noscript><p class="soft">${texts.lookAgain(html`<a href="/i/${token}">${texts.lookAgainLink}</a>`)}</p></noscript></div>`
}
