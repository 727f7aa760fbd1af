/**
 * The entries of a CRL, read one by one. There may be a million, and a CRL is read back before it is published,
 * so the one shape that nearly all have is read in place; whatever differs from it takes the general way.
 */
import { CaError } from '../errors.ts'
import { expectTag, Fields, parseDer, readElement, readSmallInteger, readTime, tags } from './der.ts'
import type { Element } from './der.ts'
import { reasonPrefix } from './crl-entry-writer.ts'
import { parseExtensions } from './extension-readers.ts'
import { malformedAs } from './malformed-as.ts'
import { oids } from './oids.ts'
import { readSerialNumber } from './x509.ts'

/** @property serialNumber lower-case hex; @property reason 0 where the entry gives none */
export type ParsedCrlEntry = { readonly serialNumber: string, readonly revocationDate: Date, readonly reason: number }

/**
 * @param content octets of revokedCertificates, without its own header
 * @throws {CaError} malformed-crl at the first entry that is damaged or cannot be honoured
 */
export function* readCrlEntries(content: Buffer): Generator<ParsedCrlEntry> {
  for (let start = 0; start < content.length;) {
    const end = endOfUsualEntry(content, start)
    if (end !== undefined) {
      yield readUsualEntry(content, start, end)
      start = end
    } else {
      const { raw, entry } = readAnyEntry(content, start)
      start += raw.length
      yield entry
    }
  }
}

/** How many they are. Each is looked at as closely as `readCrlEntries` does, but nothing is made of it. @throws {CaError} malformed-crl */
export function countCrlEntries(content: Buffer): number {
  let count = 0
  for (let start = 0; start < content.length; count++) {
    start = endOfUsualEntry(content, start) ?? start + readAnyEntry(content, start).raw.length
  }
  return count
}

type AnyEntry = { raw: Buffer, entry: ParsedCrlEntry }

const readAnyEntry = (content: Buffer, start: number): AnyEntry => malformedAs('malformed-crl', 'CRL entry', () => parseEntry(readElement(content, start)))

function parseEntry(element: Element): AnyEntry {
  const fields = new Fields(element)
  const serialNumber = readSerialNumber(fields.next())
  const revocationDate = readTime(fields.next())
  const extensions = fields.optional(tags.sequence)
  fields.end()
  return { raw: element.raw, entry: { serialNumber, revocationDate, reason: extensions === undefined ? 0 : readReason(extensions) } }
}

/**
 * A critical extension that we do not know (certificateIssuer of an indirect CRL) may say that the entry is about
 * somebody else's certificate: such a CRL must not be used (RFC 5280 §5.3).
 */
function readReason(element: Element): number {
  let reason = 0
  for (const { oid, critical, value } of parseExtensions(element)) {
    if (oid === oids.reasonCode) reason = readSmallInteger(expectTag(parseDer(value), tags.enumerated))
    else if (critical) throw new CaError('malformed-der', `critical entry extension ${oid} is not supported`)
  }
  return reason
}

/** Of SEQUENCE { INTEGER without a sign octet, UTCTime, and nothing or a reason }; undefined for any other shape. */
function endOfUsualEntry(bytes: Buffer, start: number): number | undefined {
  const serialOctets = bytes[start + 3] ?? 0
  const serialStart = start + 4
  const timeStart = serialStart + serialOctets
  const timeEnd = timeStart + 15
  const end = start + 2 + (bytes[start + 1] ?? 0)
  const first = bytes[serialStart] ?? 0
  if (bytes[start] !== tags.sequence || bytes[start + 2] !== tags.integer || serialOctets < 1 || serialOctets > 20) return undefined
  if (first === 0 || first >= 0x80 || bytes[timeStart] !== tags.utcTime || bytes[timeStart + 1] !== 13) return undefined
  if (end > bytes.length || end - start - 2 >= 0x80) return undefined
  if (end !== timeEnd && (end !== timeEnd + reasonPrefix.length + 1 || !isReason(bytes, timeEnd))) return undefined
  return isUsualTime(bytes, timeStart) ? end : undefined
}

function isReason(bytes: Buffer, start: number): boolean {
  for (let index = 0; index < reasonPrefix.length; index++) if (bytes[start + index] !== reasonPrefix[index]) return false
  return bytes[start + reasonPrefix.length]! < 0x80
}

/** What `endOfUsualEntry` has looked at. */
function readUsualEntry(bytes: Buffer, start: number, end: number): ParsedCrlEntry {
  const timeStart = start + 4 + bytes[start + 3]!
  return {
    serialNumber: bytes.toString('hex', start + 4, timeStart),
    revocationDate: readUsualTime(bytes, timeStart),
    reason: end === timeStart + 15 ? 0 : bytes[end - 1]!,
  }
}

// February of a leap year: which one is, is asked apart.
const mostDays = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/** UTCTime says a year from 1950 to 2049, in which every fourth is a leap year (RFC 5280 §4.1.2.5.1). */
function isUsualTime(bytes: Buffer, start: number): boolean {
  const year = twoDigits(bytes, start + 2)
  const month = twoDigits(bytes, start + 4)
  const day = twoDigits(bytes, start + 6)
  if (year < 0 || month < 1 || month > 12 || day < 1 || day > mostDays[month - 1]! || (month === 2 && day === 29 && year % 4 !== 0)) return false
  const hour = twoDigits(bytes, start + 8)
  const minute = twoDigits(bytes, start + 10)
  const second = twoDigits(bytes, start + 12)
  return hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60 && bytes[start + 14] === 0x5a
}

function readUsualTime(bytes: Buffer, start: number): Date {
  const year = twoDigits(bytes, start + 2)
  return new Date(Date.UTC(
    year < 50 ? 2000 + year : 1900 + year, twoDigits(bytes, start + 4) - 1, twoDigits(bytes, start + 6),
    twoDigits(bytes, start + 8), twoDigits(bytes, start + 10), twoDigits(bytes, start + 12),
  ))
}

/** @returns -1 where they are none */
function twoDigits(bytes: Buffer, offset: number): number {
  const tens = bytes[offset]! - 0x30
  const units = bytes[offset + 1]! - 0x30
  return tens >= 0 && tens < 10 && units >= 0 && units < 10 ? tens * 10 + units : -1
}
