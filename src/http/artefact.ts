import type { Context } from 'koa'

/**
 * Something signed that anybody may keep and pass on.
 * @property sha256 of the content: its strong entity tag (RFC 9110 §8.8.3)
 * @property read called only when the content is really sent
 */
export type Artefact = {
  type: string
  sha256: Buffer
  lastModified: Date
  maxAgeSeconds: number
  read: () => Promise<Buffer | string> | Buffer | string
}

/** Answers GET and HEAD; 304 to who has it already. */
export async function answerArtefact(ctx: Context, artefact: Artefact): Promise<void> {
  ctx.status = 200
  const etag = `"${artefact.sha256.toString('hex')}"`
  ctx.set('etag', etag)
  ctx.set('last-modified', artefact.lastModified.toUTCString())
  ctx.set('cache-control', `public, max-age=${artefact.maxAgeSeconds}`)
  if (hasAlready(ctx, etag)) {
    ctx.status = 304
    return
  }
  ctx.body = await artefact.read()
  ctx.set('content-type', artefact.type)
}

/**
 * RFC 9110 §13.1.2. Not by date: two lists of a bundle may be of one second. And unlike Koa's `fresh`, a
 * `cache-control: no-cache` in the request is not heeded: it speaks to caches, and programs send it unasked.
 */
const hasAlready = (ctx: Context, etag: string): boolean =>
  ctx.get('if-none-match').split(',').some(tag => ['*', etag, `W/${etag}`].includes(tag.trim()))
