import { html, type Markup } from './html.ts'
import { dayInWords } from './words.ts'

/** The one field of a list. */
export const searchField = (path: string, query: string, label: string): Markup => html`<form role="search" aria-label="${label}" method="get" action="${path}" class="actions"><label class="unseen" for="f-search">${label}</label>
<input type="search" id="f-search" name="q" value="${query}" maxlength="200" placeholder="Person, e-mail, serial number, UDID, model, fingerprint" class="wide" spellcheck="false" autocapitalize="none"><button type="submit">Find</button>${query !== '' && html`<a href="${path}">all</a>`}</form>
<p class="soft">The beginning of a word, or any three letters or digits in a row.</p>`

/** In place of what is found; who has not looked through everything does not say that there is none. */
export const nothingFound = (lookedBackTo: string | null, text: Markup): Markup => lookedBackTo === null ? text : html`Nothing so far.`

/** Below a list: how far a search has looked, and the way on. */
export function furtherBack(next: string | null, lookedBackTo: string | null): Markup | undefined {
  if (next === null) {
    return lookedBackTo === null ? undefined
      : html`<p class="soft">Very many certificates have these digits. Only those newer than ${dayInWords(new Date(lookedBackTo))} were looked through for them: type more.</p>`
  }
  if (lookedBackTo === null) return html`<nav class="pager" aria-label="More"><a class="button" href="${next}" rel="next">Show more</a></nav>`
  return html`<nav class="pager" aria-label="More"><p class="soft">Many match, so only what is newer than ${dayInWords(new Date(lookedBackTo))} was looked through. Type more, or go on.</p><a class="button" href="${next}" rel="next">Look further back</a></nav>`
}
