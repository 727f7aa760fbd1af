/**
 * DER values (X.690 §8, §10): a writer that concatenates, and a reader that accepts DER only.
 * What arrives in BER goes through `ber.ts` first.
 */
import { CaError } from '../errors.ts'

export const tags = {
  boolean: 0x01, integer: 0x02, bitString: 0x03, octetString: 0x04, null: 0x05, oid: 0x06, enumerated: 0x0a,
  utf8String: 0x0c, printableString: 0x13, ia5String: 0x16, utcTime: 0x17, generalizedTime: 0x18,
  bmpString: 0x1e, teletexString: 0x14, sequence: 0x30, set: 0x31,
} as const

/** Context-specific tag number n, constructed: `[n] EXPLICIT`, or IMPLICIT over a constructed type. */
export const contextTag = (n: number): number => 0xa0 | n
/** Context-specific tag number n over a primitive type: `[n] IMPLICIT`. */
export const primitiveContextTag = (n: number): number => 0x80 | n

// ── writing ────────────────────────────────────────────────────────────────

/** How many octets a length takes (X.690 §8.1.3, the shortest form). */
function lengthSize(length: number): number {
  if (length < 0x80) return 1
  if (length < 0x100) return 2
  if (length < 0x1_0000) return 3
  return length < 0x100_0000 ? 4 : 5
}

/** @returns where the content begins */
function writeLength(bytes: Buffer, at: number, length: number): number {
  const more = lengthSize(length) - 1
  if (more === 0) return bytes.writeUInt8(length, at)
  bytes[at] = 0x80 | more
  return bytes.writeUIntBE(length, at + 1, more)
}

function lengthOctets(length: number): Buffer {
  const bytes = Buffer.alloc(lengthSize(length))
  writeLength(bytes, 0, length)
  return bytes
}

/** What stands before the content. */
export const header = (tag: number, length: number): Buffer => Buffer.concat([Buffer.from([tag]), lengthOctets(length)])

export function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  let length = 0
  for (const part of parts) length += part.length
  const bytes = Buffer.allocUnsafe(1 + lengthSize(length) + length)
  bytes[0] = tag
  let at = writeLength(bytes, 1, length)
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

export const sequence = (...parts: Uint8Array[]): Buffer => tlv(tags.sequence, ...parts)
/** SET OF: DER orders the elements by their encoding (X.690 §11.6). */
export const setOf = (...parts: Uint8Array[]): Buffer => tlv(tags.set, ...[...parts].sort(Buffer.compare))
export const explicit = (n: number, ...parts: Uint8Array[]): Buffer => tlv(contextTag(n), ...parts)
export const implicit = (n: number, content: Uint8Array): Buffer => tlv(primitiveContextTag(n), content)
export const octetString = (bytes: Uint8Array): Buffer => tlv(tags.octetString, bytes)
export const bitString = (bytes: Uint8Array, unusedBits = 0): Buffer => tlv(tags.bitString, Buffer.from([unusedBits]), bytes)
export const boolean = (value: boolean): Buffer => Buffer.from([tags.boolean, 1, value ? 0xff : 0])
export const nullValue: Buffer = Buffer.from([tags.null, 0])
export const utf8String = (text: string): Buffer => tlv(tags.utf8String, Buffer.from(text, 'utf8'))
export const printableString = (text: string): Buffer => tlv(tags.printableString, Buffer.from(text, 'latin1'))
export const ia5String = (text: string): Buffer => tlv(tags.ia5String, Buffer.from(text, 'latin1'))

/** Content octets of a non-negative INTEGER given as big-endian bytes. */
function unsignedContent(bytes: Uint8Array): Buffer {
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === 0) start++
  const trimmed = bytes.length === 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(start))
  return (trimmed[0]! & 0x80) !== 0 ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed
}

/** INTEGER from a non-negative number, bigint, or big-endian magnitude. */
export function integer(value: number | bigint | Uint8Array): Buffer {
  return tlv(tags.integer, unsignedContent(value instanceof Uint8Array ? value : magnitude(BigInt(value))))
}

export const enumerated = (value: number): Buffer => tlv(tags.enumerated, Buffer.from([value]))

function magnitude(value: bigint): Buffer {
  if (value < 0n) throw new RangeError('negative integers are not written')
  const hex = value.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
}

