import type { RequestListener } from 'node:http'
import Koa from 'koa'
import type Router from '@koa/router'
import { personRouter } from './console/person/router.ts'
import { consoleRouter } from './console/router.ts'
import { clientAddresses } from './http/client-address.ts'
import { directly } from './http/direct.ts'
import { enrollmentDeps } from './http/enrollment-deps.ts'
import { problems } from './http/errors.ts'
import type { Service } from './http/service.ts'
import { certificateOrEnrollment } from './protocols/agents/door.ts'
import { agentRequest } from './protocols/agents/request.ts'
import { agentsRouter } from './protocols/agents/router.ts'
import { apiRouter } from './protocols/api/router.ts'
import { caRouter } from './protocols/ca/router.ts'
import { checkHandler } from './protocols/check/handler.ts'
import { crlRouter } from './protocols/crl/router.ts'
import { feedRouter } from './protocols/feed/router.ts'
import { ocspHandler } from './protocols/ocsp/handler.ts'
import { otaRouter } from './protocols/ota/router.ts'
import { scepRouter } from './protocols/scep/router.ts'
import { healthRouter } from './protocols/health/router.ts'

/** Which doors an address opens: those of phones and front ends, those of admins, or both; or that of agents. */
export type Doors = { phones: boolean, admins: boolean, agents?: boolean }

export function createApp(service: Service, doors: Doors = { phones: true, admins: true }): RequestListener {
  const app = new Koa()
  // Koa prints what it does not handle; ours says it in the log, without what somebody sent.
  app.silent = true
  app.use(clientAddresses(service.config.trustedProxies))
  app.use(problems(service.log))
  if (doors.agents === true) app.use(certificateOrEnrollment())
  const deps = enrollmentDeps(service)
  const agentOf = agentRequest(service)
  const routers: Router[] = [
    healthRouter(service),
    ...doors.phones ? [personRouter(service, deps), otaRouter(deps), scepRouter(deps)] : [],
    ...doors.phones || doors.agents === true ? [crlRouter(service), caRouter(service), agentsRouter(service, agentOf), feedRouter(service, agentOf)] : [],
    ...doors.admins ? [consoleRouter(service), apiRouter(service)] : [],
  ]
  for (const router of routers) app.use(router.routes())
  return directly(doors.phones ? [checkHandler(service), ocspHandler(service)] : [], app.callback())
}
