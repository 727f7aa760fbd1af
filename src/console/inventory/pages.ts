/** The organization's own devices: what the list is worth, what it contradicts, and how it comes in. */
import type { Context } from 'koa'
import type { z } from 'zod'
import { inventorySentence } from '../../devices/inventory-words.ts'
import type { importInventory, inventoryList, inventoryShow } from '../../protocols/api/operations/inventory.ts'
import { html, type Markup } from '../html.ts'
import { personLink } from '../links.ts'
import { brief, named } from '../status-words.ts'
import { choices, csrfField, done, field, pager, problem, table, when } from '../words.ts'

type Standing = Pick<z.input<typeof inventoryShow.output>, 'total' | 'required' | 'missing' | 'contradicted' | 'disagreeing'>
type Preview = z.input<typeof importInventory.output>
export type Upload = { file: string, mode: string }
export type InventoryPage = {
  standing: z.input<typeof inventoryShow.output>, items: z.input<typeof inventoryList.output>['items'], next: string | null, query: string
  mayChange: boolean, doneText: string | undefined, now: Date
}

const path = '/console/inventory'
const crumb = html`<p class="soft"><a href="${path}">Inventory</a></p>`
const isOld = (countedAt: string, now: Date): boolean => now.getTime() - Date.parse(countedAt) > 60_000
const devices = (count: number): string => count === 1 ? 'One device' : `${count.toLocaleString('en')} devices`
const phones = (count: number): string => count === 1 ? 'One phone' : `${count.toLocaleString('en')} phones`

export function inventoryPage(page: InventoryPage): Markup {
  const { standing, mayChange, query, now } = page
  return html`<section><p class="soft"><a href="/console/phones">Phones</a></p>${done(page.doneText)}<h1>Inventory</h1><p>${standing.total === 0 ? 'There is no list of your own devices yet.' : html`${devices(standing.total)}${standing.importedAt !== null && html`, the newest imported ${when(new Date(standing.importedAt), now)}`}.`} ${standing.required ? 'Policy demands it: who is not in it, or contradicts it, is not let in.' : 'Policy does not demand it.'}</p>
${mayChange && html`<div class="actions"><a class="button main" href="${path}/import">Import a list</a><a class="button" href="${path}/require">${standing.required ? 'Stop demanding it' : 'Demand it'}</a>${standing.total > 0 && html`<a class="button" href="${path}/remove">Take devices out</a>`}</div>`}</section>
${standing.total > 0 && html`<section><h2>What it contradicts</h2>${isOld(standing.countedAt, now) && html`<p class="soft">As it was ${when(new Date(standing.countedAt), now)}: a large list is held against all phones every quarter of an hour.</p>`}${contradicted(standing)}${missing(standing)}</section>`}
<section><h2>What is in it</h2>${(standing.total > 0 || query !== '') && html`<form role="search" aria-label="Find a device" method="get" action="${path}" class="actions"><label class="unseen" for="f-q">Find a device</label>
<input type="search" id="f-q" name="q" value="${query}" maxlength="254" placeholder="Serial number, UDID, owner’s address, asset tag" class="wide" spellcheck="false" autocapitalize="none"><button type="submit">Find</button>${query !== '' && html`<a href="${path}">all</a>`}</form>
<p class="soft">Each of them whole.</p>`}
${list(page)}${pager(page.next)}</section>`
}

function contradicted({ contradicted: { count, first } }: Standing): Markup {
  return html`${table({
    caption: count > first.length ? `The first ${first.length} of ${count} phones that say otherwise` : 'Phones that say otherwise',
    head: ['Person', 'Serial number', { text: 'What', prose: true }],
    rows: first.map(phone => [
      personLink(phone.personId, phone.personName), html`<a href="/console/phones/${phone.deviceId}"><code>${brief(phone.serialNumber)}</code></a>`,
      html`${phone.findings.map((finding, index) => html`${index > 0 && html`<br>`}${named(inventorySentence(finding, phone.listed, phone))} <code>${finding}</code>`)}`,
    ]),
    empty: 'No phone on record says otherwise than the inventory.',
  })}`
}

