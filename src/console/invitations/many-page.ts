import type { BatchLine } from '../../protocols/api/operations/invitation-batch.ts'
import { html, type Markup } from '../html.ts'
import { field, problem, state, table } from '../words.ts'
import { crumb, sendChoice } from './new-page.ts'

/** So many slips with their codes fit on one page; more people are invited in several turns. */
export const maxPeople = 50

export function manyPage({ csrf, csv, refusal }: { csrf: Markup, csv: string, refusal?: string | undefined }): Markup {
  return html`<section>${crumb}<h1>Invite many people</h1><p>Paste a table from a spreadsheet, or choose a file of comma-separated values: a line for each person, at most ${maxPeople}. The next step shows what every line means; nothing is created before you have seen it.</p></section>
<form method="post" action="/console/invitations/many" class="stack">${csrf}${problem(refusal)}
<p class="field" hidden data-file-into="f-csv"><label for="f-file">A file</label> <input type="file" id="f-file" accept=".csv,.tsv,.txt,text/csv"></p>
${field({
  label: 'The table', name: 'csv', type: 'textarea', rows: 12, value: csv, required: true, spellcheck: false,
  hint: html`First line: names of columns. <code>name</code> and <code>email</code> are needed; <code>template</code>, <code>devices</code>, <code>key</code>, <code>days</code>, <code>groups</code> (with | between) and <code>userPrincipalName</code> may follow. Without a first line they stand in this order.`,
})}
<div class="actions"><button class="main" type="submit">Check the table</button><a href="/console/invitations">Cancel</a></div></form>`
}

export function previewPage({ csrf, csv, lines, mistakes, canMail }: { csrf: Markup, canMail: boolean, csv: string, lines: readonly BatchLine[], mistakes: number }): Markup {
  const good = mistakes === 0 && lines.length > 0
  const notes = lines.filter(line => line.notes.length > 0).length
  return html`<section>${crumb}<h1>${heading(lines.length, mistakes)}</h1>
<p>${good ? `Nothing is created yet.${notes > 0 ? ` ${notes === 1 ? 'One line deserves' : `${notes} lines deserve`} a look.` : ''}` : 'Nothing is created while a line has a mistake. Mend the table below and check it again.'}</p></section>
${good && html`<form method="post" action="/console/invitations/many" class="actions">${csrf}<input type="hidden" name="csv" value="${csv}"><input type="hidden" name="create" value="yes">${canMail && sendChoice(false)}<button class="main" type="submit">Invite ${lines.length === 1 ? 'one person' : `${lines.length} people`}</button><a href="/console/invitations">Cancel</a></form>`}
<section>${table({
  caption: 'What each line means',
  head: [{ text: 'Line', numeric: true }, 'Check', 'Name', 'E-mail', 'Template', { text: 'Phones', numeric: true }],
  rows: lines.map(line => [line.line, check(line), line.name, line.email, line.template, line.devices]),
  empty: 'No line holds a person.',
})}</section>
<section><h2>The table</h2><form method="post" action="/console/invitations/many" class="stack">${csrf}
${field({ label: 'Change it and check again', name: 'csv', type: 'textarea', rows: 8, value: csv, spellcheck: false })}
<div class="actions"><button type="submit">Check again</button></div></form></section>`
}

function heading(lines: number, mistakes: number): string {
  if (lines === 0) return 'There is nobody in this table'
  if (mistakes > 0) return mistakes === 1 ? 'One line has a mistake' : `${mistakes} lines have mistakes`
  return lines === 1 ? 'One person can be invited' : `${lines} people can be invited`
}

const check = ({ mistakes, notes }: BatchLine): Markup => html`${mistakes.length > 0 ? state('mistake', 'stop') : notes.length > 0 ? state('look', 'wait') : state('good', 'good')}${[...mistakes, ...notes].map(text => html`<br>${text}`)}`
