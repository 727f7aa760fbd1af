import type { Overview } from '../../protocols/api/operations/overview.ts'
import { html, type Markup } from '../html.ts'
import { barsFigure } from '../plots/bars.ts'
import { calendarFigure } from '../plots/calendar.ts'
import { whole } from '../plots/figure.ts'
import { weeksFigure, weeksOf } from '../plots/weeks.ts'
import { state, table, when } from '../words.ts'
import { needsOf } from './needs.ts'

/** The first page: what needs a person now, in sentences; then what is, in figures. */
export function todayPage(o: Overview, now: Date): Markup {
  const needs = needsOf(o, now)
  return html`<section><h1>${headline(o, needs.count)}</h1><p class="soft">${o.countedAt === null ? 'The certificates have not been counted yet; this takes a minute after a start.' : html`Phones and certificates as counted ${when(new Date(o.countedAt), now)}.`}</p></section>
${needs.items.length > 0 && html`<section aria-label="What needs you"><ul class="needs">${needs.items}</ul></section>`}
${notes(o)}
<div class="two"><section>${models(o)}</section><section>${weeksFigure(weeksOf(o.issued, o.revoked, now))}</section></div>
<div class="two"><section>${grades(o)}</section><section><h2>What the words mean</h2><p>How Latchkey knows which phone a key is on: <b>attested</b> is Apple’s word for the hardware, <b>signed</b> the phone’s own, made with a key that Apple gave it, <b>listed</b> agrees with your inventory, <b>claimed</b> proves nothing. <a href="/console/words">What each does not prove</a>.</p></section></div>
<section class="year">${calendarFigure(o.ends, now)}</section>
${machinery(o, now)}`
}

const small = ['Nothing', 'One thing', 'Two things', 'Three things', 'Four things', 'Five things', 'Six things', 'Seven things', 'Eight things', 'Nine things', 'Ten things']

function headline(o: Overview, needs: number): string {
  const phones = o.phones === 0 ? 'No phone holds a key yet.' : o.phones === 1 ? 'One phone holds a key.' : `${whole(o.phones)} phones hold a key.`
  return `${phones} ${small[needs] ?? `${needs > 100 ? 'More than 100' : needs} things`} ${needs <= 1 ? 'needs' : 'need'} you.`
}

const notes = (o: Overview): Markup | undefined => {
  const soft = o.warnings.filter(warning => !warning.danger)
  return soft.length === 0 ? undefined : html`<section><h2>Settings worth a look</h2><ul>${soft.map(({ text }) => html`<li>${text}</li>`)}</ul></section>`
}

function models({ models: all }: Overview): Markup {
  const names = all.map(({ key, name, value }) => ({ name: name ?? key, value }))
  const title = names.length === 1 ? `Every key is on ${names[0]!.name}` : `Most keys are on ${names.slice(0, 2).map(({ name }) => name).join(' and ')}`
  return barsFigure({ title, caption: 'Certificates in force by model', what: 'Model', bars: names, empty: 'The models of phones that hold a key stand here.' })
}

function grades({ grades: all }: Overview): Markup {
  const rank = (key: string): number => key === 'test' ? -1 : ['claimed', 'listed', 'signed', 'attested'].indexOf(key)
  const bars = [...all].sort((a, b) => rank(b.key) - rank(a.key)).map(({ key, value }) => ({ name: key, value, mark: key === 'test' }))
  const total = bars.reduce((sum, { value }) => sum + value, 0)
  const largest = bars.reduce<{ name: string, value: number } | undefined>((most, bar) => most === undefined || bar.value > most.value ? bar : most, undefined)
  const title = largest === undefined ? '' : `${largest.value === total ? 'All' : `${whole(largest.value)} of ${whole(total)}`} certificates rest on evidence of the grade ${largest.name}`
  return barsFigure({ title, caption: 'Certificates in force by evidence', what: 'Evidence', bars, empty: 'How the phones that hold a key are known stands here.' })
}

const purposes: Readonly<Record<string, string>> = { authority: 'the authority itself', 'scep-ra': 'SCEP', 'ocsp-responder': 'OCSP answers', 'profile-signer': 'configuration profiles' }

const machinery = (o: Overview, now: Date): Markup => html`<section><h2>What signs, and until when</h2>${table({
  caption: 'Signers are renewed by themselves, long before their end', head: ['Authority', 'Signs', 'Ends', 'State'], empty: 'There is no authority yet.',
  rows: o.signers.map(({ authority, purpose, notAfter, late }) => [authority, purposes[purpose] ?? purpose, when(new Date(notAfter), now), late ? state('late', 'stop') : state('good', 'good')]),
})}</section>
<section><h2>Revocation lists</h2>${table({
  caption: 'The newest list of each authority. When one runs out, front ends refuse everybody', head: ['Authority', { text: 'Number', numeric: true }, 'Published', 'Runs out', 'State'], empty: 'No list has been published yet.',
  rows: o.lists.map(({ authority, crlNumber, thisUpdate, nextUpdate, late }) => [authority, crlNumber, when(new Date(thisUpdate), now), when(new Date(nextUpdate), now), late ? state('late', 'stop') : state('good', 'good')]),
})}</section>`
