/** What keeps guessing slow, and an answered challenge from counting twice. */
import type { Queryable } from './db.ts'

/**
 * @property free  tries that cost no waiting
 * @property longestSeconds  of the waits, which double from one second
 */
export type Limit = { subject: Buffer, free: number, longestSeconds: number }

const forgottenMs = 24 * 3_600_000

export function signInGuard(db: Queryable) {
  return {
    /**
     * Counts a try before it is made, so that many at once are counted one by one.
     * @returns until when to wait; undefined when the try may be made now
     */
    async count({ subject, free, longestSeconds }: Limit, now: Date): Promise<Date | undefined> {
      const counted = await db.query(`insert into sign_in_delays as d (subject, failures, last_at, next_at) values ($1, 1, $2, $2)
        on conflict (subject) do update set
          failures = case when d.last_at < $3 then 1 else d.failures + 1 end,
          last_at = $2,
          next_at = case when d.last_at < $3 or d.failures < $4::integer then $2::timestamptz
            else $2::timestamptz + make_interval(secs => least($5::integer, power(2, least(d.failures - $4::integer, 20)))::double precision) end
        where d.next_at <= $2 returning 1`, [subject, now, new Date(now.getTime() - forgottenMs), free, longestSeconds])
      if (counted.length > 0) return undefined
      return (await db.query<{ next_at: Date }>('select next_at from sign_in_delays where subject = $1', [subject]))[0]?.next_at
    },
    async forget(subject: Buffer): Promise<void> {
      await db.query('delete from sign_in_delays where subject = $1', [subject])
    },
    /** A try that was counted and was right. */
    async takeBack(subject: Buffer, now: Date): Promise<void> {
      await db.query('update sign_in_delays set failures = greatest(failures - 1, 0), next_at = least(next_at, $2) where subject = $1', [subject, now])
    },
    /** @returns false when this challenge was answered before */
    async useChallenge(sha256: Buffer, expiresAt: Date): Promise<boolean> {
      return (await db.query('insert into used_challenges (challenge_sha256, expires_at) values ($1, $2) on conflict do nothing returning 1', [sha256, expiresAt])).length === 1
    },
  }
}

/** Made by whichever instance needs it first; the same for all. */
export async function consoleSecret(db: Queryable, make: () => Buffer): Promise<Buffer> {
  const read = async (): Promise<Buffer | undefined> => (await db.query<{ secret: Buffer }>('select secret from console_secret'))[0]?.secret
  const there = await read()
  if (there !== undefined) return there
  await db.query('insert into console_secret (secret) values ($1) on conflict do nothing', [make()])
  return (await read())!
}
