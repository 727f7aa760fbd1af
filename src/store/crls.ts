import type { CrlScope, NewCrl, PublicationStore, PublishedCrl } from '../certificates/publish.ts'
import { removeFromCrl, type CertificateKey } from '../certificates/revoke.ts'
import { crlEntries } from './crl-entries.ts'
import type { Database, Queryable } from './db.ts'
import { revocationChannel } from './feed.ts'

type CrlRow = { scope: CrlScope, partition: number, crl_number: number, this_update: Date, next_update: Date, change_number: number }
const columns = 'scope, partition, crl_number, this_update, next_update, change_number'

const publishedOf = (row: CrlRow): PublishedCrl => ({
  scope: row.scope, partition: row.partition, crlNumber: row.crl_number,
  thisUpdate: row.this_update, nextUpdate: row.next_update, changeNumber: row.change_number,
})

export async function insertCrls(tx: Queryable, authorityId: number, crlNumber: number, crls: NewCrl[]): Promise<void> {
  await tx.query('update authorities set crl_number = $2 where id = $1 and crl_number < $2', [authorityId, crlNumber])
  const partitions = crls.filter(crl => crl.scope === 'partition').map(crl => crl.partition)
  await tx.query('update crl_addresses set listed = true where authority_id = $1 and partition = any($2::smallint[]) and not listed', [authorityId, partitions])
  await tx.query('select pg_notify($1, $2)', [revocationChannel, ''])
  for (const crl of crls) {
    await tx.query(`
      insert into crls (authority_id, scope, partition, crl_number, base_crl_number, this_update, next_update, change_number, entries, der, sha256)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [authorityId, crl.scope, crl.partition, crlNumber, crl.baseCrlNumber, crl.thisUpdate, crl.nextUpdate, crl.changeNumber, crl.entries, crl.der, crl.sha256])
  }
}

const latestCrls = async (db: Queryable, authorityId: number): Promise<PublishedCrl[]> =>
  (await db.query<CrlRow>(`select distinct on (scope, partition) ${columns} from crls where authority_id = $1
    order by scope, partition, crl_number desc`, [authorityId])).map(publishedOf)

export function publicationStore(tx: Queryable): PublicationStore {
  return {
    async lock(authorityId) {
      const [row] = await tx.query<{ partitions: number, crl_number: number }>(
        'select partitions, crl_number from authorities where id = $1 for no key update', [authorityId])
      return { partitions: row!.partitions, crlNumber: row!.crl_number }
    },
    hasNewAddress: async authorityId =>
      (await tx.query('select 1 from crl_addresses where authority_id = $1 and not listed limit 1', [authorityId])).length > 0,
    changeNumber: async () =>
      (await tx.query<{ value: number }>(`select value from counters where name = 'revocation-change'`))[0]!.value,
    latest: async authorityId => await latestCrls(tx, authorityId),
    changedPartitions: async (authorityId, changeNumber) =>
      (await tx.query<{ partition: number }>(
        'select distinct partition from revocations where authority_id = $1 and change_number > $2 order by partition', [authorityId, changeNumber]))
        .map(row => row.partition),
    hasRelease: async (authorityId, changeNumber) =>
      (await tx.query('select 1 from revocations where authority_id = $1 and reason = $2 and change_number > $3 limit 1', [authorityId, removeFromCrl, changeNumber])).length > 0,
    entries: async (authorityId, listed) => await crlEntries(tx, authorityId, listed),
    crlAddresses: async (authorityId, partition) =>
      (await tx.query<{ url: string }>('select url from crl_addresses where authority_id = $1 and partition = $2 order by position', [authorityId, partition]))
        .map(row => row.url),
    add: async (authorityId, crlNumber, crls) => await insertCrls(tx, authorityId, crlNumber, crls),
    async settle(authorityId, before) {
      await tx.query('delete from revocations where authority_id = $1 and reason = $2', [authorityId, removeFromCrl])
      if (before === undefined) return
      await tx.query(`update revocations set listed = false
        where authority_id = $1 and listed and not_after < $2 and change_number <= $3`, [authorityId, before.thisUpdate, before.changeNumber])
    },
    // Two of each stay: a front end may be reading the one before. A delta's base is the newest complete list.
    async prune(authorityId) {
      await tx.query(`
        delete from crls c using (
          select scope, partition, crl_number, row_number() over (partition by scope, partition order by crl_number desc) as age
            from crls where authority_id = $1
        ) old
        where c.authority_id = $1 and old.age > 2
          and c.scope = old.scope and c.partition = old.partition and c.crl_number = old.crl_number`, [authorityId])
    },
  }
}

/** A repeatable-read transaction for one publication. */
export const publicationTransaction = (db: Database) => async <T>(work: (tx: PublicationStore) => Promise<T>): Promise<T> =>
  await db.transaction(async tx => {
    await tx.query('set transaction isolation level repeatable read')
    return await work(publicationStore(tx))
  })

/** What a list is known by, without its bytes. */
export type CrlHead = PublishedCrl & { authorityId: number, sha256: Buffer }
/** Whose complete list and whose partitions are meant. */
export type BundleScope = { complete: readonly number[], partitions: readonly number[] }

type HeadRow = CrlRow & { authority_id: number, sha256: Buffer }
const headOf = (row: HeadRow): CrlHead => ({ ...publishedOf(row), authorityId: row.authority_id, sha256: row.sha256 })

/** One statement sees one snapshot, so these lists are of one moment. */
const newestOfEach = (what: string): string => `
  select distinct on (authority_id, scope, partition) authority_id, ${columns}, ${what} from crls
  where (authority_id = any($1::smallint[]) and scope = 'complete') or (authority_id = any($2::smallint[]) and scope = 'partition')
  order by authority_id, scope, partition, crl_number desc`

export function crlFileStore(db: Queryable) {
  return {
    async newest(authorityId: number, scope: CrlScope, partition = 0): Promise<CrlHead | undefined> {
      const [row] = await db.query<HeadRow>(`
        select authority_id, ${columns}, sha256 from crls where authority_id = $1 and scope = $2 and partition = $3
        order by crl_number desc limit 1`, [authorityId, scope, partition])
      return row === undefined ? undefined : headOf(row)
    },
    /** The bytes of a list; undefined once it has been pruned. */
    async read({ authorityId, scope, partition, crlNumber }: CrlHead): Promise<Buffer | undefined> {
      const [row] = await db.query<{ der: Buffer }>(
        'select der from crls where authority_id = $1 and scope = $2 and partition = $3 and crl_number = $4', [authorityId, scope, partition, crlNumber])
      return row?.der
    },
    /** The newest complete lists and partitions of one moment, in a lasting order. */
    bundleHeads: async ({ complete, partitions }: BundleScope): Promise<CrlHead[]> =>
      (await db.query<HeadRow>(newestOfEach('sha256'), [complete, partitions])).map(headOf),
    bundle: async ({ complete, partitions }: BundleScope): Promise<(CrlHead & { der: Buffer })[]> =>
      (await db.query<HeadRow & { der: Buffer }>(newestOfEach('sha256, der'), [complete, partitions])).map(row => ({ ...headOf(row), der: row.der })),
    latest: async (authorityId: number): Promise<PublishedCrl[]> => await latestCrls(db, authorityId),
  }
}

/** Whether the newest list of this certificate's partition was made with the change of that number on record. */
export async function partitionListCovers(db: Queryable, key: CertificateKey, changeNumber: number): Promise<boolean> {
  return (await db.query(`
    select 1 from crls l join certificates c on c.authority_id = l.authority_id and c.partition = l.partition
    where c.authority_id = $1 and c.serial_number = $2 and l.scope = 'partition' and l.change_number >= $3 limit 1`,
  [key.authorityId, key.serialNumber, changeNumber])).length > 0
}
