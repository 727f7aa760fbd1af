/** What stands on many pages: instants, grades, states, tables and fields, always marked up in the same way. */
import type { Context } from 'koa'
import { doesNotProve, type EvidenceGrade } from '../devices/evidence.ts'
import { sessionOf } from '../http/session.ts'
import { html, type Markup } from './html.ts'

type Inline = string | number | Markup

const exactFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })
const dayFormat = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** `1 March 2026 at 09:00 UTC` */
export const exactly = (instant: Date): string => `${exactFormat.format(instant)} UTC`
/** `1 March 2026` */
export const dayInWords = (instant: Date): string => dayFormat.format(instant)

const units: [unit: Intl.RelativeTimeFormatUnit, seconds: number][] = [
  ['year', 365 * 86_400], ['month', 30 * 86_400], ['day', 86_400], ['hour', 3600], ['minute', 60],
]
const relativeFormat = new Intl.RelativeTimeFormat('en-GB', { numeric: 'always' })

/** `in 12 days`, `3 hours ago`, `now` within a minute; days up to two months, so that ends can be planned. */
export function relativeTo(instant: Date, now: Date): string {
  const seconds = (instant.getTime() - now.getTime()) / 1000
  const size = Math.abs(seconds)
  const [unit, length] = units.find(([name, least]) => size >= (name === 'month' ? 2 : 1) * least) ?? ['second' as const, 1]
  return unit === 'second' ? 'now' : relativeFormat.format(Math.trunc(seconds / length), unit)
}

/** An instant as people say it, with the exact one on hover and for a screen reader. */
export const when = (instant: Date, now: Date): Markup =>
  html`<time datetime="${instant.toISOString()}" title="${exactly(instant)}">${relativeTo(instant, now)}<span class="unseen">, ${exactly(instant)}</span></time>`

/** How a fact is known; what that does not prove is one click away. */
export const grade = (evidence: EvidenceGrade, test = false): Markup =>
  html`<a class="grade" href="/console/words#${evidence}" title="${doesNotProve[evidence]}">${evidence}</a>${test && html` <a class="grade" href="/console/words#test" title="${doesNotProve.test}">test</a>`}`

export type Tone = 'good' | 'wait' | 'stop'

/** A state is a word; the tone only repeats it. */
export const state = (word: string, tone?: Tone): Markup => html`<span class="state${tone !== undefined && ` ${tone}`}">${word}</span>`

/**
 * @property text  empty over a column of buttons
 * @property numeric  right-aligned
 * @property prose  sentences, which want room
 * @property sort  the address that sorts by this column; `sorted` says how it is now
 */
export type Column = { text: string, numeric?: boolean, prose?: boolean, sort?: string, sorted?: 'ascending' | 'descending' }

/** @property empty  what would fill it, in a sentence */
export type Table = { caption: Inline, head: readonly (string | Column)[], rows: readonly (readonly (Inline | readonly Inline[] | null)[])[], empty: Inline }

