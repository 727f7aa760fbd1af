import type { PersonView } from '../../protocols/api/operations/people.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { furtherBack, nothingFound, searchField } from '../search-field.ts'
import { sortable, sortWords, type Sorting } from '../sorting.ts'
import { brief, named } from '../status-words.ts'
import { state, table, when } from '../words.ts'

export type PeopleList = { items: readonly PersonView[], query: string, next: string | null, lookedBackTo: string | null, sorting: Sorting, now: Date }

export function peopleListPage({ items, query, next, lookedBackTo, sorting, now }: PeopleList): Markup {
  return html`<section><h1>People</h1>${searchField('/console/people', query, 'Find people')}</section>
<section>${table({
  caption: query === '' ? `Whoever was invited, ${sortWords[sorting.sort] ?? ''}` : html`People that “${named(query)}” finds, newest first`,
  // What a search finds comes newest first.
  head: [query === '' ? sortable(sorting, 'Name', 'person') : 'Name', 'E-mail', { text: 'Phones', numeric: true }, 'Groups', 'State', query === '' ? sortable(sorting, 'On record', 'created', 'descending') : 'On record'],
  rows: items.map(person => [
    personLink(person.id, person.name), brief(person.email, 254), person.phones, brief(person.groups.join(', ') || '–', 300), personState(person), when(new Date(person.createdAt), now),
  ]),
  empty: query === '' ? 'Nobody yet. A person stands here from their first invitation on.' : nothingFound(lookedBackTo, html`Nobody has “${named(query)}” in their name or address.`),
})}${furtherBack(next, lookedBackTo)}</section>`
}

export const personState = ({ heldAt, phones }: Pick<PersonView, 'heldAt' | 'phones'>): Markup =>
  heldAt !== null ? state('locked out for now', 'wait') : phones === 0 ? state('no phone yet') : state('may come in', 'good')
