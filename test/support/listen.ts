import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type Router from '@koa/router'
import type { ExecutionContext } from 'ava'
import Koa from 'koa'
import { problems } from '../../src/http/errors.ts'
import { directly, type DirectHandler } from '../../src/http/direct.ts'
import { silentLog, type Log } from '../../src/http/log.ts'

/** Serves these on a free port until the test ends. @returns the origin, `http://127.0.0.1:port` */
export async function listen(t: ExecutionContext<any>, doors: (Router | DirectHandler)[], log: Log = silentLog): Promise<string> {
  const app = new Koa()
  app.silent = true
  app.use(problems(log))
  for (const door of doors) if (typeof door !== 'function') app.use(door.routes())
  const server = createServer(directly(doors.filter(door => typeof door === 'function'), app.callback()))
  // A busy machine lets a connection wait longer than Node keeps it, and closes it while something is on its way.
  server.keepAliveTimeout = 0
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
