/**
 * Apple property lists in XML (the PropertyList-1.0 DTD): a writer, and a reader that accepts what Apple's own
 * writers produce and nothing cleverer. Binary property lists are refused.
 */
import { SaxesParser } from 'saxes'
import { CaError } from '../errors.ts'

export type PlistDictionary = { [key: string]: PlistValue }
/** `<integer>` is a number while that is exact, a bigint beyond; a whole `<real>` is read as a number too. */
export type PlistValue = string | number | bigint | boolean | Date | Buffer | PlistValue[] | PlistDictionary

export const isDictionary = (value: PlistValue | undefined): value is PlistDictionary =>
  typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value) && !(value instanceof Date)

const smallestInteger = -(2n ** 63n)
const largestInteger = 2n ** 64n - 1n

// ── writing ────────────────────────────────────────────────────────────────

const head = '<?xml version="1.0" encoding="UTF-8"?>\n'
  + '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
  + '<plist version="1.0">\n'

/**
 * @returns UTF-8 XML; keys in the order of the dictionary, dates cut to whole seconds
 * @throws {CaError} invalid-argument for text that XML 1.0 cannot hold, and for numbers and dates a plist cannot
 */
export function serializePlist(value: PlistValue): Buffer {
  const lines: string[] = []
  writeValue(value, '', lines)
  return Buffer.from(`${head}${lines.join('\n')}\n</plist>\n`, 'utf8')
}

function writeValue(value: PlistValue, indent: string, lines: string[]): void {
  if (Array.isArray(value)) {
    lines.push(`${indent}<array>`)
    for (const item of value) writeValue(item, `${indent}\t`, lines)
    lines.push(`${indent}</array>`)
  } else if (isDictionary(value)) {
    lines.push(`${indent}<dict>`)
    for (const [key, item] of Object.entries(value)) {
      lines.push(`${indent}\t<key>${escapeText(key)}</key>`)
      writeValue(item, `${indent}\t`, lines)
    }
    lines.push(`${indent}</dict>`)
  } else {
    lines.push(indent + scalarElement(value))
  }
}

function scalarElement(value: string | number | bigint | boolean | Date | Buffer): string {
  if (typeof value === 'string') return `<string>${escapeText(value)}</string>`
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>'
  if (Buffer.isBuffer(value)) return `<data>${value.toString('base64').replace(/.{76}/g, '$&\n')}</data>`
  if (value instanceof Date) return `<date>${dateText(value)}</date>`
  if (typeof value === 'number' && !Number.isInteger(value)) return `<real>${finite(value)}</real>`
  const whole = BigInt(value)
  if (whole < smallestInteger || whole > largestInteger) throw new CaError('invalid-argument', 'integer does not fit a property list')
  return `<integer>${whole}</integer>`
}

// What the Char production (XML 1.0 §2.2) leaves out, lone surrogates included.
const unwritable = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
/** Whether the text can stand in a property list at all. */
export const isWritableText = (text: string): boolean => !unwritable.test(text)

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' }

function escapeText(text: string): string {
  if (!isWritableText(text)) throw new CaError('invalid-argument', 'text holds a character that XML cannot')
  return text.replace(/[&<>\r]/g, character => escapes[character]!)
}

function dateText(date: Date): string {
  const year = date.getUTCFullYear()
  if (!(year >= 0 && year <= 9999)) throw new CaError('invalid-argument', 'date does not fit a property list')
  return `${date.toISOString().slice(0, 19)}Z`
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new CaError('invalid-argument', 'number does not fit a property list')
  return value
}

// ── reading ────────────────────────────────────────────────────────────────

/** `maxBytes` of the whole document; `maxDepth` of arrays and dictionaries inside each other. */
export type PlistLimits = { maxBytes: number, maxDepth: number }

/** Sixteen times what a phone sends when it enrolls. */
export const defaultPlistLimits: PlistLimits = { maxBytes: 64 * 1024, maxDepth: 16 }

const malformed = (why: string): CaError => new CaError('malformed-plist', why)
const doctype = /^\s*plist\s+PUBLIC\s+"-\/\/Apple(?: Computer)?\/\/DTD PLIST 1\.0\/\/EN"\s+"https?:\/\/www\.apple\.com\/DTDs\/PropertyList-1\.0\.dtd"\s*$/

/**
 * Reads an XML property list. Dictionaries come back without a prototype, so no key is special.
 *
 * @throws {CaError} malformed-plist: too large or deep, not UTF-8, a binary plist, XML that is not well formed,
 *   entities or a document type of its own, duplicate keys, or a value that its element does not allow
 */
export function parsePlist(bytes: Uint8Array, limits: Partial<PlistLimits> = {}): PlistValue {
  const { maxBytes, maxDepth } = { ...defaultPlistLimits, ...limits }
  if (bytes.length > maxBytes) throw malformed(`larger than ${maxBytes} bytes`)
  const text = decodeText(bytes)
  const reader = new Reader(maxDepth)
  // Positions would cost a second pass over every line.
  const parser = new SaxesParser({ position: false })
  parser.on('error', error => { throw malformed(`not well-formed XML: ${error.message.slice(0, 100)}`) })
  parser.on('xmldecl', ({ version, encoding }) => {
    if (version !== '1.0' || (encoding ?? 'utf-8').toLowerCase() !== 'utf-8') throw malformed('only XML 1.0 in UTF-8 is read')
  })
  parser.on('doctype', declaration => { if (!doctype.test(declaration)) throw malformed('document type is not Apple’s') })
  parser.on('processinginstruction', () => { throw malformed('processing instruction') })
  parser.on('cdata', () => { throw malformed('CDATA section') })
  parser.on('comment', () => reader.comment())
  parser.on('attribute', ({ name, value }) => reader.attribute(name, value))
  parser.on('opentagstart', ({ name }) => reader.open(name))
  parser.on('text', content => reader.text(content))
  parser.on('closetag', ({ name }) => reader.close(name))
  parser.write(text).close()
  return reader.result()
}

