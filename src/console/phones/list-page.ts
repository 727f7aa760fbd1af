import type { DeviceView } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { furtherBack, nothingFound, searchField } from '../search-field.ts'
import { sortable, sortCaption, sortWords, type Sorting } from '../sorting.ts'
import { brief, modelWords, named, phoneState } from '../status-words.ts'
import { grade, table, when, type Column } from '../words.ts'

export type PhoneList = { items: readonly DeviceView[], query: string, person: string, next: string | null, lookedBackTo: string | null, unknownPerson: boolean, sorting: Sorting, now: Date }

export function phoneListPage({ items, query, person, next, lookedBackTo, unknownPerson, sorting, now }: PhoneList): Markup {
  return html`<section><h1>Phones</h1>${searchField('/console/phones', query, 'Find phones')}<p class="soft"><a href="/console/inventory">The inventory of your own devices</a></p></section>
<section>${unknownPerson && html`<p role="status">Nobody with the address ${named(person)} was ever invited.</p>`}
${table({
  caption: captionOf(query, person, sorting.sort),
  head: query !== '' ? headings : sortableHead(sorting),
  rows: items.map(phone => row(phone, now)),
  empty: nothingFound(lookedBackTo, emptyText(query, person)),
})}${furtherBack(next, lookedBackTo)}</section>`
}

const headings = ['Person', 'Phone', 'Serial number', 'Version', 'Known by', 'State', 'Until', 'First seen'] as const

/** What a search finds comes newest first. */
const sortableHead = (sorting: Sorting): (string | Column)[] => {
  const [person, phone, ...rest] = headings
  return [sortable(sorting, person, 'person'), sortable(sorting, phone, 'model'), ...rest.slice(0, -1), sortable(sorting, rest.at(-1)!, 'created', 'descending')]
}

const captionOf = (query: string, person: string, sort: string): Markup =>
  query !== '' ? html`Phones that “${named(query)}” finds, newest first` : person !== '' ? html`Phones of ${named(person)}, ${sortWords[sort] ?? ''}` : html`${sortCaption(sort)}`

const emptyText = (query: string, person: string): Markup =>
  query !== '' ? html`No phone has “${named(query)}” in its person’s name or address, its serial number, UDID, model or certificates.`
    : person !== '' ? html`This person has no phone here.`
      : html`No phone yet. A phone stands here once it has opened an invitation and introduced itself.`

const row = (phone: DeviceView, now: Date): (string | Markup)[] => [
  html`<a href="/console/phones/${phone.id}">${brief(phone.personName)}</a><br><span class="soft">${personLink(phone.personId, phone.personEmail)}</span>`,
  modelWords(phone), html`<code>${brief(phone.serialNumber)}</code>`, brief(phone.osVersion ?? phone.build ?? '–'), grade(phone.grade, phone.test),
  phoneState(phone), phone.certificate === null ? '–' : when(new Date(phone.certificate.notAfter), now), when(new Date(phone.createdAt), now),
]
