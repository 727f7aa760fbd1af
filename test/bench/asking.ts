/** Has requests offered by a process of its own, and looks what those who answer use meanwhile. */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import type { Offered, Order } from './load.ts'
import { cpuSeconds, residentMb } from './processes.ts'
import type { Sample } from './rounds.ts'
import { watchWire, type OnWire } from './wire.ts'

/** Requests a second, at the most, before anything is measured. */
export const warmRate = 5000

/** @property pid  of the process that answers; @property warmSeconds  asked before it is measured */
export type Question = Omit<Order, 'requests'> & { requests: readonly Buffer[], pid: number, warmSeconds?: number }
/** @property server  share of a processor that the answering process used; @property wire  at a constant rate, where it can be seen */
export type Asked = Offered & { server: number, residentMb: number, wire?: OnWire | undefined }

export async function ask({ pid, warmSeconds = 1, requests, ...rest }: Question): Promise<Asked> {
  const order: Order = { ...rest, requests: requests.map(each => each.toString('base64')) }
  const child = fork(fileURLToPath(new URL('load.ts', import.meta.url)))
  try {
    if (warmSeconds > 0) await offered(child, { ...order, seconds: warmSeconds, rate: Math.min(order.rate, warmRate) })
    const seen = order.rate === 0 ? undefined : await watchWire(order.port)
    const [cpu, before] = [await cpuSeconds(pid), performance.now()]
    const result = await offered(child, order)
    const elapsed = (performance.now() - before) / 1000
    const server = (await cpuSeconds(pid) - cpu) / elapsed
    return { ...result, server, residentMb: await residentMb(pid), wire: await seen?.() }
  } finally {
    child.kill()
  }
}

async function offered(child: ChildProcess, order: Order): Promise<Offered> {
  child.send(order)
  return (await Promise.race([once(child, 'message'), once(child, 'exit').then(() => { throw new Error('the process that asks has ended') })]))[0] as Offered
}

/** Answers a second. @throws when one was not what it has to be */
export function sampleOf(asked: Asked): Sample {
  assertRight(asked)
  return { value: asked.perSecond, about: seen(asked) }
}

/** Answers a second of processor that the answering process used. */
export function sampleOfCore(asked: Asked): Sample {
  assertRight(asked)
  return { value: asked.perSecond / asked.server, about: { 'answered /s': asked.perSecond, ...seen(asked) } }
}

export function assertRight({ wrong, sent, firstWrong }: Offered): void {
  if (wrong > 0) throw new Error(`${wrong} of ${sent} answers were not what they have to be: ${firstWrong}`)
}

const seen = ({ p50, p99, server, cpu, residentMb }: Asked): Record<string, number> =>
  ({ 'p50 ms': p50, 'p99 ms': p99, 'CPU %': server * 100, 'asker CPU %': cpu * 100, MB: residentMb })

/** What `/check` takes of a processor beyond a bare server, at 10,000 requests a second. */
export const checkMicroseconds = 23

/** A server that answers 200 to everybody. @param microseconds  that it works for each besides */
export async function bareServer(t: Pick<ExecutionContext<any>, 'teardown'>, microseconds = 0): Promise<{ port: number, pid: number }> {
  const child = fork(fileURLToPath(new URL('bare.ts', import.meta.url)), [String(microseconds)])
  t.teardown(() => { child.kill() })
  const [port] = await once(child, 'message') as [number]
  return { port, pid: child.pid! }
}

/** A whole HTTP/1.1 request. */
export function httpRequest(method: 'GET' | 'POST', path: string, headers: Readonly<Record<string, string>> = {}, body: Buffer = Buffer.alloc(0)): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, 'Host: latchkey.example.com', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...method === 'POST' ? [`Content-Length: ${body.length}`] : []]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body])
}
