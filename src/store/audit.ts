import { json, type Queryable } from './db.ts'

/** One change: who, from where, what to which subject. `detail` is plain JSON without secrets. */
export type AuditEntry = { at: Date, actor: string, source: string, action: string, subject: string, detail: Readonly<Record<string, unknown>> }
export type AuditRecord = AuditEntry & { id: number }
export type AuditFilter = { subject?: string | undefined, before?: number | undefined, limit: number }

export function auditStore(db: Queryable) {
  return {
    /** In the transaction of the change, so that there is neither without the other. */
    async add(entry: AuditEntry): Promise<void> {
      await db.query('insert into audit (at, actor, source, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
        [entry.at, entry.actor, entry.source, entry.action, entry.subject, json(entry.detail)])
    },
    /** Newest first; the page goes on below `before`. */
    async list({ subject, before, limit }: AuditFilter): Promise<AuditRecord[]> {
      return await db.query<AuditRecord>(`
        select id, at, actor, source, action, subject, detail from audit
        where ($1::text is null or subject = $1) and ($2::bigint is null or id < $2) order by id desc limit $3`, [subject, before, limit])
    },
  }
}
