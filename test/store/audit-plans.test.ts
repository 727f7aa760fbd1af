import test from 'ava'
import { auditOrders, auditStore, type AuditFilter } from '../../src/store/audit.ts'
import type { Queryable } from '../../src/store/db.ts'
import { freshDatabase } from '../support/database.ts'
import { nodesOf, overheard, type Plan } from '../support/plans.ts'

type Executed = Plan & { 'Rows Removed by Filter'?: number, 'Actual Loops'?: number }

/** How many rows of others were looked at and thrown away. */
async function passedOver(tx: Queryable, text: string, params: readonly unknown[]): Promise<number> {
  const [row] = await tx.query<{ 'QUERY PLAN': [{ Plan: Executed }] }>(`explain (analyze, format json) ${text}`, params)
  return (nodesOf(row!['QUERY PLAN'][0].Plan) as Executed[]).reduce((sum, node) => sum + (node['Rows Removed by Filter'] ?? 0) * (node['Actual Loops'] ?? 1), 0)
}

test('records of an action, a noun or an actor that are rare and long past are found without looking through all that came after', async t => {
  const db = await freshDatabase(t)
  // Records lie in the order of their time; going back in it is what PostgreSQL takes for the cheapest.
  await db.exec(`insert into audit (at, actor, source, action, subject, detail)
    select timestamptz '2023-01-01' + n * interval '1 minute', case when n < 8 then 'Rare Admin' when n % 3 = 0 then 'Ada Admin' else 'enrollment' end, 'console',
      case when n < 16 then (array['person.update', 'person.end'])[1 + n % 2] else (array['certificate.issue', 'device.decide', 'certificate.use'])[1 + n % 3] end, 'device:' || n % 1000, jsonb_build_object('reason', repeat('as every day ', 12))
    from generate_series(1, 60000) n; analyze audit`)
  const { statements, db: heard } = overheard(db)
  const until = new Date('2023-02-01')
  const rare: Omit<AuditFilter, 'limit'>[] = [
    { action: 'person' }, { action: 'person.update' }, { action: 'person.never' }, { actor: 'Rare Admin' }, { actor: 'Rare Admin', action: 'person' }, { actor: 'Rare Admin', action: 'person.update' },
    { actor: 'Ada Admin', action: 'person' }, { actor: 'Nobody' }, { actor: 'Nobody', action: 'certificate' }, { actor: 'Nobody', action: 'certificate.issue' }, { action: 'person', until }, { actor: 'Rare Admin', until },
  ]
  for (const filter of rare) for (const descending of [true, false]) {
    await auditStore(heard).list({ ...filter, sorted: { order: auditOrders.at, descending }, limit: 51 })
    const { text, params } = statements.at(-1)!
    t.true(await passedOver(db, text, params) < 200, `${JSON.stringify(filter)} ${descending}: ${await passedOver(db, text, params)} rows passed over`)
  }
})
