import type { AuditView } from '../../protocols/api/operations/audit.ts'
import { html, type Markup } from '../html.ts'
import { linkInto } from '../links.ts'
import { sortable, type Sorting } from '../sorting.ts'
import { pager, problem, table, when } from '../words.ts'
import { actionInWords, nouns } from './action-words.ts'
import { cut, summaryOf } from './changes.ts'

/** As it stands in the address. `from` and `until` are days. */
export type RecordFilter = Readonly<Record<'actor' | 'action' | 'subject' | 'from' | 'until', string>>
export type ListPage = { items: readonly AuditView[], next: string | null, filter: RecordFilter, query: string, mistake: string | undefined, sorting: Sorting, now: Date }

export function listPage({ items, next, filter, query, mistake, sorting, now }: ListPage): Markup {
  const filtered = Object.values(filter).some(value => value !== '')
  return html`<section><h1>Records</h1><p>Every change: who made it, from where, and what was before and after. Nothing here can be changed or removed.</p></section>
<section>${problem(mistake)}<form method="get" action="/console/records" class="filters">
<label>Who <input type="text" name="actor" value="${filter.actor}" maxlength="300"></label>
<label>What <input type="text" name="action" value="${filter.action}" maxlength="85" list="actions" placeholder="invitation" spellcheck="false" autocapitalize="none"></label><datalist id="actions">${nouns.map(noun => html`<option value="${noun}"></option>`)}</datalist>
<label>About <input type="text" name="subject" value="${filter.subject}" maxlength="300" placeholder="device:…" spellcheck="false" autocapitalize="none"></label>
<label>From <input type="date" name="from" value="${filter.from}"></label>
<label>Until <input type="date" name="until" value="${filter.until}"></label>
<span class="actions"><button type="submit">Show</button>${filtered && html`<a href="/console/records">all</a>`}</span></form>
${table({
  caption: `${filtered ? 'Changes that match' : 'Changes'}, ${sorting.sort === 'at' ? 'oldest' : 'newest'} first`, head: [sortable(sorting, 'When', 'at', 'descending'), 'Who', 'Did what', 'About', { text: 'More', prose: true }, 'From where'],
  rows: items.map(item => row(item, now)),
  empty: filtered ? 'No change matches.' : 'No change yet. The first one that anybody makes stands here.',
})}
${pager(next)}<p class="soft"><a href="/console/records.csv${query === '' ? '' : `?${query}`}" download="latchkey-records.csv">${filtered ? 'These changes' : 'All changes'} for a spreadsheet (CSV)</a> · days are those of UTC</p></section>`
}

function row(item: AuditView, now: Date): (string | Markup)[] {
  return [
    html`<a href="/console/records/${item.id}">${when(new Date(item.at), now)}</a>`, actor(item.actor), html`${actionInWords(item.action)}<br><code class="soft">${item.action}</code>`,
    subjectLink(item.subject), summaryOf(item.detail), cut(item.source, 100),
  ]
}

const actor = (name: string): Markup => html`<a href="${`/console/records?actor=${encodeURIComponent(name)}`}">${cut(name, 100)}</a>`

const pages = { person: ['people', '/console/people/'], device: ['phones', '/console/phones/'], invitation: ['invitations', '/console/invitations/'], certificate: ['certificates', '/console/certificates/'], template: ['templates', '/console/templates/'] } as const

/** To the page of the thing itself where it has one, and always to what else was done to it. */
export function subjectLink(subject: string): Markup {
  const [noun = '', ...rest] = subject.split(':')
  const id = rest.join(':')
  const page = Object.hasOwn(pages, noun) ? pages[noun as keyof typeof pages] : undefined
  const name = html`<code>${cut(subject, 60)}</code>`
  const all = html`<a href="${`/console/records?subject=${encodeURIComponent(subject)}`}" title="Everything on record about it">${page === undefined ? name : 'all'}</a>`
  return page === undefined ? all : html`${linkInto(page[0], `${page[1]}${encodeURIComponent(id)}`, name)} · ${all}`
}
