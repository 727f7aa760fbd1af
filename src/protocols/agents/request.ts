import type { Context } from 'koa'
import type { Service } from '../../http/service.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import { agentRequests } from './authenticate.ts'

/** Which front end's agent sent a request, with the body that was read from it. @throws {CaError} unauthorized */
export type AgentRequest = (ctx: Context, body?: Buffer) => Promise<FrontEnd>

/** One for all doors of a service, because it remembers what was used. */
export function agentRequest(service: Service): AgentRequest {
  const authenticated = agentRequests(service)
  return async (ctx, body) => await authenticated({
    method: ctx.method, url: ctx.req.url ?? '', headers: ctx.req.headers, ...body !== undefined && { body },
  })
}
