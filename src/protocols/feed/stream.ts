import type { Context } from 'koa'
import type { FeedClient } from './hub.ts'
import type { ListEvent, RevokedEvent, replay } from './state.ts'

type Replay = Awaited<ReturnType<typeof replay>>

/** Who does not read this much goes on later from where it was. */
const mostUnreadBytes = 4 * 1024 * 1024

/** One connection of an agent. What is told before `begin` waits for it, so that nothing overtakes the past. */
export function eventStream(ctx: Context, frontEndId: string): { client: FeedClient, begin(past: Replay, at: Date): void } {
  const { res } = ctx
  let waiting: (() => void)[] | undefined = []
  let sent = 0
  const later = (tell: () => void): void => { if (waiting === undefined) tell(); else waiting.push(tell) }
  const write = (event: string, data: object, id?: number): void => {
    // Ended, but not closed yet: whoever wrote then would bring the process down.
    if (res.destroyed || res.writableEnded) return
    res.write(`event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`)
    if (res.writableLength > mostUnreadBytes) res.destroy()
  }
  const revoked = (events: readonly RevokedEvent[]): void => {
    for (const event of events) {
      if (event.change <= sent) continue
      write('revoked', event, event.change)
      sent = event.change
    }
  }
  const lists = (events: readonly ListEvent[]): void => { for (const event of events) write('list', event) }
  const heartbeat = (change: number, at: Date): void => { write('heartbeat', { change, at: at.toISOString() }, change) }
  return {
    client: {
      frontEndId,
      revoked: events => { later(() => { revoked(events) }) },
      lists: events => { later(() => { lists(events) }) },
      trust: () => { later(() => { write('trust', {}) }) },
      heartbeat: (change, at) => { later(() => { heartbeat(change, at) }) },
      end: () => { res.end() },
    },
    begin(past, at) {
      ctx.respond = false
      res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' })
      if (past.reset) write('reset', {})
      lists(past.lists)
      revoked(past.revoked)
      sent = Math.max(sent, past.change)
      heartbeat(past.change, at)
      for (const tell of waiting ?? []) tell()
      waiting = undefined
    },
  }
}
