import type { IncomingMessage } from 'node:http'
import { CaError } from '../errors.ts'

/**
 * The body of a request, as it was sent. A declared length over the cap is refused before a byte is read,
 * and an undeclared one at the byte that passes the cap.
 *
 * @throws {CaError} body-too-large; unsupported-media-type for an encoded body; malformed-request when it was cut off
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const encoding = request.headers['content-encoding'] ?? 'identity'
  // Who unpacks has to bound what comes out; nobody who talks to us packs.
  if (encoding.toLowerCase() !== 'identity') throw new CaError('unsupported-media-type', 'a body must be sent without content-encoding')
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  return await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const cutOff = (cause?: unknown): void => { reject(new CaError('malformed-request', 'the body was cut off', { cause })) }
    // Who asks may be gone before anybody listens.
    if (request.destroyed) return cutOff()
    const read = (chunk: Buffer): void => {
      length += chunk.length
      chunks.push(chunk)
      if (length <= maxBytes) return
      // The stream stays open, so that the refusal still finds its way back.
      request.off('data', read).pause()
      reject(tooLarge(maxBytes))
    }
    const whole = (): void => {
      request.off('close', cutOff)
      resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks))
    }
    request.on('data', read).on('end', whole).on('error', cutOff).on('close', cutOff)
  })
}

const tooLarge = (maxBytes: number): CaError => new CaError('body-too-large', `the body is larger than ${maxBytes} bytes`)

/**
 * Parses a JSON body. Duplicate keys are taken as JavaScript takes them: the last counts.
 *
 * @throws {CaError} malformed-request when it is not UTF-8 or not JSON
 */
export function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw new CaError('malformed-request', 'the body is not JSON', { cause })
  }
}
