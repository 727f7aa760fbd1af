/** Sessions of people at the console: a random token in a cookie, its hash in the database, and ends that nobody can move. */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto'
import type { Context, Middleware } from 'koa'
import { tokenSha256 } from '../devices/secret-token.ts'
import { CaError } from '../errors.ts'
import type { Queryable } from '../store/db.ts'
import { sessionStore, type SessionHolder, type SignInMethod } from '../store/sessions.ts'
import { assertRole, type Actor, type Role } from './actor.ts'
import type { Service } from './service.ts'

/** A working day, and an hour away from the desk. */
export const sessionMs = 12 * 3_600_000
export const idleMs = 3_600_000
const seenEveryMs = 60_000

/** @property csrfToken  stands in every form of this session (`csrfField`) */
export type ConsoleSession = { readonly actor: Actor & { readonly adminId: string }, readonly email: string, readonly csrfToken: string, readonly sessionId: string, readonly beganAt: Date }

export const signInPath = '/console/sign-in'

/** `__Host-` binds the cookie to this host, this path and TLS (RFC 6265bis §4.1.3.2); plain http is for localhost only. */
const cookieOf = ({ url }: Service['config']): { name: string, secure: boolean } =>
  url.startsWith('https:') ? { name: '__Host-latchkey', secure: true } : { name: 'latchkey', secure: false }

/** Not Koa's own cookie jar: it refuses `Secure` behind a proxy that ends TLS. */
function setCookie(ctx: Context, service: Service, value: string, maxAge = ''): void {
  const { name, secure } = cookieOf(service.config)
  ctx.set('set-cookie', `${name}=${value}; Path=/; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}${maxAge}`)
}

function tokenIn(ctx: Context, service: Service): string | undefined {
  const { name } = cookieOf(service.config)
  for (const pair of ctx.get('cookie').split(';')) {
    const [key, value] = pair.trim().split('=', 2)
    if (key === name && value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)) return value
  }
  return undefined
}

/** From the token, so that it ends with the session and needs no place of its own. */
const csrfTokenOf = (token: string): string => createHash('sha256').update(`csrf ${token}`).digest('base64url')

