/** What people who administer asked to be told of, besides phones and front ends: once for each subject. */
import { listsNow, signersNow } from '../http/lateness.ts'
import type { Service } from '../http/service.ts'
import { adminNotices, type NoticeKind } from '../store/admin-notices.ts'
import { endingCertificates } from '../store/ending.ts'
import { outboxStore } from '../store/outbox.ts'
import { policyChangeStore } from '../store/policy-changes.ts'
import type { Senders } from './outbox.ts'

const dayMs = 86_400_000
const endingDays = 14
const most = 100

type Notice = { kind: NoticeKind, subject: string, title: string, text: string, path: string }

/** Tells whoever wants it. What nobody wants is not looked for. @returns how many notices */
export async function noticeOthers(service: Service, { mail }: Senders): Promise<number> {
  if (mail === undefined) return 0
  let told = 0
  for (const [kind, look] of Object.entries(looks) as [NoticeKind, (service: Service) => Promise<Notice[]>][]) {
    if ((await adminNotices(service.db).wantedBy(kind)).length === 0) continue
    for (const notice of await look(service)) told += await tell(service, notice)
  }
  return told
}

async function tell(service: Service, { kind, subject, title, text, path }: Notice): Promise<number> {
  const now = service.now()
  return await service.db.transaction(async tx => {
    if (!await outboxStore(tx).notice(kind, subject, now)) return 0
    for (const recipient of await adminNotices(tx).wantedBy(kind)) {
      await outboxStore(tx).add({ kind: 'mail', event: kind, recipient, subject: `Latchkey: ${title}`, body: `${text}\n\nSee: ${service.config.url}${path}\nWhat you are told is chosen under ${service.config.url}/console/account\n` }, now)
    }
    return 1
  })
}

const day = (instant: Date): string => instant.toISOString().slice(0, 10)
/** The Monday of that week, in UTC. */
const weekOf = (now: Date): string => day(new Date(now.getTime() - (now.getUTCDay() + 6) % 7 * dayMs))
const counted = (count: number, one: string, many: string): string => count > most ? `more than ${most} ${many}` : count === 1 ? `one ${one}` : `${count} ${many}`

const looks: Partial<Record<NoticeKind, (service: Service) => Promise<Notice[]>>> = {
  // Once a week, while there are any.
  'certificates.ending': async service => {
    const now = service.now()
    const ending = await endingCertificates(service.db, now, new Date(now.getTime() + endingDays * dayMs), most + 1)
    if (ending.length === 0) return []
    const lines = ending.slice(0, 20).map(({ personName, personEmail, notAfter }) => `${day(notAfter)}  ${personName} (${personEmail})`)
    return [{ kind: 'certificates.ending', subject: weekOf(now), path: '/console', title: `${counted(ending.length, 'certificate ends', 'certificates end')} within ${endingDays} days`,
      text: `${counted(ending.length, 'certificate ends', 'certificates end')} within ${endingDays} days, on phones that have no later one:\n\n${lines.join('\n')}${ending.length > 20 ? '\n…' : ''}` }]
  },
  'signing.late': async service => [
    ...signersNow(service).filter(({ late }) => late).map(({ authority, purpose, notAfter }): Notice => ({
      kind: 'signing.late', subject: `${authority} ${purpose} ${notAfter.toISOString()}`, path: '/console', title: `${authority}: ${purpose} ends on ${day(notAfter)}`,
      text: `What signs as ${purpose} of ${authority} ends on ${day(notAfter)} and was not renewed by itself.`,
    })),
    ...(await listsNow(service)).filter(({ late }) => late).map(({ authority, crlNumber, nextUpdate }): Notice => ({
      kind: 'signing.late', subject: `${authority} list ${crlNumber}`, path: '/console', title: `${authority}: its revocation list runs out`,
      text: `The newest revocation list of ${authority} runs out at ${nextUpdate.toISOString()} and no newer one was published. Front ends refuse everybody then.`,
    })),
  ],
  // Once a day: a receiver that is away fails with every message.
  'webhook.failed': async service => {
    const now = service.now()
    const failed = await outboxStore(service.db).webhooksGivenUp(new Date(now.getTime() - dayMs))
    return failed === 0 ? [] : [{ kind: 'webhook.failed', subject: day(now), path: '/console', title: 'the webhook fails',
      text: `${counted(failed, 'webhook', 'webhooks')} of the last day could not be delivered within a day of trying, and will not be tried again.` }]
  },
  'policy.finished': async service => {
    const since = service.now().getTime() - dayMs
    const changes = await policyChangeStore(service.db).list(undefined, most)
    const finished = changes.filter(({ state, appliedAt, dueAt, undoneAt }) =>
      (state === 'applied' || state === 'undone') && Math.max(...[appliedAt, dueAt, undoneAt].map(instant => instant?.getTime() ?? 0)) > since)
    return await Promise.all(finished.map(async ({ id, state, appliedBy, undoneBy }): Promise<Notice> => {
      const { held, revoked, released, passedOver } = await policyChangeStore(service.db).counts(id)
      return { kind: 'policy.finished', subject: `${id} ${state}`, path: `/console/policy/changes/${id}`, title: state === 'applied' ? 'a change of policy is done' : 'a change of policy was taken back',
        text: `${state === 'applied' ? `The change that ${appliedBy} applied is done` : `The change that ${undoneBy} took back is undone`}: ${held} held, ${revoked} revoked, ${released} released, ${passedOver} passed over.` }
    }))
  },
}
