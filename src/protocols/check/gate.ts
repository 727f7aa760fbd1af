/** The ActiveSync gate: holds a request against the certificate it came with, and does what its front end's setting says. */
import type { IncomingMessage } from 'node:http'
import type { Service } from '../../http/service.ts'
import { contradictionsIn, type ActiveSyncRequest, type Contradiction, type ContradictionFinding } from '../../policy/contradictions.ts'
import type { PolicySnapshot } from '../../policy/decision.ts'
import { activeSyncStore, type GateAction } from '../../store/activesync.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { holders, keyOf, reportKey, type Held } from './holders.ts'
import type { AskingKind } from './kinds.ts'
import { activeSyncRequest } from './original-request.ts'
import { reporter } from './report.ts'

/** `waits`: nothing is wrong with this request, but somebody has to decide about the phone. */
export type GateOutcome = { readonly decision: 'good' } | { readonly decision: 'quarantined' | 'contradiction', readonly reason: ContradictionFinding | 'waits' }

const good: GateOutcome = { decision: 'good' }
/** Different claims of one certificate that are remembered. */
const mostClaims = 16
/** Different findings of one certificate that are written; what comes after them says nothing new. */
const mostReports = 64
/** Looked at beside the answer, where the answer does not depend on it. */
const mostBeside = 200
const quietMs = 60_000

/** Asked about a good certificate only. With `observe`, and for any other request, the answer is there at once. */
export function activeSyncGate(service: Service): (frontEnd: FrontEnd, record: AnswerRecord, request: IncomingMessage) => GateOutcome | Promise<GateOutcome> {
  const remembered = holders(service)
  const report = reporter(service)
  const noteUnsaid = unsaidLog(service)
  let beside = 0

  const judge = async (frontEnd: FrontEnd, record: AnswerRecord, asked: ActiveSyncRequest): Promise<GateOutcome> => {
    const held = await remembered.of(record)
    if (held === undefined) return good
    const rules = await remembered.policy()
    let found = judged(service, held, rules, asked)
    if (found.length === 0 && await pinDeviceId(service, held, record, asked)) found = judged(service, held, rules, asked)
    const { name, activeSync: action } = frontEnd
    for (const each of found) {
      const key = reportKey(each, action)
      if (held.reported.has(key) || held.reported.size >= mostReports) continue
      if (await report(held.deviceId, each, { serialNumber: record.serialNumber, frontEnd: name, action })) held.reported.add(key)
    }
    return outcomeOf(action, found, held)
  }

  return (frontEnd, record, request) => {
    const asked = activeSyncRequest(frontEnd.kind as AskingKind, frontEnd.name, request)
    if (asked === undefined) return good
    if (asked === 'unsaid') {
      noteUnsaid(frontEnd)
      return good
    }
    if (frontEnd.activeSync !== 'observe') return judge(frontEnd, record, asked)
    if (beside >= mostBeside) return good
    beside++
    judge(frontEnd, record, asked)
      .catch((error: unknown) => { service.log('error', 'activesync-not-observed', { name: error instanceof Error ? error.name : null }) })
      .finally(() => { beside-- })
    return good
  }
}

function outcomeOf(action: GateAction, found: readonly Contradiction[], held: Held): GateOutcome {
  const [first] = found
  if (action === 'observe') return good
  if (first === undefined) return held.waits ? { decision: 'quarantined', reason: 'waits' } : good
  return { decision: action === 'quarantine' || held.waits ? 'quarantined' : 'contradiction', reason: first.finding }
}

/** @param rules  while they are the same, so is the answer. @returns what nobody has accepted */
function judged(service: Service, held: Held, rules: PolicySnapshot, asked: ActiveSyncRequest): readonly Contradiction[] {
  const key = claimOf(asked)
  const before = held.judged.get(key)
  if (before !== undefined && before.policy === rules) return before.found
  const found = contradictionsIn(asked, held.holder, { catalogue: service.catalogue(), policy: { ...rules, exemptions: held.exemptions }, now: service.now() })
    .map(each => ({ ...each, claimed: plainLine(each.claimed), sentence: plainLine(each.sentence) }))
    .filter(each => !held.accepted.has(keyOf(each)))
  if (held.judged.size >= mostClaims) held.judged.clear()
  held.judged.set(key, { policy: rules, found })
  return found
}

/** What a request claims; its command and its folders are not among it. */
function claimOf({ userAgent, query }: ActiveSyncRequest): string {
  if (query === null || 'error' in query) return JSON.stringify([userAgent, query])
  return JSON.stringify([userAgent, query.deviceId, query.deviceType, query.form === 'plain' ? query.user : query.parameters['User'] ?? null])
}

/** Headers are bytes: what would do something to a terminal, or not fit a database, is written as `?`. */
const plainLine = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u{fffe}\u{ffff}]/gu, '?').slice(0, 500)

/** The first DeviceId of a certificate, once; a request that contradicts something does not get to choose it. @returns true when it was not known before */
async function pinDeviceId(service: Service, held: Held, record: AnswerRecord, { query }: ActiveSyncRequest): Promise<boolean> {
  if (held.holder.deviceId !== null || query === null || 'error' in query || query.deviceId === null) return false
  // Of two that come at once, on any instance, one stands.
  const stands = await activeSyncStore(service.db).putDeviceId(record, query.deviceId, service.now())
  held.holder = { ...held.holder, deviceId: stands }
  held.judged.clear()
  return true
}

/** A front end that does not pass the address on is told of, once a minute: its setting does nothing. */
function unsaidLog({ log, now }: Service): (frontEnd: FrontEnd) => void {
  const lastSaid = new Map<string, number>()
  return frontEnd => {
    if (frontEnd.activeSync === 'observe' || now().getTime() - (lastSaid.get(frontEnd.id) ?? -Infinity) < quietMs) return
    lastSaid.set(frontEnd.id, now().getTime())
    log('warn', 'activesync-address-missing', { frontEnd: frontEnd.name })
  }
}
