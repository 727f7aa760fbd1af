import type { Context, Middleware } from 'koa'
import type { Service } from '../../http/service.ts'
import { isFresh, sessionOf } from '../../http/session.ts'
import { consolePage } from '../layout.ts'
import { notFreshPage } from './pages.ts'

/**
 * Lets on only those who signed in within the last minutes: a stolen session, or a desk left open, must not become
 * a way in of its own.
 *
 * @param path  where to come back to
 */
export const fresh = (service: Service, path: string): Middleware => async (ctx, next) => {
  if (isFresh(sessionOf(ctx as Context), service.now())) await next()
  else consolePage(ctx as Context, { title: 'Sign in once more', current: 'account', body: notFreshPage(path), ...ctx.method === 'POST' ? { status: 403 } : {} })
}
