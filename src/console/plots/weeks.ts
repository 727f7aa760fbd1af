import { scaleBand, scaleLinear } from 'd3-scale'
import { html, type Markup } from '../html.ts'
import { round } from './bars.ts'
import { compact, figure, whole } from './figure.ts'

const dayMs = 86_400_000
const weeksShown = 12
const width = 420
const plotHeight = 130
const shortDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })

export type Week = { monday: Date, issued: number, revoked: number }
type Days = readonly { key: string, value: number }[]

/** The Monday on or before an instant, in UTC. 1970 began on a Thursday. */
export const mondayOf = (instant: Date): Date => {
  const day = Math.floor(instant.getTime() / dayMs)
  return new Date((day - (day + 3) % 7) * dayMs)
}

/** The last twelve weeks, this one included, each with its sums. */
export function weeksOf(issued: Days, revoked: Days, now: Date): Week[] {
  const sum = (days: Days, from: Date, until: Date): number =>
    days.reduce((total, { key, value }) => key >= from.toISOString().slice(0, 10) && key < until.toISOString().slice(0, 10) ? total + value : total, 0)
  const last = mondayOf(now).getTime()
  return Array.from({ length: weeksShown }, (_, index) => {
    const monday = new Date(last - (weeksShown - 1 - index) * 7 * dayMs)
    const next = new Date(monday.getTime() + 7 * dayMs)
    return { monday, issued: sum(issued, monday, next), revoked: sum(revoked, monday, next) }
  })
}

/** Issued beside revoked, a pair of bars for each week: counts are whole, so nothing is drawn between them. */
export function weeksFigure(weeks: readonly Week[]): Markup {
  const title = titleOf(weeks)
  const most = Math.max(1, ...weeks.flatMap(({ issued, revoked }) => [issued, revoked]))
  const x = scaleBand<number>().domain(weeks.map((_, index) => index)).range([0, width]).paddingInner(0.25)
  const y = scaleLinear().domain([0, most]).range([0, plotHeight - 28])
  const bar = (left: number, value: number, kind: string): Markup | undefined => value === 0 ? undefined
    : html`<rect class="${kind}" x="${round(left)}" y="${round(plotHeight - y(value))}" width="${round(x.bandwidth() / 2 - 1)}" height="${round(y(value))}"/><text class="small" text-anchor="middle" x="${round(left + x.bandwidth() / 4)}" y="${round(plotHeight - y(value) - 4)}">${compact(value)}</text>`
  const marks = weeks.map(({ monday, issued, revoked }, index) => {
    const left = x(index) ?? 0
    return html`<g>${bar(left, issued, 'bar')}${bar(left + x.bandwidth() / 2, revoked, 'bar stop')}${index % 3 === 2 && html`<text text-anchor="${index === weeks.length - 1 ? 'end' : 'start'}" x="${round(index === weeks.length - 1 ? left + x.bandwidth() : left)}" y="${plotHeight + 18}">${shortDay.format(monday)}</text>`}</g>
`
  })
  return figure({
    title, width, height: plotHeight + 42,
    label: `${title}. By week: ${weeks.map(({ monday, issued, revoked }) => `${shortDay.format(monday)} ${issued} issued ${revoked} revoked`).join(', ')}`,
    marks: [html`<line class="axis" x1="0" y1="${plotHeight}" x2="${width}" y2="${plotHeight}" stroke-width="1"/>`, ...marks,
      html`<rect class="bar" x="0" y="${plotHeight + 29}" width="10" height="10"/><text x="15" y="${plotHeight + 38}">issued</text><rect class="bar stop" x="75" y="${plotHeight + 29}" width="10" height="10"/><text x="90" y="${plotHeight + 38}">revoked</text>`],
    table: {
      caption: 'Issued and revoked by week, from Monday, in UTC', head: ['Week of', { text: 'Issued', numeric: true }, { text: 'Revoked', numeric: true }], empty: '',
      rows: weeks.map(({ monday, issued, revoked }) => [shortDay.format(monday), whole(issued), whole(revoked)]),
    },
  })
}

function titleOf(weeks: readonly Week[]): string {
  const recent = weeks.slice(-4)
  const [issued, revoked] = [recent.reduce((sum, week) => sum + week.issued, 0), recent.reduce((sum, week) => sum + week.revoked, 0)]
  const words = (count: number): string => count === 0 ? 'none' : whole(count)
  return `${words(issued)} issued and ${words(revoked)} revoked in the last four weeks`.replace(/^n/, 'N')
}
