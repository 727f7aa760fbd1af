/**
 * How long a service takes by the kernel's clock, from the packet that brings a request to the one that takes its answer away, as
 * tcpdump sees them pass (Debian: `tcpdump`; it takes root or CAP_NET_RAW). What keeps the asking process from noticing is not in it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Milliseconds. @property dropped  packets that tcpdump could not keep up with */
export type OnWire = { answered: number, p50: number, p99: number, max: number, dropped: number }

/** @returns undefined where nothing can be seen; ending it says what was */
export async function watchWire(port: number): Promise<(() => Promise<OnWire>) | undefined> {
  // What has bytes in it has PSH, as long as nobody sends more than a packet at once. Its beginning says all that is looked at.
  const folder = await mkdtemp(join(tmpdir(), 'latchkey-wire-'))
  // Into a file, so that nobody has to read it meanwhile, on the processors of those that are measured.
  const file = await open(join(folder, 'capture'), 'w+')
  const child = spawn('tcpdump', ['-i', 'lo', '-n', '-s', '80', '-B', '65536', '--time-stamp-precision=nano', '-w', '-', `tcp port ${port} and tcp[tcpflags] & tcp-push != 0`], { stdio: ['ignore', file.fd, 'pipe'] })
  const stderr = child.stderr!
  let told = ''
  stderr.on('data', (chunk: Buffer) => { told += chunk.toString() })
  const closed = Promise.race([once(child, 'close'), once(child, 'error')]).then(() => false)
  closed.catch(() => {})
  const listening = (async () => { while (!told.includes('listening on')) await once(stderr, 'data'); return true })()
  const forget = async (): Promise<void> => {
    await file.close()
    await rm(folder, { recursive: true })
  }
  if (!await Promise.race([listening, closed])) {
    await forget()
    return undefined
  }
  return async () => {
    // It is handed what passed once in a second.
    await wait(1100)
    child.kill('SIGINT')
    await closed
    const captured = await readFile(join(folder, 'capture'))
    await forget()
    return { ...latencies(packetsIn(captured), port), dropped: Number(/(\d+) packets dropped/.exec(told)?.[1] ?? 0) }
  }
}

/** @property at  nanoseconds */
export type Packet = { at: bigint, from: number, to: number }

const fileHeaderBytes = 24
const packetHeaderBytes = 16
const ethernetBytes = 14

/** The packets of a file as tcpdump writes it with nanoseconds (pcap-savefile(5)): TCP over IPv4 over Ethernet, as the loopback interface shows it. */
export function packetsIn(file: Buffer): Packet[] {
  if (file.length < fileHeaderBytes || file.readUInt32LE(0) !== 0xa1b23c4d) throw new Error('this is no capture with nanoseconds')
  const packets: Packet[] = []
  for (let at = fileHeaderBytes; at + packetHeaderBytes <= file.length;) {
    const tcp = at + packetHeaderBytes + ethernetBytes + (file[at + packetHeaderBytes + ethernetBytes]! & 15) * 4
    const end = at + packetHeaderBytes + file.readUInt32LE(at + 8)
    if (end > file.length) break
    packets.push({ at: BigInt(file.readUInt32LE(at)) * 1_000_000_000n + BigInt(file.readUInt32LE(at + 4)), from: file.readUInt16BE(tcp), to: file.readUInt16BE(tcp + 2) })
    at = end
  }
  return packets
}

/** One request at a time on a connection: its first packet until the answer's first. */
export function latencies(packets: readonly Packet[], port: number): Omit<OnWire, 'dropped'> {
  const asked = new Map<number, bigint>()
  const took: number[] = []
  for (const { at, from, to } of packets) {
    if (to === port && !asked.has(from)) asked.set(from, at)
    const since = from === port ? asked.get(to) : undefined
    if (since === undefined) continue
    took.push(Number(at - since) / 1e6)
    asked.delete(to)
  }
  took.sort((a, b) => a - b)
  const share = (part: number): number => took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? NaN
  return { answered: took.length, p50: share(0.5), p99: share(0.99), max: share(1) }
}
