import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Context } from 'koa'
import { html, type Markup } from './html.ts'

const stylesheet = readFileSync(new URL('./latchkey.css', import.meta.url))
const version = createHash('sha256').update(stylesheet).digest('hex').slice(0, 12)
export const stylesheetPath = `/assets/latchkey-${version}.css`

export function sendStylesheet(ctx: Context): void {
  ctx.set('cache-control', 'public, max-age=31536000, immutable')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.type = 'text/css'
  ctx.body = stylesheet
}

export type Page = { title: string, room: 'phone' | 'console', body: Markup, refreshSeconds?: number }

export const document = (page: Page): Markup => html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">
${page.refreshSeconds !== undefined && html`<meta http-equiv="refresh" content="${page.refreshSeconds}">`}
<title>${page.title}</title><link rel="stylesheet" href="${stylesheetPath}"></head>
<body class="${page.room}"><main>${page.body}</main></body></html>`

/** Nothing of these pages may be kept, framed, or sent to another host: their address is the secret. */
export function sendPage(ctx: Context, page: Page, status = 200): void {
  ctx.status = status
  ctx.set('cache-control', 'no-store')
  ctx.set('content-security-policy', 'default-src \'none\'; style-src \'self\'; img-src \'self\'; form-action \'self\'; base-uri \'none\'; frame-ancestors \'none\'')
  ctx.set('referrer-policy', 'no-referrer')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = document(page).text
}
