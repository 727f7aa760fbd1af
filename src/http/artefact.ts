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
  ctx.set('etag', `"${artefact.sha256.toString('hex')}"`)
  ctx.set('last-modified', artefact.lastModified.toUTCString())
  ctx.set('cache-control', `public, max-age=${artefact.maxAgeSeconds}`)
  if (ctx.fresh) {
    ctx.status = 304
    return
  }
  ctx.body = await artefact.read()
  ctx.set('content-type', artefact.type)
}
