import { randomUUID } from 'node:crypto'
import type { Database } from './db.ts'

const channel = 'latchkey_trial'
const longestMs = 4_000

/**
 * Whether what is sent through the usual connections is heard where this process listens. It is not through a pooler in
 * transaction mode, nor where the direct address is that of another database.
 */
export async function notificationsArrive(db: Database): Promise<boolean> {
  const { promise: heard, resolve } = Promise.withResolvers<boolean>()
  const [text, timer] = [randomUUID(), setTimeout(() => { resolve(false) }, longestMs)]
  let stop: (() => Promise<void>) | undefined
  try {
    stop = await db.listen(channel, payload => { if (payload === text) resolve(true) })
    await db.query('select pg_notify($1, $2)', [channel, text])
    return await heard
  } catch {
    return false
  } finally {
    clearTimeout(timer)
    await stop?.().catch(() => {}) // the connection may be gone by now
  }
}
