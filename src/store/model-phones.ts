import type { Queryable } from './db.ts'

/** Phones that say they are this model, and how many of them hold a certificate that is good; counted up to a limit. */
export async function phonesOfModel(db: Queryable, productType: string, now: Date, limit = 1000): Promise<{ count: number, holding: number, more: boolean }> {
  const [row] = await db.query<{ count: number, holding: number }>(`
    select count(*)::int as count, count(*) filter (where exists (
        select 1 from certificates c
          left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.device_id = d.id and c.kind = 'device' and c.state = 'issued' and c.not_after >= $2 and (r.serial_number is null or r.reason = 8)))::int as holding
    from (select id from devices where product_type = $1 order by created_at desc limit $3) d`, [productType, now, limit + 1])
  const { count, holding } = row!
  return { count: Math.min(count, limit), holding, more: count > limit }
}
