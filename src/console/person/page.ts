import type { Context } from 'koa'
import { look, script } from '../assets.ts'
import { html, type Markup } from '../html.ts'
import { languages, type Language } from './language.ts'
import type { Texts } from './texts/en.ts'

/** @property refreshSeconds  the page asks for itself again where no script follows for it */
export type PersonPage = { title: string, body: Markup, refreshSeconds?: number | null, follows?: boolean }

/** What every page knows of its reader. */
export type Reader = { language: Language, texts: Texts }

const policy = [
  'default-src \'none\'', 'style-src \'self\'', 'script-src \'self\'', 'img-src \'self\'', 'connect-src \'self\'',
  'form-action \'none\'', 'base-uri \'none\'', 'frame-ancestors \'none\'',
].join('; ')

/** Nothing of these pages may be kept, framed, or sent to another host: their address is the secret. */
function guard(ctx: Context, language: Language): void {
  ctx.set('cache-control', 'no-store')
  ctx.set('content-security-policy', policy)
  ctx.set('referrer-policy', 'no-referrer')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.set('content-language', language)
  ctx.vary('accept-language')
}

export function sendPersonPage(ctx: Context, language: Language, page: PersonPage, status = 200): void {
  guard(ctx, language)
  ctx.status = status
  ctx.type = 'text/html; charset=utf-8'
  ctx.body = html`<!doctype html>
<html lang="${language}" class="phone"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex"><meta name="color-scheme" content="light dark"><meta name="format-detection" content="telephone=no">
${page.refreshSeconds != null && html`<noscript><meta http-equiv="refresh" content="${page.refreshSeconds}"></noscript>`}
<title>${page.title}</title>${look}${page.follows === true && script('follow.js')}</head>
<body class="phone"><main>${page.body}</main></body></html>`.text
}

/**
 * @property version  changes with what is to be seen
 * @property html  what stands where the page follows; `say` is the same in a sentence, to be read out
 * @property steps  whether the next steps are still to be made; `again`: whether to offer another start
 * @property wait  seconds until it is worth asking again; null when nothing more will come by itself
 */
export type FollowedState = { version: string, begun: boolean, say: string, html: string, steps: boolean, again: boolean, wait: number | null }

export function sendState(ctx: Context, language: Language, state: FollowedState): void {
  guard(ctx, language)
  ctx.type = 'application/json; charset=utf-8'
  ctx.body = JSON.stringify(state)
}

export function unknownInvitation({ texts }: Reader): PersonPage {
  return { title: texts.noInvitation, body: html`<section><h1>${texts.noInvitationHeading}</h1><p>${texts.noInvitationText}</p></section>` }
}

/** Whatever people are called, their names do not disturb the text around them. */
export const name = (text: string): Markup => html`<bdi>${text}</bdi>`

export const readerOf = (language: Language): Reader => ({ language, texts: languages[language] })
