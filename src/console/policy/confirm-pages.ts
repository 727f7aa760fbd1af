import type { Context } from 'koa'
import { html, type Markup } from '../html.ts'
import { named } from '../status-words.ts'
import { csrfField, problem } from '../words.ts'

/** @property hidden  what the button sends along */
export type ConfirmPage = {
  heading: string, consequences: readonly (string | Markup)[], action: string, button: string, stop: boolean
  hidden: Readonly<Record<string, string>>, mistake?: string | undefined, back: { path: string, text: string } | undefined
  /** a second button of the same form */
  other?: { name: string, text: string }
}

/** Asked once more, with what it means. */
export const confirmPage = (ctx: Context, { heading, consequences, action, button, stop, hidden, mistake, back, other }: ConfirmPage): Markup => html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>${named(heading)}</h1></section>
<section class="consequence"><ul>${consequences.map(text => html`<li>${text}</li>`)}</ul></section>
<section>${problem(mistake)}<form method="post" action="${action}">${csrfField(ctx)}${Object.entries(hidden).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`)}
<div class="actions"><button class="${stop ? 'stop' : 'main'}" type="submit">${button}</button>${other !== undefined && html`<button type="submit" name="${other.name}" value="yes">${other.text}</button>`}${back !== undefined && html`<a href="${back.path}">${back.text}</a>`}</div></form></section>`
