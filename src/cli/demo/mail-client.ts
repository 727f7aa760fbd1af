import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

export type Identity = { certificate: string, key: string }

/** A client with a certificate that keeps its connection open, as a mail app does, and says what it was answered. */
export type MailClient = { ask(): Promise<number>, resumed(): boolean, session(): Buffer | undefined, close(): void }

export async function connectMail(port: number, identity: Identity, session?: Buffer): Promise<MailClient> {
  const socket = connect({
    port, host: '127.0.0.1', servername: 'localhost', cert: identity.certificate, key: identity.key, rejectUnauthorized: false,
    ...session === undefined ? {} : { session },
  })
  let saved: Buffer | undefined
  socket.on('session', ticket => { saved = ticket })
  await once(socket, 'secureConnect')
  return { ask: async () => await ask(socket), resumed: () => socket.isSessionReused(), session: () => saved, close: () => { socket.destroy() } }
}

async function ask(socket: TLSSocket): Promise<number> {
  let text = ''
  const answered = new Promise<number>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      text += chunk.toString('latin1')
      const head = /^HTTP\/1\.1 (\d{3})[^]*?\r\n\r\n/.exec(text)
      const length = Number(/content-length: (\d+)/i.exec(head?.[0] ?? '')?.[1] ?? 'NaN')
      const complete = head !== null && (Number.isNaN(length) ? /\r\n0\r\n\r\n$/.test(text) : text.length >= head[0].length + length)
      if (!complete) return
      socket.off('data', read)
      resolve(Number(head[1]))
    }
    socket.on('data', read)
    socket.once('close', () => reject(new Error('the connection was closed')))
    socket.once('error', reject)
  })
  socket.write('GET /Microsoft-Server-ActiveSync HTTP/1.1\r\nHost: localhost\r\n\r\n')
  return await answered
}
