import { auditStore } from '../store/audit.ts'
import type { Queryable } from '../store/db.ts'
import type { Actor } from './actor.ts'
import type { Service } from './service.ts'

/** Writes down a change: `action` is `noun.verb`, `subject` is `noun:id`, and `detail` holds no secret. */
export type RecordChange = (action: string, subject: string, detail?: Readonly<Record<string, unknown>>) => Promise<void>

/** Makes a change in one transaction, with its record. The clock is asked once. */
export async function change<T>(service: Pick<Service, 'db' | 'now'>, actor: Pick<Actor, 'name' | 'source'>, work: (tx: Queryable, record: RecordChange, now: Date) => Promise<T>): Promise<T> {
  const now = service.now()
  return await service.db.transaction(async tx => {
    const record: RecordChange = async (action, subject, detail = {}) =>
      await auditStore(tx).add({ at: now, actor: actor.name, source: actor.source, action, subject, detail })
    return await work(tx, record, now)
  })
}
