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
const usualPage = 25_000
/** PostgreSQL sends 8 kB at a time. What is longer arrives in parts, and is copied each time the next one comes. */
const pieceBytes = 220 * entryBytes
/** A place is the number of the page and that of the entry on it, as one number. */
const placesOfPage = 2 ** 20

/** A delta names what changed since its base, releases included; the other lists name what is revoked. In the order of serial numbers. */
export async function crlEntries(tx: Queryable, authorityId: number, listed: Listed, perPage = usualPage): Promise<CrlEntries> {
  const pages = listed.partition === undefined ? await pagesByChange(tx, authorityId, listed.since, perPage) : await pagesOfPartition(tx, authorityId, listed.partition, perPage)
  const length = pages.reduce((sum, page) => sum + page.length / entryBytes, 0)
  return { length, writeTo: writer => { writeInOrder(pages, length, writer) } }
}

/** Rows lie in the table as their changes came, or nearly so: in the order of serial numbers each would have to be looked for. */
async function pagesByChange(tx: Queryable, authorityId: number, since: number | undefined, perPage: number): Promise<Buffer[]> {
  const pages: Buffer[] = []
  for (let after = since ?? 0; ;) {
    const rows = await tx.query<Piece & { last: number }>(inPieces('max(change_number)', `
      select serial_number, revoked_at, reason, change_number from revocations
      where authority_id = $1 and change_number > $2 ${since === undefined ? 'and listed and reason <> 8' : ''}
      order by change_number fetch first ${perPage} rows with ties`), [authorityId, after])
    if (addPage(pages, rows) < perPage) return pages
    after = rows[0]!.last
  }
}

async function pagesOfPartition(tx: Queryable, authorityId: number, partition: number, perPage: number): Promise<Buffer[]> {
  const pages: Buffer[] = []
  for (let after = Buffer.alloc(0); ;) {
    const rows = await tx.query<Piece>(inPieces('null', `
      select serial_number, revoked_at, reason from revocations
      where authority_id = $1 and partition = $2 and serial_number > $3 and listed and reason <> 8
      order by serial_number fetch first ${perPage} rows only`), [authorityId, partition, after])
    if (addPage(pages, rows) < perPage) return pages
    const last = pages.at(-1)!
    after = Buffer.from(last.subarray(last.length - entryBytes, last.length - entryBytes + serialBytes))
  }
}

type Piece = { piece: string }

/** In their order; no rows for a page on which there is nothing. @param last  said of the page with each piece */
const inPieces = (last: string, page: string): string => `
  select encode(substring(packed from start for ${pieceBytes}), 'base64') as piece, last
  from (select string_agg(serial_number || timestamptz_send(revoked_at) || int2send(reason), ''::bytea) as packed, ${last} as last from (${page}) page) whole,
    generate_series(1, length(packed), ${pieceBytes}) start`

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