/** NamedBitList: bit 0 is the leftmost; trailing zero bits are cut (X.690 §11.2.2). */
export function namedBits(...bits: number[]): Buffer {
  const highest = Math.max(...bits)
  const bytes = Buffer.alloc((highest >> 3) + 1)
  for (const bit of bits) bytes[bit >> 3]! |= 0x80 >> (bit & 7)
  return bitString(bytes, 7 - (highest & 7))
}

const oidCache = new Map<string, Buffer>()

export function oid(dotted: string): Buffer {
  const known = oidCache.get(dotted)
  if (known !== undefined) return known
  const [first = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  const encoded = tlv(tags.oid, Buffer.concat([first * 40n + second, ...rest].map(base128)))
  oidCache.set(dotted, encoded)
  return encoded
}

function base128(arc: bigint): Buffer {
  const octets = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80)
  return Buffer.from(octets)
}

const twoDigits = (n: number): string => String(n).padStart(2, '0')

function timeDigits(instant: Date): string {
  return twoDigits(instant.getUTCMonth() + 1) + twoDigits(instant.getUTCDate()) + twoDigits(instant.getUTCHours())
    + twoDigits(instant.getUTCMinutes()) + twoDigits(instant.getUTCSeconds()) + 'Z'
}

/** GeneralizedTime, whole seconds, UTC (RFC 5280 §4.1.2.5.2). */
export const generalizedTime = (instant: Date): Buffer =>
  tlv(tags.generalizedTime, Buffer.from(String(instant.getUTCFullYear()).padStart(4, '0') + timeDigits(instant), 'latin1'))

/** Time: UTCTime through 2049, GeneralizedTime from 2050 (RFC 5280 §4.1.2.5). */
export function time(instant: Date): Buffer {
  const year = instant.getUTCFullYear()
  if (year < 1950 || year >= 2050) return generalizedTime(instant)
  return tlv(tags.utcTime, Buffer.from(twoDigits(year % 100) + timeDigits(instant), 'latin1'))
}

// ── reading ────────────────────────────────────────────────────────────────

/** One TLV. `raw` is the whole encoding, `content` the value octets; both are views, not copies. */
export type Element = { readonly tag: number, readonly raw: Buffer, readonly content: Buffer }

const malformed = (why: string): CaError => new CaError('malformed-der', why)

/** Reads the element at `offset`. DER only: definite, minimal lengths; single-octet tags. */
export function readElement(bytes: Buffer, offset = 0): Element {
  const tag = bytes[offset]
  const first = bytes[offset + 1]
  if (tag === undefined || first === undefined) throw malformed('element is cut off')
  if ((tag & 0x1f) === 0x1f) throw malformed('multi-octet tags are not used here')
  let length = first
  let start = offset + 2
  if (first >= 0x80) {
    const count = first & 0x7f
    if (count === 0 || count > 4) throw malformed('length is indefinite or too long')
    if (start + count > bytes.length) throw malformed('length is cut off')
    length = bytes.readUIntBE(start, count)
    if (length < 0x80 || (count > 1 && bytes[start] === 0)) throw malformed('length is not minimal')
    start += count
  }
  if (start + length > bytes.length) throw malformed('content is cut off')
  return { tag, raw: bytes.subarray(offset, start + length), content: bytes.subarray(start, start + length) }
}

/** Reads exactly one element; bytes after it are refused. */
export function parseDer(bytes: Uint8Array): Element {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const element = readElement(buffer)
  if (element.raw.length !== buffer.length) throw malformed('bytes after the end')
  return element
}

/** The elements inside a constructed one, in order. */
export function childrenOf(element: Element): Element[] {
  if ((element.tag & 0x20) === 0) throw malformed('element is not constructed')
  const children: Element[] = []
  for (let offset = 0; offset < element.content.length;) {
    const child = readElement(element.content, offset)
    children.push(child)
    offset += child.raw.length
  }
  return children
}

/** Walks the fields of a SEQUENCE (or any constructed element) in their order. */
export class Fields {
  readonly #children: Element[]
  #next = 0

  constructor(element: Element, tag: number = tags.sequence) {
    this.#children = childrenOf(expectTag(element, tag))
  }

  /** @throws {CaError} malformed-der when the next field is missing or has another tag */
  next(tag?: number): Element {
    const element = this.#children[this.#next++]
    if (element === undefined) throw malformed('field is missing')
    return tag === undefined ? element : expectTag(element, tag)
  }

  optional(...wanted: number[]): Element | undefined {
    const element = this.#children[this.#next]
    if (element === undefined || !wanted.includes(element.tag)) return undefined
    this.#next++
    return element
  }

