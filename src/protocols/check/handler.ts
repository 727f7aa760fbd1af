import type { IncomingMessage, ServerResponse } from 'node:http'
import { CaError } from '../../errors.ts'
import { endTogether, type DirectHandler } from '../../http/direct.ts'
import type { Service } from '../../http/service.ts'
import { within } from '../../http/within.ts'
import type { AnswerRecord } from '../../store/answer-records.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { probeStore } from '../../store/probes.ts'
import { trialMs } from '../agents/probes.ts'
import { decideCheck, type CheckDecision } from './decide.ts'
import { firstUses } from './first-use.ts'
import { authenticate, foreignHeaderLog, recognized } from './front-end.ts'
import { activeSyncGate } from './gate.ts'
import { presentedReader, type Named } from './presented.ts'
import { refusalStatus } from './refusals.ts'

type Asked = { name: string, request: IncomingMessage }
type Checked = { decision: CheckDecision | 'unavailable', reason?: string, frontEnd: FrontEnd, record: AnswerRecord | undefined }

/** What changed while it was read is read again, so often. */
const mostAttempts = 3

/**
 * `/check/{frontEnd}` and anything below it, by any method, because front ends add their own: 200 when the client may
 * pass, 403 when not, 503 when nobody can be sure. No cache may keep an answer; what it rests on is read, or remembered
 * while it is known to stand in the database still (http/answer-watch.ts), so a revocation counts from its commit.
 */
export function checkHandler(service: Service): DirectHandler {
  const noteForeignHeaders = foreignHeaderLog(service.log, service.now)
  const noteUse = firstUses(service)
  const checks = checksOf(service)
  const longestMs = Math.max(100, service.config.databaseLossSeconds * 1000)
  const respond = async (asked: Asked, response: ServerResponse): Promise<void> => {
    try {
      const checked = checks.atOnce(asked) ?? await within(longestMs, checks.byReading(asked))
      noteForeignHeaders(checked.frontEnd, asked.request)
      answer(response, checked)
      if (checked.decision === 'good' && checked.record !== undefined) noteUse(checked.record, checked.frontEnd.name)
    } catch (error) {
      refuse(service, response, error)
    }
  }
  return (request, response) => {
    const name = frontEndIn(request.url!)
    if (name === undefined) return false
    void respond({ name, request }, response)
    return true
  }
}

function frontEndIn(url: string): string | undefined {
  const name = /^\/check\/([^/?#]+)/i.exec(url)?.[1]
  if (name === undefined || !name.includes('%')) return name
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

function checksOf(service: Service) {
  const { answers } = service
  const gate = activeSyncGate(service)
  const presentedBy = presentedReader()
  const decide = (frontEnd: FrontEnd, record: AnswerRecord | undefined): CheckDecision =>
    decideCheck(record, { authorityId: frontEnd.authorityId, trustTestDevices: service.config.testDeviceCa !== undefined }, service.now())
  /** A certificate that is good in itself may come with a request that contradicts it. */
  const gated = (frontEnd: FrontEnd, record: AnswerRecord | undefined, { request }: Asked): Checked | Promise<Checked> => {
    const decision = decide(frontEnd, record)
    if (decision !== 'good' || record === undefined) return { decision, frontEnd, record }
    const outcome = gate(frontEnd, record, request)
    return outcome instanceof Promise ? outcome.then(later => ({ ...later, frontEnd, record })) : { ...outcome, frontEnd, record }
  }
  const once = async (asked: Asked): Promise<Checked> => {
    const frontEnd = await authenticate(answers, asked.name, asked.request.headers.authorization)
    const presented = presentedBy(frontEnd, asked.request)
    if (typeof presented === 'string') return { decision: presented, frontEnd, record: undefined }
    return await gated(frontEnd, await find(service, frontEnd, presented), asked)
  }
  return {
    /** From what is remembered, without waiting for anything; undefined when that is not enough. */
    atOnce(asked: Asked): Checked | undefined {
      const known = answers.known.frontEnd(asked.name)
      if (known === undefined) return undefined
      const frontEnd = recognized(known, asked.request.headers.authorization)
      const presented = presentedBy(frontEnd, asked.request)
      if (typeof presented === 'string') return { decision: presented, frontEnd, record: undefined }
      const record = 'sha256' in presented ? answers.known.bySha256(presented.sha256)
        : frontEnd.authorityId === null ? undefined : answers.known.byKey({ authorityId: frontEnd.authorityId, serialNumber: presented.serialNumber })
      if (record === undefined) return undefined
      const checked = gated(frontEnd, record, asked)
      return checked instanceof Promise ? undefined : checked
    },
    async byReading(asked: Asked): Promise<Checked> {
      for (let attempt = 1; ; attempt++) {
        const since = answers.changes()
        const checked = await once(asked)
        if (answers.changes() === since || attempt === mostAttempts) return await probed(service, checked)
      }
    },
  }
}

/** Whoever tries out this front end is told how often it has asked; and for one of its certificates an outage is played, which otherwise opens nothing either. */
async function probed({ db, now }: Service, checked: Checked): Promise<Checked> {
  const { frontEnd, record } = checked
  if (record?.probe !== true) return checked
  const purpose = await probeStore(db).noteAsked(record, frontEnd.id, new Date(now().getTime() - trialMs))
  return purpose === 'outage' ? { decision: 'unavailable', frontEnd, record } : checked
}

async function find({ answers }: Service, { authorityId }: FrontEnd, presented: Named): Promise<AnswerRecord | undefined> {
  if ('sha256' in presented) return await answers.bySha256(presented.sha256)
  // Without an issuer a serial number is nobody's.
  return authorityId === null ? undefined : await answers.byKey({ authorityId, serialNumber: presented.serialNumber })
}

function answer(response: ServerResponse, { decision, reason, record }: Checked): void {
  const headers = ['latchkey-decision', decision]
  if (reason !== undefined) headers.push('latchkey-reason', reason)
  if (decision === 'good' && record !== undefined) {
    headers.push('latchkey-serial', record.serialNumber.toString('hex'))
    if (record.deviceId !== null) headers.push('latchkey-device', record.deviceId)
    // Only what a header can carry unchanged; a certificate's own rfc822Name is ASCII as well.
    if (record.personEmail !== null && /^[\x21-\x7e]+$/.test(record.personEmail)) headers.push('latchkey-person', record.personEmail)
  }
  send(response, decision === 'good' ? 200 : decision === 'unavailable' ? 503 : 403, decision, headers)
}

function refuse(service: Service, response: ServerResponse, error: unknown): void {
  const status = refusalStatus(error)
  const decision = status === 403 ? 'unauthorized' : 'unavailable'
  service.log(status === 403 ? 'warn' : 'error', 'check-failed', { code: error instanceof CaError ? error.code : null })
  if (!response.headersSent) send(response, status, decision, ['latchkey-decision', decision])
}

function send(response: ServerResponse, status: number, decision: string, headers: readonly string[]): void {
  const body = `${decision}\n`
  response.writeHead(status, ['cache-control', 'no-store', 'content-type', 'text/plain; charset=utf-8', 'content-length', String(body.length), ...headers])
  endTogether(response, body)
}
