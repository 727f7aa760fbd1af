/** The way to the feed: one connection that stays open, asked for anew when it ends, and questions where it cannot be had. */
import { setTimeout as wait } from 'node:timers/promises'
import { StringDecoder } from 'node:string_decoder'
import { CaError } from '../errors.ts'
import { eventReader } from './event-stream.ts'
import { readFeedEvent, readFeedState, type FeedEvent, type FeedState } from './feed-events.ts'
import type { Requests } from './requests.ts'

export type FeedDeps = {
  requests: Requests
  /** Where to go on from. */
  change: () => number
  /** Not waited for: a fetch that one event starts must not hold up the refusal in the next. */
  handle: (event: FeedEvent) => void
  /** Asks for the state, while there is no connection. */
  poll: () => Promise<void>
  connected: () => void
  failed: (error: unknown) => void
  /** From 0 up to 1. */
  random: () => number
}

// Three heartbeats: with none for so long the connection is dead, whatever TCP says.
const silenceMs = 15_000
const firstPauseMs = 250
const longestPauseMs = 5_000

/** Follows the feed until it is told to stop. */
export async function followFeed(deps: FeedDeps, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await follow(deps, signal, () => { failures = 0 })
      failures++
    } catch (error) {
      failures++
      if (signal.aborted) return
      deps.failed(error)
    }
    const pause = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(failures, 10)) * (0.5 + deps.random() / 2)
    await wait(pause, undefined, { signal }).catch(() => {})
    // A proxy may let a question through and no stream; what it says counts as much.
    if (failures > 1 && !signal.aborted) await deps.poll()
  }
}

async function follow({ requests, change, handle, connected }: FeedDeps, signal: AbortSignal, alive: () => void): Promise<void> {
  const silence = new AbortController()
  const { replaced } = requests
  const timer = setTimeout(() => { silence.abort() }, silenceMs)
  try {
    const response = await openFeed(requests, change(), AbortSignal.any([signal, silence.signal, replaced]))
    connected()
    const read = eventReader()
    // A character may be cut in two between two packets.
    const decoder = new StringDecoder('utf8')
    for await (const chunk of response as AsyncIterable<Buffer>) {
      timer.refresh()
      alive()
      for (const event of read(decoder.write(chunk))) {
        const known = readFeedEvent(event)
        if (known !== undefined) handle(known)
      }
    }
  } catch (cause) {
    // By another way, or with another certificate: it is asked for anew.
    if (replaced.aborted) return
    if (cause instanceof CaError) throw cause
    throw new CaError('server-unreachable', silence.signal.aborted ? 'the feed has gone silent' : 'the feed was cut off', { cause })
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

async function openFeed(requests: Requests, change: number, signal: AbortSignal): Promise<Awaited<ReturnType<Requests['open']>>> {
  const asked = { path: '/feed', headers: { accept: 'text/event-stream', 'last-event-id': String(change) }, signal }
  let response = await requests.open(asked)
  if (response.statusCode === 401) {
    response.resume()
    // `send` learns what time it is there, where it was this machine's clock.
    const answer = await requests.send({ path: `/feed/state?after=${change}` })
    if (answer.status === 401) throw new CaError('unauthorized', 'the service does not know this agent (any more)')
    response = await requests.open(asked)
  }
  if (response.statusCode !== 200 || !/^text\/event-stream\b/.test(response.headers['content-type'] ?? '')) {
    response.destroy()
    throw new CaError('server-unreachable', `the feed answers ${response.statusCode}`)
  }
  return response
}

/** `GET /feed/state`: the same as the feed, asked for; a state that has not changed is not sent again. */
export function stateReader(requests: Requests): (after: number) => Promise<FeedState> {
  let known: { after: number, etag: string, text: string } | undefined
  return async after => {
    const path = `/feed/state?after=${after}`
    const etag = known?.after === after ? known.etag : undefined
    const answer = await requests.send({ path, maxBytes: 32 * 1024 * 1024, ...etag !== undefined && { headers: { 'if-none-match': etag } } })
    if (answer.status === 304 && known !== undefined) {
      // The same as before, said now.
      return { ...readFeedState(known.text), at: new Date(Date.parse(answer.headers.date ?? '')) }
    }
    if (answer.status !== 200) throw new CaError('server-unreachable', `${path} answers ${answer.status}`)
    const text = answer.body.toString()
    const state = readFeedState(text)
    known = answer.headers.etag === undefined ? undefined : { after, etag: answer.headers.etag, text }
    return state
  }
}
