import type { Context } from 'koa'
import type { Problem } from '../http/problem.ts'
import { signInPath } from '../http/session.ts'
import { html, type Markup } from './html.ts'
import { consolePage, openPage } from './layout.ts'

const headings: Record<number, string> = {
  400: 'This cannot be taken as it is', 401: 'You are signed out', 403: 'This is not for you to do', 404: 'There is nothing here',
  405: 'There is nothing here', 409: 'Something changed meanwhile', 410: 'This has ended', 413: 'This is too large',
  429: 'Not so fast', 503: 'Latchkey cannot answer now',
}

/** A refusal, in words; its code stands small beneath, for whoever is asked about it. */
export function refusalPage(ctx: Context, status: number, problem: Problem): void {
  const title = headings[status] ?? (status < 500 ? 'This did not work' : 'Something broke here')
  const body = html`<section><h1>${title}</h1>
<p>${sentence(problem.detail ?? 'It was written into the log. Nothing was changed by it.')}</p>
${wayOn(ctx, status)}
<p class="soft">Code: <code>${problem.code ?? 'defect'}</code></p></section>`
  const page = { title, body, status }
  if (ctx.state['session'] === undefined) openPage(ctx, page)
  else consolePage(ctx, page)
}

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`

const wayOn = (ctx: Context, status: number): Markup | undefined => {
  if (status === 401) return html`<p><a class="button main" href="${signInPath}">Sign in</a></p>`
  return ctx.state['session'] === undefined ? undefined : html`<p><a href="/console">To the first page</a></p>`
}
