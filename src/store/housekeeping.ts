import { answerChangeStore } from './answer-changes.ts'
import type { Queryable } from './db.ts'
import { outboxStore } from './outbox.ts'
import { probeStore } from './probes.ts'
import { shownOnceStore } from './shown-once.ts'

const dayMs = 86_400_000

/** Forgets what has done its work, a bounded number of rows at a time, so that nothing grows with the age of the store. */
export async function housekeeping(db: Queryable, now: Date): Promise<void> {
  // A delivered key lives in this answer, encrypted to its owner: until its first use, or 15 minutes.
  await db.query(`update enrollments e set final_answer = null, final_answer_until = null
    where final_answer is not null and (final_answer_until < $1
      or exists (select 1 from certificates c where c.enrollment_id = e.id and c.kind = 'device' and c.first_used_at is not null))`, [now])
  await answerChangeStore(db).prune()
  const yesterday = new Date(now.getTime() - dayMs)
  // Downloads that no phone answered: mail scanners, second thoughts.
  await db.query(`delete from enrollments where id in (
    select id from enrollments where state = 'invited' and challenge_expires_at < $1 order by challenge_expires_at limit 1000)`, [yesterday])
  // A request that waits for a person for seven days still names its challenge.
  await db.query(`delete from scep_challenges where challenge_sha256 in (
    select challenge_sha256 from scep_challenges where expires_at < $1 order by expires_at limit 1000)`, [new Date(now.getTime() - 8 * dayMs)])
  await db.query('delete from scep_pending where expires_at < $1', [now])
  // Nobody decided, and the phone has long dropped what it had: the queue is for those who wait.
  await db.query(`update enrollments set state = 'refused', last_error = 'invitation-expired' where id in (
    select id from enrollments where state = 'quarantined' and decided_at < $1 order by decided_at limit 1000)`, [new Date(now.getTime() - 90 * dayMs)])
  // What ran out is not looked through again by whoever asks what is in force.
  await db.query('update exemptions set ended_at = not_after where id in (select id from exemptions where ended_at is null and not_after < $1 order by not_after limit 1000)', [now])
  await probeStore(db).prune(yesterday)
  await outboxStore(db).prune(new Date(now.getTime() - 30 * dayMs))
  await db.query('delete from setup_links where expires_at < $1', [yesterday])
  await db.query('delete from sign_in_delays where subject in (select subject from sign_in_delays where last_at < $1 order by last_at limit 10000)', [yesterday])
  await db.query('delete from used_challenges where expires_at < $1', [now])
  await shownOnceStore(db).prune(now)
  // Where somebody signed in before is remembered for 90 days.
  await db.query(`delete from console_sessions where id in (
    select id from console_sessions where expires_at < $1 order by expires_at limit 1000)`, [new Date(now.getTime() - 90 * dayMs)])
}
