/** The least that Node can do: 200 to everybody. What the service takes is compared with it. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const server = createServer((_request, response) => {
  response.writeHead(200, { 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8', 'content-length': 5 })
  response.end('good\n')
})
server.listen(0, '127.0.0.1', () => { process.send!((server.address() as AddressInfo).port) })
process.on('disconnect', () => { process.exit() })
