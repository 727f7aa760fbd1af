/** HTTP as a phone speaks it: no cookies, redirects seen, answers of bounded size. */
import { CaError } from '../errors.ts'

export type Answer = {
  readonly url: string
  readonly status: number
  /** lower case, without parameters; empty when not said */
  readonly contentType: string
  readonly headers: Headers
  readonly body: Buffer
}

export type HttpRequest = {
  readonly method?: 'GET' | 'POST'
  readonly contentType?: string
  readonly userAgent?: string
  readonly body?: Buffer | ReadableStream<Uint8Array>
  readonly timeoutMs?: number
}

/** Apple's configuration-profile transport gives up after 45 seconds. */
export const phoneTimeoutMs = 45_000
const maxBodyBytes = 4 * 1024 * 1024
const maxRedirects = 5

/**
 * One exchange; a redirect is an answer like any other.
 *
 * @throws {CaError} server-unreachable when there is no answer (in time), body-too-large, invalid-argument
 */
export async function request(address: string, options: HttpRequest = {}): Promise<Answer> {
  const { method = 'GET', contentType, userAgent, body, timeoutMs = phoneTimeoutMs } = options
  const url = httpUrl(address)
  try {
    const response = await fetch(url, {
      method, redirect: 'manual', signal: AbortSignal.timeout(timeoutMs),
      headers: {
        // A connection kept for later may be closed by the server just when it is used again.
        connection: 'close',
        ...contentType === undefined ? {} : { 'content-type': contentType },
        ...userAgent === undefined ? {} : { 'user-agent': userAgent },
      },
      ...body === undefined ? {} : { body: body instanceof ReadableStream ? body : new Uint8Array(body), duplex: 'half' as const },
    })
    return {
      url: url.href, status: response.status, headers: response.headers,
      contentType: (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase(),
      body: await readBody(response),
    }
  } catch (error) {
    if (error instanceof CaError) throw error
    throw new CaError('server-unreachable', `no answer from ${url.origin}`, { cause: error })
  }
}

function httpUrl(address: string): URL {
  const url = URL.parse(address)
  if (url === null || !/^https?:$/.test(url.protocol)) throw new CaError('invalid-argument', 'an address must begin with https: or http:')
  return url
}

async function readBody(response: Response): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > maxBodyBytes) throw new CaError('body-too-large', `an answer has more than ${maxBodyBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The answer after all redirects, and the target of the last 301 among them: the only kind that is remembered. */
export type Followed = { readonly answer: Answer, readonly movedTo: string | undefined }

/** @throws {CaError} those of `request`; malformed-request when redirects do not end */
export async function requestFollowing(address: string, options: HttpRequest = {}): Promise<Followed> {
  let answer = await request(address, options)
  let movedTo: string | undefined
  for (let redirects = 0; isRedirect(answer); redirects++) {
    if (redirects === maxRedirects) throw new CaError('malformed-request', 'too many redirects')
    const target = URL.parse(answer.headers.get('location') ?? '', answer.url)?.href
    if (target === undefined) throw new CaError('malformed-request', 'a redirect leads nowhere')
    if (answer.status === 301) movedTo = target
    // 307 and 308 keep the method (RFC 9110 §15.4); after the others the phone asks with GET.
    answer = await request(target, answer.status >= 307 ? options : withoutBody(options))
  }
  return { answer, movedTo }
}

const isRedirect = ({ status, headers }: Answer): boolean => [301, 302, 303, 307, 308].includes(status) && headers.has('location')

const withoutBody = ({ userAgent, timeoutMs }: HttpRequest): HttpRequest => ({
  ...userAgent === undefined ? {} : { userAgent }, ...timeoutMs === undefined ? {} : { timeoutMs },
})
