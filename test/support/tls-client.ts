/** An HTTPS client that shows on which connection and session its answer came. */
import { Agent, request, type RequestOptions } from 'node:https'
import type { TLSSocket } from 'node:tls'

export type Identity = { pem: string, privateKeyPem: string }

export type TlsAnswer = {
  status: number
  body: string
  /** What the front end says about itself: `Latchkey-Decision`. */
  decision: string | undefined
  /** On a connection that an earlier request had opened. */
  sameConnection: boolean
  /** In a TLS session that an earlier connection had begun. */
  resumed: boolean
  protocol: string | null
  /** For another connection to resume; undefined when the server gave none. */
  session: Buffer | undefined
}

export type TlsOptions = {
  identity?: Identity
  headers?: Record<string, string>
  path?: string
  session?: Buffer
  version?: 'TLSv1.2' | 'TLSv1.3'
  /** By which it asks for the server (SNI). */
  servername?: string
  /** Keeps its connection open for the next request. */
  agent?: Agent
}

export const keepAlive = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })

/** The server's own certificate is not what these tests are about, so any is taken. */
export function get(port: number, { identity, headers = {}, path = '/', session, version = 'TLSv1.3', servername, agent }: TlsOptions = {}): Promise<TlsAnswer> {
  const options: RequestOptions = {
    host: '127.0.0.1', port, path, headers: agent === undefined ? { connection: 'close', ...headers } : headers, agent: agent ?? false,
    rejectUnauthorized: false, minVersion: version, maxVersion: version,
    ...identity && { cert: identity.pem, key: identity.privateKeyPem }, ...session && { session }, ...servername !== undefined && { servername },
  }
  return new Promise((resolve, reject) => {
    let newSession: Buffer | undefined
    const sent = request(options, response => {
      const socket = response.socket as TLSSocket
      const chunks: Buffer[] = []
      // Read now: a connection that was handed back has forgotten.
      const facts = { resumed: socket.isSessionReused(), protocol: socket.getProtocol(), sameConnection: sent.reusedSocket }
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      response.on('end', () => {
        resolve({ ...facts, status: response.statusCode!, decision: response.headers['latchkey-decision'] as string | undefined, body: Buffer.concat(chunks).toString(), session: newSession ?? socket.getSession() })
      })
      response.on('error', reject)
    })
    sent.on('socket', socket => { socket.once('session', (value: Buffer) => { newSession = value }) })
    sent.on('error', reject)
    sent.end()
  })
}
