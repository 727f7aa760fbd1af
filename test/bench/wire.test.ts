import test from 'ava'
import { latencies, packetsIn } from './wire.ts'

const server = 8443

/** As tcpdump writes it (pcap-savefile(5)): 20 bytes of IPv4 header, or with options 24. */
function capture(packets: readonly { nanoseconds: number, from: number, to: number, ipBytes?: number }[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b23c4d, 0)
  return Buffer.concat([header, ...packets.map(({ nanoseconds, from, to, ipBytes = 20 }) => {
    const packet = Buffer.alloc(16 + 14 + ipBytes + 20)
    packet.writeUInt32LE(1_700_000_000 + Math.floor(nanoseconds / 1e9), 0)
    packet.writeUInt32LE(nanoseconds % 1e9, 4)
    packet.writeUInt32LE(packet.length - 16, 8)
    packet[30] = 0x40 | ipBytes / 4
    packet.writeUInt16BE(from, 30 + ipBytes)
    packet.writeUInt16BE(to, 32 + ipBytes)
    return packet
  })])
}

test('what a service took is counted from a request\'s first packet to its answer\'s first, for each connection by itself', t => {
  const seen = packetsIn(capture([
    { nanoseconds: 999_000_000, from: 40001, to: server },
    { nanoseconds: 999_100_000, from: 40002, to: server },
    { nanoseconds: 999_150_000, from: 40002, to: server },
    { nanoseconds: 1_001_500_000, from: server, to: 40001, ipBytes: 24 },
    { nanoseconds: 1_001_600_000, from: server, to: 40002 },
    { nanoseconds: 1_001_700_000, from: server, to: 40002 },
    { nanoseconds: 1_002_000_000, from: 40001, to: server },
  ]))
  t.deepEqual(latencies(seen, server), { answered: 2, p50: 2.5, p99: 2.5, max: 2.5 })
})

test('a capture that ends in the middle of a packet counts until there, and one without nanoseconds is refused', t => {
  const whole = capture([{ nanoseconds: 1, from: 40001, to: server }, { nanoseconds: 2, from: server, to: 40001 }])
  t.is(packetsIn(whole.subarray(0, -1)).length, 1)
  t.throws(() => packetsIn(Buffer.alloc(24)), { message: /no capture/ })
})
