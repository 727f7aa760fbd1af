/** What a list names, as the database has it and as the list has it. */
import { randomBytes } from 'node:crypto'
import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import type { Listed } from '../../src/certificates/publish.ts'
import { readCrlEntries } from '../../src/formats/crl-entry-reader.ts'
import { CrlEntryWriter, largestEntry } from '../../src/formats/crl-entry-writer.ts'
import { crlEntries } from '../../src/store/crl-entries.ts'
import type { Database, Row } from '../../src/store/db.ts'
import { testService } from '../support/service.ts'

const reasons = [0, 1, 3, 4, 5, 6, 8, 9]
const dates = ['1999-12-31T23:59:59Z', '2026-02-28T00:00:00Z', '2049-12-31T23:59:59Z', '2050-01-01T00:00:00Z']

/** Serial numbers of which many begin alike, and change numbers of which some are given twice, which no list may depend on. */
async function revokeMany(db: Database, authorityId: number, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const serialNumber = Buffer.concat([Buffer.from([0x40 + n % 3, 1, 2, 3, n % 5 === 0 ? 4 : n]), randomBytes(11)])
    await db.query(`insert into certificates (authority_id, serial_number, kind, state, partition, not_before, not_after, der, sha256, public_key_sha256, created_at)
      values ($1, $2, 'device', 'issued', $3, now(), now(), 'der', $2, 'key', now())`, [authorityId, serialNumber, n % 2])
    await db.query(`insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor, listed)
      values ($1, $2, $3, now(), $4, $5, $6, 'ada', $7)`, [authorityId, serialNumber, n % 2, dates[n % dates.length], reasons[n % 7 % reasons.length], 1 + (n * 7 % count >> 1), n % 11 !== 0])
  }
}

const written = async (...of: Parameters<typeof crlEntries>): Promise<[string, number, number][]> => {
  const entries = await crlEntries(...of)
  const buffer = Buffer.alloc(entries.length * largestEntry)
  const writer = new CrlEntryWriter(buffer, 0)
  entries.writeTo(writer)
  const read = [...readCrlEntries(buffer.subarray(0, writer.offset))]
  return read.map(({ serialNumber, revocationDate, reason }) => [serialNumber, revocationDate.getTime(), reason])
}

test('whatever the size of a page, a list names each of its entries once, in the order of serial numbers', async t => {
  const service = await testService(t)
  const { db } = service
  const { id } = activeAuthority(service.authorities(), 'issuing')
  await revokeMany(db, id, 60)
  const rows = await db.query('select * from revocations where authority_id = $1 order by serial_number', [id])
  const cases: [Listed, (row: Row) => boolean][] = [
    [{}, row => row['listed'] && row['reason'] !== 8],
    [{ partition: 1 }, row => row['listed'] && row['reason'] !== 8 && row['partition'] === 1],
    [{ since: 12 }, row => row['change_number'] > 12],
    [{ since: 1000 }, () => false],
  ]
  for (const [listed, isListed] of cases) {
    const expected = rows.filter(isListed).map(row => [row['serial_number'].toString('hex'), row['revoked_at'].getTime(), row['reason']])
    for (const perPage of [1, 2, 7, 30, 1000]) t.deepEqual(await written(db, id, listed, perPage), expected, `${JSON.stringify(listed)} by ${perPage}`)
  }
})