const missing = ({ missing: count, required }: Standing): Markup | undefined => count === 0 ? undefined
  : html`<p>${phones(count)} with a good certificate ${count === 1 ? 'is' : 'are'} not in it${required ? ', and cannot renew' : ''}.</p>`

function modelOf({ model, productTypes }: InventoryPage['items'][number]): Markup | string {
  if (model === null) return '–'
  const codes = productTypes.length === 0 ? undefined : html`<code>${brief(productTypes.join(' '))}</code>`
  return productTypes[0] === model ? codes! : html`${brief(model)}${codes !== undefined && html`<br>${codes}`}`
}

const list = ({ items, query, now }: InventoryPage): Markup => table({
  caption: query === '' ? 'In the order in which they came in' : html`Whose number, owner or asset tag is “${named(query)}”`,
  head: ['Serial number', 'Model', 'Owner', 'Asset tag', 'UDID', 'Imported'],
  rows: items.map(item => [
    html`<code>${brief(item.serialNumber ?? '–')}</code>`, modelOf(item),
    brief(item.ownerEmail ?? '–'), brief(item.assetTag ?? '–'), html`<code class="long">${brief(item.udid ?? '–')}</code>`, html`${when(new Date(item.importedAt), now)} by ${brief(item.importedBy)}`,
  ]),
  empty: query === '' ? 'Nothing yet. An export of Apple Business Manager, Intune or Jamf Pro fills it, or a table of your own.' : html`No device in it has “${named(query)}”.`,
})

export const importPage = (ctx: Context, { upload, mistake }: { upload: Upload, mistake?: string | undefined }): Markup => html`<section>${crumb}<h1>Import a list</h1><p>Paste the export, or choose its file. The next step shows line by line what it means, and which phones contradict it; nothing is changed before you have seen that.</p>
<p class="soft">A listed model is as good as the list, and as the proof that the phone has that serial number.</p></section>
<form method="post" action="${path}/import" class="stack">${csrfField(ctx)}${problem(mistake)}
<p class="field" hidden data-file-into="f-file"><label for="f-upload">A file</label> <input type="file" id="f-upload" accept=".csv,.tsv,.txt,.json,text/csv,application/json"></p>
${fileField(upload.file, 12)}${modeChoices(upload.mode)}
<div class="actions"><button class="main" type="submit">Check the list</button><a href="${path}">Cancel</a></div></form>`

const fileField = (value: string, rows: number, label = 'The list'): Markup => field({
  label, name: 'file', type: 'textarea', rows, value, required: true, spellcheck: false,
  hint: html`CSV with a line of column names, or JSON. <code>Serial Number</code> or <code>UDID</code> is needed; <code>Product Type</code>, <code>Model Number</code> or <code>Model</code>, <code>Email</code> and <code>Asset Tag</code> may follow, and other columns are left alone.`,
})

const modeChoices = (value: string): Markup => choices({
  legend: 'What becomes of the list that there is', name: 'mode', value: value === 'merge' ? 'merge' : 'replace',
  options: [{ value: 'replace', text: 'This one takes its place', hint: 'What is not in it goes.' }, { value: 'merge', text: 'This one is added to it', hint: 'What both have is as this one says.' }],
})

