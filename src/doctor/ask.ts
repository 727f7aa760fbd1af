/** One request to a front end, as a client would send it, and what came of it. */
import { Agent, request, type RequestOptions } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { CaError } from '../errors.ts'

export type Version = 'TLSv1.2' | 'TLSv1.3'
/** A certificate with its chain, and its key: PEM. `serialNumber` in lower-case hex. */
export type Identity = { readonly pem: string, readonly key: string, readonly serialNumber: string }

/** Where the front end is asked. `serverName` is what its certificate must be for; `host` is whom to connect to. */
export type Place = { readonly host: string, readonly port: number, readonly serverName: string, readonly path: string }

export type Question = {
  readonly identity?: Identity
  readonly version?: Version
  /** A session to be resumed. */
  readonly session?: Buffer
  /** Keeps its connection open for the next question. */
  readonly connection?: Agent
  readonly path?: string
  /** Names and values by turns, so that a name can come twice. */
  readonly headers?: readonly string[]
}

/** @property ca  PEM of what the server's own certificate is held against; what Node trusts where left out */
export type AskOptions = { readonly ca: string | undefined, readonly answerMs: number }

/** @property status  undefined when the handshake or the connection ended without an answer; `why` says how */
export type Heard = {
  readonly status: number | undefined
  readonly why: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly resumed: boolean
  /** On a connection that an earlier question had opened. */
  readonly sameConnection: boolean
  readonly session: Buffer | undefined
  /** What is wrong with the server's own certificate, as this machine sees it. */
  readonly serverFault: string | undefined
  readonly serverNotAfter: Date | undefined
}

/**
 * What became of a request. `by-certificate`: TLS, or the server for TLS's sake, refused it; `by-check`: the handshake was
 * good, and what looks at each request refused it; `silent`: no answer in time.
 */
export type Outcome = 'passed' | 'by-certificate' | 'by-check' | 'silent'

const maxBodyBytes = 64 * 1024
/** nginx says 400 and keeps 495 and 496 for itself, unless somebody maps them. */
const forTls = new Set([400, 495, 496])

export function outcomeOf({ status, why, headers }: Heard): Outcome {
  if (status === undefined) return why === 'TIMEOUT' || why === 'ABORT_ERR' ? 'silent' : 'by-certificate'
  if (forTls.has(status)) return 'by-certificate'
  // What asks for a password is what stands behind the front end.
  if (status === 401) return headers['www-authenticate'] === undefined ? 'by-check' : 'passed'
  return status === 403 || status >= 500 ? 'by-check' : 'passed'
}

export const said = ({ status, why, headers }: Heard): string =>
  status === undefined ? `no handshake (${why})` : `${status}${typeof headers['latchkey-decision'] === 'string' ? ` ${headers['latchkey-decision'].slice(0, 40)}` : ''}`

export const newConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1, maxCachedSessions: 0 })

/** @throws {CaError} server-unreachable when nobody takes the connection: then nothing is shown, one way or the other */
export function ask(place: Place, question: Question, { ca, answerMs }: AskOptions): Promise<Heard> {
  return new Promise((resolve, reject) => {
    let connected = false
    let facts: Pick<Heard, 'resumed' | 'serverFault' | 'serverNotAfter'> = { resumed: false, serverFault: undefined, serverNotAfter: undefined }
    let session: Buffer | undefined
    const sent = request(optionsOf(place, question, { ca, answerMs }), response => {
      const { statusCode: status, headers } = response
      let body = ''
      response.setEncoding('latin1')
      response.on('data', (chunk: string) => { body = (body + chunk).slice(0, maxBodyBytes) })
      const end = (): void => { resolve({ status, why: '', headers, body, sameConnection: sent.reusedSocket, session, ...facts }) }
      response.on('end', end)
      response.on('error', end)
    })
    sent.on('socket', socket => {
      const tls = socket as TLSSocket
      // Of a connection that is open already everything is known.
      if (sent.reusedSocket) return void (connected = true)
      tls.once('connect', () => { connected = true })
      tls.on('session', (value: Buffer) => { session = value })
      tls.once('secureConnect', () => { facts = factsOf(tls) })
    })
    sent.on('timeout', () => { sent.destroy(Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' })) })
    sent.on('error', (cause: NodeJS.ErrnoException) => {
      if (connected) resolve({ status: undefined, why: whyOf(cause), headers: {}, body: '', sameConnection: sent.reusedSocket, session, ...facts })
      else reject(new CaError('server-unreachable', `nobody answers at ${place.host}:${place.port}`, { cause }))
    })
    sent.end()
  })
}

/** Alerts by their names in RFC 8446 §6; Node tells them only in the text of OpenSSL. */
const alerts: Readonly<Record<string, string>> = {
  40: 'handshake_failure', 42: 'bad_certificate', 43: 'unsupported_certificate', 44: 'certificate_revoked', 45: 'certificate_expired', 46: 'certificate_unknown',
  48: 'unknown_ca', 49: 'access_denied', 51: 'decrypt_error', 70: 'protocol_version', 80: 'internal_error', 112: 'unrecognized_name', 116: 'certificate_required',
}

function whyOf({ code, message }: NodeJS.ErrnoException): string {
  const alert = /alert number (\d{1,3})/.exec(message)?.[1]
  return alert === undefined ? code ?? message.slice(0, 100) : alerts[alert] ?? `alert ${alert}`
}

function optionsOf({ host, port, serverName, path }: Place, question: Question, { ca, answerMs }: AskOptions): RequestOptions {
  const { identity, version, session, connection, headers = [] } = question
  const name = isIP(serverName) === 6 ? `[${serverName}]` : serverName
  const own = ['Host', port === 443 ? name : `${name}:${port}`, 'User-Agent', 'latchkey-doctor', ...connection === undefined ? ['Connection', 'close'] : []]
  return {
    host, port, path: question.path ?? path, method: 'GET', agent: connection ?? false, timeout: answerMs, headers: [...own, ...headers],
    // Also where something comes now and then.
    signal: AbortSignal.timeout(2 * answerMs),
    // Nothing secret is sent, and what is wrong with the server's certificate is told rather than thrown.
    rejectUnauthorized: false, servername: isIP(serverName) === 0 ? serverName : '',
    ...identity !== undefined && { cert: identity.pem, key: identity.key }, ...version !== undefined && { minVersion: version, maxVersion: version },
    ...session !== undefined && { session }, ...ca !== undefined && { ca },
  }
}

function factsOf(socket: TLSSocket): Pick<Heard, 'resumed' | 'serverFault' | 'serverNotAfter'> {
  const fault = socket.authorizationError as unknown as Error & { code?: string } | string | null | undefined
  const { valid_to: until } = socket.getPeerCertificate()
  return {
    resumed: socket.isSessionReused(), serverNotAfter: until === undefined ? undefined : new Date(until),
    serverFault: fault === null || fault === undefined ? undefined : typeof fault === 'string' ? fault : fault.code ?? fault.message,
  }
}
