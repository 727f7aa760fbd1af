import type { IncomingMessage, ServerResponse } from 'node:http'
import { CaError } from '../../errors.ts'
import { readBody } from '../../http/body.ts'
import { endTogether, type DirectHandler } from '../../http/direct.ts'
import type { Service } from '../../http/service.ts'
import { ocspResponder, type OcspAnswer } from './answer.ts'
import { refusalOf } from './refusals.ts'

/** A request has about 120 bytes; with the longest nonce and an extension or two it stays far below. */
const maxRequestBytes = 4096

/** OCSP over HTTP (RFC 6960 appendix A, RFC 9919 §5): `GET /ocsp/{authority}/{url-encoded base64}` and POST. */
export function ocspHandler(service: Service): DirectHandler {
  const answerTo = ocspResponder(service)
  const respond = async (request: IncomingMessage, response: ServerResponse, authority: string, read: () => Buffer | Promise<Buffer>): Promise<void> => {
    try {
      const answer = await answerTo(authority, await read())
      send(response, answer.body, request.method !== 'POST' && answer.cacheable ? caching(answer, service.now()) : uncached)
    } catch (error) {
      // Every refusal is an OCSPResponse too: a client of this protocol reads nothing else.
      const close = error instanceof CaError && error.code === 'body-too-large' ? ['connection', 'close'] : []
      send(response, refusalOf(error, service.log).toString('latin1'), [...uncached, ...close])
    }
  }
  return (request, response) => {
    const [, authority, behind] = /^\/ocsp\/([^/?#]+)(\/[^?#]*)?/i.exec(request.url!) ?? []
    if (authority === undefined) return false
    if (request.method === 'GET' || request.method === 'HEAD') void respond(request, response, authority, () => requestInPath(behind ?? ''))
    else if (request.method === 'POST' && (behind ?? '/') === '/') void respond(request, response, authority, () => requestInBody(request))
    else return false
    return true
  }
}

const uncached: readonly string[] = ['cache-control', 'no-store']

function send(response: ServerResponse, body: string, headers: readonly string[]): void {
  response.writeHead(200, ['content-type', 'application/ocsp-response', 'content-length', String(body.length), ...headers])
  endTogether(response, body, 'latin1')
}

/** RFC 9919 §5.2: caches may keep an answer until just before its nextUpdate. */
function caching({ sha256, thisUpdate, nextUpdate }: OcspAnswer, now: Date): string[] {
  const seconds = Math.max(0, Math.floor((nextUpdate.getTime() - now.getTime() - 1) / 1000))
  return [
    'cache-control', `public, max-age=${seconds}, no-transform, must-revalidate`, 'etag', `"${sha256().toString('hex')}"`,
    'last-modified', thisUpdate.toUTCString(), 'expires', nextUpdate.toUTCString(),
  ]
}

/** Base64 has `/`, which some clients escape and some do not, so everything behind the authority is the request. */
function requestInPath(behind: string): Buffer {
  const escaped = behind.slice(1)
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

async function requestInBody(request: IncomingMessage): Promise<Buffer> {
  const [type = ''] = (request.headers['content-type'] ?? '').split(';')
  if (type.trim().toLowerCase() !== 'application/ocsp-request') {
    throw new CaError('unsupported-media-type', 'an OCSP request has the type application/ocsp-request')
  }
  return await readBody(request, maxRequestBytes)
}
