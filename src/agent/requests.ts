/**
 * Requests to the service: by mutual TLS at its door for agents, or signed with the agent's key (RFC 9421), by the service's
 * clock where this machine's is wrong.
 */
import { randomBytes, type KeyObject } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { CaError } from '../errors.ts'
import { agentDoorName } from '../formats/agent-door-name.ts'
import { signRequest } from '../formats/http-signature.ts'
import { toPem } from '../formats/pem.ts'
import type { Certificate } from '../formats/x509.ts'

export type Identity = { readonly keyId: string, readonly privateKey: KeyObject, readonly certificate: Certificate }

/** Where agents are taken by mutual TLS. @property authorities PEM of the CAs that the certificate shown there may be of */
export type Door = { readonly url: string, readonly authorities: string }

export type Answer = { readonly status: number, readonly headers: IncomingMessage['headers'], readonly body: Buffer }

export type Asked = {
  readonly method?: 'GET' | 'POST'
  /** With its query, below the service's address. */
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}

const answerMs = 30_000
// Less than this is how long a message takes; more than the service allows would be refused.
const wrongClockMs = 5_000

export class Requests {
  readonly #base: URL
  #identity: Identity | undefined
  readonly #now: () => Date
  #door: Door | undefined
  #replaced = new AbortController()
  #offsetMs = 0

  /**
   * @param url  whose certificate is held against the system's store; not asked while there is a door
   * @param identity  without one nothing is signed, and no certificate shown
   */
  constructor(url: string, identity: Identity | undefined, now: () => Date, door?: Door) {
    this.#base = serviceUrl(url)
    this.#identity = identity
    this.#now = now
    this.#door = door
  }

  /** Comes with another key and certificate from now on. */
  use(identity: Identity): void {
    this.#identity = identity
    if (this.#door !== undefined) this.#replace()
  }

  /** Asks at this door from now on; without one at the service's own address, by signed requests. */
  enter(door: Door | undefined): void {
    this.#door = door
    this.#replace()
  }

  get door(): Door | undefined {
    return this.#door
  }

  /** Aborts when connections that are open now should give way to others: by another way, or with another certificate. */
  get replaced(): AbortSignal {
    return this.#replaced.signal
  }

  #replace(): void {
    this.#replaced.abort()
    this.#replaced = new AbortController()
  }

  get #address(): URL {
    return this.#door === undefined ? this.#base : new URL(this.#door.url)
  }

  /** How far the service's clock is ahead of this machine's. */
  get clockOffsetMs(): number {
    return this.#offsetMs
  }

  /** Time as the service has it. */
  serviceNow(): Date {
    return new Date(this.#now().getTime() + this.#offsetMs)
  }

  /** One exchange, with the whole answer. @throws {CaError} server-unreachable, body-too-large */
  async send(asked: Asked): Promise<Answer> {
    const answer = await this.#whole(asked)
    // Refused, perhaps because of our clock: the answer says what time it is there.
    return answer.status === 401 && this.#learnTime(answer.headers.date) ? await this.#whole(asked) : answer
  }

  async #whole(asked: Asked): Promise<Answer> {
    const response = await this.open({ ...asked, signal: AbortSignal.any([AbortSignal.timeout(answerMs), ...asked.signal === undefined ? [] : [asked.signal]]) })
    const chunks: Buffer[] = []
    let length = 0
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        length += chunk.length
        if (length > (asked.maxBytes ?? 1024 * 1024)) throw new CaError('body-too-large', `the answer to ${asked.path} is too long`)
        chunks.push(chunk)
      }
    } catch (cause) {
      if (cause instanceof CaError) throw cause
      throw new CaError('server-unreachable', `the answer of ${this.#address.origin} was cut off`, { cause })
    } finally {
      response.destroy()
    }
    return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }
  }

  /** An answer whose body goes on. @throws {CaError} server-unreachable */
  async open(asked: Asked): Promise<IncomingMessage> {
    const url = new URL(`${this.#address.href.replace(/\/$/, '')}${asked.path}`)
    const options: RequestOptions = {
      method: asked.method ?? 'GET', ...this.#tls(),
      headers: { ...asked.headers, ...this.#signature(url, asked), ...asked.body && { 'content-length': asked.body.length } }, ...asked.signal && { signal: asked.signal },
    }
    return await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, response => {
        // Small steps are followed as well, so that a clock that was mended counts again.
        if (response.statusCode !== 401) this.#learnTime(response.headers.date)
        resolve(response)
      })
      request.on('error', cause => { reject(unreachable(url.origin, cause)) })
      request.end(asked.body)
    })
  }

  #tls(): RequestOptions {
    if (this.#door === undefined) return {}
    const shown = this.#identity && { cert: toPem('CERTIFICATE', this.#identity.certificate.raw), key: this.#identity.privateKey.export({ type: 'pkcs8', format: 'pem' }) }
    // Whatever its address is: any certificate for servers that the CA of agents has given is the door's.
    return { ca: this.#door.authorities, servername: agentDoorName, minVersion: 'TLSv1.2', ...shown }
  }

  #signature(url: URL, { method = 'GET', body }: Asked): Record<string, string> {
    if (this.#identity === undefined || this.#door !== undefined) return {}
    const parts = { method, path: url.pathname, query: url.search.slice(1), body }
    const { keyId, privateKey } = this.#identity
    return { ...signRequest(parts, { keyId, created: this.serviceNow(), nonce: randomBytes(24).toString('base64url') }, privateKey) }
  }

  /** @returns whether the offset has changed */
  #learnTime(date: string | undefined): boolean {
    const theirs = Date.parse(date ?? '')
    if (Number.isNaN(theirs)) return false
    const difference = theirs - this.#now().getTime()
    const offset = Math.abs(difference) < wrongClockMs ? 0 : difference
    const changed = Math.abs(offset - this.#offsetMs) >= wrongClockMs
    if (changed) this.#offsetMs = offset
    return changed
  }
}

/** Says so when somebody answers, but is not the service. */
function unreachable(origin: string, cause: Error & { code?: string }): CaError {
  const code = cause.code ?? cause.name
  const strange = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_CA|INVALID_PURPOSE)/.test(code)
  return new CaError('server-unreachable', strange ? `who answers at ${origin} shows a certificate that is not the service's (${code})` : `no answer from ${origin} (${code})`, { cause })
}

/** @throws {CaError} invalid-argument */
export function serviceUrl(text: string): URL {
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.search !== '' || url.hash !== '') {
    throw new CaError('invalid-argument', 'the address of the service must begin with https: (or http:)')
  }
  return url
}
