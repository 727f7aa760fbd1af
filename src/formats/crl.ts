import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import {
  bitString, contextTag, explicit, Fields, header, integer, parseDer, readBitString, readSmallInteger, readTime, sequence, tags, time,
} from './der.ts'
import type { Element } from './der.ts'
import { countCrlEntries, readCrlEntries } from './crl-entry-reader.ts'
import type { ParsedCrlEntry } from './crl-entry-reader.ts'
import { crlEntriesOf, CrlEntryWriter, largestEntry } from './crl-entry-writer.ts'
import type { CrlEntries, CrlEntry } from './crl-entry-writer.ts'
import { parseExtensions } from './extension-readers.ts'
import { serializeExtension } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { malformedAs } from './malformed-as.ts'
import { parseName } from './names.ts'
import type { Name } from './names.ts'
import { algorithmIdentifier, parseSignatureAlgorithm, verifySignature } from './signatures.ts'
import type { SignatureAlgorithm, Signer } from './signatures.ts'

export type { CrlEntry, ParsedCrlEntry }

/** A CRL to be signed. `issuer` is an encoded Name; entries are listed in the order given. */
export type CrlFields = {
  issuer: Buffer
  thisUpdate: Date
  nextUpdate: Date
  entries: CrlEntries | readonly CrlEntry[]
  extensions: readonly Extension[]
}

// Of an RSA key of 16,384 bits, the longest that OpenSSL verifies, and the headers around it.
const largestSignature = 2048 + 16
const largestHeader = 6

/**
 * Version 2 (RFC 5280 §5.1). 100,000 entries take about as long as one RSA signature does.
 *
 * All of it is written into one buffer. A header says how long its content is, so those around the entries are written
 * when these are there, from the inside out.
 */
export async function signCrl(fields: CrlFields, signer: Signer): Promise<Buffer> {
  const algorithm = algorithmIdentifier(signer.algorithm)
  const head = Buffer.concat([integer(1), algorithm, fields.issuer, time(fields.thisUpdate), time(fields.nextUpdate)])
  const extensions = fields.extensions.length === 0 ? Buffer.alloc(0) : explicit(0, sequence(...fields.extensions.map(serializeExtension)))
  const entries = 'writeTo' in fields.entries ? fields.entries : crlEntriesOf(fields.entries)

  const room = 3 * largestHeader + head.length
  const buffer = Buffer.allocUnsafe(room + entries.length * largestEntry + extensions.length + algorithm.length + largestSignature)
  const writer = new CrlEntryWriter(buffer, room)
  entries.writeTo(writer)
  const tbsEnd = append(buffer, writer.offset, extensions)
  // RFC 5280 §5.1.2.6: absent, not empty, when nothing is revoked.
  const entriesStart = writer.offset === room ? room : prepend(buffer, room, header(tags.sequence, writer.offset - room))
  const contentStart = prepend(buffer, entriesStart, head)
  const tbsStart = prepend(buffer, contentStart, header(tags.sequence, tbsEnd - contentStart))

  const signature = bitString(await signer.sign(buffer.subarray(tbsStart, tbsEnd)))
  const end = append(buffer, append(buffer, tbsEnd, algorithm), signature)
  return buffer.subarray(prepend(buffer, tbsStart, header(tags.sequence, end - tbsStart)), end)
}

/** @returns where it begins */
function prepend(buffer: Buffer, end: number, bytes: Buffer): number {
  buffer.set(bytes, end - bytes.length)
  return end - bytes.length
}

/** @returns where it ends */
function append(buffer: Buffer, start: number, bytes: Buffer): number {
  buffer.set(bytes, start)
  return start + bytes.length
}

/** A certificate revocation list; buffers are views. Its signature has not been verified: see `verifyCrl`. */
export type Crl = {
  readonly raw: Buffer
  readonly tbs: Buffer
  readonly issuer: Name
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly extensions: Extension[]
  /** Read while walking. @throws {CaError} malformed-crl at the first entry that is damaged or cannot be honoured */
  readonly entries: () => Iterable<ParsedCrlEntry>
  /** How many there are: each is looked at as when it is read. @throws {CaError} malformed-crl */
  readonly countEntries: () => number
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Buffer
}

// About 1.3 million entries.
const maxCrlBytes = 64 * 1024 * 1024

/** @throws {CaError} malformed-crl, also without nextUpdate (RFC 5280 §5.1.2.5); unsupported-algorithm */
export function parseCrl(der: Buffer): Crl {
  if (der.length > maxCrlBytes) throw new CaError('malformed-crl', `CRL is larger than ${maxCrlBytes} bytes`)
  return malformedAs('malformed-crl', 'CRL', () => {
    const outer = new Fields(parseDer(der))
    const tbs = outer.next(tags.sequence)
    const algorithm = outer.next(tags.sequence)
    const signature = readBitString(outer.next())
    outer.end()
    const signatureAlgorithm = parseSignatureAlgorithm(algorithm)
    return { raw: der, tbs: tbs.raw, ...parseTbsCertList(tbs, algorithm), signatureAlgorithm, signature }
  })
}

function parseTbsCertList(tbs: Element, outerAlgorithm: Element): Pick<Crl, 'issuer' | 'thisUpdate' | 'nextUpdate' | 'extensions' | 'entries' | 'countEntries'> {
  const fields = new Fields(tbs)
  const version = fields.optional(tags.integer)
  if (version !== undefined && readSmallInteger(version) !== 1) throw new CaError('malformed-der', 'version is not 2')
  if (!fields.next().raw.equals(outerAlgorithm.raw)) throw new CaError('malformed-der', 'the two signature algorithms differ')
  const issuer = parseName(fields.next())
  const thisUpdate = readTime(fields.next())
  const nextUpdate = readTime(fields.next())
  const revoked = fields.optional(tags.sequence)
  const extensions = fields.optional(contextTag(0))
  fields.end()
  if (extensions !== undefined && version === undefined) throw new CaError('malformed-der', 'a version 1 CRL has no extensions')
  return {
    issuer, thisUpdate, nextUpdate,
    extensions: extensions === undefined ? [] : parseExtensions(parseDer(extensions.content)),
    entries: () => revoked === undefined ? [] : readCrlEntries(revoked.content),
    countEntries: () => revoked === undefined ? 0 : countCrlEntries(revoked.content),
  }
}

/** Whether this key signed the CRL; issuer, dates and numbers are not looked at. */
export function verifyCrl(crl: Crl, publicKey: KeyObject): boolean {
  return verifySignature(crl.signatureAlgorithm, publicKey, crl.tbs, crl.signature)
}
