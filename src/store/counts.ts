import type { Database, Queryable } from './db.ts'

export type CountTopic = 'phones' | 'in-force' | 'model' | 'grade' | 'ends' | 'issued' | 'revoked'
export type Counts = { countedAt: Date | null, of: (topic: CountTopic) => ReadonlyMap<string, number> }

const dayMs = 86_400_000
/** Days of the past that stay countable. */
const historyDays = 400

/** From so many certificates on, counting all of them costs seconds and is done every quarter of an hour; and never more than a twentieth of the time. */
const manyCertificates = 20_000
const secondsBetween = (inForce: number, lastTook: number): number => Math.max(inForce > manyCertificates ? 900 : 50, 20 * lastTook)
/** Of 10 million certificates a statement takes up to eight seconds; of those that a request waits for none may take so long. */
const patience = { longestStatementMs: 180_000 }

const dayOf = (column: string): string => `to_char(${column} at time zone 'utc', 'YYYY-MM-DD')`

/** Certificates of devices that open doors now: neither over, nor revoked, nor held. Reason 8 is a release. All that is read of them is in `certificates_by_end`. */
const inForce = `certificates c join authorities a on a.id = c.authority_id and a.revoked_at is null
  where c.kind = 'device' and c.state = 'issued' and c.not_after > $1 and not exists (
    select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number and r.reason <> 8 and r.not_after > $1)`

export function countStore(db: Queryable) {
  return {
    async read(): Promise<Counts> {
      const rows = await db.query<{ topic: CountTopic, key: string, value: number }>('select topic, key, value from counts order by topic, key')
      const [counted] = await db.query<{ counted_at: Date | null }>('select counted_at from counted')
      const topics = new Map<CountTopic, Map<string, number>>()
      for (const { topic, key, value } of rows) topics.set(topic, (topics.get(topic) ?? new Map<string, number>()).set(key, value))
      return { countedAt: counted?.counted_at ?? null, of: topic => topics.get(topic) ?? new Map() }
    },
  }
}

/** Counts anew what is due, on one instance at a time. @returns false when nothing was due */
export async function refreshCounts(db: Database, now: Date): Promise<boolean> {
  const last = await lastTry(db)
  if (last.triedAt !== null && now.getTime() - last.triedAt.getTime() < secondsBetween(last.inForce, last.seconds) * 1000) return false
  // Whoever fails does not begin anew at once, and waits twice as long each time. Only one of several takes it.
  const [taken] = await db.query<{ counted_at: Date | null }>(`update counted set tried_at = $1, seconds = greatest(1, 2 * seconds)
    where tried_at is not distinct from $2 returning counted_at`, [now, last.triedAt])
  if (taken === undefined) return false
  const begun = performance.now()
  await db.transaction(async tx => {
    // The server ends what is no longer waited for; by itself it would go on.
    await tx.exec(`set local statement_timeout = ${patience.longestStatementMs - 1000}`)
    await countInForce(tx, now)
    await countDays(tx, now, taken.counted_at)
    await tx.query('update counted set counted_at = $1, seconds = $2', [now, (performance.now() - begun) / 1000])
  }, patience)
  return true
}

async function lastTry(db: Queryable): Promise<{ triedAt: Date | null, seconds: number, inForce: number }> {
  const [row] = await db.query<{ tried_at: Date | null, seconds: number, in_force: number | null }>(`select tried_at, seconds, (select value from counts where topic = 'in-force' and key = 'all') as in_force from counted`)
  return { triedAt: row!.tried_at, seconds: row!.seconds, inForce: row!.in_force ?? 0 }
}

async function countInForce(tx: Queryable, now: Date): Promise<void> {
  await tx.query("delete from counts where topic in ('phones', 'in-force', 'model', 'grade', 'ends')")
  await tx.query(`insert into counts (topic, key, value)
    select case when grouping(product_type) = 0 then 'model' when grouping(grade) = 0 then 'grade' when grouping(day) = 0 then 'ends' else 'in-force' end,
      coalesce(product_type, grade, to_char(day, 'YYYY-MM-DD'), 'all'), coalesce(sum(count), 0)::bigint
    from (select coalesce(d.product_type, '?') as product_type, case when f.test then 'test' else coalesce(f.grade, 'claimed') end as grade, (f.not_after at time zone 'utc')::date as day, count(*) as count
      from (select c.device_id, c.test, c.grade, c.not_after from ${inForce}) f left join devices d on d.id = f.device_id group by 1, 2, 3) counted
    group by grouping sets ((product_type), (grade), (day), ())`, [now])
  await tx.query(`insert into counts (topic, key, value) select 'phones', 'all', count(distinct c.device_id) from ${inForce}`, [now])
}

async function countDays(tx: Queryable, now: Date, last: Date | null): Promise<void> {
  const oldest = new Date(Math.floor(now.getTime() / dayMs - historyDays) * dayMs)
  // What was issued on a day that is over stays; at first all days are counted.
  const from = last === null ? oldest : new Date(Math.floor(last.getTime() / dayMs - 1) * dayMs)
  await tx.query(`insert into counts (topic, key, value) select 'issued', ${dayOf('created_at')}, count(*) from certificates
    where kind = 'device' and state = 'issued' and created_at >= $1 group by 2
    on conflict (topic, key) do update set value = excluded.value`, [from])
  await tx.query("delete from counts where topic = 'issued' and key < $1", [oldest.toISOString().slice(0, 10)])
  // A hold that becomes a revocation may keep its day. Neither holds nor releases count, nor what a newer certificate replaced or was never
  // completed. Of an issuing CA only front ends have others; the certificates themselves lie all over the disk, and are not looked at.
  await tx.query("delete from counts where topic = 'revoked'")
  await tx.query(`insert into counts (topic, key, value) select 'revoked', ${dayOf('r.revoked_at')}, count(*)
    from revocations r join authorities a on a.id = r.authority_id and a.role = 'issuing'
    where r.revoked_at >= $1 and r.reason not in (4, 6, 8) and r.cause <> 'never completed'
      and not exists (select 1 from front_end_certificates f where f.authority_id = r.authority_id and f.serial_number = r.serial_number) group by 2`, [oldest])
}
