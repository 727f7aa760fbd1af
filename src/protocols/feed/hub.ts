/**
 * Tells the agents that are connected to this instance what was committed, by whichever instance. It asks the database
 * when it is told of a change, and once a second in case it was not; with nobody connected it does not ask at all.
 */
import { coalesced } from '../../http/coalesced.ts'
import type { Service } from '../../http/service.ts'
import { feedStore, revocationChannel } from '../../store/feed.ts'
import { frontEndStore } from '../../store/front-ends.ts'
import { listsInForce, revokedBetween, type ListEvent, type RevokedEvent } from './state.ts'

/** Somebody who is connected. What it is told is never awaited: who reads slowly is cut off by its own connection. */
export type FeedClient = {
  readonly frontEndId: string
  revoked(events: readonly RevokedEvent[]): void
  lists(events: readonly ListEvent[]): void
  trust(): void
  heartbeat(change: number, at: Date): void
  end(): void
}

export type FeedHub = { join(client: FeedClient): Promise<() => void> }

const pollMs = 1000
const heartbeatMs = 5000

export function feedHub(service: Service): FeedHub {
  const clients = new Set<FeedClient>()
  let stopWatching: (() => void) | undefined
  let seen: Seen | undefined
  const look = coalesced(async () => { seen = await tellNews(service, clients, seen) })
  const beat = async (): Promise<void> => {
    // Who cannot ask the database says nothing: an agent that hears nothing stops trusting what it has.
    await look()
    const living = await frontEndStore(service.db).living([...clients].map(({ frontEndId }) => frontEndId))
    for (const client of clients) if (living.has(client.frontEndId)) client.heartbeat(seen!.change, service.now()); else client.end()
  }
  return {
    async join(client) {
      const leave = (): void => {
        clients.delete(client)
        if (clients.size > 0) return
        stopWatching?.()
        stopWatching = seen = undefined
      }
      clients.add(client)
      stopWatching ??= watch(service, look, beat)
      try {
        await look()
      } catch (error) {
        leave()
        throw error
      }
      return leave
    },
  }
}

type Seen = { change: number, lists: Map<string, number>, trust: string }

/** Finds what is new since it was last asked, and tells it. */
async function tellNews(service: Service, clients: ReadonlySet<FeedClient>, before: Seen | undefined): Promise<Seen> {
  const change = await feedStore(service.db).newestChange()
  // Refusals first and by themselves: nothing else may keep them waiting.
  if (before !== undefined && change > before.change) {
    const revoked = await revokedBetween(service, before.change, change)
    for (const client of clients) client.revoked(revoked)
  }
  const lists = await listsInForce(service)
  const newer = lists.filter(list => list.crlNumber > (before?.lists.get(keyOf(list)) ?? -1))
  const trust = service.authorities().all.filter(({ role }) => role === 'issuing' || role === 'agent').map(({ certificate }) => certificate.serialNumber).join()
  if (before !== undefined) {
    if (newer.length > 0) for (const client of clients) client.lists(newer)
    if (trust !== before.trust) for (const client of clients) client.trust()
  }
  return { change, trust, lists: new Map(lists.map(list => [keyOf(list), list.crlNumber])) }
}

const keyOf = ({ authority, scope, partition }: ListEvent): string => `${authority} ${scope} ${partition}`

function watch(service: Service, look: () => Promise<void>, beat: () => Promise<void>): () => void {
  const quietly = (work: () => Promise<void>) => (): void => {
    work().catch((error: unknown) => { service.log('error', 'feed-interrupted', { code: (error as { code?: string }).code ?? null }) })
  }
  const timers = [setInterval(quietly(look), pollMs), setInterval(quietly(beat), heartbeatMs)]
  const listening = service.db.listen(revocationChannel, quietly(look))
  // Without it the timer still asks once a second.
  listening.catch(() => { service.log('warn', 'feed-not-notified', {}) })
  return () => {
    timers.forEach(clearInterval)
    listening.then(async stop => { await stop() }).catch(() => {})
  }
}
