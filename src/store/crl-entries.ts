/**
 * What a list names, read as PostgreSQL packs it: of a million rows each would cost more to take apart than its entry
 * costs to write, and all of them together many times the memory of the list.
 */
import type { CrlEntries, Listed } from '../certificates/publish.ts'
import type { CrlEntry } from '../formats/crl.ts'
import type { Queryable } from './db.ts'

// Serial number, revocation date in microseconds since 2000 as PostgreSQL keeps it, reason.
const [serialBytes, entryBytes] = [16, 16 + 8 + 2]
const year2000 = Date.UTC(2000, 0, 1)
/** So that neither one answer nor its text is large. */
const perPage = 25_000

/** A delta names what changed since its base, releases included; the other lists name what is revoked. In the order of serial numbers. */
export async function crlEntries(tx: Queryable, authorityId: number, listed: Listed): Promise<CrlEntries> {
  const [condition, value] = listed.since !== undefined ? ['change_number > $3', [listed.since]]
    : listed.partition !== undefined ? ['partition = $3 and listed and reason <> 8', [listed.partition]] : ['listed and reason <> 8', []]
  // A delta's few are found by the number of their change; in the order of serial numbers they would be looked for among all.
  const limit = listed.since === undefined ? `limit ${perPage}` : ''
  const pages: Buffer[] = []
  let after = Buffer.alloc(0)
  // The order of a subquery is that of what is made of it (PostgreSQL manual, 9.21); a second sort would take as long as the rest.
  for (;;) {
    const [row] = await tx.query<{ packed: Buffer | null }>(`
      select string_agg(serial_number || timestamptz_send(revoked_at) || int2send(reason), ''::bytea) as packed
      from (select serial_number, revoked_at, reason from revocations
        where authority_id = $1 and serial_number > $2 and ${condition} order by serial_number ${limit}) page`, [authorityId, after, ...value])
    const packed = row!.packed
    if (packed === null) break
    pages.push(packed)
    if (limit === '' || packed.length < perPage * entryBytes) break
    after = Buffer.from(packed.subarray(packed.length - entryBytes, packed.length - entryBytes + serialBytes))
  }
  return { length: pages.reduce((sum, page) => sum + page.length / entryBytes, 0), [Symbol.iterator]: () => unpacked(pages) }
}

function* unpacked(pages: readonly Buffer[]): Generator<CrlEntry> {
  for (const page of pages) {
    for (let offset = 0; offset < page.length; offset += entryBytes) {
      const microseconds = page.readInt32BE(offset + serialBytes) * 2 ** 32 + page.readUInt32BE(offset + serialBytes + 4)
      yield {
        serialNumber: page.subarray(offset, offset + serialBytes), reason: page.readInt16BE(offset + serialBytes + 8),
        revocationDate: new Date(year2000 + Math.floor(microseconds / 1000)),
      }
    }
  }
}
