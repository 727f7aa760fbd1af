import { scaleQuantize } from 'd3-scale'
import { html, type Markup } from '../html.ts'
import { figure, whole } from './figure.ts'
import { mondayOf } from './weeks.ts'

const dayMs = 86_400_000
const weeksShown = 53
const cell = 14
const left = 30
const top = 18
const width = left + weeksShown * cell
const height = top + 7 * cell + 2
const dayName = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })
const monthName = new Intl.DateTimeFormat('en-GB', { month: 'short', timeZone: 'UTC' })

type Days = readonly { key: string, value: number }[]

/** When the certificates in force end: a square for each day of the coming year, the darker the more. */
export function calendarFigure(ends: Days, now: Date): Markup {
  const first = mondayOf(now)
  const days = Array.from({ length: weeksShown * 7 }, (_, index) => new Date(first.getTime() + index * dayMs))
  const values = new Map(ends.map(({ key, value }) => [key, value]))
  const valueOf = (day: Date): number => values.get(day.toISOString().slice(0, 10)) ?? 0
  const most = Math.max(1, ...days.map(valueOf))
  const level = scaleQuantize<number>().domain([0, most]).range([1, 2, 3, 4])
  const square = (day: Date, index: number): Markup => {
    const value = valueOf(day)
    const box = html` x="${left + Math.floor(index / 7) * cell}" y="${top + index % 7 * cell}" width="${cell - 2}" height="${cell - 2}"`
    return value === 0 ? html`<rect class="day"${box}/>` : html`<rect class="day level-${level(value)}"${box}/>`
  }
  const months = days.flatMap((day, index) => day.getUTCDate() === 1 ? [html`<text x="${left + Math.floor(index / 7) * cell}" y="11">${monthName.format(day)}</text>`] : [])
  const title = titleOf(ends, now)
  return figure({
    title, width, height, label: `${title}. The table behind this has every day.`,
    marks: [html`<text x="0" y="${top + 10}">Mon</text><text x="0" y="${top + 3 * cell + 10}">Thu</text><text x="0" y="${top + 6 * cell + 10}">Sun</text>`, ...months, ...days.map(square)],
    table: {
      caption: 'Certificates in force by the day on which they end, in UTC', head: ['Day', { text: 'Certificates', numeric: true }], empty: 'No certificate is in force.',
      rows: ends.slice(0, 400).map(({ key, value }) => [dayName.format(new Date(`${key}T00:00:00Z`)), whole(value)]),
    },
  })
}

function titleOf(ends: Days, now: Date): string {
  const until = new Date(now.getTime() + 56 * dayMs).toISOString().slice(0, 10)
  const soon = ends.filter(({ key }) => key <= until)
  const count = soon.reduce((sum, { value }) => sum + value, 0)
  if (count === 0) return ends.length === 0 ? 'No certificate is in force' : 'No certificate ends in the next eight weeks'
  const busiest = soon.reduce((most, day) => day.value > most.value ? day : most)
  const day = dayName.format(new Date(`${busiest.key}T00:00:00Z`))
  if (count === 1) return `One certificate ends in the next eight weeks, on ${day}`
  const first = dayName.format(new Date(`${soon[0]!.key}T00:00:00Z`))
  return `${whole(count)} certificates end in the next eight weeks, ${busiest.value * 2 > count ? `most of them on ${day}` : `the first on ${first}`}`
}
