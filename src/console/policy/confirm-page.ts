import type { Context } from 'koa'
import { html, type Markup } from '../html.ts'
import { named } from '../status-words.ts'
import { csrfField } from '../words.ts'

export type ConfirmPage = {
  heading: string, consequences: readonly (string | Markup)[], action: string, button: string, stop: boolean
  back: { path: string, text: string }
}

/** Asked once more, with what it means. */
export const confirmPage = (ctx: Context, { heading, consequences, action, button, stop, back }: ConfirmPage): Markup => html`<section><p class="soft"><a href="/console/policy">Policy</a></p><h1>${named(heading)}</h1></section>
<section class="consequence"><ul>${consequences.map(text => html`<li>${text}</li>`)}</ul></section>
<section><form method="post" action="${action}">${csrfField(ctx)}
<div class="actions"><button class="${stop ? 'stop' : 'main'}" type="submit">${button}</button><a href="${back.path}">${back.text}</a></div></form></section>`