  peek(): Element | undefined { return this.#children[this.#next] }
  get ended(): boolean { return this.#next >= this.#children.length }

  /** @throws {CaError} malformed-der when fields are left over */
  end(): void { if (!this.ended) throw malformed('unexpected field') }
}

export function expectTag(element: Element, tag: number): Element {
  if (element.tag !== tag) throw malformed(`expected tag 0x${tag.toString(16)}, found 0x${element.tag.toString(16)}`)
  return element
}

export function readOid(element: Element): string {
  const { content } = expectTag(element, tags.oid)
  if (content.length === 0 || content.length > 64) throw malformed('object identifier has a bad length')
  const arcs: bigint[] = []
  let arc = 0n
  for (const [index, octet] of content.entries()) {
    if (arc === 0n && octet === 0x80) throw malformed('object identifier is not minimal')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    if ((octet & 0x80) === 0) { arcs.push(arc); arc = 0n }
    else if (index === content.length - 1) throw malformed('object identifier is cut off')
  }
  const head = arcs.shift() ?? 0n
  const first = head < 80n ? head / 40n : 2n
  return [first, head - first * 40n, ...arcs].join('.')
}

/** Content octets of an INTEGER, as they stand (two's complement, minimal). */
export function readIntegerBytes(element: Element): Buffer {
  const { content } = expectTag(element, tags.integer)
  if (content.length === 0) throw malformed('integer is empty')
  if (content.length > 1 && ((content[0] === 0 && content[1]! < 0x80) || (content[0] === 0xff && content[1]! >= 0x80))) {
    throw malformed('integer is not minimal')
  }
  return content
}

/** A small non-negative INTEGER or ENUMERATED. */
export function readSmallInteger(element: Element): number {
  const content = element.tag === tags.enumerated ? element.content : readIntegerBytes(element)
  if (content.length === 0 || content.length > 4 || content[0]! >= 0x80) throw malformed('integer is out of range')
  return content.readUIntBE(0, content.length)
}

export function readBoolean(element: Element): boolean {
  const { content } = expectTag(element, tags.boolean)
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw malformed('boolean is not DER')
  return content[0] === 0xff
}

export const readOctetString = (element: Element): Buffer => expectTag(element, tags.octetString).content

/** Bytes of a BIT STRING whose length is a whole number of octets: keys and signatures. */
export function readBitString(element: Element): Buffer {
  const { content } = expectTag(element, tags.bitString)
  if (content[0] !== 0) throw malformed('bit string is not made of whole octets')
  return content.subarray(1)
}

/** Numbers of the bits that are set in a NamedBitList. */
export function readNamedBits(element: Element): number[] {
  const { content } = expectTag(element, tags.bitString)
  const unused = content[0]
  if (unused === undefined || unused > 7 || content.length > 5) throw malformed('bit string has a bad length')
  const bits: number[] = []
  for (let bit = 0; bit < (content.length - 1) * 8 - unused; bit++) {
    if ((content[1 + (bit >> 3)]! & (0x80 >> (bit & 7))) !== 0) bits.push(bit)
  }
  return bits
}

/** Any of the directory string types, or IA5String. */
export function readString(element: Element): string {
  switch (element.tag) {
    case tags.utf8String: return new TextDecoder('utf-8', { fatal: false }).decode(element.content)
    case tags.printableString: case tags.ia5String: case tags.teletexString: return element.content.toString('latin1')
    case tags.bmpString: return Buffer.from(element.content.subarray(0, element.content.length & ~1)).swap16().toString('utf16le')
    default: throw malformed('expected a string')
  }
}

/** UTCTime or GeneralizedTime in the forms RFC 5280 §4.1.2.5 allows. */
export function readTime(element: Element): Date {
  const text = element.content.toString('latin1')
  const match = element.tag === tags.utcTime ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text)
    : element.tag === tags.generalizedTime ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) : null
  if (match === null) throw malformed('time is not in a form RFC 5280 allows')
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const fullYear = element.tag === tags.generalizedTime ? year : year < 50 ? 2000 + year : 1900 + year
  const instant = new Date(0)
  instant.setUTCFullYear(fullYear, month - 1, day)
  instant.setUTCHours(hour, minute, second)
  if (instant.getUTCMonth() !== month - 1 || instant.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw malformed('time does not exist')
  }
  return instant
}
