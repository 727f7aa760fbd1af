/**
 * The least that Node can do: 200 to everybody. What the service takes is compared with it. Told so many microseconds, it works
 * that long for each request besides: what comes late then is late because of whatever else runs on the machine.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const workMs = Number(process.argv[2] ?? 0) / 1000

const server = createServer((_request, response) => {
  for (const end = performance.now() + workMs; performance.now() < end;);
  response.writeHead(200, { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8', 'content-length': 5 })
  response.end('good\n')
})
server.listen(0, '127.0.0.1', () => { process.send!((server.address() as AddressInfo).port) })
process.on('disconnect', () => { process.exit() })
