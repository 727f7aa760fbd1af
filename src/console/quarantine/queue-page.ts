import type { DeviceView } from '../../protocols/api/operations/devices.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { sortable, sortCaption, type Sorting } from '../sorting.ts'
import { brief, modelWords, type CertificateStatus } from '../status-words.ts'
import { grade, pager, state, table, when } from '../words.ts'

export function queuePage({ items, next, sorting, now }: { items: readonly DeviceView[], next: string | null, sorting: Sorting, now: Date }): Markup {
  const count = items.length
  return html`<section><h1>${count === 0 ? 'No phone waits' : next !== null ? `More than ${count} phones wait for a decision` : count === 1 ? 'One phone waits for a decision' : `${count} phones wait for a decision`}</h1>
<p>A phone is set aside when a rule says so, when too little is known of it, or when nobody knows its model yet. Its owner has a page open that changes as soon as you decide. A phone that was in stands here when a change of policy held its certificate, or would look at it first.</p></section>
<section>${table({
  caption: sortCaption(sorting.sort), head: ['Person', 'Phone', 'Known by', sortable(sorting, 'Set aside', 'waiting'), 'Why'],
  rows: items.map(phone => [
    html`<a href="/console/quarantine/${phone.id}">${brief(phone.personName)}</a><br><span class="soft">${personLink(phone.personId, phone.personEmail)}</span>`, modelWords(phone), grade(phone.grade, phone.test),
    when(new Date(phone.enrollment?.decidedAt ?? phone.createdAt), now), html`${keyWords(phone.certificate?.status)}${brief(phone.enrollment?.decision?.textForAdmin ?? '', 300)}`,
  ]),
  empty: 'Nobody waits. A phone that needs a person to decide stands here, with everything that is known of it.',
})}${pager(next)}</section>`
}

/** What a phone holds that waits although it was in. */
export const keyWords = (status: CertificateStatus | undefined): Markup | undefined =>
  status === 'held' ? html`${state('key on hold', 'wait')} ` : status === 'good' ? html`${state('holds a key', 'good')} ` : undefined
