/** What happens unasked. Each task may run on any number of instances at once: rows and locks decide who does it. */
import { abandon } from './certificates/abandon.ts'
import { rootCrlAddress } from './certificates/addresses.ts'
import { createHierarchy } from './certificates/hierarchy.ts'
import { hold } from './certificates/revoke.ts'
import { supersedeOlder } from './certificates/supersede.ts'
import { defaultTemplate } from './enrollment/template.ts'
import { advancePolicyChanges } from './http/advance-policy-changes.ts'
import { coalesced } from './http/coalesced.ts'
import type { Service } from './http/service.ts'
import { renewRootLists } from './http/root-lists.ts'
import { publishDue, registerAddresses, renewAgentAuthority, renewDueSigners } from './http/upkeep.ts'
import { reviewWaiting } from './http/waiting.ts'
import { noticeFrontEnds } from './notify/front-ends.ts'
import { noticeOthers } from './notify/notices.ts'
import { noticeQuarantined, sendDue, sendersOf } from './notify/outbox.ts'
import { hierarchyStore } from './store/authorities.ts'
import { certificateStore, lockRevocations, revocationStore, type Issued, type IssuedPlace } from './store/certificates.ts'
import { reservationStore } from './store/reservations.ts'
import { taskProgressStore } from './store/task-progress.ts'
import { refreshStanding } from './http/inventory-standing.ts'
import { refreshCounts } from './store/counts.ts'
import { housekeeping } from './store/housekeeping.ts'
import { templateStore } from './store/templates.ts'

const dayMs = 86_400_000
const batch = 100

/**
 * What must be true before a service answers: there are authorities, every partition's address is on record,
 * every signer is in force, and the lists are published. @returns true when the authorities were created now
 */
export async function prepareAuthorities(service: Service): Promise<boolean> {
  const { config, db, keyring, addresses } = service
  const now = service.now()
  const created = service.authorities().all.length === 0 && await createHierarchy({
    keyring, addresses, rootCrlUrl: rootCrlAddress(config.pkiUrl), organization: config.organization, keyType: config.keyType,
    partitions: config.crlPartitions, transaction: async work => await db.transaction(async tx => await work(hierarchyStore(tx))),
  }, now)
  await service.reload()
  // Apart, because what was created before there were agents gets it too.
  await renewAgentAuthority(service)
  await registerAddresses(service)
  await templateStore(db).addIfMissing({ name: 'default', template: { ...defaultTemplate, organization: config.organization }, updatedAt: now, updatedBy: 'latchkey' })
  await renewDueSigners(service)
  await publishDue(service)
  return created
}

/** What was perhaps signed and never completed is revoked, each by itself: one that cannot be keeps no other from it. @returns how many */
export async function endLeases(service: Service): Promise<number> {
  const now = service.now()
  let ended = 0
  const failures: unknown[] = []
  for (const key of await reservationStore(service.db).ended(now, batch)) {
    try {
      if (await service.db.transaction(async tx => await abandon({ ...revocationStore(tx), ...reservationStore(tx) }, key, now))) ended++
    } catch (error) {
      failures.push(error)
    }
  }
  if (ended > 0) service.revocationChanged()
  if (failures.length > 0) throw failures[0]
  return ended
}

const supersedeBackMs = 30 * dayMs
/** So many statements in a run: the next minute goes on, and nobody who stops the service waits for long. */
const supersedePages = 20

/**
 * A newer certificate takes over after a day, although nobody has seen it used. How far it has come is kept, whoever goes on; once a day
 * all of the last month is looked through again, for what was on hold when it was a day old.
 *
 * @param perPage  certificates that are looked at in one statement
 * @returns how many took over
 */
export async function supersedeUnasked(service: Service, perPage = 1000): Promise<number> {
  const now = service.now()
  const until = new Date(now.getTime() - dayMs)
  const progress = taskProgressStore(service.db)
  const [seen, begun] = [await progress.until('supersede'), await progress.until('supersede-from-the-beginning')]
  const again = seen === undefined || begun === undefined || now.getTime() - begun.getTime() >= dayMs
  if (again) await progress.put('supersede-from-the-beginning', now.toISOString())
  const from = again ? new Date(until.getTime() - supersedeBackMs) : seen
  let due = 0
  for (let page = 0, place: IssuedPlace | undefined = { createdAt: from.toISOString(), serialNumber: Buffer.alloc(0) }; place !== undefined && page < supersedePages; page++) {
    const issued: readonly Issued[] = await certificateStore(service.db).issuedBetween(place, until, perPage)
    for (const { deviceId, serialNumber } of issued.filter(({ supersedes }) => supersedes)) {
      await service.db.transaction(async tx => {
        await lockRevocations(tx) // whoever revokes the newer one has done so, or waits
        await supersedeOlder({ ...certificateStore(tx), ...revocationStore(tx) }, deviceId, serialNumber, now)
      })
      due++
    }
    place = issued.length < perPage ? undefined : issued.at(-1)
    await progress.put('supersede', place?.createdAt ?? until.toISOString())
  }
  if (due > 0) service.revocationChanged()
  return due
}

