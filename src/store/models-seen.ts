import type { Queryable } from './db.ts'

/** Product types that phones here say they are, each once, from the index: what thousands of phones invent is cut off. */
export async function productTypesSeen(db: Queryable, limit = 2000): Promise<string[]> {
  return (await db.query<{ type: string }>(`
    with recursive seen as (
      (select product_type as type, 1 as n from devices order by product_type limit 1)
      union all
      select (select product_type from devices where product_type > seen.type order by product_type limit 1), n + 1 from seen where type is not null and n < $1
    ) select type from seen where type is not null`, [limit])).map(row => row.type)
}
