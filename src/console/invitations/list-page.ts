import type { InvitationView } from '../../protocols/api/operations/invitations.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { sortable, sortCaption, sortWords, type Sorting } from '../sorting.ts'
import { pager, state, table, when } from '../words.ts'
import { brief } from '../status-words.ts'
import { progressOf } from './progress.ts'

export type ListPage = {
  items: readonly InvitationView[], next: string | null, email: string
  /** said when nobody has that address */
  unknown: boolean, mayInvite: boolean, sorting: Sorting, now: Date
}

export function listPage({ items, next, email, unknown, mayInvite, sorting, now }: ListPage): Markup {
  return html`<section><h1>Invitations</h1><p>An invitation is a link for one person. Opened on an iPhone or iPad, it leads that phone to its key.</p>
${mayInvite && html`<div class="actions"><a class="button main" href="/console/invitations/new">Invite a person</a><a class="button" href="/console/invitations/many">Invite many</a></div>`}</section>
<section><form method="get" action="/console/invitations" class="actions"><label for="f-email">Of one person</label><input type="email" id="f-email" name="email" value="${email}" maxlength="254" placeholder="ada@example.com"><button type="submit">Show</button>${email !== '' && html`<a href="/console/invitations">all</a>`}</form>
${unknown && html`<p role="status">Nobody with the address ${email} was ever invited.</p>`}
${table({
  caption: email === '' ? sortCaption(sorting.sort) : `Of ${email}, ${sortWords[sorting.sort] ?? ''}`,
  head: [sortable(sorting, 'Person', 'person'), 'State', { text: 'How far it came', prose: true }, { text: 'Phones', numeric: true }, sortable(sorting, 'Opens until', 'ends'), sortable(sorting, 'Invited', 'created', 'descending'), 'By'],
  rows: items.map(invitation => row(invitation, now)),
  empty: 'No invitation yet. The first one you make stands here, with how far its phone has come.',
})}
${pager(next)}</section>`
}

function row(i: InvitationView, now: Date): (string | Markup)[] {
  const progress = progressOf(i, now)
  return [
    html`<a href="/console/invitations/${i.id}">${brief(i.personName)}</a><br><span class="soft">${personLink(i.personId, i.personEmail)}</span>`,
    state(progress.word, progress.tone), brief(progress.text, 300), `${i.devicesEnrolled} of ${i.devices}`,
    when(new Date(i.expiresAt), now), when(new Date(i.createdAt), now), brief(i.createdBy),
  ]
}
