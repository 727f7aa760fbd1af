/** Phones that ask a front end again and again, and remember when each request was sent and how it was answered. */
import { connect, type TLSSocket } from 'node:tls'
import { setTimeout as wait } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import type { Identity } from './tls-client.ts'

/** `new`: every request on a connection of its own; `kept-alive`: all on one; `resumed`: each on a connection that resumes the session before it. */
export const ways = ['new', 'kept-alive', 'resumed'] as const
export type Way = typeof ways[number]

export type Asked = {
  /** By `performance.now()`: when the request was sent; of a handshake that failed, when it began. */
  readonly sentMs: number
  /** Why there was none, where nobody answered. */
  readonly status: number | string
  readonly resumed: boolean
}

export type Prober = {
  /** Oldest first. */
  readonly asked: readonly Asked[]
  stop(): Promise<void>
}

export type ProberOptions = {
  readonly port: number
  readonly identity: Identity
  readonly way?: Way
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
  /** Between two requests; none where left out. */
  readonly pauseMs?: number
  readonly path?: string
}

const answerMs = 5_000

/** Asks until it is stopped, at the end of the test at the latest. */
export function startProber(t: ExecutionContext<any>, { port, identity, way = 'new', version = 'TLSv1.3', pauseMs = 0, path = '/' }: ProberOptions): Prober {
  const asked: Asked[] = []
  const state: { over: boolean, session: Buffer | undefined, kept: Connection | undefined } = { over: false, session: undefined, kept: undefined }
  const askOnce = async (): Promise<void> => {
    let sentMs = performance.now()
    let connection: Connection | undefined
    try {
      connection = state.kept ?? await open(port, identity, version, way === 'resumed' ? state.session : undefined)
      sentMs = performance.now()
      const { status, closes } = await connection.ask(path)
      asked.push({ sentMs, status, resumed: connection.socket.isSessionReused() })
      state.session = connection.session() ?? state.session
      state.kept = way === 'kept-alive' && !closes ? connection : undefined
      if (state.kept === undefined) connection.socket.destroy()
    } catch (error) {
      connection?.socket.destroy()
      // A connection that the front end had closed meanwhile says nothing: a phone asks again.
      if (state.kept === undefined) asked.push({ sentMs, status: (error as { code?: string }).code ?? (error as Error).message, resumed: false })
      state.kept = undefined
    }
  }
  const asking = (async () => {
    while (!state.over) {
      await askOnce()
      await (pauseMs > 0 ? wait(pauseMs) : new Promise(resolve => { setImmediate(resolve) }))
    }
    state.kept?.socket.destroy()
  })()
  const stop = async (): Promise<void> => {
    state.over = true
    await asking
  }
  t.teardown(stop)
  return { asked, stop }
}

type Connection = { readonly socket: TLSSocket, session(): Buffer | undefined, ask(path: string): Promise<{ status: number, closes: boolean }> }

async function open(port: number, { pem, privateKeyPem }: Identity, version: 'TLSv1.2' | 'TLSv1.3', session: Buffer | undefined): Promise<Connection> {
  let newest: Buffer | undefined
  const socket = connect({
    host: '127.0.0.1', port, cert: pem, key: privateKeyPem, rejectUnauthorized: false, minVersion: version, maxVersion: version, ...session !== undefined && { session },
  })
  socket.on('session', (value: Buffer) => { newest = value })
  socket.setTimeout(answerMs, () => { socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })) })
  await new Promise<void>((resolve, reject) => { socket.once('secureConnect', resolve).once('error', reject).once('close', () => { reject(new Error('closed')) }) })
  socket.on('error', () => {}) // whoever asks hears of it
  return { socket, session: () => newest ?? socket.getSession(), ask: async path => await ask(socket, path) }
}

/** One request of HTTP/1.1 and the head and body of its answer. */
function ask(socket: TLSSocket, path: string): Promise<{ status: number, closes: boolean }> {
  return new Promise((resolve, reject) => {
    let received = ''
    const done = (settle: () => void): void => {
      socket.off('data', take).off('error', failed).off('close', closed)
      settle()
    }
    const failed = (error: Error): void => { done(() => { reject(error) }) }
    const closed = (): void => { failed(Object.assign(new Error('closed'), { code: 'ECONNRESET' })) }
    const take = (chunk: Buffer): void => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = received.slice(0, end)
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0)
      if (received.length < end + 4 + length) return
      done(() => { resolve({ status: Number(head.slice(9, 12)), closes: /\r\nconnection: close/i.test(head) }) })
    }
    socket.on('data', take).once('error', failed).once('close', closed)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: phones\r\n\r\n`)
  })
}
