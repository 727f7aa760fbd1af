/**
 * The entries of a CRL, written one after the other into the buffer that becomes the list. A CRL may list a million
 * certificates and is signed anew every hour: a value for each of them, or for each field, would cost many times as much
 * as the octets themselves, all of it garbage.
 */
import { CaError } from '../errors.ts'
import { tags, time } from './der.ts'

/**
 * @property serialNumber big-endian magnitude, up to 20 octets
 * @property reason CRLReason (RFC 5280 §5.3.1); 0 is written as no reason at all; 8 removeFromCRL only in a delta CRL
 */
export type CrlEntry = { serialNumber: Buffer, revocationDate: Date, reason?: number }

/** What a list names: `writeTo` hands over `length` entries in the order of the list. */
export type CrlEntries = { readonly length: number, writeTo(writer: CrlEntryWriter): void }

// SEQUENCE header 2, INTEGER 2 + 1 + 20, GeneralizedTime 17, extension with the reason 14.
export const largestEntry = 56

// Extensions { Extension { reasonCode, OCTET STRING { ENUMERATED … } } }, all but its last octet.
export const reasonPrefix = Buffer.from('300c300a0603551d1504030a01', 'hex')

const daySeconds = 86_400

export class CrlEntryWriter {
  readonly #buffer: Buffer
  #offset: number
  // The calendar is asked once a day: revocations of one day share their date.
  readonly #days = new Map<number, Buffer>()

  /** @param buffer  with room for `largestEntry` octets for each entry from `offset` on */
  constructor(buffer: Buffer, offset: number) {
    this.#buffer = buffer
    this.#offset = offset
  }

  /** Where the next entry begins. */
  get offset(): number { return this.#offset }

  /**
   * Adds an entry whose serial number is a part of `bytes`.
   *
   * @param revokedAt  whole seconds since 1970
   * @throws {CaError} invalid-argument
   */
  write(bytes: Uint8Array, start: number, end: number, revokedAt: number, reason: number): void {
    const buffer = this.#buffer
    const header = this.#offset
    let offset = writeSerialNumber(buffer, header + 2, bytes, start, end)
    offset = this.#writeTime(offset, revokedAt)
    if (reason !== 0) offset = writeReason(buffer, offset, reason)
    buffer[header] = tags.sequence
    buffer[header + 1] = offset - header - 2
    this.#offset = offset
  }

  #writeTime(offset: number, seconds: number): number {
    const day = Math.floor(seconds / daySeconds)
    let midnight = this.#days.get(day)
    if (midnight === undefined) {
      midnight = time(new Date(day * daySeconds * 1000))
      this.#days.set(day, midnight)
    }
    const end = offset + midnight.length
    copy(this.#buffer, offset, midnight, 0, midnight.length)
    const clock = seconds - day * daySeconds
    writeTwoDigits(this.#buffer, end - 7, clock / 3600 | 0)
    writeTwoDigits(this.#buffer, end - 5, (clock / 60 | 0) % 60)
    writeTwoDigits(this.#buffer, end - 3, clock % 60)
    return end
  }
}

/** Entries that exist as values: the few of a root's list. */
export const crlEntriesOf = (entries: readonly CrlEntry[]): CrlEntries => ({
  length: entries.length,
  writeTo(writer) {
    for (const { serialNumber, revocationDate, reason = 0 } of entries) writer.write(serialNumber, 0, serialNumber.length, Math.floor(revocationDate.getTime() / 1000), reason)
  },
})

/** For so few octets quicker than a call that leaves JavaScript. */
function copy(into: Buffer, offset: number, bytes: Uint8Array, start: number, end: number): void {
  for (let index = start; index < end; index++) into[offset++] = bytes[index]!
}

function writeSerialNumber(buffer: Buffer, offset: number, bytes: Uint8Array, start: number, end: number): number {
  while (start < end - 1 && bytes[start] === 0) start++
  const length = end - start
  if (length < 1 || length > 20) throw new CaError('invalid-argument', 'serial number must have 1 to 20 octets')
  const sign = bytes[start]! >= 0x80 ? 1 : 0
  buffer[offset] = tags.integer
  buffer[offset + 1] = length + sign
  if (sign === 1) buffer[offset + 2] = 0
  copy(buffer, offset + 2 + sign, bytes, start, end)
  return offset + 2 + sign + length
}

function writeReason(buffer: Buffer, offset: number, reason: number): number {
  // 7 is not used; beyond 10 nothing is defined.
  if (!Number.isInteger(reason) || reason < 1 || reason > 10 || reason === 7) throw new CaError('invalid-argument', `${reason} is no CRLReason`)
  copy(buffer, offset, reasonPrefix, 0, reasonPrefix.length)
  buffer[offset + reasonPrefix.length] = reason
  return offset + reasonPrefix.length + 1
}

function writeTwoDigits(buffer: Buffer, offset: number, value: number): void {
  const tens = value / 10 | 0
  buffer[offset] = 0x30 + tens
  buffer[offset + 1] = 0x30 + value - tens * 10
}
