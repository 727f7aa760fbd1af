import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { CaError } from '../../src/errors.ts'
import { readBody } from '../../src/http/body.ts'

const mostBytes = 1000

/** What reading the body of the first request comes to. @param before  it is read */
async function readingOf(t: ExecutionContext, write: (socket: Socket) => Promise<void> | void, before?: (request: IncomingMessage) => Promise<unknown>): Promise<{ read: Promise<string>, socket: Socket }> {
  const { promise: read, resolve } = Promise.withResolvers<string>()
  const server = createServer((request, response) => {
    void (async () => {
      await before?.(request)
      const outcome = await readBody(request, mostBytes).then(body => body.toString(), (error: unknown) => (error as CaError).code)
      resolve(outcome)
      response.end(outcome)
    })()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => { socket.destroy(); server.close() })
  await once(socket, 'connect')
  await write(socket)
  return { read, socket }
}

const head = (...headers: string[]): string => ['POST / HTTP/1.1', 'Host: h', ...headers, '', ''].join('\r\n')

test('a body is read as it was sent, in one piece, in many, or without any', async t => {
  t.is(await (await readingOf(t, socket => { socket.write(`${head('Content-Length: 5')}whole`) })).read, 'whole')
  t.is(await (await readingOf(t, socket => { socket.write(head('Content-Length: 0')) })).read, '')
  const inPieces = await readingOf(t, async socket => {
    socket.write(head('Content-Length: 6'))
    for (const piece of ['pi', 'ec', 'es']) {
      await wait(20)
      socket.write(piece)
    }
  })
  t.is(await inPieces.read, 'pieces')
  t.is(await (await readingOf(t, socket => { socket.write(`${head('Content-Length: 5')}later`) }, async () => await wait(50))).read, 'later')
})

test('a body that is too large is refused, declared or not, and whoever sent it is told', async t => {
  const most = await readingOf(t, socket => { socket.write(`${head(`Content-Length: ${mostBytes}`)}${'x'.repeat(mostBytes)}`) })
  t.is((await most.read).length, mostBytes)
  for (const sent of [head(`Content-Length: ${mostBytes + 1}`), `${head('Transfer-Encoding: chunked')}${(mostBytes + 1).toString(16)}\r\n${'x'.repeat(mostBytes + 1)}\r\n0\r\n\r\n`]) {
    const { read, socket } = await readingOf(t, socket => { socket.write(sent) })
    t.is(await read, 'body-too-large')
    const [answer] = await once(socket, 'data') as [Buffer]
    t.true(answer.toString().includes('body-too-large'))
  }
})

test('a body that is cut off is no body, whether anybody was listening then or not', async t => {
  const part = `${head('Content-Length: 10')}only`
  const cut = await readingOf(t, async socket => {
    socket.write(part)
    await wait(50)
    socket.destroy()
  })
  t.is(await cut.read, 'malformed-request')
  const before = await readingOf(t, socket => { socket.write(part); socket.end(); setTimeout(() => { socket.destroy() }, 20) }, async request => { await once(request, 'close').catch(() => {}) })
  t.is(await before.read, 'malformed-request')
})

test('a body that is packed is not unpacked', async t => {
  t.is(await (await readingOf(t, socket => { socket.write(`${head('Content-Encoding: gzip', 'Content-Length: 4')}pack`) })).read, 'unsupported-media-type')
})
