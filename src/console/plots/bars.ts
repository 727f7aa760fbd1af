import { scaleBand, scaleLinear } from 'd3-scale'
import { html, type Markup } from '../html.ts'
import { compact, figure, whole } from './figure.ts'

/** @property mark  drawn in the other colour */
export type Bar = { name: string, value: number, mark?: boolean }
export type Bars = { title: string, caption: string, what: string, bars: readonly Bar[], empty: string, most?: number }

const width = 420
const nameWidth = 150
const valueWidth = 52
const rowHeight = 30

/** Horizontal bars with their names and numbers beside them, the largest first; the rest is one bar. */
export function barsFigure({ title, caption, what, bars, empty, most = 8 }: Bars): Markup {
  if (bars.length === 0) return html`<figure><figcaption>${caption}</figcaption><p class="empty">${empty}</p></figure>`
  const shown = bars.length <= most ? [...bars] : [...bars.slice(0, most - 1), { name: `${bars.length - most + 1} others`, value: bars.slice(most - 1).reduce((sum, { value }) => sum + value, 0) }]
  const height = shown.length * rowHeight
  const y = scaleBand().domain(shown.map((_, index) => String(index))).range([0, height]).paddingInner(0.45).paddingOuter(0.2)
  const x = scaleLinear().domain([0, Math.max(1, ...shown.map(({ value }) => value))]).range([0, width - nameWidth - valueWidth])
  const marks = shown.map(({ name, value, mark }, index) => {
    const [top, length] = [y(String(index)) ?? 0, x(value)]
    const middle = round(top + y.bandwidth() / 2 + 4)
    return html`<g>${nameAt(name, middle)}<rect class="${mark === true ? 'bar stop' : 'bar'}" x="${nameWidth}" y="${round(top)}" width="${round(Math.max(length, 1))}" height="${round(y.bandwidth())}" rx="2"/><text x="${round(nameWidth + Math.max(length, 1) + 6)}" y="${middle}">${compact(value)}</text></g>
`
  })
  return figure({
    title, width, height, marks, label: `${title}. ${shown.map(({ name, value }) => `${name} ${whole(value)}`).join(', ')}`,
    table: { caption, head: [what, { text: 'Certificates', numeric: true }], rows: bars.slice(0, 200).map(({ name, value }) => [name, whole(value)]), empty },
  })
}

export const round = (value: number): number => Math.round(value * 10) / 10

/** A long name stands on two lines; nothing of it is cut off. */
function nameAt(name: string, middle: number): Markup {
  const [first, ...others] = linesOf(name)
  if (others.length === 0) return html`<text class="ink" x="0" y="${middle}">${first}</text>`
  return html`<text class="ink small" x="0" y="${round(middle - 6)}">${first}</text><text class="ink small" x="0" y="${round(middle + 6)}">${others.join(' ')}</text>`
}

const lineLength = 20

function linesOf(name: string): string[] {
  if ([...name].length <= lineLength) return [name]
  const at = name.lastIndexOf(' ', lineLength + 4)
  return at <= 0 ? [name] : [name.slice(0, at), name.slice(at + 1)]
}
