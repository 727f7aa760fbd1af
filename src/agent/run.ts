/** One running agent: the feed on one side, the front end on the other, and a turn a few times a second. */
import { CaError } from '../errors.ts'
import { Agent } from './agent.ts'
import { repeat, startChores, type Chores } from './chores.ts'
import { followFeed, stateReader } from './feed.ts'
import { DoorKeeper, readDoor, type ToldDoor } from './door.ts'
import { parseJson } from './json.ts'
import { messageOf, Problems } from './problems.ts'
import { Requests, type Door } from './requests.ts'
import type { AgentFolder } from './settings.ts'
import { StateFolder } from './state.ts'
import type { Target } from './target.ts'
import { caPem, readPolicy, readTrust, type Policy, type Trust } from './trust.ts'
import { maxListBytes } from './verify-list.ts'

export type RunOptions = {
  folder: AgentFolder
  target: Target
  now: () => Date
  /** A clock that is never set, in milliseconds. */
  monotonicMs: () => number
  log: (event: string, detail: string) => void
  /** host:port at which the front end answers phones; without it nothing is proven. */
  probe?: string | undefined
  /** Signs its requests although it knows of a door: somebody on this machine says so. */
  signed?: boolean
  random?: () => number
  inForce?: (change: number) => void
}

export type RunningAgent = { readonly agent: Agent, readonly problems: Problems, readonly requests: Requests, stop(): Promise<void> }

const turnMs = 200
// An event that got lost without a trace, that of a list for example, is made up for by then.
const askAnywayMs = 60_000
const knockAgainMs = 300_000

/** Starts following. It goes on without the service, for as long as what is known counts. @throws {CaError} where the folder is not whole */
export function startAgent({ folder, target, now, monotonicMs, log, probe, signed = false, random = Math.random, inForce }: RunOptions): RunningAgent {
  const settings = folder.readSettings()
  const requests = new Requests(settings.url, folder.readIdentity(), now, doorToUse(folder, signed))
  const ending = new AbortController()
  const problems = new Problems(({ code, detail }, over) => { log(over ? `${code}-over` : code, detail) })
  const known = folder.readTrust(settings.rootFingerprint, now())
  target.prepare(caPem(known.trust))
  if (signed) problems.set('door', 'started with --signed: requests are signed, whatever door there is')
  const keeper = signed ? undefined : new DoorKeeper({ folder, requests, problems, now, log, signal: ending.signal })
  const believing = trustFetcher({ folder, requests, target, now, keeper, news: () => { chores?.soon() } })
  let chores: Chores | undefined
  const agent = new Agent({
    folder: new StateFolder(folder.path), target, ...known, clock: () => ({ wall: now(), monotonicMs: monotonicMs() }),
    clockOffsetMs: () => requests.clockOffsetMs, problems, log, inForce: change => { chores?.inForce(change); inForce?.(change) },
    fetchList: path => fetchList(requests, path), feedState: stateReader(requests), fetchTrust: believing.fetch,
  })
  chores = startChores({ folder, agent, target, requests, problems, probe, frontEnd: settings.frontEnd, signal: ending.signal })
  const done = Promise.all([
    followFeed({
      requests, random, change: () => agent.change, poll: () => agent.catchUp(),
      handle: event => { agent.handle(event).catch((error: unknown) => { problems.set('feed-malformed', messageOf(error)) }) },
      connected: () => { problems.clear('service-unreachable'); void agent.handle({ type: 'trust' }) },
      failed: error => { problems.set('service-unreachable', messageOf(error)) },
    }, ending.signal),
    repeat(async () => { await agent.tick(); return turnMs }, ending.signal),
    repeat(async () => { await agent.catchUp(); return askAnywayMs }, ending.signal),
    repeat(async () => { await keeper?.again(); return knockAgainMs }, ending.signal),
    chores.done,
  ])
  return {
    agent, problems, requests,
    stop: async () => {
      ending.abort()
      await done
      await believing.settled()
      await agent.close()
    },
  }
}

type Believing = { folder: AgentFolder, requests: Requests, target: Target, now: () => Date, keeper: DoorKeeper | undefined, news: () => void }

/** Asks what is to be believed, and has what the service says of its door heeded. */
function trustFetcher({ folder, requests, target, now, keeper, news }: Believing): { fetch(): Promise<{ trust: Trust, policy: Policy }>, settled(): Promise<void> } {
  let heeding: Promise<void> | undefined
  return {
    async fetch() {
      const via = requests.door
      const { told, ...read } = await fetchTrust(requests, folder, now)
      target.prepare(caPem(read.trust))
      // Not waited for: a door that is shut must not hold up what is to be believed.
      heeding = keeper?.heed(told, via).then(isNew => { if (isNew) news() })
      return read
    },
    settled: async () => { await heeding },
  }
}

/** @throws {CaError} invalid-argument */
function doorToUse(folder: AgentFolder, signed: boolean): Door | undefined {
  const { atDoor } = folder.readSettings()
  if (signed && atDoor) throw new CaError('invalid-argument', 'this agent enrolled at the door for agents, and knows no address for signed requests')
  const door = signed ? undefined : folder.readDoor()
  if (atDoor && door === undefined) throw new CaError('invalid-argument', 'it is not known whom the door for agents is known by: enroll anew')
  return door
}

/** Lists are signed by their issuer, so that whoever brings them need not be believed. */
async function fetchList(requests: Requests, path: string): Promise<Buffer> {
  const answer = await requests.send({ path, maxBytes: maxListBytes })
  if (answer.status !== 200) throw new CaError('server-unreachable', `${path} answers ${answer.status}`)
  return answer.body
}

async function fetchTrust(requests: Requests, folder: AgentFolder, now: () => Date): Promise<{ trust: Trust, policy: Policy, told: ToldDoor | undefined }> {
  const { frontEnd, rootFingerprint } = folder.readSettings()
  const answer = await requests.send({ path: `/agents/${frontEnd}/trust` })
  if (answer.status !== 200) throw new CaError('server-unreachable', `the question for trust is answered ${answer.status}`)
  const text = parseJson(answer.body.toString())
  const read = { trust: readTrust(text['trust'], rootFingerprint, now()), policy: readPolicy(text['policy']), told: readDoor(text['door']) }
  folder.writeTrust(text)
  return read
}
