import type { Queryable } from './db.ts'

export type ShownOnce = { id: string, sessionId: string, sealed: Buffer, expiresAt: Date }

export function shownOnceStore(db: Queryable) {
  return {
    async add({ id, sessionId, sealed, expiresAt }: ShownOnce): Promise<void> {
      await db.query('insert into shown_once (id, session_id, sealed, expires_at) values ($1, $2, $3, $4)', [id, sessionId, sealed, expiresAt])
    },
    async find(id: string, sessionId: string, now: Date): Promise<Buffer | undefined> {
      const [row] = await db.query<{ sealed: Buffer }>('select sealed from shown_once where id = $1 and session_id = $2 and expires_at > $3', [id, sessionId, now])
      return row?.sealed
    },
    async prune(now: Date): Promise<void> {
      await db.query('delete from shown_once where expires_at <= $1', [now])
    },
  }
}