/** Without the setting that trusts simulated phones, their certificates open nothing. @returns how many were held */
export async function holdTestCertificates(service: Service): Promise<number> {
  if (service.config.testDeviceCa !== undefined) return 0
  let held = 0
  for (;;) {
    const now = service.now()
    const keys = await certificateStore(service.db).testInForce(now, batch)
    if (keys.length === 0) break
    await service.db.transaction(async tx => {
      for (const key of keys) await hold(revocationStore(tx), { ...key, actor: 'latchkey', cause: 'simulated phones are not trusted' }, now)
    })
    held += keys.length
  }
  if (held > 0) service.revocationChanged()
  return held
}

type Task = { name: string, everyMs: number, run: () => Promise<unknown> }

const tasksOf = (service: Service, senders = sendersOf(service)): Task[] => [
  { name: 'publish', everyMs: 1000, run: async () => await publishDue(service) },
  { name: 'leases', everyMs: 10_000, run: async () => await endLeases(service) },
  ...service.db.kind === 'server' ? [{ name: 'notifications', everyMs: 60_000, run: async () => await service.notifications.tryOut() }] : [],
  { name: 'reload', everyMs: 60_000, run: async () => await service.reload() },
  { name: 'signers', everyMs: 600_000, run: async () => await renewDueSigners(service) },
  { name: 'agent authority', everyMs: 3_600_000, run: async () => await renewAgentAuthority(service) },
  { name: 'root lists', everyMs: 3_600_000, run: async () => await renewRootLists(service) },
  { name: 'supersede', everyMs: 60_000, run: async () => await supersedeUnasked(service) },
  { name: 'policy changes', everyMs: 1000, run: async () => await advancePolicyChanges(service) },
  { name: 'waiting phones', everyMs: 600_000, run: async () => await reviewWaiting(service) },
  { name: 'test certificates', everyMs: 60_000, run: async () => await holdTestCertificates(service) },
  { name: 'counts', everyMs: 60_000, run: async () => await refreshCounts(service.db, service.now()) },
  { name: 'inventory', everyMs: 60_000, run: async () => await refreshStanding(service.db, service.now()) },
  { name: 'notices', everyMs: 10_000, run: async () => await noticeQuarantined(service, senders) },
  { name: 'front ends', everyMs: 10_000, run: async () => await noticeFrontEnds(service, senders) },
  { name: 'notices asked for', everyMs: 60_000, run: async () => await noticeOthers(service, senders) },
  { name: 'messages', everyMs: 5000, run: async () => await sendDue(service, senders) },
  { name: 'housekeeping', everyMs: 60_000, run: async () => await housekeeping(service.db, service.now()) },
]

export type Schedule = { wake(): void, stop(): Promise<void> }

/** Runs each task again and again, one of each at a time. `wake` publishes at once what has changed. */
export function startSchedule(service: Service): Schedule {
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()
  let stopped = false
  const runOnce = async ({ name, run }: Task): Promise<void> => {
    try {
      await run()
    } catch (error) {
      const { name: kind, code } = error as Error & { code?: string }
      service.log('error', 'task failed', { task: name, kind, code: code ?? null })
    }
  }
  const start = (task: Task): void => {
    const again = (): void => {
      if (stopped) return
      const run = runOnce(task).finally(() => {
        running.delete(run)
        if (stopped) return
        const timer = setTimeout(() => { timers.delete(timer); again() }, task.everyMs)
        timers.add(timer)
      })
      running.add(run)
    }
    again()
  }
  const [publishing, ...others] = tasksOf(service)
  // A revocation wakes it between its seconds; a morning of first uses must not start a publication for each.
  const publishSoon = coalesced(async () => { if (!stopped) await runOnce(publishing!) })
  start({ ...publishing!, run: publishSoon })
  others.forEach(start)
  return {
    wake: () => { void publishSoon() },
    stop: async () => {
      stopped = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