function decodeText(bytes: Uint8Array): string {
  if (Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 6)).toString('latin1') === 'bplist') {
    throw malformed('binary property lists are not read')
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('not UTF-8')
  }
}

/** Where the next value goes. Only a dictionary asks for a key first. */
type Container = { kind: 'plist' | 'array', items: PlistValue[] } | { kind: 'dict', entries: PlistDictionary, key: string | undefined }

const scalars: Record<string, (text: string) => PlistValue> = {
  key: text => text,
  string: text => text,
  integer: readInteger,
  real: readReal,
  date: readDate,
  data: readData,
  true: text => readFlag(text, true),
  false: text => readFlag(text, false),
}

class Reader {
  readonly #maxDepth: number
  readonly #open: Container[] = []
  #root: PlistValue[] | undefined
  /** Name of the scalar element that is open, and its text so far. */
  #scalar: string | undefined
  #text: string[] = []

  constructor(maxDepth: number) { this.#maxDepth = maxDepth }

  open(name: string): void {
    if (this.#scalar !== undefined) throw malformed(`element inside <${this.#scalar}>`)
    const container = this.#open.at(-1)
    if ((container === undefined) !== (name === 'plist')) throw malformed('<plist> is not the outermost element')
    if (container !== undefined) expectPlace(container, name)
    if (name === 'plist') this.#open.push({ kind: 'plist', items: this.#root = [] })
    else if (name === 'array') this.#descend({ kind: 'array', items: [] })
    else if (name === 'dict') this.#descend({ kind: 'dict', entries: Object.create(null) as PlistDictionary, key: undefined })
    else if (Object.hasOwn(scalars, name)) this.#scalar = name
    else throw malformed('unknown element')
  }

  #descend(container: Container): void {
    // The outermost entry is <plist> itself, which is no level.
    if (this.#open.length > this.#maxDepth) throw malformed(`nested deeper than ${this.#maxDepth}`)
    this.#open.push(container)
  }

  attribute(name: string, value: string): void {
    if (this.#scalar !== undefined || this.#open.length !== 1 || name !== 'version' || value !== '1.0') throw malformed('unexpected attribute')
  }

  comment(): void {
    // Readers disagree on what a value with a comment inside it is.
    if (this.#scalar !== undefined) throw malformed('comment inside a value')
  }

  text(content: string): void {
    if (this.#scalar !== undefined) this.#text.push(content)
    else if (/[^ \t\r\n]/.test(content)) throw malformed('text between elements')
  }

  close(name: string): void {
    if (this.#scalar === undefined) return this.#closeContainer()
    const text = this.#text.join('')
    this.#scalar = undefined
    this.#text = []
    const container = this.#open.at(-1)!
    if (name === 'key' && container.kind === 'dict') container.key = freshKey(container.entries, text)
    else put(container, scalars[name]!(text))
  }

  #closeContainer(): void {
    const closed = this.#open.pop()!
    if (closed.kind === 'plist') return
    if (closed.kind === 'dict' && closed.key !== undefined) throw malformed('key without a value')
    put(this.#open.at(-1)!, closed.kind === 'dict' ? closed.entries : closed.items)
  }

  result(): PlistValue {
    const value = this.#root?.[0]
    if (value === undefined) throw malformed('no value')
    return value
  }
}

function expectPlace(container: Container, name: string): void {
  const wantsKey = container.kind === 'dict' && container.key === undefined
  if (wantsKey !== (name === 'key')) throw malformed(wantsKey ? 'value without a key' : 'key where a value belongs')
  if (container.kind === 'plist' && container.items.length > 0) throw malformed('more than one value')
}

function freshKey(entries: PlistDictionary, key: string): string {
  if (Object.hasOwn(entries, key)) throw malformed('duplicate key')
  return key
}

function put(container: Container, value: PlistValue): void {
  if (container.kind !== 'dict') { container.items.push(value); return }
  container.entries[container.key!] = value
  container.key = undefined
}

function readInteger(text: string): number | bigint {
  if (!/^[+-]?\d{1,20}$/.test(text)) throw malformed('not an integer')
  const value = BigInt(text.replace('+', ''))
  if (value < smallestInteger || value > largestInteger) throw malformed('integer is out of range')
  return Number.isSafeInteger(Number(value)) ? Number(value) : value
}

function readReal(text: string): number {
  if (text.length > 64 || !/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) throw malformed('not a real number')
  const value = Number(text)
  if (!Number.isFinite(value)) throw malformed('real number is out of range')
  return value
}

function readDate(text: string): Date {
  const date = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? text : NaN)
  // Reading is lenient about 30 February; writing it back is not.
  if (Number.isNaN(date.getTime()) || `${date.toISOString().slice(0, 19)}Z` !== text) throw malformed('not a date')
  return date
}

function readData(text: string): Buffer {
  const base64 = text.replace(/[ \t\r\n]+/g, '')
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64') !== base64) throw malformed('not base64')
  return bytes
}

function readFlag(text: string, flag: boolean): boolean {
  if (text !== '') throw malformed('text inside a boolean')
  return flag
}
