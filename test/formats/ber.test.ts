import test from 'ava'
import fc from 'fast-check'
import { berToDer, chunkedOctetString, indefinite } from '../../src/formats/ber.ts'
import { explicit, integer, octetString, oid, sequence, tags, tlv, utf8String } from '../../src/formats/der.ts'
import { medianMilliseconds, refusalOf } from '../support/refusals.ts'

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Any tree of the types that CMS is made of, as DER and as one of its BER encodings. */
const trees = fc.letrec<{ tree: { der: Buffer, ber: Buffer } }>(tie => ({
  tree: fc.oneof({ maxDepth: 5 },
    fc.integer({ min: 0, max: 1 << 30 }).map(value => ({ der: integer(value), ber: integer(value) })),
    fc.string().map(text => ({ der: utf8String(text), ber: utf8String(text) })),
    fc.uint8Array({ maxLength: 3000 }).map(octets => ({ der: octetString(octets), ber: chunkedOctetString(Buffer.from(octets)) })),
    fc.tuple(fc.array(tie('tree'), { maxLength: 4 }), fc.constantFrom(tags.sequence, tags.set, 0xa0, 0xa1)).map(([children, tag]) => ({
      der: tlv(tag, ...children.map(child => child.der)),
      ber: indefinite(tag, ...children.map(child => child.ber)),
    })),
  ),
}))

test('indefinite lengths and chunks become one DER encoding', t => {
  fc.assert(fc.property(trees.tree, ({ der, ber }) => {
    t.deepEqual(berToDer(ber), der)
  }))
  t.pass()
})

test('what is DER already comes out byte for byte', t => {
  fc.assert(fc.property(trees.tree, ({ der }) => { t.deepEqual(berToDer(der), der) }))
  t.pass()
})

test('lengths that are longer than they need be are made minimal', t => {
  t.deepEqual(berToDer(bytes('30 83 000007 02 84 00000001 07')), sequence(integer(7)))
  t.deepEqual(berToDer(bytes('04 81 01 aa')), octetString(bytes('aa')))
})

test('chunks of chunks are one octet string', t => {
  t.deepEqual(berToDer(bytes('24 80 24 80 04 01 aa 0000 24 04 04 02 bbcc 04 00 0000')), octetString(bytes('aabbcc')))
})

test('the order of a SET stays as it was sent', t => {
  t.deepEqual(berToDer(bytes('31 80 020102 020101 0000')), bytes('31 06 020102 020101'))
})

for (const [what, hex] of [
  ['nothing', ''], ['half a header', '30'], ['a length that is cut off', '30 82 01'], ['content that is cut off', '04 02 00'],
  ['a missing end-of-contents', '30 80 02 01 01'], ['half an end-of-contents', '30 80 00'], ['a stray end-of-contents', '30 02 00 00'],
  ['an end-of-contents with content', '30 80 00 01 00 00 00'], ['bytes after the end', '02 01 01 00'],
  ['a primitive element of indefinite length', '04 80 00 00'], ['a length of five octets', '30 85 00 00 00 00 00'],
  ['a length of 127 octets', `30 ff ${'00'.repeat(127)}`], ['a length of 4 GiB', '30 84 ff ff ff ff'],
  ['a child that outgrows its parent', '30 03 04 05 00 00 00 00 00'], ['an indefinite child that outgrows its parent', '30 04 30 80 02 01 01 00 00'],
  ['a tag of several octets', '3f 81 01 00'], ['a constructed INTEGER', '22 03 02 01 01'], ['an octet string of integers', '24 03 02 01 01'],
] as const) {
  test(`BER with ${what} is refused`, t => {
    t.is(refusalOf(() => berToDer(bytes(hex))), 'malformed-der')
  })
}

test('too many bytes are refused before they are read', t => {
  t.is(refusalOf(() => berToDer(Buffer.alloc(65_537))), 'body-too-large')
  t.is(refusalOf(() => berToDer(octetString(Buffer.alloc(100)), { maxBytes: 101 })), 'body-too-large')
})

test('deep nesting is refused, definite or not, and costs nothing', t => {
  const open = Buffer.from('3080'.repeat(200_000), 'hex')
  const closed = Buffer.concat([open, Buffer.alloc(400_000)])
  let definite = integer(1)
  for (let depth = 0; depth < 1000; depth++) definite = sequence(definite)
  for (const bomb of [open, closed, Buffer.from('2480'.repeat(200_000), 'hex'), definite]) {
    const parse = () => refusalOf(() => berToDer(bomb, { maxBytes: 1_000_000 }))
    t.is(parse(), 'malformed-der')
    t.true(medianMilliseconds(parse) < 50)
  }
})

test('a message of nothing but tiny elements is read in linear time', t => {
  const flat = indefinite(tags.sequence, Buffer.from('0500'.repeat(32_000), 'hex'))
  t.true(medianMilliseconds(() => berToDer(flat)) < 50)
  const chunks = indefinite(0x24, Buffer.from('0400'.repeat(32_000), 'hex'))
  t.true(medianMilliseconds(() => berToDer(chunks)) < 50)
})

test('any bytes are converted or refused with a code, and what was converted is stable', t => {
  const start = sequence(oid('1.2.840.113549.1.7.2'), explicit(0, octetString(Buffer.from('content'))))
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, framed) => {
    const input = framed ? Buffer.concat([start, noise]) : Buffer.from(noise)
    let der: Buffer | undefined
    refusalOf(() => { der = berToDer(input) })
    if (der !== undefined) t.deepEqual(berToDer(der), der)
  }), { numRuns: 500 })
  t.pass()
})
