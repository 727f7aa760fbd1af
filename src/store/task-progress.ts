import type { Queryable } from './db.ts'

/** How far tasks have come that look through what came meanwhile, whichever instance went last. */
export function taskProgressStore(db: Queryable) {
  return {
    async until(task: string): Promise<Date | undefined> {
      return (await db.query<{ until: Date }>('select until from task_progress where task = $1', [task]))[0]?.until
    },
    /** @param until  as PostgreSQL or ISO 8601 writes it */
    async put(task: string, until: string): Promise<void> {
      await db.query('insert into task_progress (task, until) values ($1, $2) on conflict (task) do update set until = excluded.until', [task, until])
    },
  }
}
