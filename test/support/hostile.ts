import type { ExecutionContext } from 'ava'
import fc from 'fast-check'
import { CaError } from '../../src/errors.ts'

/**
 * Gives a reader every truncation of good bytes, changed octets, doubled and dropped stretches, and plain noise.
 * It may read them or refuse them with a code; anything else that is thrown fails the test.
 */
export function feedHostileBytes(t: ExecutionContext, good: Buffer, read: (bytes: Buffer) => unknown, runs = 1500): void {
  const attempt = (bytes: Buffer): void => {
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof CaError)) throw new Error(`${String(error)} for ${bytes.toString('hex').slice(0, 4000)}`, { cause: error })
    }
  }
  const step = Math.max(1, Math.floor(good.length / 1500))
  for (let length = 0; length < good.length; length += step) attempt(good.subarray(0, length))
  const position = fc.nat(good.length - 1)
  fc.assert(fc.property(fc.array(fc.tuple(position, fc.nat(255)), { minLength: 1, maxLength: 4 }), changes => {
    const bytes = Buffer.from(good)
    for (const [index, octet] of changes) bytes[index] = octet
    attempt(bytes)
  }), { numRuns: runs })
  fc.assert(fc.property(position, position, position, (from, to, at) => {
    attempt(Buffer.concat([good.subarray(0, at), good.subarray(from, to), good.subarray(at)]))
    attempt(Buffer.concat([good.subarray(0, from), good.subarray(to)]))
  }), { numRuns: Math.ceil(runs / 4) })
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), noise => { attempt(Buffer.from(noise)) }), { numRuns: Math.ceil(runs / 4) })
  t.pass()
}
