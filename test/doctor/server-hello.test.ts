import { randomBytes } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { parseFlight } from '../../src/doctor/server-hello.ts'

const vector = (lengthBytes: number, ...parts: Buffer[]): Buffer => {
  const body = Buffer.concat(parts)
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(body.length, 0, lengthBytes)
  return Buffer.concat([length, body])
}
const message = (type: number, ...body: Buffer[]): Buffer => Buffer.concat([Buffer.from([type]), vector(3, ...body)])
const record = (body: Buffer, type = 22): Buffer => Buffer.concat([Buffer.from([type, 3, 3]), vector(2, body)])

const hello = message(2, Buffer.from([3, 3]), randomBytes(32), vector(1), Buffer.from([0xc0, 0x2b, 0]))
const request = message(13, vector(1, Buffer.from([64])), vector(2, Buffer.from([4, 3])), vector(2, vector(2, Buffer.from('one')), vector(2, Buffer.from('two'))))
const done = message(14)

test('the names of the CAs that a server accepts are read, however its messages lie across records', t => {
  const flight = Buffer.concat([hello, request, done])
  for (const size of [1, 7, 40, flight.length]) {
    const records: Buffer[] = []
    for (let at = 0; at < flight.length; at += size) records.push(record(flight.subarray(at, at + size)))
    t.deepEqual(parseFlight(Buffer.concat(records)), { issuers: [Buffer.from('one'), Buffer.from('two')] }, String(size))
  }
  t.deepEqual(parseFlight(record(Buffer.concat([hello, done]))), { issuers: undefined })
})

test('a flight that is cut anywhere is waited for, and never read as one that asks for nothing', t => {
  const whole = record(Buffer.concat([hello, request, done]))
  for (let length = 0; length < whole.length; length++) t.is(parseFlight(whole.subarray(0, length)), 'more', String(length))
})

test('an alert, another version, and lengths that do not add up are not read', t => {
  t.is(parseFlight(record(Buffer.from([2, 70]), 21)), 'unreadable')
  t.is(parseFlight(record(Buffer.concat([message(2, Buffer.from([3, 2]), randomBytes(32)), done]))), 'unreadable')
  for (const body of [Buffer.alloc(0), Buffer.from([9]), Buffer.from([0, 0, 0, 0, 9]), Buffer.from([0, 0, 0, 0, 3, 0, 2, 1])]) t.is(parseFlight(record(Buffer.concat([hello, message(13, body), done]))), 'unreadable')
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), bytes => { parseFlight(Buffer.from(bytes)); return true }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), bytes => { parseFlight(record(Buffer.concat([hello, message(13, Buffer.from(bytes)), done]))); return true }))
})
