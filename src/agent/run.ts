/** One running agent: the feed on one side, the front end on the other, and a turn a few times a second. */
import { CaError } from '../errors.ts'
import { Agent } from './agent.ts'
import { repeat, startChores, type Chores } from './chores.ts'
import { followFeed, stateReader } from './feed.ts'
import { parseJson } from './json.ts'
import { messageOf, Problems } from './problems.ts'
import { Requests } from './requests.ts'
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
  random?: () => number
  inForce?: (change: number) => void
}

export type RunningAgent = { readonly agent: Agent, readonly problems: Problems, readonly requests: Requests, stop(): Promise<void> }

const turnMs = 200
// An event that got lost without a trace, that of a list for example, is made up for by then.
const askAnywayMs = 60_000

/** Starts following. It goes on without the service, for as long as what is known counts. @throws {CaError} where the folder is not whole */
export function startAgent({ folder, target, now, monotonicMs, log, probe, random = Math.random, inForce }: RunOptions): RunningAgent {
  const settings = folder.readSettings()
  const requests = new Requests(settings.url, folder.readIdentity(), now)
  const problems = new Problems(({ code, detail }, over) => { log(over ? `${code}-over` : code, detail) })
  const known = folder.readTrust(settings.rootFingerprint, now())
  target.prepare(caPem(known.trust))
  const fetchNewTrust = async (): Promise<{ trust: Trust, policy: Policy }> => {
    const read = await fetchTrust(requests, folder, now)
    target.prepare(caPem(read.trust))
    return read
  }
  let chores: Chores | undefined
  const agent = new Agent({
    folder: new StateFolder(folder.path), target, ...known, clock: () => ({ wall: now(), monotonicMs: monotonicMs() }),
    clockOffsetMs: () => requests.clockOffsetMs, problems, log, inForce: change => { chores?.inForce(change); inForce?.(change) },
    fetchList: path => fetchList(requests, path), feedState: stateReader(requests), fetchTrust: fetchNewTrust,
  })
  const ending = new AbortController()
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
    chores.done,
  ])
  return {
    agent, problems, requests,
    stop: async () => {
      ending.abort()
      await done
      await agent.close()
    },
  }
}

/** Lists are signed by their issuer, so that whoever brings them need not be believed. */
async function fetchList(requests: Requests, path: string): Promise<Buffer> {
  const answer = await requests.send({ path, maxBytes: maxListBytes })
  if (answer.status !== 200) throw new CaError('server-unreachable', `${path} answers ${answer.status}`)
  return answer.body
}

async function fetchTrust(requests: Requests, folder: AgentFolder, now: () => Date): Promise<{ trust: Trust, policy: Policy }> {
  const { frontEnd, rootFingerprint } = folder.readSettings()
  const answer = await requests.send({ path: `/agents/${frontEnd}/trust` })
  if (answer.status !== 200) throw new CaError('server-unreachable', `the question for trust is answered ${answer.status}`)
  const text = parseJson(answer.body.toString())
  const read = { trust: readTrust(text['trust'], rootFingerprint, now()), policy: readPolicy(text['policy']) }
  folder.writeTrust(text)
  return read
}
