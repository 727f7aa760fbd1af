import { html, type Markup } from '../html.ts'
import { table, type Table } from '../words.ts'

/** @property title  what the plot says, as a sentence; @property label  the same for whoever cannot see it, with the numbers */
export type Figure = { title: string, label: string, width: number, height: number, marks: Markup | readonly Markup[], table: Table }

/** A plot that says one thing, with a table of all its numbers behind it. */
export const figure = ({ title, label, width, height, marks, table: numbers }: Figure): Markup => html`<figure><figcaption>${title}</figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">${marks}</svg>
<details><summary>As a table</summary>${table(numbers)}</details></figure>`

/** `12K` where there is no room for more. */
export const compact = (value: number): string => new Intl.NumberFormat('en-GB', { notation: 'compact', maximumFractionDigits: 1 }).format(value)
export const whole = (value: number): string => new Intl.NumberFormat('en-GB').format(value)
