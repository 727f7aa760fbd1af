/** What stands behind a front end in tests. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'

export type Backend = {
  readonly port: number
  /** Oldest first. */
  readonly received: { url: string, headers: IncomingHttpHeaders }[]
  /** Requests for /ping, which are not answered to their end. */
  readonly running: ServerResponse[]
}

export async function startBackend(t: ExecutionContext<any>): Promise<Backend> {
  const [received, running]: [Backend['received'], ServerResponse[]] = [[], []]
  const server = createServer((request, response) => {
    received.push({ url: request.url!, headers: request.headers })
    request.resume()
    if (request.url !== '/ping') return response.end('mail')
    response.write('waiting')
    running.push(response)
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>(resolve => {
    server.close(() => { resolve() })
    server.closeAllConnections()
  }))
  return { port: (server.address() as AddressInfo).port, received, running }
}
