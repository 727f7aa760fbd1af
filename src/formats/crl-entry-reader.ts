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
  const days = new Map<number, number>()
  for (let offset = 0; offset < content.length;) {
    const start = offset
    const usual = readUsualEntry(content, start, days)
    if (usual !== undefined) {
      offset += 2 + content[start + 1]!
      yield usual
    } else {
      const { raw, entry } = malformedAs('malformed-crl', 'CRL entry', () => readAnyEntry(readElement(content, start)))
      offset += raw.length
      yield entry
    }
  }
}

function readAnyEntry(element: Element): { raw: Buffer, entry: ParsedCrlEntry } {
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

/** SEQUENCE { INTEGER without a sign octet, UTCTime, and nothing or a reason }; undefined for any other shape. */
function readUsualEntry(bytes: Buffer, start: number, days: Map<number, number>): ParsedCrlEntry | undefined {
  const serialOctets = bytes[start + 3] ?? 0
  const serialStart = start + 4
  const timeStart = serialStart + serialOctets
  const timeEnd = timeStart + 15
  const end = start + 2 + (bytes[start + 1] ?? 0)
  const first = bytes[serialStart] ?? 0
  if (bytes[start] !== tags.sequence || bytes[start + 2] !== tags.integer || serialOctets < 1 || serialOctets > 20) return undefined
  if (first === 0 || first >= 0x80 || bytes[timeStart] !== tags.utcTime || bytes[timeStart + 1] !== 13) return undefined
  if (end > bytes.length || end - start - 2 >= 0x80 || (end !== timeEnd && end !== timeEnd + reasonPrefix.length + 1)) return undefined
  if (end !== timeEnd && bytes.compare(reasonPrefix, 0, reasonPrefix.length, timeEnd, end - 1) !== 0) return undefined
  const reason = end === timeEnd ? 0 : bytes[end - 1]!
  const instant = readUsualTime(bytes, timeStart, days)
  if (instant === undefined || reason >= 0x80) return undefined
  return { serialNumber: bytes.toString('hex', serialStart, timeStart), revocationDate: new Date(instant), reason }
}

/** Milliseconds of a UTCTime; the calendar is asked once a day. NaN compares false, so it takes the general way too. */
function readUsualTime(bytes: Buffer, start: number, days: Map<number, number>): number | undefined {
  const hour = twoDigits(bytes, start + 8)
  const minute = twoDigits(bytes, start + 10)
  const second = twoDigits(bytes, start + 12)
  const date = twoDigits(bytes, start + 2) * 10_000 + twoDigits(bytes, start + 4) * 100 + twoDigits(bytes, start + 6)
  if (!(hour < 24 && minute < 60 && second < 60 && date >= 0) || bytes[start + 14] !== 0x5a) return undefined
  const clock = (hour * 3600 + minute * 60 + second) * 1000
  const midnight = days.get(date)
  if (midnight !== undefined) return midnight + clock
  const instant = malformedAs('malformed-crl', 'CRL entry', () => readTime(readElement(bytes, start))).getTime()
  days.set(date, instant - clock)
  return instant
}

function twoDigits(bytes: Buffer, offset: number): number {
  const tens = bytes[offset]! - 0x30
  const units = bytes[offset + 1]! - 0x30
  return tens >= 0 && tens < 10 && units >= 0 && units < 10 ? tens * 10 + units : NaN
}
