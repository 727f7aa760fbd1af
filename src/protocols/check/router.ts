import Router from '@koa/router'
import type { Context } from 'koa'
import { sha256 } from '../../certificates/issue.ts'
import { CaError } from '../../errors.ts'
import type { Service } from '../../http/service.ts'
import { certificateStore, type CertificateRecord } from '../../store/certificates.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { probeStore, type ProbePurpose } from '../../store/probes.ts'
import { trialMs } from '../agents/probes.ts'
import type { Presented } from './conventions.ts'
import { decideCheck, type CheckDecision } from './decide.ts'
import { firstUses } from './first-use.ts'
import { authenticate, foreignHeaderLog, presentedBy } from './front-end.ts'
import { activeSyncGate } from './gate.ts'
import { refusalStatus } from './refusals.ts'
import { within } from './within.ts'

type Checked = { decision: CheckDecision | 'unavailable', reason?: string, frontEnd: FrontEnd, record: CertificateRecord | undefined }

/**
 * `/check/{frontEnd}` and anything below it, by any method, because front ends add their own: 200 when the client may
 * pass, 403 when not, 503 when nobody can be sure. Each answer rests on rows read for it, so a revocation counts
 * from its commit; nothing is kept, and no cache may keep it.
 */
export function checkRouter(service: Service): Router {
  const router = new Router()
  const noteForeignHeaders = foreignHeaderLog(service.log, service.now)
  const noteUse = firstUses(service)
  const gate = activeSyncGate(service)
  const longestMs = Math.max(100, service.config.databaseLossSeconds * 1000)
  router.all('/check/:frontEnd{/*rest}', async ctx => {
    ctx.set('cache-control', 'no-store')
    try {
      const checked = await within(longestMs, check(service, ctx).then(async checked => await gated(gate, checked, ctx)))
      noteForeignHeaders(checked.frontEnd, ctx.req)
      answer(ctx, checked)
      if (checked.decision === 'good' && checked.record !== undefined) noteUse(checked.record, checked.frontEnd.name)
    } catch (error) {
      refuse(service, ctx, error)
    }
  })
  return router
}

async function check(service: Service, ctx: Context): Promise<Checked> {
  const frontEnd = await authenticate(service.db, ctx['params']['frontEnd'] ?? '', ctx.req.headers.authorization)
  const presented = presentedBy(frontEnd, ctx.req)
  if (typeof presented === 'string') return { decision: presented, frontEnd, record: undefined }
  const record = await find(service, frontEnd, presented)
  // Nobody may pass because the outage that is played for a probe ends badly: it opens nothing at any other time either.
  if (record?.probe === true && await noteProbe(service, frontEnd, record) === 'outage') return { decision: 'unavailable', frontEnd, record }
  return { decision: decideCheck(record, { authorityId: frontEnd.authorityId, trustTestDevices: service.config.testDeviceCa !== undefined }, service.now()), frontEnd, record }
}

/** Whoever tries out this front end is told how often it has asked. */
const noteProbe = async ({ db, now }: Service, frontEnd: FrontEnd, record: CertificateRecord): Promise<ProbePurpose | undefined> =>
  await probeStore(db).noteAsked(record, frontEnd.id, new Date(now().getTime() - trialMs))

/** A certificate that is good in itself may come with a request that contradicts it. */
async function gated(gate: ReturnType<typeof activeSyncGate>, checked: Checked, ctx: Context): Promise<Checked> {
  if (checked.decision !== 'good' || checked.record === undefined) return checked
  return { ...checked, ...await gate(checked.frontEnd, checked.record, ctx.req) }
}

async function find(service: Service, { authorityId }: FrontEnd, presented: Presented): Promise<CertificateRecord | undefined> {
  const certificates = certificateStore(service.db)
  if ('der' in presented) return await certificates.bySha256(sha256(presented.der))
  // Without an issuer a serial number is nobody's.
  return authorityId === null ? undefined : await certificates.byKey({ authorityId, serialNumber: presented.serialNumber })
}

function answer(ctx: Context, { decision, reason, record }: Checked): void {
  ctx.status = decision === 'good' ? 200 : decision === 'unavailable' ? 503 : 403
  ctx.body = `${decision}\n`
  ctx.set('latchkey-decision', decision)
  if (reason !== undefined) ctx.set('latchkey-reason', reason)
  if (decision !== 'good' || record === undefined) return
  ctx.set('latchkey-serial', record.serialNumber.toString('hex'))
  if (record.deviceId !== null) ctx.set('latchkey-device', record.deviceId)
  // Only what a header can carry unchanged; a certificate's own rfc822Name is ASCII as well.
  if (record.personEmail !== null && /^[\x21-\x7e]+$/.test(record.personEmail)) ctx.set('latchkey-person', record.personEmail)
}

function refuse(service: Service, ctx: Context, error: unknown): void {
  ctx.status = refusalStatus(error)
  const decision = ctx.status === 403 ? 'unauthorized' : 'unavailable'
  ctx.body = `${decision}\n`
  ctx.set('latchkey-decision', decision)
  service.log(ctx.status === 403 ? 'warn' : 'error', 'check-failed', { code: error instanceof CaError ? error.code : null })
}
