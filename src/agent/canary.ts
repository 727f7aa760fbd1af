/**
 * The proof from outside: a certificate that is revoked must be refused by the front end, and a good one must pass. Both
 * are like a phone's, live for a day, and belong to nobody; the front end answers the good one itself. Where it sees no
 * requests the handshake is the proof, and the connection is closed before anything is sent on it.
 */
import { request } from 'node:https'
import { isIP } from 'node:net'
import { connect } from 'node:tls'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { CaError } from '../errors.ts'
import { fromPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { bodyOf, certificationRequest, newKey, pemOf } from './enroll.ts'
import { replaceFile } from './files.ts'
import { objectOf, parseJson, textOf, type JsonObject } from './json.ts'
import type { Requests } from './requests.ts'
import type { Proof } from './target.ts'

type Identity = { readonly certificate: string, readonly key: string }
export type Canaries = { readonly good: Identity, readonly revoked: Identity, readonly chain: string, readonly revokedSerialNumber: string, readonly notAfter: Date }

export type CanaryResult = { readonly at: Date, readonly revokedRefused: boolean, readonly goodPassed: boolean, readonly detail: string }

const renewBeforeMs = 12 * 3_600_000
const answerMs = 5_000

/** Canaries of one front end, kept over restarts: the service gives only some a day. */
export class CanaryCage {
  readonly #path: string
  readonly #requests: Requests
  readonly #frontEnd: string
  #canaries: Canaries | undefined

  constructor(folder: string, requests: Requests, frontEnd: string) {
    this.#path = join(folder, 'canaries.json')
    this.#requests = requests
    this.#frontEnd = frontEnd
    this.#canaries = this.#read()
  }

  /** @throws {CaError} server-unreachable, unauthorized, malformed-request */
  async current(now: Date): Promise<Canaries> {
    const known = this.#canaries
    if (known !== undefined && known.notAfter.getTime() - now.getTime() > renewBeforeMs) return known
    const [good, revoked] = [newKey(), newKey()]
    const body = JSON.stringify({
      good: (await certificationRequest(good, 'canary')).toString('base64'), revoked: (await certificationRequest(revoked, 'canary')).toString('base64'),
    })
    const answer = bodyOf(await this.#requests.send({
      method: 'POST', path: `/agents/${this.#frontEnd}/canaries`, headers: { 'content-type': 'application/json' }, body: Buffer.from(body),
    }), 201)
    const kept = {
      good: { certificate: textOf(answer, 'good'), key: pemOf(good) }, revoked: { certificate: textOf(answer, 'revoked'), key: pemOf(revoked) }, chain: textOf(answer, 'chain'),
    }
    this.#canaries = readCanaries(kept)
    replaceFile(this.#path, JSON.stringify(kept))
    return this.#canaries
  }

  #read(): Canaries | undefined {
    try {
      return readCanaries(parseJson(readFileSync(this.#path, 'utf8')))
    } catch {
      // There are none yet, or they are damaged: the service gives others.
      return undefined
    }
  }
}

function readCanaries(object: JsonObject): Canaries {
  const identity = (name: string): Identity => {
    const value = objectOf(object[name], name)
    return { certificate: textOf(value, 'certificate'), key: textOf(value, 'key') }
  }
  const [good, revoked] = [identity('good'), identity('revoked')]
  const [first, second] = [good, revoked].map(({ certificate }) => parseCertificate(fromPem(certificate, 'CERTIFICATE')[0] ?? Buffer.alloc(0)))
  return { good, revoked, chain: textOf(object, 'chain'), revokedSerialNumber: second!.serialNumber, notAfter: first!.notAfter }
}

/**
 * Asks the front end as two phones would.
 *
 * @param place  host:port
 * @throws {CaError} server-unreachable when nobody answers there: then nothing is shown, one way or the other
 */
export async function tryCanaries(place: string, { good, revoked, chain }: Canaries, now: Date, proof: Proof = 'answer'): Promise<CanaryResult> {
  const ask = proof === 'answer' ? askHttp : shakeHands
  const [passed, refused] = await Promise.all([ask(place, good, chain), ask(place, revoked, chain)])
  const goodPassed = proof === 'answer' ? passed.status === 200 && passed.body === 'canary' : passed.status === 'handshake'
  const revokedRefused = refused.status === undefined || typeof refused.status === 'number' && [400, 401, 403, 495, 503].includes(refused.status)
  return { at: now, goodPassed, revokedRefused, detail: `good: ${said(passed)}; revoked: ${said(refused)}` }
}

/** `handshake`: it was let in, and nothing was asked. Undefined where it was not let in. */
type Said = { readonly status: number | 'handshake' | undefined, readonly body: string }

const said = ({ status, body }: Said): string => status === undefined ? `no handshake (${body})` : `${status}`

function endpointOf(place: string): { host: string, port: number, servername: string } {
  const { hostname, port } = new URL(`https://${place}`)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: port === '' ? 443 : Number(port), servername: isIP(host) === 0 ? host : '' }
}

const unanswered = (place: string, cause: Error): CaError => new CaError('server-unreachable', `the front end does not answer at ${place}`, { cause })

/** TLS 1.2: with 1.3 the client is done before the server has looked at its certificate, and would have to wait for an alert. */
function shakeHands(place: string, { certificate, key }: Identity, chain: string): Promise<Said> {
  return new Promise((resolve, reject) => {
    let handshaking = false
    const socket = connect({ ...endpointOf(place), cert: certificate + chain, key, rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => {
      socket.destroy()
      resolve({ status: 'handshake', body: '' })
    })
    socket.setTimeout(answerMs, () => { handshaking = false; socket.destroy(new Error('no answer')) })
    socket.once('connect', () => { handshaking = true })
    socket.on('error', cause => {
      if (handshaking) resolve({ status: undefined, body: (cause as { code?: string }).code ?? cause.message })
      else reject(unanswered(place, cause))
    })
  })
}

function askHttp(place: string, { certificate, key }: Identity, chain: string): Promise<Said> {
  const { host, port, servername } = endpointOf(place)
  return new Promise((resolve, reject) => {
    let handshaking = false
    const asked = request({
      host, port, path: '/', method: 'GET', agent: false, timeout: answerMs, headers: { connection: 'close' },
      // The front end's own certificate is somebody else's matter; nothing secret is sent.
      cert: certificate + chain, key, rejectUnauthorized: false, ...servername !== '' && { servername },
    }, response => {
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => { body = (body + chunk).slice(0, 100) })
      response.on('end', () => { resolve({ status: response.statusCode, body }) })
      response.on('error', error => { resolve({ status: response.statusCode, body: error.message }) })
    })
    asked.on('socket', socket => { socket.once('connect', () => { handshaking = true }) })
    asked.on('timeout', () => { handshaking = false; asked.destroy(new Error('no answer')) })
    asked.on('error', cause => {
      if (handshaking) resolve({ status: undefined, body: (cause as { code?: string }).code ?? cause.message })
      else reject(unanswered(place, cause))
    })
    asked.end()
  })
}
