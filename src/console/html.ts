/**
 * Typed templates that escape by default. What goes into a hole is text, a number, markup made here, or a list of them;
 * anything else does not compile.
 */
export class Markup {
  readonly text: string
  constructor(text: string) { this.text = text }
  toString(): string { return this.text }
}

type Hole = string | number | Markup | readonly Hole[] | null | undefined | false

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, character => entities[character]!)

function render(hole: Hole): string {
  if (hole === null || hole === undefined || hole === false) return ''
  if (hole instanceof Markup) return hole.text
  if (typeof hole === 'string') return escapeHtml(hole)
  if (typeof hole === 'number') return String(hole)
  return hole.map(render).join('')
}

/** A hole must stand in text or inside a quoted attribute; scripts and event handlers take none. */
export function html(parts: TemplateStringsArray, ...holes: Hole[]): Markup {
  let text = parts[0] ?? ''
  for (const [index, hole] of holes.entries()) {
    if (/=\s*$/.test(text)) throw new TypeError('an attribute with a hole must be quoted')
    if (/<(script|style)\b[^>]*>[^<]*$/i.test(text) || /\son\w+\s*=\s*["'][^"']*$/i.test(text)) throw new TypeError('no holes in scripts, styles and handlers')
    text += render(hole) + (parts[index + 1] ?? '')
  }
  return new Markup(text)
}
