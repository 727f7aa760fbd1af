/** What becomes of somebody who is revoked: on new connections, on open ones, and in sessions that are resumed. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Agent } from 'node:https'
import { newConnection, said, type Version } from './ask.ts'
import type { Told } from './client.ts'
import { fine, found, notTried, type Finding, type FindingCode, type Result } from './findings.ts'
import { findingOf, type Trial } from './trial.ts'

const everyMs = 200
/** A server with several processes may know a session in one of them only. */
const resumeTries = 4
/** What is in force there at the handshake is all that they can do, as their printed configuration says. */
const seesNoRequests = new Set(['stunnel'])

/** @property lateMs  until it was refused; undefined when it never was. `ended`: the connection or the session was not taken any more */
type Waited = { readonly lateMs: number | undefined, readonly ended: boolean, readonly last: Told }

/** Asks until there is a refusal, or patience ends. `isOver`: what was asked on is there no more. */
async function untilRefused({ patienceMs }: Trial, asking: () => Promise<Told>, isOver: (told: Told) => boolean = () => false): Promise<Waited> {
  const begin = performance.now()
  for (;;) {
    const last = await asking()
    const tookMs = performance.now() - begin
    if (isOver(last)) return { lateMs: tookMs, ended: true, last }
    if (last.outcome !== 'passed') return { lateMs: tookMs, ended: false, last }
    if (tookMs > patienceMs) return { lateMs: undefined, ended: false, last }
    await sleep(everyMs)
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** One way in, over every version that was tried. */
function judged(trial: Trial, probe: string, code: FindingCode, sentence: string, waited: ReadonlyMap<Version, Waited>): Result {
  const inWords = ({ lateMs, ended, last }: Waited): string =>
    lateMs === undefined ? `still let in after ${seconds(trial.patienceMs)}` : ended ? 'ended' : `refused (${said(last.heard)}) within ${seconds(lateMs)}`
  const detail = [...waited].map(([version, each]) => `${version}: ${inWords(each)}`).join('; ')
  const findings: Finding[] = []
  if ([...waited.values()].some(({ lateMs }) => lateMs === undefined)) findings.push(findingOf(trial, code, 'hole', sentence))
  const latest = Math.max(0, ...[...waited.values()].map(({ lateMs }) => lateMs ?? 0))
  if (latest > trial.lateMs) findings.push(findingOf(trial, 'revocation-late', 'risk', `${probe}: let in for ${seconds(latest)} after the service knew of it`))
  return findings.length > 0 ? found(probe, detail, ...findings) : fine(probe, detail)
}

/** Revoked before the front end ever saw it. */
export async function revokedFromTheStart(trial: Trial): Promise<Result> {
  const waited = new Map<Version, Waited>()
  for (const version of trial.versions) waited.set(version, await untilRefused(trial, async () => await trial.client.ask({ identity: trial.identities.revoked, version })))
  return judged(trial, 'a revoked certificate, new connection', 'revoked-new-connection', 'a revoked certificate gets in on a new connection', waited)
}

type Open = { readonly version: Version, readonly connection: Agent, session: Buffer | undefined, resumable: boolean }

/**
 * Begins while the certificate is good: opens a connection, keeps a session, has it revoked at the service, then asks again
 * on the same connection, in the session, and on a new connection.
 *
 * @param passes  whether a good certificate is seen to get in; an answer that says no to all shows nothing here
 */
export async function revokedInTheMiddle(trial: Trial, passes: boolean): Promise<Result[]> {
  const begun: Open[] = []
  try {
    for (const version of trial.versions) begun.push(await begin(trial, version))
    await trial.revokeLater()
    const [kept, resumed, anew] = [new Map<Version, Waited>(), new Map<Version, Waited>(), new Map<Version, Waited>()]
    await Promise.all(begun.flatMap(each => [
      ...seesNoRequests.has(trial.begun.kind) ? [] : [keepAsking(trial, each).then(waited => { kept.set(each.version, waited) })],
      untilRefused(trial, async () => await trial.client.ask({ identity: trial.identities.later, version: each.version })).then(waited => { anew.set(each.version, waited) }),
      ...each.resumable ? [resumeAgain(trial, each).then(waited => { resumed.set(each.version, waited) })] : [],
    ]))
    return [
      judged(trial, 'revoked just now, new connection', 'revoked-new-connection', 'a certificate that was revoked just now gets in on a new connection', anew),
      onOpenConnections(trial, kept),
      await resumption(trial, begun, resumed, passes),
    ]
  } finally {
    for (const { connection } of begun) connection.destroy()
  }
}

function onOpenConnections(trial: Trial, kept: ReadonlyMap<Version, Waited>): Result {
  const probe = 'revoked just now, open connection'
  if (seesNoRequests.has(trial.begun.kind)) return notTried(probe, 'it sees connections and no requests: one that is open stays open, until its time limit')
  return judged(trial, probe, 'revoked-keep-alive', 'a certificate that was revoked gets in on a connection that was open before', kept)
}

async function begin({ client, identities: { later } }: Trial, version: Version): Promise<Open> {
  const connection = newConnection()
  await client.ask({ identity: later, version, connection })
  const each: Open = { version, connection, session: undefined, resumable: false }
  for (let n = 0; n < resumeTries && !each.resumable; n++) {
    const { heard } = await client.ask({ identity: later, version, ...each.session !== undefined && { session: each.session } })
    each.resumable = heard.resumed
    each.session = heard.session ?? each.session
  }
  return each
}

const keepAsking = async (trial: Trial, { version, connection }: Open): Promise<Waited> =>
  await untilRefused(trial, async () => await trial.client.ask({ identity: trial.identities.later, version, connection }), ({ heard }) => !heard.sameConnection || heard.status === undefined)

async function resumeAgain(trial: Trial, each: Open): Promise<Waited> {
  return await untilRefused(trial, async () => {
    const told = await trial.client.ask({ identity: trial.identities.later, version: each.version, session: each.session! })
    each.session = told.heard.session ?? each.session
    return told
  }, ({ heard }) => !heard.resumed)
}

/**
 * Resuming is a hole where it lets somebody in. Where the request is refused all the same, one guard is left of two: lists
 * that are not looked at. That is a risk, but for a front end that asks the service itself on every request, in sessions
 * that are resumed as well: its second guard knows everything that the lists know, and sooner.
 */
async function resumption(trial: Trial, open: readonly Open[], resumed: ReadonlyMap<Version, Waited>, passes: boolean): Promise<Result> {
  const probe = 'revoked just now, resumed session'
  const versions = open.filter(({ resumable }) => resumable).map(({ version }) => version)
  if (versions.length === 0) return fine(probe, 'no session is resumed')
  const { serialNumber } = trial.identities.later
  const asked = (await trial.asked()).get(serialNumber) ?? 0
  const result = judged(trial, probe, 'revoked-resumed', 'a certificate that was revoked gets in when its session is resumed', resumed)
  if (result.findings.some(({ code }) => code === 'revoked-resumed')) return result
  const askedEachTime = asked >= trial.client.countOf(serialNumber)
  if (askedEachTime && asked > 0) return { ...result, detail: `${result.detail}; Latchkey was asked each time` }
  if (!passes && asked === 0) return notTried(probe, 'a good certificate does not get in either')
  const sentence = `sessions are resumed (${versions.join(', ')}): the lists are not looked at then, and only what checks each request refuses who was revoked`
  return found(probe, result.detail, ...result.findings, findingOf(trial, 'resumption-on', 'risk', sentence))
}
