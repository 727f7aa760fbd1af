import type { Context } from 'koa'
import { sessionOf, type ConsoleSession } from '../http/session.ts'
import { look, script } from './assets.ts'
import { html, type Markup } from './html.ts'
import { searchPath, sections, type SectionId } from './sections.ts'
import { csrfField } from './words.ts'

/**
 * @property scripts  names of files in `src/console/assets/`
 * @property refreshSeconds  the page asks for itself again, for work that goes on; with script a part of it does (`data-progress`)
 */
export type ConsolePage = {
  title: string, body: Markup, current?: SectionId, status?: number, scripts?: readonly string[], refreshSeconds?: number
}

const policy = [
  'default-src \'none\'', 'style-src \'self\'', 'script-src \'self\'', 'img-src \'self\'', 'connect-src \'self\'',
  'form-action \'self\'', 'base-uri \'none\'', 'frame-ancestors \'none\'',
].join('; ')

/** A page for somebody who is signed in, with everything around it. */
export function consolePage(ctx: Context, page: ConsolePage): void {
  send(ctx, page, html`${bar(ctx, sessionOf(ctx), page.current)}<main id="main" tabindex="-1">${page.body}</main>`)
}

/** A page of the console for somebody who is not, or not yet: signing in, setting up, a refusal. */
export function openPage(ctx: Context, page: ConsolePage): void {
  send(ctx, page, html`<header class="bar"><span class="name">Latchkey</span></header><main id="main" tabindex="-1" class="narrow">${page.body}</main>`)
}

/** A part of a page, for a script of ours that asked for it. */
export function sendFragment(ctx: Context, content: Markup): void {
  setHeaders(ctx)
  ctx.body = content.text
}

function setHeaders(ctx: Context): void {
  ctx.set('cache-control', 'no-store')
  ctx.set('content-security-policy', policy)
  // Not `no-referrer`: browsers then send `Origin: null` with forms, and we could not tell ours.
  ctx.set('referrer-policy', 'same-origin')
  ctx.set('x-content-type-options', 'nosniff')
  ctx.set('cross-origin-opener-policy', 'same-origin')
  ctx.type = 'text/html; charset=utf-8'
}

function send(ctx: Context, page: ConsolePage, content: Markup): void {
  ctx.status = page.status ?? 200
  setHeaders(ctx)
  ctx.body = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><meta name="color-scheme" content="light dark">${page.refreshSeconds !== undefined && html`
<noscript><meta http-equiv="refresh" content="${page.refreshSeconds}"></noscript>`}
<title>${page.title} · Latchkey</title>${look}${(page.scripts ?? []).map(script)}</head>
<body class="console"><a class="skip" href="#main">Skip to content</a>${content}</body></html>`.text
}

function bar(ctx: Context, session: ConsoleSession, current: SectionId | undefined): Markup {
  const { actor } = session
  return html`<header class="bar"><a class="name" href="/console">Latchkey</a>
${searchPath !== undefined && html`<form role="search" method="get" action="${searchPath}"><input type="search" name="q" aria-label="Find a person, phone, model or serial number" placeholder="Find a person, phone, serial number" maxlength="200"></form>`}
<div class="who-am-i"><a href="/console/account"${current === 'account' && html` aria-current="page"`}>${actor.name}</a>${actor.role !== 'admin' && html` <span class="soft">${actor.role}</span>`}
<form method="post" action="/console/sign-out">${csrfField(ctx)}<button class="plain" type="submit">Sign out</button></form></div>
<nav aria-label="Main">${sections.map(({ id, path, label }) => html`<a href="${path}"${id === current && html` aria-current="page"`}>${label}</a> `)}</nav></header>`
}
