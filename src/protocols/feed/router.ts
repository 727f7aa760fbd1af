import { createHash } from 'node:crypto'
import Router from '@koa/router'
import { CaError } from '../../errors.ts'
import { parseJson, readBody } from '../../http/body.ts'
import { receiptSchema, recordReceipt } from '../../http/enforcement.ts'
import type { Service } from '../../http/service.ts'
import type { AgentRequest } from '../agents/request.ts'
import { feedHub } from './hub.ts'
import { replay } from './state.ts'
import { eventStream } from './stream.ts'

const maxReceiptBytes = 65_536

/**
 * What agents follow: `/feed`, server-sent events (HTML Standard §9.2), resumed by Last-Event-ID; `/feed/state` for whoever
 * cannot keep a stream open; `/feed/receipts` for what is in force at the front end. Who asks is known by the certificate
 * of its connection, or by a signed request.
 */
export function feedRouter(service: Service, agentOf: AgentRequest): Router {
  const router = new Router()
  const hub = feedHub(service)
  router.use('/feed', async (ctx, next) => { ctx.set('cache-control', 'no-store'); await next() })
  router.get('/feed', async ctx => {
    const { frontEnd } = await agentOf(ctx)
    const after = changeNumber(ctx.get('last-event-id'))
    const stream = eventStream(ctx, frontEnd.id)
    // Before anything is read: what is committed while we read is told as well.
    const leave = await hub.join(stream.client)
    ctx.res.once('close', leave)
    if (ctx.res.destroyed) { leave(); return }
    try {
      stream.begin(await replay(service, after), service.now())
    } catch (error) {
      leave()
      throw error
    }
  })
  router.get('/feed/state', async ctx => {
    await agentOf(ctx)
    const state = await replay(service, changeNumber(new URLSearchParams(ctx.querystring).get('after') ?? ''))
    // Without the time, so that it is the same as long as nothing has changed.
    ctx.etag = createHash('sha256').update(JSON.stringify(state)).digest('base64url')
    ctx.status = 200
    if (ctx.fresh) ctx.status = 304
    else ctx.body = { ...state, at: service.now().toISOString() }
  })
  router.post('/feed/receipts', async ctx => {
    const body = await readBody(ctx.req, maxReceiptBytes)
    const { frontEnd, way } = await agentOf(ctx, body)
    const receipt = receiptSchema.safeParse(parseJson(body))
    if (!receipt.success) throw new CaError('malformed-request', 'this is not a receipt')
    await recordReceipt(service, frontEnd, receipt.data, way)
    ctx.status = 204
  })
  return router
}

/** @throws {CaError} malformed-request for what is no number of a change */
function changeNumber(text: string): number | undefined {
  if (text === '') return undefined
  if (!/^(0|[1-9]\d{0,15})$/.test(text)) throw new CaError('malformed-request', 'that is not the number of a change')
  return Number(text)
}

