import type { Middleware } from 'koa'
import { CaError } from '../../errors.ts'
import { provenCertificate } from './request.ts'

/** At the door of agents, who shows no certificate can only enroll, by a secret. What is signed is not looked at there. */
export function certificateOrEnrollment(): Middleware {
  return async (ctx, next) => {
    const enrolls = ctx.method === 'POST' && /^\/agents\/[^/]+$/.test(ctx.path)
    if (!enrolls && provenCertificate(ctx) === undefined) throw new CaError('unauthorized', 'this address is for agents, which show their certificate')
    await next()
  }
}
