/** What changes answers about certificates and to front ends, as triggers write it down (migration 0063). */
import type { Queryable } from './db.ts'

/** Sent at the commit of whatever changes an answer. */
export const answerChannel = 'latchkey_answers'

/** @property key  a certificate's serial number in hex, or a front end's name */
export type AnswerChange = { subject: 'certificate' | 'front-end' | 'everything', key: string }

/** @property era  another one after a restart or a failover, when snapshots of before say nothing; @property snapshot  what this look has seen */
export type Look = { era: string, snapshot: string, changes: AnswerChange[] }

/** Tables with such a trigger. What writes to none of them changes no answer. */
export const answerTables = ['authorities', 'certificates', 'devices', 'front_end_probes', 'front_ends', 'people', 'revocations'] as const
/** Those where a new row does: of a certificate that is not there nobody remembers anything. */
export const answerTablesForNew = ['front_end_probes', 'revocations'] as const

const table = (names: readonly string[]): string => `\\s+(?:table\\s+|only\\s+)*(?:"?\\w+"?\\.)?"?(?:${names.join('|')})\\b`
const changes = new RegExp([
  `\\b(?:update|delete\\s+from|truncate|merge\\s+into)${table(answerTables)}`,
  `\\binsert\\s+into${table(answerTablesForNew)}`,
  `\\binsert\\s+into${table(answerTables)}[^]*\\bdo\\s+update\\b`,
].join('|'), 'i')

/** Whether a statement may change an answer. */
export const mayChangeAnswers = (text: string): boolean => changes.test(text)

/** More than these are not named one by one. */
const mostChanges = 1000

const named = (rows: readonly AnswerChange[]): AnswerChange[] => rows.length > mostChanges ? [{ subject: 'everything', key: '' }] : [...rows]

export function answerChangeStore(db: Queryable) {
  return {
    /**
     * What was committed since an earlier look; without one only where to go on from. What a snapshot did not show was
     * done by transactions not below its xmin. A number not given yet is of another time: a backup was taken back.
     */
    async since(snapshot: string | undefined): Promise<Look> {
      const rows = await db.query<{ era: string, snapshot: string } & AnswerChange>(`
        select pg_postmaster_start_time()::text as era, pg_current_snapshot()::text as snapshot, c.subject, c.key
        from (values (1)) always left join lateral (
          select subject, key from answer_changes
          where xid >= pg_snapshot_xmin($1::pg_snapshot) and xid < pg_snapshot_xmax(pg_current_snapshot()) and not pg_visible_in_snapshot(xid, $1::pg_snapshot)
          limit ${mostChanges + 1}) c on true`, [snapshot ?? null])
      return { era: rows[0]!.era, snapshot: rows[0]!.snapshot, changes: named(rows.filter(({ subject }) => subject !== null).map(({ subject, key }) => ({ subject, key }))) }
    },
    /** What this transaction itself has changed so far. */
    ofTransaction: async (): Promise<AnswerChange[]> =>
      named(await db.query<AnswerChange>(`select subject, key from answer_changes where xid = pg_current_xact_id_if_assigned() limit ${mostChanges + 1}`)),
    /** Once in ten minutes: what was finished ten minutes ago, and what is of another time. */
    async prune(): Promise<void> {
      await db.query(`
        with due as (
          update counters set value = pg_snapshot_xmin(pg_current_snapshot())::text::bigint, changed_at = clock_timestamp()
          where name = 'answer-changes-finished' and (changed_at is null or changed_at < clock_timestamp() - interval '10 minutes')
          returning (select value from counters where name = 'answer-changes-finished') as finished)
        delete from answer_changes where xid < (select finished::text::xid8 from due) or xid >= pg_snapshot_xmax(pg_current_snapshot())`)
    },
  }
}
