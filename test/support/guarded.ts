/** A front end with an agent of its own, both as processes beside a service, and phones that ask it all the while. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { enrollAgentProcess, type AgentProcess, type FrontEndFiles } from './agent-process.ts'
import type { Issued } from './issued.ts'
import { prepareHaproxy } from './haproxy.ts'
import { hasLua, prepareLuaNginx } from './lua-nginx.ts'
import { peer } from './peers.ts'
import type { PreparedService } from './prepared-service.ts'
import { startProber, type Asked, type Prober, type Way } from './prober.ts'
import { until } from './running-agent.ts'

export type GuardedKind = 'haproxy' | 'nginx'

export type Guarded = {
  readonly agent: AgentProcess
  readonly port: number
  readonly settings: FrontEndFiles
  restart(): Promise<void>
  reload(): Promise<void> | void
  /** SIGKILL for all its processes, and a new start. */
  crash(): Promise<void>
  /** Asks as this phone until the test ends. */
  asking(phone: Issued, way?: Way): Prober
}

/** Shorter than anybody would have it, and the shortest that there is. */
export const maxAgeSeconds = 10
export const maxAgeMs = maxAgeSeconds * 1000

/** What is needed for it is there. Where it is not the test passes, with the reason printed. */
export function programFor(t: ExecutionContext<any>, kind: GuardedKind): string | undefined {
  const program = peer(t, kind)
  if (program === undefined || kind === 'haproxy' || hasLua()) return program
  if (process.env['LATCHKEY_REQUIRE_PEERS'] === '1') t.fail('libnginx-mod-http-lua is not installed')
  else t.pass('skipped: libnginx-mod-http-lua is not installed')
  return undefined
}

/** @param folder  of the agent, where it is not to be a temporary one. @returns when it lets a good phone in */
export async function guarded(t: ExecutionContext<any>, kind: GuardedKind, program: string, service: PreparedService, frontEnd: string, { folder }: { folder?: string } = {}): Promise<Guarded> {
  const prepared = kind === 'haproxy' ? await prepareHaproxy(t, program) : await prepareLuaNginx(t, program)
  const { port, settings, restart, reload, crash } = prepared
  const agent = await enrollAgentProcess(t, {
    url: service.url, frontEnd, secret: service.secretOf(frontEnd), settings, probe: `127.0.0.1:${port}`, ...folder !== undefined && { folder },
  })
  agent.start()
  await agent.hasLists()
  await prepared.start()
  return { agent, port, settings, restart, reload, crash, asking: (phone, way) => asking(t, port, phone, readFileSync(join(settings.files, 'ca.pem'), 'utf8'), way) }
}

const asking = (t: ExecutionContext<any>, port: number, { pem, privateKeyPem }: Issued, chain: string, way: Way = 'new'): Prober =>
  startProber(t, { port, identity: { pem: pem + chain, privateKeyPem }, way, pauseMs: 25 })

/**
 * Waits until a request that was sent from now on is answered so.
 *
 * @param wanted  `refused` is any answer but 200, a failed handshake among them
 */
export async function untilAnswered({ asked }: Prober, wanted: number | 'refused' | 'no handshake'): Promise<void> {
  const before = asked.length
  await until(() => {
    const last = asked.at(-1)
    if (last === undefined || asked.length <= before) return false
    const noHandshake = typeof last.status === 'string' && last.status.startsWith('ERR_SSL')
    if (wanted === 'no handshake') return noHandshake
    return wanted === 'refused' ? noHandshake || typeof last.status === 'number' && last.status !== 200 : last.status === wanted
  })
}

/** Waits until everybody is refused, and then a while longer: a front end that still lets in now and then would show. */
export async function stays503(probers: readonly Prober[]): Promise<void> {
  await Promise.all(probers.map(async prober => {
    await untilAnswered(prober, 503)
    const [from, since] = [prober.asked.length, performance.now()]
    await until(() => prober.asked.length > from + 20 && performance.now() > since + 2_000)
  }))
}

export const acceptedAfter = ({ asked }: Prober, ms: number): Asked[] => asked.filter(({ sentMs, status }) => status === 200 && sentMs > ms)

// An agent turns several times a second, but not on a machine that is busy.
const noticeMs = 3_000

/** When a phone was not let in although no alarm of its agent told of it, before or soon after. */
export function unexplained({ asked }: Prober, { events }: AgentProcess): Asked[] {
  const spans = alarmSpans(events)
  return asked.filter(({ sentMs, status }) => status !== 200 && !spans.some(({ from, to }) => sentMs > from - noticeMs && sentMs < to + noticeMs))
}

/** What says that the front end may refuse a good phone. */
const alarms = ['stale', 'front-end-unreachable', 'front-end-restarted', 'issuing-authority-revoked']

function alarmSpans(events: AgentProcess['events']): { from: number, to: number }[] {
  const msOf = (at: Date): number => at.getTime() - performance.timeOrigin
  return alarms.flatMap(alarm => events.flatMap(({ at, event }, index) => {
    if (event !== alarm) return []
    const over = events.slice(index).find(later => later.event === `${alarm}-over` || later.event === 'agent-started')
    // That of a restart is a moment, not a state.
    return [{ from: msOf(at), to: alarm === 'front-end-restarted' ? msOf(at) : over === undefined ? Infinity : msOf(over.at) }]
  }))
}

export const codesOf = ({ events }: AgentProcess): string[] => [...new Set(events.map(({ event }) => event))]