/** The first cell of a row names it. */
export function table({ caption, head, rows, empty }: Table): Markup {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`
  const columns = head.map(column => typeof column === 'string' ? { text: column } : column)
  const cell = (content: Inline | readonly Inline[] | null, index: number): Markup => {
    const kind = kindOf(columns[index])
    return index === 0 ? html`<th scope="row"${kind}>${content}</th>` : html`<td${kind}${labelOf(index)}><div>${content}</div></td>`
  }
  // Shown where a row becomes a card. Wrapped, so that text and marks of one value stay together there.
  const labelOf = (index: number): Markup | false => (columns[index]?.text ?? '') !== '' && html` data-label="${columns[index]!.text}"`
  const id = `table-${slug(String(caption))}`
  return html`<div class="scroll" role="region" aria-labelledby="${id}" tabindex="0"><table><caption id="${id}">${caption}</caption>
<thead><tr>${columns.map(heading)}</tr></thead>
<tbody>${rows.map(row => html`<tr>${row.map(cell)}</tr>
`)}</tbody></table></div>`
}

/** Two tables of one page have different captions. */
const slug = (text: string): string => text.replaceAll(/<[^>]*>/g, '').toLowerCase().replaceAll(/[^a-z0-9]+/g, '-').slice(0, 60)

const kindOf = (column: Column | undefined): Markup | false => column?.numeric === true ? html` class="n"` : column?.prose === true && html` class="prose"`

const heading = ({ text, sort, sorted, ...column }: Column): Markup =>
  html`<th scope="col"${kindOf({ text, ...column })}${sorted !== undefined && html` aria-sort="${sorted}"`}>${text === '' ? html`<span class="unseen">Actions</span>` : sort === undefined ? text : html`<a href="${sort}">${text}</a>`}</th>`

/** @param next  the address of the page that follows */
export const pager = (next: string | null | undefined): Markup | undefined =>
  next === null || next === undefined ? undefined : html`<nav class="pager" aria-label="More"><a class="button" href="${next}" rel="next">Show more</a></nav>`

/** Stands in every form of somebody who is signed in. */
export const csrfField = (ctx: Context): Markup => html`<input type="hidden" name="_csrf" value="${sessionOf(ctx).csrfToken}">`

/** @property error  what is wrong and what to do, said beside the field */
export type Field = {
  label: Inline, name: string, value?: string, hint?: Inline, error?: string | undefined
  type?: 'text' | 'email' | 'password' | 'number' | 'date' | 'datetime-local' | 'search' | 'textarea' | 'select'
  required?: boolean, autocomplete?: string, maxlength?: number, minlength?: number, rows?: number, min?: string, max?: string
  inputmode?: 'numeric' | 'email' | 'text'
  /** for `select` */
  options?: readonly { value: string, text: string }[]
  spellcheck?: boolean
}

export function field(f: Field): Markup {
  const id = `f-${f.name}`
  const described = [f.hint !== undefined && `${id}-hint`, f.error !== undefined && `${id}-error`].filter(Boolean).join(' ')
  return html`<div class="field${f.error !== undefined && ' wrong'}"><label for="${id}">${f.label}</label>${f.hint !== undefined && html`
<p class="hint" id="${id}-hint">${f.hint}</p>`}${f.error !== undefined && html`
<p class="error" id="${id}-error">${f.error}</p>`}
${control(f, html` id="${id}" name="${f.name}"${described !== '' && html` aria-describedby="${described}"`}${f.error !== undefined && html` aria-invalid="true"`}${f.required === true && html` required`}${f.spellcheck === false && html` spellcheck="false" autocapitalize="none"`}`)}</div>`
}

function control(f: Field, common: Markup): Markup {
  const limits = [
    f.maxlength !== undefined && html` maxlength="${f.maxlength}"`,
    f.minlength !== undefined && html` minlength="${f.minlength}"`,
    f.autocomplete !== undefined && html` autocomplete="${f.autocomplete}"`,
    f.min !== undefined && html` min="${f.min}"`,
    f.max !== undefined && html` max="${f.max}"`,
    f.inputmode !== undefined && html` inputmode="${f.inputmode}"`,
  ]
  if (f.type === 'textarea') return html`<textarea rows="${f.rows ?? 4}"${common}${limits}>
${f.value ?? ''}</textarea>`
  if (f.type === 'select') return html`<select${common}>${(f.options ?? []).map(({ value, text }) => html`<option value="${value}"${value === f.value && html` selected`}>${text}</option>`)}</select>`
  return html`<input type="${f.type ?? 'text'}"${common}${limits}${f.value !== undefined && f.type !== 'password' && html` value="${f.value}"`}>`
}

/** One of several, as a group of radio buttons. */
export function choices({ legend, name, value, options, hint, error }: { legend: Inline, name: string, value?: string, options: readonly { value: string, text: Inline, hint?: Inline }[], hint?: Inline, error?: string | undefined }): Markup {
  return html`<fieldset class="field${error !== undefined && ' wrong'}"${error !== undefined && html` aria-describedby="f-${name}-error"`}><legend>${legend}</legend>${hint !== undefined && html`<p class="hint">${hint}</p>`}${error !== undefined && html`<p class="error" id="f-${name}-error">${error}</p>`}
${options.map(option => html`<label class="choice"><input type="radio" name="${name}" value="${option.value}"${option.value === value && html` checked`}><span>${option.text}${option.hint !== undefined && html`<span class="hint">${option.hint}</span>`}</span></label>
`)}</fieldset>`
}

/** Above a form that was not taken. */
export const problem = (text: Inline | undefined): Markup | undefined =>
  text === undefined ? undefined : html`<div class="problem" role="alert"><p>${text}</p></div>`

/** What a change that was made says, at the top of the page that follows. */
export const done = (text: Inline | undefined): Markup | undefined =>
  text === undefined ? undefined : html`<p class="done" role="status">${text}</p>`
