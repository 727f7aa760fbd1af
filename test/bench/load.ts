/**
 * Offers requests at a constant rate from a process of its own, told what to send by its parent. Time is counted from the
 * moment at which a request was due, not from when it could be sent: who answers late makes those that wait late as well.
 * Where a connection was free and this process itself was not there in time, it is counted from when it was sent, and how
 * late that was is told beside it.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/**
 * @property rate  requests a second; 0 sends the next as soon as one is answered
 * @property requests  whole HTTP requests in base64, sent in turn; @property expected  the status of each, or of all
 * @property leastBytes  of every answer: protocols that refuse with 200 refuse in few words
 * @property once  no request is sent twice: it is over when all were sent
 * @property tls  over TLS, whatever the certificate says
 * @property closes  who answers closes the connection, and each request comes on a new one
 */
export type Order = {
  port: number, rate: number, seconds: number, connections: number, requests: readonly string[], expected: readonly number[]
  leastBytes?: number, once?: boolean, tls?: boolean, closes?: boolean
}
/**
 * Milliseconds. @property lateMs  the 99th percentile of how late this process itself was; @property cpu  its share of a processor;
 * @property firstWrong  the beginning of the first answer that was not what it has to be
 */
export type Offered = { sent: number, perSecond: number, wrong: number, p50: number, p90: number, p99: number, p999: number, max: number, lateMs: number, cpu: number, firstWrong: string }

/** @property left  it was closed */
type Connection = { socket: Socket, due: number, expected: number, received: Buffer, left?: () => void }
type Way = Pick<Order, 'port' | 'tls' | 'closes'>

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** Until the answers of all that was due are here. */
export async function offer({ rate, seconds, connections, requests, expected, leastBytes = 0, once = false, ...way }: Order): Promise<Offered> {
  const most = Math.ceil((rate || 500_000) * seconds) + connections
  const bytes = requests.map(request => Buffer.from(request, 'base64'))
  const [latencies, lateness] = [new Float64Array(most), new Float64Array(most)]
  let [sent, answered, wrong] = [0, 0, 0]
  const free: Connection[] = []
  let next = (): void => {}
  let firstWrong = ''
  const settle = (connection: Connection, answer: Buffer): void => {
    latencies[answered++] = performance.now() - connection.due
    if (Number(answer.toString('latin1', 9, 12)) !== connection.expected || answer.length < leastBytes) {
      if (wrong++ === 0) firstWrong = answer.toString('latin1', 0, 600)
    }
    free.push(connection)
    if (rate === 0) next()
  }
  await Promise.all(Array.from({ length: connections }, async () => {
    const connection = await opened(way, settle)
    // Those that were not needed for long are closed by whoever is asked.
    connection.left = () => {
      const at = free.indexOf(connection)
      if (at < 0) throw new Error('a connection was closed before its answer')
      free.splice(at, 1)
    }
    free.push(connection)
  }))
  const [begun, total, cpu] = [performance.now(), Math.min(rate === 0 ? Infinity : Math.floor(rate * seconds), once ? requests.length : Infinity), process.cpuUsage()]
  // Something was due, and nobody had answered yet whose connection it could take.
  let waits = false
  await new Promise<void>(resolve => {
    const turn = (): void => {
      const now = performance.now()
      const isDue = (): boolean => sent < total && (rate === 0 ? now - begun < seconds * 1000 : begun + sent * 1000 / rate <= now)
      while (free.length > 0 && isDue()) {
        const connection = free.pop()!
        const due = rate === 0 ? now : begun + sent * 1000 / rate
        connection.due = waits ? due : now
        connection.expected = expected[sent % expected.length]!
        lateness[sent] = connection.due - due
        send(way, connection, bytes[sent % bytes.length]!, settle)
        sent++
      }
      waits = isDue()
      const over = sent === total || rate === 0 && now - begun >= seconds * 1000
      if (over && answered === sent) return resolve()
      if (rate === 0) return
      // Shorter than a timer can be; without it this process would take a whole core from those that it asks.
      Atomics.wait(nobody, 0, 0, 0.05)
      setImmediate(turn)
    }
    next = turn
    turn()
  })
  const [elapsed, used] = [(performance.now() - begun) / 1000, process.cpuUsage(cpu)]
  for (const connection of free) {
    delete connection.left
    connection.socket?.destroy()
  }
  const sorted = latencies.subarray(0, answered).sort()
  const at = (share: number): number => sorted[Math.min(answered - 1, Math.floor(answered * share))] ?? 0
  const late = lateness.subarray(0, sent).sort()
  return { sent, perSecond: Math.round(sent / elapsed), wrong, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999), max: at(1), lateMs: late[Math.floor(sent * 0.99)] ?? 0, cpu: (used.user + used.system) / 1e6 / elapsed, firstWrong }
}

type Settle = (connection: Connection, answer: Buffer) => void

async function opened(way: Way, settle: Settle): Promise<Connection> {
  const connection: Connection = { socket: undefined as unknown as Socket, due: 0, expected: 0, received: Buffer.alloc(0) }
  if (way.closes !== true) await connectAs(way, connection, settle)
  return connection
}

/** On the connection that is there, or on a new one. */
function send(way: Way, connection: Connection, request: Buffer, settle: Settle): void {
  if (way.closes !== true) connection.socket.write(request)
  else void connectAs(way, connection, settle).then(() => { connection.socket.write(request) })
}

async function connectAs({ port, tls, closes }: Way, connection: Connection, settle: Settle): Promise<void> {
  const socket = tls === true ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect({ port, host: '127.0.0.1', noDelay: true })
  connection.socket = socket
  await new Promise<void>((resolve, reject) => { socket.once(tls === true ? 'secureConnect' : 'connect', resolve).once('error', reject) })
  socket.on('error', error => { throw error })
  const answered = (received: Buffer): void => {
    connection.received = Buffer.alloc(0)
    settle(connection, received)
  }
  socket.on('data', (data: Buffer) => {
    const received = connection.received.length === 0 ? data : Buffer.concat([connection.received, data])
    connection.received = received
    if (closes === true || !isWhole(received)) return
    if (!/\r\nconnection: close\r\n/i.test(received.toString('latin1', 0, 1000))) return answered(received)
    // It has had as many requests as whoever is asked allows a connection.
    void connectAs({ port, ...tls === true && { tls } }, connection, settle).then(() => { answered(received) })
  })
  socket.on('close', () => {
    if (closes === true) answered(connection.received)
    else if (connection.socket === socket) connection.left?.()
  })
}

function isWhole(received: Buffer): boolean {
  const end = received.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = received.toString('latin1', 0, end)
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length === undefined && /\r\ntransfer-encoding: chunked/i.test(head)) return received.toString('latin1', received.length - 5) === '0\r\n\r\n'
  return received.length >= end + 4 + Number(length ?? 0)
}

process.on('message', (order: Order) => {
  void offer(order).then(offered => { process.send!(offered) })
})
process.on('disconnect', () => { process.exit() })
