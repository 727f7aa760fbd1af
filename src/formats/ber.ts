/**
 * BER to DER (X.690 §8 to §10): phones stream their CMS with indefinite lengths and chunked octet strings.
 * Only the framing changes. Values, and the order of a SET, stay as they were sent.
 */
import { CaError } from '../errors.ts'
import { octetString, readElement, tags, tlv } from './der.ts'

export type BerLimits = { readonly maxBytes: number, readonly maxDepth: number }

export const defaultBerLimits: BerLimits = { maxBytes: 65_536, maxDepth: 32 }

const constructed = 0x20
const constructedOctetString = tags.octetString | constructed

const malformed = (why: string): CaError => new CaError('malformed-der', why)

/** What is known once tag and length are read. `end` is undefined where the length is indefinite. */
type Header = { tag: number, start: number, end: number | undefined, minimal: boolean }

/** One element as DER, whether that differs from the input, and the offset of whatever follows it there. */
type Converted = { der: Buffer, changed: boolean, next: number }

/**
 * Rewrites one BER element as DER: definite, minimal lengths; constructed OCTET STRINGs joined.
 * What is DER already comes out byte for byte, so signatures inside it still verify.
 *
 * The work is linear in the input, at most `maxDepth` times over.
 *
 * @throws {CaError} body-too-large, malformed-der
 */
export function berToDer(bytes: Uint8Array, limits: Partial<BerLimits> = {}): Buffer {
  const { maxBytes, maxDepth } = { ...defaultBerLimits, ...limits }
  if (bytes.length > maxBytes) throw new CaError('body-too-large', `more than ${maxBytes} bytes`)
  const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const { der, next } = convert(input, 0, input.length, maxDepth)
  if (next !== input.length) throw malformed('bytes after the end')
  return der
}

function readHeader(input: Buffer, offset: number, limit: number): Header {
  if (offset + 2 > limit) throw malformed('element is cut off')
  const tag = input[offset]!
  const first = input[offset + 1]!
  if ((tag & 0x1f) === 0x1f) throw malformed('multi-octet tags are not used here')
  if (tag === 0) throw malformed('end-of-contents where no indefinite length is open')
  let start = offset + 2
  if (first === 0x80) return { tag, start, end: undefined, minimal: false }
  if (first < 0x80) return { tag, start, end: within(start + first, limit), minimal: true }
  const count = first & 0x7f
  if (count > 4) throw malformed('length is too long')
  const length = input.readUIntBE(offset + 2, within(start + count, limit) - start)
  start += count
  const minimal = length >= 0x80 && (count === 1 || input[offset + 2] !== 0)
  return { tag, start, end: within(start + length, limit), minimal }
}

function within(offset: number, limit: number): number {
  if (offset > limit) throw malformed('element is cut off')
  return offset
}

function convert(input: Buffer, offset: number, limit: number, depthLeft: number): Converted {
  const { tag, start, end, minimal } = readHeader(input, offset, limit)
  if ((tag & constructed) !== 0) {
    if (depthLeft === 0) throw malformed('nested too deeply')
    return convertConstructed(input, offset, { tag, start, end, minimal }, limit, depthLeft - 1)
  }
  if (end === undefined) throw malformed('a primitive element has no indefinite length')
  const der = minimal ? input.subarray(offset, end) : tlv(tag, input.subarray(start, end))
  return { der, changed: !minimal, next: end }
}

function convertConstructed(input: Buffer, offset: number, header: Header, limit: number, depthLeft: number): Converted {
  const { tag, start, end, minimal } = header
  // A universal type that is constructed in BER only (BIT STRING, the strings) is nothing that phones send.
  if ((tag & 0xc0) === 0 && tag !== tags.sequence && tag !== tags.set && tag !== constructedOctetString) {
    throw malformed(`tag 0x${tag.toString(16)} is not used here`)
  }
  const children: Buffer[] = []
  let changed = !minimal || tag === constructedOctetString
  let at = start
  for (;;) {
    if (end === undefined ? isEndOfContents(input, at, limit) : at === end) break
    const child = convert(input, at, end ?? limit, depthLeft)
    changed ||= child.changed
    children.push(child.der)
    at = child.next
  }
  const next = end ?? at + 2
  // A view, not a copy: a message that is DER throughout costs no allocation.
  if (!changed) return { der: input.subarray(offset, next), changed, next }
  return { der: tag === constructedOctetString ? joined(children) : tlv(tag, ...children), changed, next }
}

function isEndOfContents(input: Buffer, at: number, limit: number): boolean {
  if (at + 2 > limit) throw malformed('end-of-contents is missing')
  return input[at] === 0 && input[at + 1] === 0
}

function joined(pieces: Buffer[]): Buffer {
  return tlv(tags.octetString, ...pieces.map(piece => {
    if (piece[0] !== tags.octetString) throw malformed('an octet string is made of octet strings')
    return readElement(piece).content
  }))
}

// ── writing, for whoever plays a phone ─────────────────────────────────────

export type BerEncoding = 'der' | 'ber'

const endOfContents = Buffer.alloc(2)
const chunkBytes = 1024

/** A constructed element of indefinite length. */
export const indefinite = (tag: number, ...parts: Uint8Array[]): Buffer =>
  Buffer.concat([Buffer.from([tag, 0x80]), ...parts, endOfContents])

/** OCTET STRING in chunks; another `tag` for an IMPLICIT one, constructed as well. */
export function chunkedOctetString(bytes: Buffer, tag: number = constructedOctetString): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(octetString(bytes.subarray(at, at + chunkBytes)))
  return indefinite(tag, ...chunks)
}
