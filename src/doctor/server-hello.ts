/**
 * What a server says before anything is encrypted, in TLS 1.2 (RFC 5246 §7.4): its chain, and whether it asks for a client
 * certificate and of which CAs. Node tells none of this to a client, so the first message is written here and the answer
 * read; the handshake goes no further.
 */
import { connect, isIP } from 'node:net'
import { randomBytes } from 'node:crypto'

/** @property issuers  encoded names of the CAs that it accepts; undefined when it asks for no certificate */
export type ServerHello = { readonly issuers: readonly Buffer[] | undefined }

const answerMs = 5_000
const maxBytes = 512 * 1024
const handshakeRecord = 22
const [serverHello, certificateRequest, serverHelloDone] = [2, 13, 14]
const tls12 = 0x0303

/** @returns undefined when the server does not speak TLS 1.2, or not to this client */
export function readServerHello(host: string, port: number, serverName: string): Promise<ServerHello | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: answerMs })
    let received: Buffer = Buffer.alloc(0)
    const end = (hello: ServerHello | undefined): void => { socket.destroy(); resolve(hello) }
    socket.once('connect', () => { socket.write(clientHello(serverName)) })
    socket.on('data', chunk => {
      received = Buffer.concat([received, chunk])
      const read = received.length > maxBytes ? 'unreadable' : parseFlight(received)
      if (read === 'unreadable') end(undefined)
      else if (read !== 'more') end(read)
    })
    socket.once('timeout', () => { end(undefined) })
    socket.once('error', () => { end(undefined) })
    socket.once('close', () => { end(undefined) })
  })
}

/** @returns `more` while the flight has not come to its end */
export function parseFlight(bytes: Buffer): ServerHello | 'more' | 'unreadable' {
  const handshake = handshakeIn(bytes)
  if (handshake === undefined) return 'unreadable'
  let issuers: Buffer[] | undefined
  for (let at = 0; at + 4 <= handshake.length;) {
    const [type, length] = [handshake[at]!, handshake.readUIntBE(at + 1, 3)]
    if (at + 4 + length > handshake.length) return 'more'
    const body = handshake.subarray(at + 4, at + 4 + length)
    if (type === serverHello && (body.length < 2 || body.readUInt16BE(0) !== tls12)) return 'unreadable'
    if (type === certificateRequest && (issuers = parseIssuers(body)) === undefined) return 'unreadable'
    if (type === serverHelloDone) return { issuers }
    at += 4 + length
  }
  return 'more'
}

/** The contents of all whole handshake records; a message may lie across them. */
function handshakeIn(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length;) {
    const [type, length] = [bytes[at]!, bytes.readUInt16BE(at + 3)]
    if (type !== handshakeRecord) return undefined
    if (at + 5 + length > bytes.length) break
    parts.push(bytes.subarray(at + 5, at + 5 + length))
    at += 5 + length
  }
  return Buffer.concat(parts)
}

/** CertificateRequest: certificate_types, supported_signature_algorithms, certificate_authorities. */
function parseIssuers(body: Buffer): Buffer[] | undefined {
  const typesEnd = 1 + (body[0] ?? 0)
  if (typesEnd + 2 > body.length) return undefined
  const algorithmsEnd = typesEnd + 2 + body.readUInt16BE(typesEnd)
  if (algorithmsEnd + 2 > body.length) return undefined
  const end = algorithmsEnd + 2 + body.readUInt16BE(algorithmsEnd)
  if (end !== body.length) return undefined
  const issuers: Buffer[] = []
  for (let at = algorithmsEnd + 2; at < end;) {
    if (at + 2 > end) return undefined
    const length = body.readUInt16BE(at)
    if (at + 2 + length > end) return undefined
    issuers.push(body.subarray(at + 2, at + 2 + length))
    at += 2 + length
  }
  return issuers
}

const uint = (bytes: number, value: number): Buffer => {
  const buffer = Buffer.alloc(bytes)
  buffer.writeUIntBE(value, 0, bytes)
  return buffer
}
const vector = (lengthBytes: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  return Buffer.concat([uint(lengthBytes, body.length), body])
}
const numbers = (...values: number[]): Buffer => Buffer.concat(values.map(value => uint(2, value)))

function clientHello(serverName: string): Buffer {
  // ECDHE with AES-GCM and ChaCha20, then RSA; the last says that nothing is renegotiated (RFC 5746).
  const ciphers = numbers(0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d, 0x002f, 0x0035, 0x00ff)
  const extension = (type: number, body: Buffer): Buffer => Buffer.concat([uint(2, type), vector(2, body)])
  const extensions = [
    ...isIP(serverName) === 0 ? [extension(0, vector(2, Buffer.from([0]), vector(2, Buffer.from(serverName))))] : [],
    extension(10, vector(2, numbers(0x001d, 0x0017, 0x0018))), extension(11, vector(1, Buffer.from([0]))),
    extension(13, vector(2, numbers(0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601))), extension(23, Buffer.alloc(0)),
  ]
  const body = Buffer.concat([uint(2, tls12), randomBytes(32), vector(1), vector(2, ciphers), vector(1, Buffer.from([0])), vector(2, ...extensions)])
  const message = Buffer.concat([Buffer.from([1]), vector(3, body)])
  return Buffer.concat([Buffer.from([handshakeRecord, 3, 1]), vector(2, message)])
}
