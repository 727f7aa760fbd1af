import { TLSSocket } from 'node:tls'
import type { Context } from 'koa'
import type { Service } from '../../http/service.ts'
import type { FrontEnd } from '../../store/front-ends.ts'
import type { AgentWay } from '../../store/receipts.ts'
import { agentAuthentication } from './authenticate.ts'

/** Which front end's agent sent a request, with the body that was read from it. @throws {CaError} unauthorized */
export type AgentRequest = (ctx: Context, body?: Buffer) => Promise<{ frontEnd: FrontEnd, way: AgentWay }>

/** One for all doors of a service, because it remembers what was used. */
export function agentRequest(service: Service): AgentRequest {
  const { bySignature, byCertificate } = agentAuthentication(service)
  return async (ctx, body) => {
    const certificate = provenCertificate(ctx)
    if (certificate !== undefined) return { frontEnd: await byCertificate(certificate), way: 'mutual-tls' }
    return { frontEnd: await bySignature({ method: ctx.method, url: ctx.req.url ?? '', headers: ctx.req.headers, ...body !== undefined && { body } }), way: 'signed' }
  }
}

/** What the handshake has proven, at the door that trusts the CA of agents alone. */
export function provenCertificate({ req: { socket } }: Context): Buffer | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined
  const { raw } = socket.getPeerCertificate() as { raw?: Buffer }
  return raw
}
