import { html, type Markup } from './html.ts'
import { brief } from './status-words.ts'
import { sections, type SectionId } from './sections.ts'

type Inline = string | number | Markup

/** A way to a page of a section, or the bare words where this installation has no such section. */
export const linkInto = (section: SectionId, path: string, text: Inline): Markup =>
  sections.some(({ id }) => id === section) ? html`<a href="${path}">${text}</a>` : html`${text}`

/** To the page of a person, by whatever they are called there: their name or their address. */
export const personLink = (id: string, text: string): Markup => html`<a href="/console/people/${id}">${brief(text, 254)}</a>`
