/**
 * What a list names, read as PostgreSQL packs it and put in order here: of a million rows each would cost more to take apart than
 * its entry costs to write, and all of them together many times the memory of the list.
 */
import type { Listed } from '../certificates/publish.ts'
import type { CrlEntries, CrlEntryWriter } from '../formats/crl-entry-writer.ts'
import type { Queryable } from './db.ts'

// Serial number, revocation date in microseconds since 2000 as PostgreSQL keeps it, reason.
const [serialBytes, entryBytes] = [16, 16 + 8 + 2]
const year2000 = Date.UTC(2000, 0, 1) / 1000
/** So that neither one answer nor its text is large. */
const usualPage = 100_000
/** PostgreSQL sends 8 kB at a time. What is longer arrives in parts, and is copied each time the next one comes. */
const pieceBytes = 220 * entryBytes
/** A place is the number of the page and that of the entry on it, as one number. */
const placesOfPage = 2 ** 20

/** A delta names what changed since its base, releases included; the other lists name what is revoked. In the order of serial numbers. */
export async function crlEntries(tx: Queryable, authorityId: number, { since, partition }: Listed, perPage = usualPage): Promise<CrlEntries> {
  const [condition, values] = since !== undefined ? ['true', []] : partition !== undefined ? ['listed and reason <> 8 and partition = $3', [partition]] : ['listed and reason <> 8', []]
  const pages: Buffer[] = []
  for (let after = since ?? -1, full = true; full;) {
    const pieces = await tx.query<Piece>(piecesOfPage(condition, perPage), [authorityId, after, ...values])
    full = pieces.length > 0 && addPage(pages, pieces) >= perPage
    after = pieces[0]?.last ?? after
  }
  const length = pages.reduce((sum, page) => sum + page.length / entryBytes, 0)
  return { length, writeTo: writer => { writeInOrder(pages, length, writer) } }
}

/** @property last  change number of the last entry of the whole page */
type Piece = { piece: string, last: number }

/** Rows lie in the table as their changes came, or nearly so: in the order of serial numbers each would have to be looked for. */
const piecesOfPage = (condition: string, perPage: number): string => `
  select encode(substring(packed from start for ${pieceBytes}), 'base64') as piece, last
  from (
    select string_agg(serial_number || timestamptz_send(revoked_at) || int2send(reason), ''::bytea) as packed, max(change_number) as last
    from (
      select serial_number, revoked_at, reason, change_number from revocations
      where authority_id = $1 and change_number > $2 and ${condition} order by change_number fetch first ${perPage} rows with ties
    ) page
  ) whole, generate_series(1, length(packed), ${pieceBytes}) start`

/** @returns how many entries are on it */
function addPage(pages: Buffer[], pieces: readonly Piece[]): number {
  const page = Buffer.allocUnsafe(pieces.reduce((sum, { piece }) => sum + Buffer.byteLength(piece, 'base64'), 0))
  let end = 0
  for (const { piece } of pieces) end += page.write(piece, end, 'base64')
  pages.push(page.subarray(0, end))
  return end / entryBytes
}

function writeInOrder(pages: readonly Buffer[], length: number, writer: CrlEntryWriter): void {
  const keys = keysInOrder(pages, length)
  for (let index = 0; index < keys.length; index += 2) {
    const page = pageOf(pages, keys[index]!)
    const offset = offsetOf(keys[index]!)
    const microseconds = page.readInt32BE(offset + serialBytes) * 2 ** 32 + page.readUInt32BE(offset + serialBytes + 4)
    writer.write(page, offset, offset + serialBytes, year2000 + Math.floor(microseconds / 1e6), page.readInt16BE(offset + serialBytes + 8))
  }
}

const pageOf = (pages: readonly Buffer[], place: number): Buffer => pages[place / placesOfPage | 0]!
const offsetOf = (place: number): number => place % placesOfPage * entryBytes

/**
 * Two words for each entry, its place and the first octets of its serial number: one number of 64 bits to whom puts them
 * in order, so that no function of ours is called for every two.
 */
function keysInOrder(pages: readonly Buffer[], length: number): Uint32Array {
  const words = new Uint32Array(2 * length)
  let at = 0
  for (const [number, page] of pages.entries()) {
    for (let offset = 0, place = number * placesOfPage; offset < page.length; offset += entryBytes) {
      words[at++] = place++ // little-endian: the lower half
      words[at++] = page.readInt32BE(offset)
    }
  }
  const keys = new BigUint64Array(words.buffer)
  keys.sort()
  for (let start = 0, end = 1; start < length; start = end++) {
    while (end < length && words[2 * end + 1] === words[2 * start + 1]) end++
    if (end - start > 1) keys.subarray(start, end).sort((a, b) => compareSerialNumbers(pages, Number(a & 0xffff_ffffn), Number(b & 0xffff_ffffn)))
  }
  return words
}

function compareSerialNumbers(pages: readonly Buffer[], a: number, b: number): number {
  const [start, otherStart] = [offsetOf(a), offsetOf(b)]
  return pageOf(pages, a).compare(pageOf(pages, b), otherStart, otherStart + serialBytes, start, start + serialBytes)
}
