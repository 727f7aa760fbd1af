import { json, type Queryable } from './db.ts'
import { afterKey, orderBy, parameters, sortKeyOf, type Order, type SortKey, type Sorted } from './order.ts'

/** One change: who, from where, what to which subject. `detail` is plain JSON without secrets. */
export type AuditEntry = { at: Date, actor: string, source: string, action: string, subject: string, detail: Readonly<Record<string, unknown>> }
export type AuditRecord = AuditEntry & { id: number }
/** `action` is a whole one (`invitation.end`) or its noun (`invitation`); `from` and `until` are both included. */
export type AuditFilter = {
  subject?: string | undefined, actor?: string | undefined, action?: string | undefined, from?: Date | undefined, until?: Date | undefined
  sorted?: Sorted, limit: number
}

export const auditOrders = { at: { columns: [{ sql: 'at', type: 'timestamptz' }, { sql: 'id', type: 'bigint' }] } } as const satisfies Record<string, Order>

/** As `audit_by_time` has it, and nobody else: for the records of an action PostgreSQL would rather go back in time through everybody's. */
const utc = (sql: string): string => `(${sql} at time zone 'UTC')`
const ofEverybody: Order = { columns: [{ sql: 'at', type: 'timestamptz', indexed: utc }, { sql: 'id', type: 'bigint' }] }

/** More actions than there are: a bound on what one question reads. */
const mostActions = 200

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
    /** However rare what is looked for, and however far back, it reads about as many rows as it answers. */
    async list(filter: AuditFilter): Promise<(AuditRecord & { sortKey: SortKey })[]> {
      const { subject, actor, action, from, until, sorted: asked = { order: auditOrders.at, descending: true }, limit } = filter
      const { values, add } = parameters()
      const all = subject === undefined && actor === undefined && action === undefined
      const [sorted, time]: [Sorted, (sql: string) => string] = all ? [{ ...asked, order: ofEverybody }, utc] : [asked, sql => sql]
      const compared = (operator: string, date: Date | undefined): string[] => date === undefined ? [] : [`${time('at')} ${operator} ${time(`${add(date)}::timestamptz`)}`]
      const conditions = [afterKey(sorted, add), ...compared('>=', from), ...compared('<=', until), ...actor === undefined ? [] : [`actor = ${add(actor)}`]]
      const rows = (more: string[]): string => `select id, at, actor, source, action, subject, detail, ${sortKeyOf(sorted)} from audit
        where ${[...conditions, ...more].join(' and ')} ${orderBy(sorted)} limit ${add(limit)}`
      // A thing has few records, so those of others are passed over; an actor and a noun have many, of few actions.
      const isWhole = action?.includes('.') === true
      const text = subject !== undefined ? rows([`subject = ${add(subject)}`, ...action === undefined ? [] : [isWhole ? `action = ${add(action)}` : `starts_with(action, ${add(`${action}.`)})`]])
        : all ? rows([])
          : isWhole ? rows([`action collate "C" = ${add(action)}`])
            : `with recursive ${actionsOf(actor, action, add)} select found.* from actions cross join lateral (${rows(['action collate "C" = actions.name'])}) found ${orderBy(sorted)} limit ${add(limit)}`
      return (await db.query<AuditRecord & { sort_key: SortKey }>(text, values)).map(({ sort_key: sortKey, ...record }) => ({ ...record, sortKey }))
    },
    async find(id: number): Promise<AuditRecord | undefined> {
      return (await db.query<AuditRecord>('select id, at, actor, source, action, subject, detail from audit where id = $1', [id]))[0]
    },
  }
}

/** The actions of a noun, of an actor or of both, each once, from the index: a step for each. The next byte after `.` is `/`. */
function actionsOf(actor: string | undefined, noun: string | undefined, add: (value: unknown) => string): string {
  const [first, last] = [add(noun === undefined ? '' : `${noun}.`), noun === undefined ? undefined : add(`${noun}/`)]
  const next = (than: string): string => `select action collate "C" from audit where action collate "C" > ${than}${last === undefined ? '' : ` and action collate "C" < ${last}`}
    ${actor === undefined ? '' : `and actor = ${add(actor)}`} order by ${actor === undefined ? '' : 'actor, '}action collate "C" limit 1`
  return `steps as (select (${next(first)}) as name, 1 as step union all select (${next('steps.name')}), step + 1 from steps where name is not null and step < ${mostActions}),
    actions as (select name from steps where name is not null)`
}
