import Router from '@koa/router'
import type { Context } from 'koa'
import { z } from 'zod'
import { activeAuthority, chainOf } from '../../certificates/authority.ts'
import { CaError } from '../../errors.ts'
import { parseJson, readBody } from '../../http/body.ts'
import type { Service } from '../../http/service.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { authenticate } from '../check/front-end.ts'
import type { AgentRequest } from './request.ts'
import { agentIssuer, issueCanaries } from './issue.ts'
import { pemOf, trustOf } from './trust.ts'

const maxRequestBytes = 8192

/**
 * What the program beside a front end gets: `/agents/{frontEnd}` once, by the front end's secret; everything after that
 * by requests that it signs with the key it has a certificate for.
 */
export function agentsRouter(service: Service, agentOf: AgentRequest): Router {
  const router = new Router()
  const issueAgent = agentIssuer(service)
  const own = async (ctx: Context, body?: Buffer): Promise<FrontEnd> => {
    const { frontEnd } = await agentOf(ctx, body)
    if (frontEnd.name !== ctx['params']['frontEnd']) throw new CaError('forbidden', 'an agent speaks for its own front end')
    return frontEnd
  }
  const enrolled = async (frontEnd: FrontEnd, request: Buffer) => ({
    certificate: pemOf(await issueAgent(frontEnd, request)),
    agentCa: pemOf(activeAuthority(service.authorities(), 'agent').certificate), ...trustOf(service, frontEnd),
  })
  router.use('/agents', async (ctx, next) => { ctx.set('cache-control', 'no-store'); await next() })
  router.post('/agents/:frontEnd', async ctx => {
    const frontEnd = await authenticate(service.answers, ctx['params']['frontEnd'] ?? '', ctx.req.headers.authorization)
    ctx.body = await enrolled(frontEnd, await requestIn(ctx))
    ctx.status = 201
  })
  router.post('/agents/:frontEnd/renewal', async ctx => {
    const body = await requestIn(ctx)
    ctx.body = await enrolled(await own(ctx, body), body)
    ctx.status = 201
  })
  router.get('/agents/:frontEnd/trust', async ctx => { ctx.body = trustOf(service, await own(ctx)) })
  router.post('/agents/:frontEnd/canaries', async ctx => {
    const body = await readBody(ctx.req, maxRequestBytes)
    const frontEnd = await own(ctx, body)
    const { good, revoked } = await issueCanaries(service, frontEnd, canaryRequests(body))
    const chain = chainOf(service.authorities(), activeAuthority(service.authorities(), 'issuing'))
    ctx.body = { good: pemOf(good), revoked: pemOf(revoked), chain: chain.map(({ certificate }) => pemOf(certificate)).join('') }
    ctx.status = 201
  })
  return router
}

async function requestIn(ctx: Context): Promise<Buffer> {
  if (!ctx.is('application/pkcs10')) throw new CaError('unsupported-media-type', 'a request for a certificate is sent as application/pkcs10')
  return await readBody(ctx.req, maxRequestBytes)
}

const base64 = z.base64().max(4096).transform(text => Buffer.from(text, 'base64'))
const canariesWanted = z.strictObject({ good: base64, revoked: base64 })

function canaryRequests(body: Buffer): { good: Buffer, revoked: Buffer } {
  const read = canariesWanted.safeParse(parseJson(body))
  if (!read.success) throw new CaError('malformed-request', 'good and revoked are requests for certificates, in base64')
  return read.data
}
