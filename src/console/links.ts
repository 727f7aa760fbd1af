import { html, type Markup } from './html.ts'
import { sections, type SectionId } from './sections.ts'

type Inline = string | number | Markup

/** A way to a page of a section, or the bare words where this installation has no such section. */
export const linkInto = (section: SectionId, path: string, text: Inline): Markup =>
  sections.some(({ id }) => id === section) ? html`<a href="${path}">${text}</a>` : html`${text}`
