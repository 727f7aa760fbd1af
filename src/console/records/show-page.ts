import type { AuditView } from '../../protocols/api/operations/audit.ts'
import { escapeHtml, html, type Markup } from '../html.ts'
import { exactly, table, when } from '../words.ts'
import { actionInWords } from './action-words.ts'
import { changesIn, cut } from './changes.ts'
import { subjectLink } from './list-page.ts'

/** One change with all that is on record of it. */
export function showPage(item: AuditView, now: Date): Markup {
  const { changed: allChanged, facts: allFacts } = changesIn(item.detail)
  const facts = within(allFacts, ([name, text]) => name + text)
  const changed = within(allChanged, ({ field, before, after }) => field + before + after)
  const left = allFacts.length - facts.length + allChanged.length - changed.length
  const at = new Date(item.at)
  return html`<section><p class="soft"><a href="/console/records">Records</a> / ${item.id}</p><h1>${cut(item.actor, 200)} ${actionInWords(item.action)}</h1>
<dl class="facts"><div><dt>When</dt><dd>${when(at, now)}, ${exactly(at)}</dd></div><div><dt>From where</dt><dd>${item.source}</dd></div>
<div><dt>About</dt><dd>${subjectLink(item.subject)}</dd></div><div><dt>Code</dt><dd><code>${item.action}</code></dd></div>
${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>
`)}</dl></section>
${changed.length > 0 && html`<section><h2>What changed</h2>${table({
    caption: 'Before and after', head: ['Field', 'Before', 'After'], empty: '',
    rows: changed.map(({ field, before, after }) => [html`<code>${field}</code>`, value(before), value(after)]),
  })}</section>`}${left > 0 && html`<p>${left === 1 ? 'One more field is' : `${left} more fields are`} too long for this page; the export has everything.</p>`}`
}

const mostBytes = 50_000
const bytesOfRow = 120

/** The first of them that fit on a page together. */
function within<T>(rows: readonly T[], textOf: (row: T) => string): T[] {
  let bytes = 0
  return rows.filter(row => (bytes += Buffer.byteLength(escapeHtml(textOf(row))) + bytesOfRow) <= mostBytes)
}

const value = (text: string): Markup => text === '' ? html`<span class="soft">nothing</span>` : html`<span class="value">${text}</span>`
