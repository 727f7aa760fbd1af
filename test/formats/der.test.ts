import test from 'ava'
import fc from 'fast-check'
import {
  bitString, boolean, childrenOf, explicit, Fields, integer, namedBits, octetString, oid, parseDer, readBitString, readBoolean,
  readIntegerBytes, readNamedBits, readOctetString, readOid, readSmallInteger, readString, readTime, sequence, setOf, tags, time, utf8String,
} from '../../src/formats/der.ts'
import type { Element } from '../../src/formats/der.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run } from '../support/programs.ts'

const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex')

test('values read back as they were written', t => {
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 200n }), value => {
    t.is(BigInt(`0x${readIntegerBytes(parseDer(integer(value))).toString('hex')}`), value)
  }))
  fc.assert(fc.property(fc.nat(), value => { t.is(readSmallInteger(parseDer(integer(value))), value) }))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 70_000 }), bytes => {
    t.true(readOctetString(parseDer(octetString(bytes))).equals(bytes))
    t.true(readBitString(parseDer(bitString(bytes))).equals(bytes))
  }), { numRuns: 30 })
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), text => { t.is(readString(parseDer(utf8String(text))), text) }))
  fc.assert(fc.property(fc.uniqueArray(fc.nat(31), { minLength: 1 }), bits => {
    t.deepEqual(readNamedBits(parseDer(namedBits(...bits))), bits.toSorted((a, b) => a - b))
  }))
  t.true(readBoolean(parseDer(boolean(true))))
  t.false(readBoolean(parseDer(boolean(false))))
})

test('object identifiers of any size read back as they were written', t => {
  const second = fc.tuple(fc.nat(1), fc.nat(39).map(BigInt))
  const big = fc.tuple(fc.constant(2), fc.bigInt({ min: 0n, max: 2n ** 128n }))
  fc.assert(fc.property(fc.oneof(second, big), fc.array(fc.bigInt({ min: 0n, max: 2n ** 128n }), { maxLength: 2 }), ([first, next], rest) => {
    const dotted = [first, next, ...rest].join('.')
    t.is(readOid(parseDer(oid(dotted))), dotted)
  }))
})

test('instants read back to the second, as UTCTime through 2049 and GeneralizedTime beyond', t => {
  const instants = fc.date({ min: new Date('1950-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  fc.assert(fc.property(instants, instant => {
    t.is(readTime(parseDer(time(instant))).getTime(), Math.floor(instant.getTime() / 1000) * 1000)
  }))
  t.is(time(new Date('2049-12-31T23:59:59Z'))[0], tags.utcTime)
  t.is(time(new Date('2050-01-01T00:00:00Z'))[0], tags.generalizedTime)
})

test('the elements of a SET OF stand in the order of their encoding', t => {
  t.deepEqual(setOf(integer(300), integer(2), integer(1)), hex('310a 020101 020102 0202012c'))
})

test('what BER allows and DER does not is refused', t => {
  const refused = (digits: string, read: (element: Element) => unknown = element => element) =>
    t.throws(() => read(parseDer(hex(digits))), { code: 'malformed-der' }, digits)
  refused('')
  refused('30')
  refused('3080 0000') // indefinite
  refused('048101 00') // length in more octets than needed
  refused('04820001 00')
  refused('0485 0000000001 00')
  refused('0484ffffffff 00')
  refused('0402 00')
  refused('0400 00')
  refused('1f8101 00') // multi-octet tag
  refused('0200', readIntegerBytes)
  refused('02020001', readIntegerBytes)
  refused('0202ff80', readIntegerBytes)
  refused('0201ff', readSmallInteger)
  refused('02050100000000', readSmallInteger)
  refused('010101', readBoolean)
  refused('0102ffff', readBoolean)
  refused('0600', readOid)
  refused('06022a86', readOid)
  refused('06032a8001', readOid)
  refused(`0641${'01'.repeat(65)}`, readOid)
  refused('030101', readBitString)
  refused('0300', readBitString)
  refused('030108', readNamedBits)
  refused('3003020101', readOctetString)
  refused('2403040100', readOctetString) // constructed string
  refused('0401ff', childrenOf)
  refused('30020401', childrenOf)
  refused('020101', readString)
})

test('only the forms of time that RFC 5280 allows are read, and only instants that exist', t => {
  const read = (text: string, tag: number = tags.utcTime) => readTime(parseDer(Buffer.concat([Buffer.from([tag, text.length]), Buffer.from(text)])))
  t.deepEqual(read('500101000000Z'), new Date('1950-01-01T00:00:00Z'))
  t.deepEqual(read('491231235959Z'), new Date('2049-12-31T23:59:59Z'))
  t.deepEqual(read('20240229120000Z', tags.generalizedTime), new Date('2024-02-29T12:00:00Z'))
  for (const text of ['2603010900Z', '260301090000+0100', '260301090000', '260229000000Z', '261301000000Z', '260100000000Z',
    '260301240000Z', '260301006000Z', '260301000060Z', '26030109000 Z']) t.throws(() => read(text), { code: 'malformed-der' }, text)
  for (const text of ['20260301090000', '20260301090000.5Z', '260301090000Z']) t.throws(() => read(text, tags.generalizedTime), { code: 'malformed-der' }, text)
  t.throws(() => read('260301090000Z', tags.ia5String), { code: 'malformed-der' })
})

test('fields are taken in their order, none missing and none left over', t => {
  const fields = new Fields(parseDer(sequence(integer(1), explicit(1, integer(2)), boolean(true))))
  t.is(readSmallInteger(fields.next(tags.integer)), 1)
  t.is(fields.optional(tags.octetString, 0xa0), undefined)
  t.is(fields.peek()?.tag, 0xa1)
  t.not(fields.optional(0xa0, 0xa1), undefined)
  t.throws(() => { fields.end() }, { code: 'malformed-der' })
  t.throws(() => fields.next(tags.integer), { code: 'malformed-der' })
  t.true(fields.ended)
  t.throws(() => fields.next(), { code: 'malformed-der' })
  t.throws(() => new Fields(parseDer(setOf())), { code: 'malformed-der' })
})

test('openssl reads what is written', async t => {
  if (!peer(t, 'openssl')) return
  const der = sequence(integer(2n ** 70n), oid('2.25.327984732897423984723984723984'), utf8String('Zoë'), time(new Date('2026-03-01T09:00:00Z')), namedBits(0, 2))
  const { status, text } = await run('openssl', ['asn1parse', '-inform', 'DER'], der)
  t.is(status, 0, text)
  for (const expected of [/INTEGER +:400000000000000000/, /OBJECT +:2\.25\.327984732897423984723984723984/, /UTF8STRING +:Zo/, /UTCTIME +:260301090000Z/]) t.regex(text, expected)
})

test('hostile bytes are read or refused, never anything else', t => {
  const good = sequence(integer(5), oid('1.2.840.113549'), boolean(true), octetString(Buffer.alloc(3)), namedBits(1), utf8String('x'), time(new Date('2026-03-01T09:00:00Z')))
  const readers = [readIntegerBytes, readSmallInteger, readOid, readBoolean, readOctetString, readBitString, readNamedBits, readString, readTime, childrenOf]
  feedHostileBytes(t, good, bytes => {
    const children = childrenOf(parseDer(bytes))
    for (const [index, child] of children.entries()) readers[(index + bytes.length) % readers.length]!(child)
  }, 3000)
})
