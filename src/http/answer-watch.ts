/**
 * Says when what this instance remembers about certificates and front ends may be answered with, and what of it has to be
 * forgotten. Why no old "good" is given:
 *
 * - A change of this process: its transaction names what it changes before it commits (`beforeCommit`). From then until it has
 *   ended that is in doubt, which means read anew; when it has ended it is forgotten, before whoever made it is told that it is done.
 * - A change of another instance: looked for every 200 ms and at each notification. Each look goes on exactly where the last one
 *   ended (store/answer-changes.ts). What is remembered counts for 700 ms from the beginning of the last look that succeeded,
 *   by two clocks, because a suspended machine stops one of them; a look that the database refuses forgets everything.
 * - A database that is lost (it cannot be reached, or fails over to its standby): nobody here can be told of anything newer, so
 *   what is remembered stands as it was, for as long as LATCHKEY_DATABASE_LOSS_SECONDS allows from the beginning of that last look.
 *   The first look that succeeds goes on where the last one ended, or, at another server, forgets everything.
 * - What was being read meanwhile: `changes` has grown when anything was forgotten or came into doubt. Who remembers or answers
 *   compares it with what it was before reading, in one go with remembering or answering.
 */
import { CaError } from '../errors.ts'
import { answerChangeStore, answerChannel, mayChangeAnswers, type AnswerChange } from '../store/answer-changes.ts'
import type { Database } from '../store/db.ts'
import { coalesced } from './coalesced.ts'
import type { Log } from './log.ts'

const pollMs = 200
const countsMs = 700
/** What is written down about changes stays ten minutes: after a pause like this nothing is looked up in it. */
const longestPauseMs = 60_000
/** Nobody asks any more: the database is left alone. */
const idleMs = 10_000

export type AnswerWatch = {
  /** Whether nothing can have changed that is not forgotten. Asking begins the watch. */
  isCurrent(): boolean
  /** Whether what is remembered may be answered with: it is current, or the database is lost and has not been for too long. */
  counts(): boolean
  /** The same for whoever has just found the database lost. */
  countsWithoutDatabase(): boolean
  /** Whether a transaction of this process that is about to commit changes it. */
  inDoubt(subject: AnswerChange['subject'], key: string): boolean
  /** Grows with everything that had to be forgotten or came into doubt. */
  changes(): number
}

type Forget = (change: AnswerChange) => void
const everything: AnswerChange = { subject: 'everything', key: '' }
const nameOf = ({ subject, key }: AnswerChange): string => `${subject} ${key}`

/** @property lossMs  nothing counts for longer than this without the database */
export function answerWatch({ db, log, lossMs }: { db: Database, log: Log, lossMs: number }, forget: Forget): AnswerWatch {
  const doubts = new Map<string, number>()
  const following = follow({ db, log }, change => { forgetNow([change]) })
  let changes = 0
  const forgetNow = (changed: readonly AnswerChange[]): void => {
    changes++
    for (const change of changed) forget(change)
  }
  const doubt = (change: AnswerChange, by: 1 | -1): void => {
    const count = (doubts.get(nameOf(change)) ?? 0) + by
    if (count === 0) doubts.delete(nameOf(change))
    else doubts.set(nameOf(change), count)
  }
  db.watchCommits({
    concerns: mayChangeAnswers,
    async beforeCommit(tx) {
      // While nobody asks nothing is remembered; should somebody begin to before the commit, it is forgotten afterwards.
      const changed = following.isUnderWay() ? await answerChangeStore(tx).ofTransaction() : [everything]
      for (const change of changed) doubt(change, 1)
      if (changed.length > 0) changes++
      return () => {
        for (const change of changed) doubt(change, -1)
        if (changed.length > 0) forgetNow(changed)
      }
    },
  })
  const currentMs = Math.min(countsMs, lossMs)
  return {
    isCurrent: () => following.confirmedWithin(currentMs),
    counts: () => following.confirmedWithin(following.isLost() ? lossMs : currentMs),
    countsWithoutDatabase: () => following.confirmedWithin(lossMs),
    inDoubt: (subject, key) => doubts.size > 0 && (doubts.has(nameOf(everything)) || doubts.has(nameOf({ subject, key }))),
    changes: () => changes,
  }
}

export const isLoss = (error: unknown): boolean => error instanceof CaError && error.code === 'database-unavailable'

type Confirmed = { monotonic: number, clock: number }
const clocks = (): Confirmed => ({ monotonic: performance.now(), clock: Date.now() })

function isWithin(ms: number, { monotonic, clock }: Confirmed, now: Confirmed): boolean {
  const byClock = now.clock - clock
  return now.monotonic - monotonic < ms && byClock < ms && byClock >= 0
}

/** Looks for what was committed, by whomever, as long as somebody asks. */
function follow({ db, log }: { db: Database, log: Log }, forget: Forget): { confirmedWithin(ms: number): boolean, isUnderWay(): boolean, isLost(): boolean } {
  let last: { era: string, snapshot: string } | undefined
  let confirmed: Confirmed | undefined
  let lost = false
  let stop: (() => void) | undefined
  let askedAt = 0
  const look = coalesced(async () => {
    const began = clocks()
    if (confirmed !== undefined && !isWithin(longestPauseMs, confirmed, began)) last = undefined
    try {
      const { era, snapshot, changes } = await answerChangeStore({ query: db.queryApart }).since(last?.snapshot)
      // Snapshots of before a restart or a failover say nothing about those of after it.
      if (last === undefined || last.era !== era) forget(everything)
      else for (const change of changes) forget(change)
      last = last === undefined || last.era === era ? { era, snapshot } : undefined
      confirmed = last === undefined ? undefined : began
      lost = false
    } catch (error) {
      if (confirmed !== undefined && !lost) log('error', 'answers-not-followed', { code: (error as { code?: string }).code ?? null })
      lost = isLoss(error)
      if (lost) return
      last = confirmed = undefined
      forget(everything)
    }
  })
  const begin = (): void => {
    const timer = setInterval(() => {
      if (performance.now() - askedAt > idleMs) stop?.()
      else void look()
    }, pollMs)
    timer.unref()
    const listening = db.listen(answerChannel, () => { void look() })
    // Without it the timer looks all the same.
    listening.catch(() => { log('warn', 'answers-not-notified', {}) })
    stop = () => {
      clearInterval(timer)
      listening.then(async unlisten => { await unlisten() }).catch(() => {})
      lost = false
      stop = last = confirmed = undefined
      forget(everything)
    }
    void look()
  }
  return {
    isUnderWay: () => stop !== undefined,
    isLost: () => lost,
    confirmedWithin(ms) {
      const now = clocks()
      askedAt = now.monotonic
      if (stop === undefined) begin()
      return confirmed !== undefined && isWithin(ms, confirmed, now)
    },
  }
}
