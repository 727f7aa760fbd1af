import type { Context } from 'koa'

/** A file to keep, which no browser opens as a page. */
export function sendFile(ctx: Context, name: string, type: string, content: Buffer | string): void {
  ctx.body = content
  ctx.set('content-type', type)
  ctx.set('content-disposition', `attachment; filename="${name}"`)
  ctx.set('x-content-type-options', 'nosniff')
  ctx.set('content-security-policy', 'default-src \'none\'; sandbox')
  ctx.set('cache-control', 'no-store')
}
