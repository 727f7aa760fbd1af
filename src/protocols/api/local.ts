import type { IncomingMessage, ServerResponse } from 'node:http'
import Koa from 'koa'
import { localActor } from '../../http/actor.ts'
import { problems } from '../../http/errors.ts'
import type { Service } from '../../http/service.ts'
import { routerFor } from './router.ts'

/** The API behind the Unix socket in the data folder, whose mode is the authentication. */
export function localApi(service: Service): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const app = new Koa()
  app.silent = true
  app.use(problems(service.log))
  app.use(routerFor(service, async () => localActor).routes())
  return app.callback()
}
