import Router from '@koa/router'
import type { Context } from 'koa'
import { sha256 } from '../../certificates/issue.ts'
import { CaError } from '../../errors.ts'
import { readBody } from '../../http/body.ts'
import type { Service } from '../../http/service.ts'
import { answerOcsp, type OcspAnswer } from './answer.ts'
import { refusalOf } from './refusals.ts'

/** A request has about 120 bytes; with the longest nonce and an extension or two it stays far below. */
const maxRequestBytes = 4096

/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 §5): `GET /ocsp/{authority}/{url-encoded base64}` and POST. */
export function ocspRouter(service: Service): Router {
  const router = new Router()
  router.get('/ocsp/:authority{/*request}', async ctx => {
    await respond(service, ctx, () => requestInPath(ctx.path))
  })
  router.post('/ocsp/:authority', async ctx => {
    await respond(service, ctx, () => requestInBody(ctx))
  })
  return router
}

/** Every refusal is an OCSPResponse too: a client of this protocol reads nothing else. */
async function respond(service: Service, ctx: Context, read: () => Buffer | Promise<Buffer>): Promise<void> {
  ctx.status = 200
  ctx.set('cache-control', 'no-store')
  try {
    const answer = await answerOcsp(service, ctx['params']['authority'] ?? '', await read())
    ctx.body = answer.der
    if (ctx.method !== 'POST' && answer.cacheable) setCaching(ctx, answer, service.now())
  } catch (error) {
    ctx.body = refusalOf(error, service.log)
    if (error instanceof CaError && error.code === 'body-too-large') ctx.set('connection', 'close')
  }
  ctx.set('content-type', 'application/ocsp-response')
}

/** RFC 9919 §5.2: caches may keep an answer until just before its nextUpdate. */
function setCaching(ctx: Context, { der, thisUpdate, nextUpdate }: OcspAnswer, now: Date): void {
  const seconds = Math.max(0, Math.floor((nextUpdate.getTime() - now.getTime() - 1) / 1000))
  ctx.set('cache-control', `public, max-age=${seconds}, no-transform, must-revalidate`)
  ctx.set('etag', `"${sha256(der).toString('hex')}"`)
  ctx.set('last-modified', thisUpdate.toUTCString())
  ctx.set('expires', nextUpdate.toUTCString())
}

/** Base64 has `/`, which some clients escape and some do not, so everything behind the authority is the request. */
function requestInPath(path: string): Buffer {
  const escaped = path.split('/').slice(3).join('/')
  if (escaped.length > maxRequestBytes * 2) throw new CaError('malformed-ocsp-request', 'the request is too long')
  const base64 = unescape(escaped)
  const request = Buffer.from(base64, 'base64')
  if (request.length === 0 || request.toString('base64') !== base64) throw new CaError('malformed-ocsp-request', 'the request is not base64')
  return request
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new CaError('malformed-ocsp-request', 'the request is not escaped as an address', { cause })
  }
}

async function requestInBody(ctx: Context): Promise<Buffer> {
  if (ctx.is('application/ocsp-request') !== 'application/ocsp-request') {
    throw new CaError('unsupported-media-type', 'an OCSP request has the type application/ocsp-request')
  }
  return await readBody(ctx.req, maxRequestBytes)
}