export function previewPage(ctx: Context, { upload, preview }: { upload: Upload, preview: Preview }): Markup {
  const { mistakes, passedOver, read } = preview
  const isGood = mistakes.count === 0
  return html`<section>${crumb}<h1>${isGood ? `${devices(read)} can be imported` : mistakes.count === 1 ? 'One line has a mistake' : `There are ${mistakes.count} mistakes`}</h1>
<p>${isGood ? `${changesInWords(preview)} Nothing is changed yet.` : 'Nothing is imported while a line has a mistake. Mend the list and check it again.'}</p></section>
${remarks('Mistakes', mistakes)}${remarks('Lines that are passed over', passedOver)}
${isGood && html`<section class="consequence"><h2>What it says of phones on record</h2>${contradicted(preview)}${missing(preview)}${preview.required && html`<p>Policy demands the inventory: phones that contradict it, or are not in it, are refused from then on when they enroll or renew.</p>`}</section>
<form method="post" action="${path}/import" class="actions">${csrfField(ctx)}<input type="hidden" name="file" value="${upload.file}"><input type="hidden" name="mode" value="${upload.mode}"><input type="hidden" name="apply" value="yes"><button class="main" type="submit">Import ${read === 1 ? 'it' : 'them'}</button><a href="${path}">Cancel</a></form>`}
<section><h2>The list</h2><form method="post" action="${path}/import" class="stack">${csrfField(ctx)}${fileField(upload.file, 8, 'Change it and check again')}${modeChoices(upload.mode)}<div class="actions"><button type="submit">Check again</button></div></form></section>`
}

function changesInWords({ added, changed, removed, unchanged }: Preview): string {
  const parts = [[added, 'new'], [changed, 'changed'], [unchanged, 'as before']].filter(([count]) => count !== 0).map(([count, word]) => `${count} ${word}`)
  return `${[...parts, ...removed > 0 ? [`${removed} that ${removed === 1 ? 'was' : 'were'} in it will be gone`] : []].join(', ')}.`
}

const remarks = (title: string, { count, first }: Preview['mistakes']): Markup | undefined => count === 0 ? undefined
  : html`<section><h2>${title}</h2>${table({ caption: count > first.length ? `The first ${first.length} of ${count}` : `${count} in all`, head: [{ text: 'Line', numeric: true }, { text: 'What', prose: true }, 'Code'], rows: first.map(({ line, code, text }) => [line, named(text), html`<code>${code}</code>`]), empty: '' })}</section>`

export function requirePage(ctx: Context, { total, required, missing: absent, disagreeing: count }: Standing): Markup {
  return html`<section>${crumb}<h1>${required ? 'Stop demanding the inventory' : 'Demand the inventory'}</h1></section>
<section class="consequence">${required ? html`<h2>A phone may come in that is not in it.</h2><p>What approvals and rules ask for otherwise stays as it is.</p>`
  : html`<h2>${total === 0 ? 'Nobody can enroll any more: the inventory is empty.' : `${phones(absent)} with a good certificate ${absent === 1 ? 'is' : 'are'} not in it, and of ${phones(count).toLowerCase()} it says another model or number.`}</h2>
<p>From the next decision on, an approval or an allow rule lets in only devices that the inventory has, and says the same of. Certificates stay as they are until they are renewed; personal exemptions count before all of it.</p>`}</section>
<form method="post" action="${path}/require">${csrfField(ctx)}<input type="hidden" name="required" value="${required ? 'no' : 'yes'}"><div class="actions"><button class="${required ? 'main' : 'stop'}" type="submit">${required ? 'Stop demanding it' : 'Demand it'}</button><a href="${path}">Leave it</a></div></form>`
}

export const removePage = (ctx: Context, { standing: { total, required }, numbers, mistake }: { standing: Standing, numbers: string, mistake?: string | undefined }): Markup => html`<section>${crumb}<h1>Take devices out</h1><p>A device that was sold or lost. Its phone on record stays as it is${required ? ', and cannot renew any more, for policy demands the inventory' : ''}.</p></section>
<form method="post" action="${path}/remove" class="stack">${csrfField(ctx)}${problem(mistake)}
${field({ label: 'Serial numbers or UDIDs', name: 'numbers', type: 'textarea', rows: 4, value: numbers, hint: 'One a line, at most 1,000', spellcheck: false })}
<div class="actions"><button class="stop" type="submit">Take them out</button><a href="${path}">Cancel</a></div></form>
<section><h2>Or all of it</h2><form method="post" action="${path}/remove">${csrfField(ctx)}<input type="hidden" name="all" value="yes"><button class="stop" type="submit">Take all ${total.toLocaleString('en')} out</button></form></section>`
