import test from 'ava'
import fc from 'fast-check'
import { bitString, integer, oid, parseDer, printableString, sequence, setOf, tlv, utf8String } from '../../src/formats/der.ts'
import { findAttribute, formatName, parseName, serializeName } from '../../src/formats/names.ts'
import { oids } from '../../src/formats/oids.ts'
import { feedHostileBytes } from '../support/hostile.ts'

test('each attribute is its own RDN in the string type RFC 5280 fixes', t => {
  const name = serializeName([
    { type: oids.countryName, value: 'DE' }, { type: oids.commonName, value: 'Zoë' },
    { type: oids.serialNumber, value: '17-b' }, { type: oids.emailAddress, value: 'zoe@example.org' },
  ])
  t.deepEqual(name, sequence(
    setOf(sequence(oid('2.5.4.6'), printableString('DE'))), setOf(sequence(oid('2.5.4.3'), utf8String('Zoë'))),
    setOf(sequence(oid('2.5.4.5'), printableString('17-b'))),
    setOf(sequence(oid('1.2.840.113549.1.9.1'), tlv(0x16, Buffer.from('zoe@example.org')))),
  ))
  const parsed = parseName(parseDer(name))
  t.deepEqual(parsed.raw, name)
  t.is(findAttribute(parsed, oids.commonName), 'Zoë')
  t.is(findAttribute(parsed, oids.surname), undefined)
})

test('a value that does not fit its string type is refused instead of bent', t => {
  for (const attribute of [
    { type: oids.countryName, value: 'D€' }, { type: oids.serialNumber, value: 'a_b' }, { type: oids.serialNumber, value: '' },
    { type: oids.emailAddress, value: 'zoë@example.org' }, { type: oids.emailAddress, value: 'a@b\0.org' },
  ]) t.throws(() => serializeName([attribute]), { code: 'invalid-argument' })
})

test('any text in a common name survives', t => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), value => {
    const name = parseName(parseDer(serializeName([{ type: oids.commonName, value }])))
    return name.attributes[0]?.value === value
  }))
  t.pass()
})

test('a name is shown with its specials escaped, so that no value can pass for two', t => {
  const shown = (value: string) => formatName(parseName(parseDer(serializeName([{ type: oids.organizationName, value: 'Example' }, { type: oids.commonName, value }]))))
  t.is(shown('Ada'), 'CN=Ada,O=Example')
  t.is(shown('Ada,O=Other'), 'CN=Ada\\,O=Other,O=Example')
  t.is(shown(' #a\\b" '), 'CN=\\ #a\\\\b\\"\\ ,O=Example')
  t.is(shown('#1'), 'CN=\\#1,O=Example')
  t.is(shown('a\0b\n'), 'CN=a\\00b\\0a,O=Example')
  t.is(shown(' '), 'CN=\\ ,O=Example')
})

test('old string types are read; what is no string is shown in hexadecimal', t => {
  const named = (value: Buffer) => parseName(parseDer(sequence(setOf(sequence(oid(oids.commonName), value))))).attributes[0]?.value
  t.is(named(tlv(0x1e, Buffer.from('0041006400e4', 'hex'))), 'Adä')
  t.is(named(tlv(0x14, Buffer.from([0x41, 0xe4]))), 'Aä')
  t.is(named(bitString(Buffer.from([1]))), '#03020001')
})

test('several attributes in one RDN are all read', t => {
  const name = parseName(parseDer(sequence(setOf(sequence(oid(oids.commonName), utf8String('a')), sequence(oid(oids.serialNumber), printableString('1'))))))
  t.deepEqual(name.attributes, [{ type: oids.commonName, value: 'a' }, { type: oids.serialNumber, value: '1' }])
})

test('a name with a damaged shape is refused', t => {
  for (const bytes of [setOf(), sequence(setOf()), sequence(sequence()), sequence(setOf(sequence(oid('2.5.4.3')))),
    sequence(setOf(sequence(oid('2.5.4.3'), utf8String('a'), integer(1))))]) {
    t.throws(() => parseName(parseDer(bytes)), { code: 'malformed-der' })
  }
})

test('hostile bytes are read or refused, never anything else', t => {
  const name = serializeName([{ type: oids.countryName, value: 'DE' }, { type: oids.commonName, value: 'Zoë' }])
  feedHostileBytes(t, name, bytes => formatName(parseName(parseDer(bytes))))
})
