import { json, type Queryable } from './db.ts'

/** One change: who, from where, what to which subject. `detail` is plain JSON without secrets. */
export type AuditEntry = { at: Date, actor: string, source: string, action: string, subject: string, detail: Readonly<Record<string, unknown>> }
export type AuditRecord = AuditEntry & { id: number }
/** `action` is a whole one (`invitation.end`) or its noun (`invitation`); `from` and `until` are both included. */
export type AuditFilter = {
  subject?: string | undefined, actor?: string | undefined, action?: string | undefined, from?: Date | undefined, until?: Date | undefined
  before?: number | undefined, limit: number
}

/** As a pattern of LIKE, in which its own signs mean nothing. */
const literally = (text: string): string => text.replace(/[\\%_]/g, '\\$&')

export function auditStore(db: Queryable) {
  return {
    /** In the transaction of the change, so that there is neither without the other. */
    async add(entry: AuditEntry): Promise<void> {
      await db.query('insert into audit (at, actor, source, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
        [entry.at, entry.actor, entry.source, entry.action, entry.subject, json(entry.detail)])
    },
    /** In this order. */
    async addAll(entries: readonly AuditEntry[]): Promise<void> {
      if (entries.length === 0) return
      await db.query(`insert into audit (at, actor, source, action, subject, detail)
        select at, actor, source, action, subject, detail::jsonb from unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
          with ordinality as e (at, actor, source, action, subject, detail, position) order by position`,
      [entries.map(e => e.at), entries.map(e => e.actor), entries.map(e => e.source), entries.map(e => e.action), entries.map(e => e.subject), entries.map(e => json(e.detail))])
    },
    /** Newest first; the page goes on below `before`. */
    async list({ subject, actor, action, from, until, before, limit }: AuditFilter): Promise<AuditRecord[]> {
      const params: unknown[] = []
      const where = (condition: (parameter: string) => string, value: unknown): string[] =>
        value === undefined ? [] : [condition(`$${params.push(value)}`)]
      // Only what was asked for stands in the statement, so that the planner sees which index serves it.
      const conditions = [
        ...where(p => `subject = ${p}`, subject),
        ...where(p => `actor = ${p}`, actor),
        ...where(p => action!.includes('.') ? `action = ${p}` : `action like ${p}`, action === undefined || action.includes('.') ? action : `${literally(action)}.%`),
        ...where(p => `at >= ${p}`, from),
        ...where(p => `at <= ${p}`, until),
        ...where(p => `id < ${p}`, before),
      ]
      return await db.query<AuditRecord>(`select id, at, actor, source, action, subject, detail from audit
        ${conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`} order by id desc limit $${params.push(limit)}`, params)
    },
    async find(id: number): Promise<AuditRecord | undefined> {
      return (await db.query<AuditRecord>('select id, at, actor, source, action, subject, detail from audit where id = $1', [id]))[0]
    },
  }
}
