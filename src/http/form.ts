/** Forms that browsers send, and what tells ours from those of another site. */
import type { Context, Middleware } from 'koa'
import { CaError } from '../errors.ts'
import { readBody } from './body.ts'
import type { Service } from './service.ts'
import { isCsrfToken, sessionOf } from './session.ts'

export const maxFormBytes = 256 * 1024

/** What was typed. A field that is not there reads as the empty text. */
export type Form = {
  /** without spaces around it */
  get(name: string): string
  /** as typed, for passwords and texts of several lines */
  raw(name: string): string
  all(name: string): string[]
  has(name: string): boolean
}

/**
 * Refuses what was not sent from a page of this host. Browsers say where a request comes from: `Sec-Fetch-Site`
 * where the connection is trustworthy, `Origin` on every POST otherwise.
 */
export const sameOrigin = (service: Pick<Service, 'config'>): Middleware => async (ctx, next) => {
  if (ctx.method !== 'GET' && ctx.method !== 'HEAD' && !isSameOrigin(ctx, service.config.url)) {
    throw new CaError('forbidden', 'this was not sent from a page of Latchkey')
  }
  await next()
}

function isSameOrigin(ctx: Context, url: string): boolean {
  const site = ctx.get('sec-fetch-site')
  if (site !== '') return site === 'same-origin'
  const origin = ctx.get('origin')
  if (origin === url) return true
  // The console may have an address of its own that only its proxy knows; the browser tells us both names.
  return URL.canParse(origin) && ctx.get('host') !== '' && new URL(origin).host === ctx.get('host')
}

/** @throws {CaError} unsupported-media-type, body-too-large, malformed-request */
export async function readOpenForm(ctx: Context, maxBytes = maxFormBytes): Promise<Form> {
  if (ctx.is('urlencoded') !== 'urlencoded') throw new CaError('unsupported-media-type', 'a form must be sent as application/x-www-form-urlencoded')
  const body = await readBody(ctx.req, maxBytes)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new CaError('malformed-request', 'the form is not UTF-8', { cause })
  }
  const fields = new URLSearchParams(text)
  return {
    get: name => (fields.get(name) ?? '').trim(),
    raw: name => (fields.get(name) ?? '').replaceAll('\r\n', '\n'),
    all: name => fields.getAll(name),
    has: name => fields.has(name),
  }
}

/** The form of somebody who is signed in, with the token that stands in every form of their session. @throws {CaError} forbidden */
export async function readForm(ctx: Context, maxBytes = maxFormBytes): Promise<Form> {
  const form = await readOpenForm(ctx, maxBytes)
  if (!isCsrfToken(sessionOf(ctx), form.get('_csrf'))) throw new CaError('forbidden', 'this form is not of your present session; open the page again')
  return form
}

/** After a form that was taken: the page that follows is read anew, so that reloading it sends nothing twice (RFC 9110 §15.4.4). */
export function seeOther(ctx: Context, path: string): void {
  ctx.redirect(path)
  ctx.status = 303
}
