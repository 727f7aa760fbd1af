import type { InventoryEntry } from '../devices/inventory.ts'
import type { Queryable } from './db.ts'

export type InventoryRecord = InventoryEntry & { readonly id: number, readonly importedAt: Date, readonly importedBy: string }
/** A phone on record that the inventory contradicts; `entry` is one of those that name it. */
export type Contradicted = {
  readonly deviceId: string, readonly personId: string, readonly personName: string, readonly personEmail: string
  readonly serialNumber: string, readonly udid: string, readonly productType: string, readonly entries: readonly InventoryEntry[]
}

const entryJson = `jsonb_build_object('serialNumber', i.serial_number, 'udid', i.udid, 'productTypes', i.product_types, 'model', i.model, 'ownerEmail', i.owner_email, 'assetTag', i.asset_tag)`

/** Each number by its own index. */
const named = (serialNumber: string, udid: string): string =>
  `select id from inventory where serial_number = ${serialNumber} union all select id from inventory where udid = ${udid}`

/** A column `inventory` beside a device's: what the inventory says under its serial number or its UDID. */
export const inventoryOf = (device: string): string => `(select coalesce(jsonb_agg(${entryJson} order by i.id), '[]'::jsonb) from inventory i
  where i.id in (${named(`upper(${device}.serial_number)`, `upper(${device}.udid)`)})) as inventory`

const columns = 'id, serial_number as "serialNumber", udid, product_types as "productTypes", model, owner_email as "ownerEmail", asset_tag as "assetTag", imported_at as "importedAt", imported_by as "importedBy"'

/** @param owners  whether another owner counts: it does not where the inventory has to agree */
const contradictory = (owners: boolean): string => `
  select d.id from inventory i join devices d on upper(d.serial_number) = i.serial_number join people p on p.id = d.person_id
    where (cardinality(i.product_types) > 0 and d.product_type <> all(i.product_types)) or i.udid <> upper(d.udid)${owners ? ' or i.owner_email <> lower(p.email)' : ''}
  union
  select d.id from inventory i join devices d on upper(d.udid) = i.udid join people p on p.id = d.person_id
    where (cardinality(i.product_types) > 0 and d.product_type <> all(i.product_types)) or i.serial_number <> upper(d.serial_number)${owners ? ' or i.owner_email <> lower(p.email)' : ''}`

export function inventoryStore(db: Queryable) {
  return {
    /** Whoever changes it waits for whoever does; reading goes on. */
    async lock(): Promise<void> { await db.query('lock table inventory in share row exclusive mode') },
    all: async (): Promise<InventoryRecord[]> => await db.query<InventoryRecord>(`select ${columns} from inventory order by id`),
    async totals(): Promise<{ total: number, importedAt: Date | null }> {
      return (await db.query<{ total: number, importedAt: Date | null }>('select count(*)::int as total, max(imported_at) as "importedAt" from inventory'))[0]!
    },
    /** By number, owner or asset tag, in the order of their ids. */
    async list({ search, after, limit }: { search: string | undefined, after: number, limit: number }): Promise<InventoryRecord[]> {
      const found = search === undefined ? '' : `and id in (${named('upper($3)', 'upper($3)')} union all select id from inventory where owner_email = lower($3)
        union all select id from inventory where asset_tag = $3)`
      return await db.query<InventoryRecord>(`select ${columns} from inventory where id > $1 ${found} order by id limit $2`, [after, limit, ...search === undefined ? [] : [search]])
    },
    async of(numbers: { serialNumber: string | null, udid: string | null }): Promise<InventoryRecord[]> {
      return await db.query<InventoryRecord>(`select ${columns} from inventory where id in (${named('upper($1)', 'upper($2)')}) order by id`, [numbers.serialNumber, numbers.udid])
    },
    async add(entries: readonly InventoryEntry[], by: string, now: Date): Promise<void> {
      // An array of arrays cannot be unnested row by row, so that the models come with a space between.
      await db.query(`insert into inventory (serial_number, udid, product_types, model, owner_email, asset_tag, imported_at, imported_by)
        select s, u, string_to_array(t, ' '), m, o, a, $7, $8 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as n (s, u, t, m, o, a)`,
      [
        entries.map(entry => entry.serialNumber), entries.map(entry => entry.udid), entries.map(entry => entry.productTypes.join(' ')), entries.map(entry => entry.model),
        entries.map(entry => entry.ownerEmail), entries.map(entry => entry.assetTag), now, by,
      ])
    },
    /** @returns how many */
    async remove(ids: readonly number[]): Promise<number> {
      return (await db.query('delete from inventory where id = any($1::bigint[]) returning 1', [ids])).length
    },
    contradicted: async (limit: number): Promise<Contradicted[]> => await db.query<Contradicted>(`
      select d.id as "deviceId", p.id as "personId", p.name as "personName", p.email as "personEmail", d.serial_number as "serialNumber", d.udid, d.product_type as "productType",
        ${inventoryOf('d').replace(/as inventory$/, 'as entries')}
      from devices d join people p on p.id = d.person_id where d.id in (${contradictory(true)}) order by p.name, d.id limit $1`, [limit]),
    countContradicted: async (owners: boolean): Promise<number> => (await db.query<{ count: number }>(`select count(*)::int as count from (${contradictory(owners)}) found`))[0]!.count,
    /** Phones with a certificate that is good, which the inventory does not have. */
    async countMissing(now: Date): Promise<number> {
      return (await db.query<{ count: number }>(`select count(distinct c.device_id)::int as count from certificates c join devices d on d.id = c.device_id
        where c.kind = 'device' and c.state = 'issued' and c.not_after >= $1
          and not exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number and r.reason <> 8)
          and not exists (select 1 from inventory i where i.serial_number = upper(d.serial_number))
          and not exists (select 1 from inventory i where i.udid = upper(d.udid))`, [now]))[0]!.count
    },
  }
}
