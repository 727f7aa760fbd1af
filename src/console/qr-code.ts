import { encode } from 'uqr'
import { html, type Markup } from './html.ts'

/** Modules of light around the code, without which cameras do not find it (ISO/IEC 18004). */
const quiet = 4

/**
 * The text as a QR code: one path of horizontal runs, black on white in light and dark, small enough to stand on a
 * page fifty times.
 *
 * @param label  what a screen reader says instead
 */
export function qrCode(text: string, label: string): Markup {
  const { data, size } = encode(text, { ecc: 'L', border: 0 })
  const edge = size + 2 * quiet
  const path = data.map((row, y) => rowPath(row, y)).join('')
  return html`<svg class="qr" viewBox="0 0 ${edge} ${edge}" role="img" aria-label="${label}" shape-rendering="crispEdges"><path class="light" d="M0 0h${edge}v${edge}H0z"/><path class="dark" d="${path}"/></svg>`
}

/** Strokes through the middle of the row, one module high: the shortest way to write it. */
function rowPath(row: readonly boolean[], y: number): string {
  let path = `M${quiet} ${y + quiet + 0.5}`
  let x = 0
  while (x < row.length) {
    const dark = row[x] === true
    let end = x
    while (end < row.length && (row[end] === true) === dark) end++
    if (dark) path += `h${end - x}`
    else if (end < row.length) path += `m${end - x} 0`
    x = end
  }
  return path
}