export const isCsrfToken = (session: ConsoleSession, given: string): boolean => {
  const [a, b] = [session.csrfToken, given].map(text => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}

const userAgentOf = (ctx: Context): string => ctx.get('user-agent').replace(/[^\x20-\x7e]/g, '?').slice(0, 300)

/**
 * Begins a session, with a token that no browser had before: whoever planted a cookie has planted nothing.
 * The session the browser brought, if any, ends.
 */
export async function beginSession(ctx: Context, service: Service, tx: Queryable, adminId: string, method: SignInMethod, now: Date): Promise<string> {
  const before = await holderOf(ctx, service, tx, now)
  if (before !== undefined) await sessionStore(tx).end(before.session.id, before.session.adminId, now)
  const token = randomBytes(32).toString('base64url')
  const id = randomUUID()
  await sessionStore(tx).add({
    id, adminId, method, createdAt: now, lastSeenAt: now, expiresAt: new Date(now.getTime() + sessionMs), endedAt: null,
    address: ctx.ip, userAgent: userAgentOf(ctx),
  }, tokenSha256(token))
  setCookie(ctx, service, token)
  return id
}

export function forgetCookie(ctx: Context, service: Service): void {
  setCookie(ctx, service, '', '; Max-Age=0')
}

async function holderOf(ctx: Context, service: Service, db: Queryable, now: Date): Promise<SessionHolder & { token: string } | undefined> {
  const token = tokenIn(ctx, service)
  if (token === undefined) return undefined
  const holder = await sessionStore(db).inForce(tokenSha256(token), now, new Date(now.getTime() - idleMs))
  return holder === undefined ? undefined : { ...holder, token }
}

/** Whose session the request belongs to; undefined when there is none in force. */
export async function findSession(ctx: Context, service: Service): Promise<ConsoleSession | undefined> {
  const now = service.now()
  const holder = await holderOf(ctx, service, service.db, now)
  if (holder === undefined) return undefined
  const { session, name, email, role } = holder
  const token = holder.renew && isPage(ctx) ? await renewed(ctx, service, holder) : holder.token
  if (now.getTime() - session.lastSeenAt.getTime() >= seenEveryMs) await sessionStore(service.db).seen(session.id, now)
  const actor = { name, role, source: `console from ${ctx.ip}`, adminId: session.adminId }
  return { actor, email, csrfToken: csrfTokenOf(token), sessionId: session.id, beganAt: session.createdAt }
}

/** Only a page brings new forms with it: those of the page that is open go on with the token they have. */
const isPage = (ctx: Context): boolean => ctx.method === 'GET' && ['', 'document'].includes(ctx.get('sec-fetch-dest'))

/** Another token for the same session, because what it may do has changed. */
async function renewed(ctx: Context, service: Service, { session, token }: SessionHolder & { token: string }): Promise<string> {
  const next = randomBytes(32).toString('base64url')
  if (!await sessionStore(service.db).renew(session.id, tokenSha256(token), tokenSha256(next))) return token
  setCookie(ctx, service, next)
  return next
}

/**
 * Another token for the session that asks, at once, because how its person signs in has changed: whoever holds a copy of
 * the one before holds nothing.
 */
export async function renewSession(ctx: Context, service: Service): Promise<void> {
  const session = sessionOf(ctx)
  const [before, next] = [tokenIn(ctx, service), randomBytes(32).toString('base64url')]
  if (before === undefined || !await sessionStore(service.db).replaceToken(session.sessionId, tokenSha256(before), tokenSha256(next))) return
  setCookie(ctx, service, next)
  ctx.state['session'] = { ...session, csrfToken: csrfTokenOf(next) } satisfies ConsoleSession
}

/** Lets only those in who are signed in: the others are sent to sign in and back, or refused when they send something. */
export const signedIn = (service: Service): Middleware => async (ctx, next) => {
  const session = await findSession(ctx, service)
  if (session === undefined) {
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD') throw new CaError('unauthorized', 'your session has ended; sign in again, nothing was changed')
    ctx.set('cache-control', 'no-store')
    ctx.redirect(`${signInPath}?next=${encodeURIComponent(ctx.url)}`)
    return
  }
  ctx.state['session'] = session
  await next()
}

/** The session of a page behind `signedIn`. */
export function sessionOf(ctx: Context): ConsoleSession {
  const session = ctx.state['session'] as ConsoleSession | undefined
  if (session === undefined) throw new TypeError('this page is not behind signedIn')
  return session
}

export const mayActAs = (ctx: Context, least: Role): boolean => {
  const order = ['auditor', 'operator', 'admin']
  return order.indexOf(sessionOf(ctx).actor.role) >= order.indexOf(least)
}

/** @throws {CaError} forbidden */
export const requireRole = (least: Role): Middleware => async (ctx, next) => {
  assertRole(sessionOf(ctx).actor, least)
  await next()
}

const freshMs = 15 * 60_000

/** Whether they signed in just now; asked before what changes how they sign in, so that a desk left open is not enough. */
export const isFresh = (session: ConsoleSession, now: Date): boolean => now.getTime() - session.beganAt.getTime() < freshMs

/**
 * Where to go after signing in: a path on this host that begins with /console, or the console's first page.
 * Anything that a browser could read as another host (`//host`, `/\host`, control characters) is not taken.
 */
export function safeNext(next: string | undefined): string {
  if (next === undefined || next.length > 2000 || !/^\/console(?:[/?][\x21-\x5b\x5d-\x7e]*)?$/.test(next)) return '/console'
  const url = new URL(next, 'http://latchkey.invalid')
  const isHere = url.host === 'latchkey.invalid' && /^\/console(\/|$)/.test(url.pathname)
  return isHere && !url.pathname.startsWith(signInPath) ? `${url.pathname}${url.search}` : '/console'
}
