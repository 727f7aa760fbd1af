/** What the service's feed says, as values. Unsigned: it may add a refusal and start a fetch, and nothing else. */
import { CaError } from '../errors.ts'
import type { ServerSentEvent } from './event-stream.ts'
import { countOf, flagOf, instantOf, listOf, parseJson, textOf, type JsonObject } from './json.ts'
import type { Addition } from './refused-set.ts'
import type { ListName } from './trust.ts'

/** A list in force. `sha256` spares fetching the one that is at hand. */
export type ListNews = ListName & { readonly crlNumber: bigint, readonly sha256: string, readonly change: number }
export type Heartbeat = { readonly change: number, readonly at: Date }

export type FeedEvent =
  | { readonly type: 'revoked', readonly addition: Addition }
  | { readonly type: 'list', readonly list: ListNews }
  | { readonly type: 'heartbeat', readonly heartbeat: Heartbeat }
  | { readonly type: 'trust' }
  | { readonly type: 'reset' }

export type FeedState = Heartbeat & { readonly reset: boolean, readonly lists: readonly ListNews[], readonly revoked: readonly Addition[] }

/** @returns undefined for an event of a later version. @throws {CaError} malformed-request */
export function readFeedEvent({ event, data }: ServerSentEvent): FeedEvent | undefined {
  switch (event) {
    case 'revoked': return { type: 'revoked', addition: readAddition(parseJson(data)) }
    case 'list': return { type: 'list', list: readListNews(parseJson(data)) }
    case 'heartbeat': return { type: 'heartbeat', heartbeat: readHeartbeat(parseJson(data)) }
    case 'trust': return { type: 'trust' }
    case 'reset': return { type: 'reset' }
    default: return undefined
  }
}

/** What `GET /feed/state` answers. @throws {CaError} malformed-request */
export function readFeedState(text: string): FeedState {
  const state = parseJson(text)
  return {
    ...readHeartbeat(state), reset: flagOf(state, 'reset'),
    lists: listOf(state, 'lists').map(readListNews), revoked: listOf(state, 'revoked').map(readAddition),
  }
}

const readHeartbeat = (object: JsonObject): Heartbeat => ({ change: countOf(object, 'change'), at: instantOf(object, 'at') })

const authority = (object: JsonObject): string => textOf(object, 'authority', /^[a-z0-9-]{1,46}$/)

const readAddition = (object: JsonObject): Addition => ({
  // The partition that comes with it decides nothing, so it is not even read.
  authority: authority(object), serialNumber: textOf(object, 'serialNumber', /^(?!00)(?:[0-9a-f]{2}){1,20}$/), change: countOf(object, 'change'),
})

function readListNews(object: JsonObject): ListNews {
  const scope = textOf(object, 'scope', /^(partition|complete)$/)
  const number = object['crlNumber']
  if (typeof number !== 'number' && !(typeof number === 'string' && /^\d{1,48}$/.test(number))) throw new CaError('malformed-request', 'crlNumber is not a number')
  return {
    authority: authority(object), partition: scope === 'complete' ? null : countOf(object, 'partition'),
    crlNumber: BigInt(number), sha256: textOf(object, 'sha256', /^[0-9a-f]{64}$/), change: countOf(object, 'change'),
  }
}
