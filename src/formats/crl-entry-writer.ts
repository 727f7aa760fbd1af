/**
 * The entries of a CRL in one pass over one growing buffer. A CRL may list a million certificates and is signed
 * anew every hour: building a value for each field would cost ten times as much, all of it garbage.
 */
import { CaError } from '../errors.ts'
import { time } from './der.ts'

/**
 * @property serialNumber big-endian magnitude, up to 20 octets
 * @property reason CRLReason (RFC 5280 §5.3.1); 0 is written as no reason at all; 8 removeFromCRL only in a delta CRL
 */
export type CrlEntry = { serialNumber: Buffer, revocationDate: Date, reason?: number }

// SEQUENCE header 2, INTEGER 2 + 1 + 20, GeneralizedTime 17, extension with the reason 14.
const largestEntry = 56

// Extensions { Extension { reasonCode, OCTET STRING { ENUMERATED … } } }, all but its last octet.
export const reasonPrefix = Buffer.from('300c300a0603551d1504030a01', 'hex')

/** The concatenated entries, without the SEQUENCE around them. @throws {CaError} invalid-argument */
export function serializeCrlEntries(entries: Iterable<CrlEntry>): Buffer {
  let buffer: Buffer = Buffer.allocUnsafe(64 * 1024)
  let offset = 0
  const writeTime = timeWriter()
  for (const { serialNumber, revocationDate, reason = 0 } of entries) {
    if (offset + largestEntry > buffer.length) buffer = grow(buffer, offset)
    const start = offset
    buffer[offset] = 0x30
    offset = writeSerialNumber(buffer, offset + 2, serialNumber)
    offset = writeTime(buffer, offset, revocationDate)
    if (reason !== 0) offset = writeReason(buffer, offset, reason)
    buffer[start + 1] = offset - start - 2
  }
  return buffer.subarray(0, offset)
}

function grow(buffer: Buffer, used: number): Buffer {
  const larger = Buffer.allocUnsafe(buffer.length * 2)
  buffer.copy(larger, 0, 0, used)
  return larger
}

function writeSerialNumber(buffer: Buffer, offset: number, serialNumber: Buffer): number {
  let start = 0
  while (start < serialNumber.length - 1 && serialNumber[start] === 0) start++
  const length = serialNumber.length - start
  if (length < 1 || length > 20) throw new CaError('invalid-argument', 'serial number must have 1 to 20 octets')
  const sign = serialNumber[start]! >= 0x80 ? 1 : 0
  buffer[offset++] = 0x02
  buffer[offset++] = length + sign
  if (sign === 1) buffer[offset++] = 0
  for (let index = start; index < serialNumber.length; index++) buffer[offset++] = serialNumber[index]!
  return offset
}

function writeReason(buffer: Buffer, offset: number, reason: number): number {
  // 7 is not used; beyond 10 nothing is defined.
  if (!Number.isInteger(reason) || reason < 1 || reason > 10 || reason === 7) throw new CaError('invalid-argument', `${reason} is no CRLReason`)
  buffer.set(reasonPrefix, offset)
  buffer[offset + reasonPrefix.length] = reason
  return offset + reasonPrefix.length + 1
}

const dayMilliseconds = 86_400_000

/** Writes Time values. The calendar is asked once a day: revocations of one day share their date. */
function timeWriter(): (buffer: Buffer, offset: number, instant: Date) => number {
  const days = new Map<number, Buffer>()
  return (buffer, offset, instant) => {
    const milliseconds = instant.getTime()
    const day = Math.floor(milliseconds / dayMilliseconds)
    let midnight = days.get(day)
    if (midnight === undefined) {
      midnight = time(new Date(day * dayMilliseconds))
      days.set(day, midnight)
    }
    buffer.set(midnight, offset)
    const end = offset + midnight.length
    writeClock(buffer, end - 7, Math.floor((milliseconds - day * dayMilliseconds) / 1000))
    return end
  }
}

function writeClock(buffer: Buffer, offset: number, seconds: number): void {
  writeTwoDigits(buffer, offset, Math.floor(seconds / 3600))
  writeTwoDigits(buffer, offset + 2, Math.floor(seconds / 60) % 60)
  writeTwoDigits(buffer, offset + 4, seconds % 60)
}

function writeTwoDigits(buffer: Buffer, offset: number, value: number): void {
  buffer[offset] = 0x30 + Math.floor(value / 10)
  buffer[offset + 1] = 0x30 + value % 10
}
