import type { CertificateView } from '../../protocols/api/operations/certificate-view.ts'
import type { DeviceView } from '../../protocols/api/operations/devices.ts'
import type { InvitationView } from '../../protocols/api/operations/invitations.ts'
import type { PersonDetail, PersonStoryItem } from '../../protocols/api/operations/people.ts'
import { html, type Markup } from '../html.ts'
import { progressOf } from '../invitations/progress.ts'
import { address } from '../perform.ts'
import { actionInWords } from '../records/action-words.ts'
import { subjectLink } from '../records/list-page.ts'
import { certificateState, modelWords, named, phoneState } from '../status-words.ts'
import { done, grade, state, table, when } from '../words.ts'
import { personState } from './list-page.ts'

export type PersonPage = {
  person: PersonDetail, phones: readonly DeviceView[], certificates: readonly CertificateView[], invitations: readonly InvitationView[], story: readonly PersonStoryItem[]
  mayChange: boolean, doneText: string | undefined, now: Date
}
/** Of each kind; the rest is one click away. */
export const shownOfEach = 20

export function personPage(page: PersonPage): Markup {
  const { person, mayChange, doneText, story, now } = page
  return html`<section><p class="soft"><a href="/console/people">People</a></p><h1>${named(person.name)}</h1>${done(doneText)}
<p>${personState(person)} ${sentence(person)}</p>${mayChange && actions(person)}${facts(person, now)}</section>
<section><h2>Phones</h2>${phones(page)}</section>
<section><h2>Certificates</h2>${certificates(page)}</section>
<section><h2>Invitations</h2>${invitations(page)}</section>
<section><h2>What happened</h2>${storyOf(story, now)}</section>`
}

const counted = (number: number, one: string, many: string): string => `${number === 0 ? 'no' : number === 1 ? 'one' : number} ${number === 1 ? one : many}`

const sentence = (p: PersonDetail): string => [
  `${counted(p.certificatesGood, 'certificate is', 'certificates are')} in force${p.certificatesHeld > 0 ? `, ${p.certificatesHeld} on hold` : ''}.`,
  p.phonesLockedOut > 0 ? `${counted(p.phonesLockedOut, 'phone is', 'phones are')} locked out.` : '',
  p.heldAt === null ? '' : 'Nothing new is issued to any phone of theirs until they are released.',
].filter(text => text !== '').join(' ').replace(/^no/, 'No').replace(/^one/, 'One')

function actions(p: PersonDetail): Markup {
  const path = `/console/people/${p.id}`
  const has = p.certificatesGood + p.certificatesHeld + p.openInvitations > 0
  return html`<div class="actions"><a class="button" href="${address('/console/invitations/new', { person: p.id })}">Invite again</a>${(p.heldAt !== null || p.certificatesHeld > 0) && html`<a class="button" href="${path}/release">Release</a>`}${p.heldAt === null && html`<a class="button" href="${path}/hold">Put on hold</a>`}${has && html`<a class="button" href="${path}/revoke">Revoke everything</a>`}</div>`
}

const facts = (p: PersonDetail, now: Date): Markup => html`<dl class="facts"><div><dt>E-mail</dt><dd>${named(p.email)}</dd></div>${p.userPrincipalName !== null && html`
<div><dt>Name in the directory</dt><dd>${named(p.userPrincipalName)}</dd></div>`}
<div><dt>Groups</dt><dd>${p.groups.length === 0 ? 'none' : named(p.groups.join(', '))}</dd></div>
<div><dt>Written to in</dt><dd>${p.language === null ? 'English and German' : p.language === 'de' ? 'German' : 'English'}</dd></div>
<div><dt>On record</dt><dd>${when(new Date(p.createdAt), now)}</dd></div>${p.heldAt !== null && html`
<div><dt>Locked out</dt><dd>${when(new Date(p.heldAt), now)}</dd></div>`}</dl>`

/** Under a list that shows the newest only. */
const all = (items: readonly unknown[], href: string): Markup | undefined => items.length < shownOfEach ? undefined : html`<p><a href="${href}">All of them</a></p>`

const phones = ({ phones: items, person, now }: PersonPage): Markup => html`${table({
  caption: 'Newest first', head: ['Phone', 'Serial number', 'Known by', 'State', 'Until'],
  rows: items.map(phone => [
    html`<a href="/console/phones/${phone.id}">${modelWords(phone)}</a>`, html`<code>${named(phone.serialNumber)}</code>`, grade(phone.grade, phone.test), phoneState(phone),
    phone.certificate === null ? '–' : when(new Date(phone.certificate.notAfter), now),
  ]),
  empty: 'No phone of theirs has introduced itself yet.',
})}${all(items, address('/console/phones', { person: person.email }))}`

const certificates = ({ certificates: items, person, now }: PersonPage): Markup => html`${table({
  caption: 'Certificates, newest first', head: ['Serial number', 'State', 'Ends', 'Issued'],
  rows: items.map(certificate => [
    html`<a href="/console/certificates/${certificate.serialNumber}"><code>${certificate.serialNumber}</code></a>`, certificateState(certificate.status),
    when(new Date(certificate.notAfter), now), when(new Date(certificate.createdAt), now),
  ]),
  empty: 'They have had no certificate.',
})}${all(items, address('/console/certificates', { person: person.email }))}`

const invitations = ({ invitations: items, person, now }: PersonPage): Markup => html`${table({
  caption: 'Invitations, newest first', head: ['Invited', 'State', 'How far it came', { text: 'Phones', numeric: true }, 'Opens until', 'By'],
  rows: items.map(invitation => {
    const progress = progressOf(invitation, now)
    return [
      html`<a href="/console/invitations/${invitation.id}">${when(new Date(invitation.createdAt), now)}</a>`, state(progress.word, progress.tone), progress.text,
      `${invitation.devicesEnrolled} of ${invitation.devices}`, when(new Date(invitation.expiresAt), now), named(invitation.createdBy),
    ]
  }),
  empty: 'They were never invited.',
})}${all(items, address('/console/invitations', { email: person.email }))}`

const storyOf = (story: readonly PersonStoryItem[], now: Date): Markup => story.length === 0 ? html`<p class="empty">Nothing is on record yet.</p>`
  : html`<ol class="story">${story.map(item => html`<li>${when(new Date(item.at), now)}<br><b>${named(item.actor)}</b> <a href="/console/records/${item.id}">${actionInWords(item.action)}</a> ${subjectLink(item.subject)}${item.text !== '' && html`<p class="soft">${named(item.text)}</p>`}</li>
`)}</ol>`
