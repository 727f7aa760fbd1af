/** Stands behind a front end for a trial, and answers with the headers that it got. */
import { createServer, type Server } from 'node:http'

/** @returns once it listens; `close` it */
export async function startEcho(host: string, port: number): Promise<Server> {
  const server = createServer({ maxHeaderSize: 64 * 1024, requestTimeout: 10_000 }, (request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(`${JSON.stringify({ method: request.method, url: request.url, headers: request.rawHeaders })}\n`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => { resolve() })
  })
  return server
}
