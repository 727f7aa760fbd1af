import test from 'ava'
import fc from 'fast-check'
import { crlNumber } from '../../src/formats/extensions.ts'
import { readCrlNumber } from '../../src/formats/extension-readers.ts'
import { fromCrlNumber, toCrlNumber } from '../../src/formats/list-number.ts'
import { oids } from '../../src/formats/oids.ts'

const numbers = fc.record({ crlNumber: fc.bigInt(0n, 2n ** 53n), change: fc.bigInt(0n, 2n ** 53n) })

test('a cRLNumber says its publication and its change, and is in the order of publications', t => {
  fc.assert(fc.property(numbers, numbers, (one, other) => {
    t.deepEqual(fromCrlNumber(toCrlNumber(one)), one)
    if (one.crlNumber < other.crlNumber) t.true(toCrlNumber(one) < toCrlNumber(other))
  }))
  t.true(toCrlNumber({ crlNumber: 1n, change: 2n }) < toCrlNumber({ crlNumber: 1n, change: 3n }))
})

test('the largest that there can be has no more than the 20 octets of RFC 5280', t => {
  const largest = toCrlNumber({ crlNumber: 2n ** 63n - 1n, change: 2n ** 63n - 1n })
  t.is(readCrlNumber({ extensions: [crlNumber(largest)] }), largest)
})

test('no identifier of what we write has a number that needs more than 31 bits: Go reads nothing that has one', t => {
  t.deepEqual(Object.entries(oids).filter(([, oid]) => oid.split('.').some(arc => Number(arc) >= 2 ** 31)), [])
})
