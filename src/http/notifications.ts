/**
 * Whether this instance is told at once of what others do. Nothing is wrong without it, for everybody looks from time to time as
 * well; but a revocation reaches it later, and nobody would notice.
 */
import type { Database } from '../store/db.ts'
import { notificationsArrive } from '../store/notifications.ts'
import type { Log } from './log.ts'

export type Notifications = {
  /** Sends one and waits for it. */
  tryOut(): Promise<void>
  /** As it was at the last trial; nobody is accused before the first. */
  arrive(): boolean
}

export function notificationsOf({ db, log }: { db: Database, log: Log }): Notifications {
  let arrive: boolean | undefined
  return {
    async tryOut() {
      const before = arrive
      arrive = await notificationsArrive(db)
      if (arrive !== before) log(arrive ? 'info' : 'warn', arrive ? 'notifications-heard' : 'notifications-not-heard', { setting: 'DATABASE_DIRECT_URL' })
    },
    arrive: () => arrive !== false,
  }
}
