/**
 * Offers requests at a constant rate from a process of its own, told what to send by its parent. Time is counted from the
 * moment at which a request was due, not from when it could be sent: who answers late makes those that wait late as well.
 */
import { connect, type Socket } from 'node:net'

/**
 * @property rate  requests a second; 0 sends the next as soon as one is answered
 * @property requests  whole HTTP requests, sent in turn; @property expected  the status of each, or of all
 */
export type Order = { port: number, rate: number, seconds: number, connections: number, requests: readonly string[], expected: readonly number[] }
/** Milliseconds. @property lateMs  the 99th percentile of how late this process itself was */
export type Offered = { sent: number, perSecond: number, wrong: number, p50: number, p90: number, p99: number, p999: number, max: number, lateMs: number }

type Connection = { socket: Socket, due: number, expected: number, received: Buffer }

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** Until the answers of all that was due are here. */
export async function offer({ port, rate, seconds, connections, requests, expected }: Order): Promise<Offered> {
  const most = Math.ceil((rate || 500_000) * seconds) + connections
  const bytes = requests.map(request => Buffer.from(request, 'base64'))
  const [latencies, lateness] = [new Float64Array(most), new Float64Array(most)]
  let [sent, answered, wrong] = [0, 0, 0]
  const free: Connection[] = []
  let next = (): void => {}
  const settle = (connection: Connection, status: number): void => {
    latencies[answered++] = performance.now() - connection.due
    if (status !== connection.expected) wrong++
    free.push(connection)
    if (rate === 0) next()
  }
  await Promise.all(Array.from({ length: connections }, async () => { free.push(await opened(port, settle)) }))
  const [begun, total] = [performance.now(), rate === 0 ? Infinity : Math.floor(rate * seconds)]
  await new Promise<void>(resolve => {
    const turn = (): void => {
      const now = performance.now()
      while (free.length > 0 && sent < total && (rate === 0 ? now - begun < seconds * 1000 : begun + sent * 1000 / rate <= now)) {
        const connection = free.pop()!
        connection.due = rate === 0 ? now : begun + sent * 1000 / rate
        connection.expected = expected[sent % expected.length]!
        lateness[sent] = now - connection.due
        connection.socket.write(bytes[sent % bytes.length]!)
        sent++
      }
      const over = rate === 0 ? now - begun >= seconds * 1000 : sent === total
      if (over && answered === sent) return resolve()
      if (rate === 0) return
      // Shorter than a timer can be; without it this process would take a whole core from those that it asks.
      Atomics.wait(nobody, 0, 0, 0.05)
      setImmediate(turn)
    }
    next = turn
    turn()
  })
  const elapsed = (performance.now() - begun) / 1000
  for (const { socket } of free) socket.destroy()
  const sorted = latencies.subarray(0, answered).sort()
  const at = (share: number): number => sorted[Math.min(answered - 1, Math.floor(answered * share))] ?? 0
  const late = lateness.subarray(0, sent).sort()
  return { sent, perSecond: Math.round(sent / elapsed), wrong, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1), lateMs: late[Math.floor(sent * 0.99)] ?? 0 }
}

async function opened(port: number, settle: (connection: Connection, status: number) => void): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const connection: Connection = { socket, due: 0, expected: 0, received: Buffer.alloc(0) }
  await new Promise<void>((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
  socket.on('error', error => { throw error })
  socket.on('data', (data: Buffer) => {
    const received = connection.received.length === 0 ? data : Buffer.concat([connection.received, data])
    const length = lengthOf(received)
    connection.received = length !== undefined && received.length >= length ? Buffer.alloc(0) : received
    if (connection.received.length === 0) settle(connection, Number(received.toString('latin1', 9, 12)))
  })
  return connection
}

/** Of the whole answer, once its head is here. */
function lengthOf(received: Buffer): number | undefined {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  return end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(received.toString('latin1', 0, end))?.[1] ?? 0)
}

process.on('message', (order: Order) => {
  void offer(order).then(offered => { process.send!(offered) })
})
