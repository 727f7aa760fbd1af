import test from 'ava'
import fc from 'fast-check'
import { CaError } from '../../src/errors.ts'
import { type PlistDictionary, type PlistValue, parsePlist, serializePlist } from '../../src/formats/plist.ts'
import { peer } from '../support/peers.ts'
import { plain, readWithPlistlib, xmllintComplaints } from '../support/plist-peers.ts'
import { medianMilliseconds } from '../support/refusals.ts'

const everyType: PlistDictionary = {
  text: 'Zoë & <Ann> \t "quoted"\r\nsecond line \u{1f4f1}',
  'k<e&y>': '',
  integers: [0, -1, Number.MAX_SAFE_INTEGER, 2n ** 64n - 1n, -(2n ** 63n)],
  real: 1.5,
  flags: [true, false],
  date: new Date('2026-03-01T09:00:00Z'),
  data: Buffer.from(Array.from({ length: 200 }, (_, index) => index)),
  empty: [{}, [], Buffer.alloc(0)],
}

const document = (content: string, doctype = ''): Buffer =>
  Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${doctype}<plist version="1.0">${content}</plist>`)

const text = fc.string({ unit: fc.constantFrom('a', 'é', '<', '&', '>', '"', '\r', '\n', '\t', ' ', ']', '\u{1f4f1}', '_') })
const { value: anyValue } = fc.letrec<{ value: PlistValue }>(tie => ({
  value: fc.oneof(
    { depthSize: 'small' },
    text, fc.boolean(), fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), -(2n ** 60n)), fc.double({ noNaN: true, noDefaultInfinity: true }).filter(n => !Number.isInteger(n)),
    fc.date({ min: new Date('0000-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }).map(date => new Date(Math.floor(date.getTime() / 1000) * 1000)),
    fc.uint8Array().map(bytes => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 5 }), fc.dictionary(fc.oneof(text, fc.constant('__proto__')), tie('value'), { maxKeys: 5 }),
  ),
}))

test('a property list comes back from its bytes as it was', t => {
  fc.assert(fc.property(anyValue, value => {
    t.deepEqual(plain(parsePlist(serializePlist(value))), plain(value))
  }), { numRuns: 300 })
})

test('Python’s plistlib reads the same values from what is written', async t => {
  if (!peer(t, 'python3')) return
  t.deepEqual(await readWithPlistlib(serializePlist(everyType)), plain(everyType))
})

test('xmllint finds what is written well-formed', async t => {
  if (!peer(t, 'xmllint')) return
  t.is(await xmllintComplaints(serializePlist(everyType)), '')
})

test('text, numbers and dates that XML or a property list cannot hold are not written', t => {
  for (const value of ['nul \0', 'escape \u001b', 'half a pair \ud800', 'no character \uffff', NaN, Infinity, 2n ** 64n, new Date(NaN)]) {
    t.like(t.throws(() => serializePlist([value])), { code: 'invalid-argument' }, String(value))
  }
})

test('the five entities of XML and character references are text; nothing else is expanded', t => {
  t.is(parsePlist(document('<string>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</string>')), `<&>"'AB`)
})

test('a dictionary has the keys of the document and no others', t => {
  const value = parsePlist(document('<dict><key>__proto__</key><dict><key>admin</key><true/></dict><key>constructor</key><string/></dict>')) as PlistDictionary
  t.deepEqual(Object.keys(value), ['__proto__', 'constructor'])
  t.is(Object.getPrototypeOf(value), null)
  t.is(value['admin'], undefined)
  t.is(({} as Record<string, unknown>)['admin'], undefined)
})

test('Apple’s document types, both of them, are accepted, and so are comments between values', t => {
  for (const [owner, scheme] of [['Apple', 'http'], ['Apple', 'https'], ['Apple Computer', 'http']]) {
    const doctype = `<!DOCTYPE plist PUBLIC "-//${owner}//DTD PLIST 1.0//EN" "${scheme}://www.apple.com/DTDs/PropertyList-1.0.dtd">`
    t.is(parsePlist(document('<!-- of a phone --><string>x</string>', doctype)), 'x')
  }
})

const nested = (depth: number): string => '<array>'.repeat(depth) + '</array>'.repeat(depth)
const appleDoctype = (subset: string): string =>
  `<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd" ${subset}>`
const billionLaughs = appleDoctype(`[${Array.from({ length: 20 }, (_, n) => `<!ENTITY a${n + 1} "${`&a${n};`.repeat(10)}">`).join('')}]`)

const hostile: Record<string, Uint8Array> = {
  'nothing': Buffer.alloc(0),
  'a binary property list': Buffer.from('bplist00\xd0\x08', 'latin1'),
  'another document': Buffer.from('<html><body/></html>'),
  'not XML': Buffer.from('CHALLENGE=abc'),
  'no value': document(''),
  'two values': document('<true/><true/>'),
  'two documents': Buffer.concat([document('<true/>'), document('<true/>')]),
  'a value without <plist>': Buffer.from('<dict/>'),
  '<plist> inside <plist>': document('<plist version="1.0"><true/></plist>'),
  'bytes that are not UTF-8': document('<string>\xff</string>').map((byte, index, all) => byte === 0xc3 && all[index + 1] === 0xbf ? 0xff : byte),
  'UTF-16': Buffer.from('\ufeff<plist version="1.0"><true/></plist>', 'utf16le'),
  'a declared encoding that is not UTF-8': Buffer.from('<?xml version="1.0" encoding="UTF-7"?><plist version="1.0"><true/></plist>'),
  'XML 1.1': Buffer.from('<?xml version="1.1"?><plist version="1.0"><true/></plist>'),
  'a duplicate key': document('<dict><key>UDID</key><string>a</string><key>UDID</key><string>b</string></dict>'),
  'a duplicate key in other spelling': document('<dict><key>A</key><string>a</string><key>&#65;</key><string>b</string></dict>'),
  'a duplicate __proto__': document('<dict><key>__proto__</key><true/><key>__proto__</key><true/></dict>'),
  'an unknown entity': document('<string>&secret;</string>'),
  'an external entity': document('<string>&x;</string>', '<!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
  'an internal subset': document('<string>x</string>', appleDoctype('[<!ENTITY x "y">]')),
  'a billion laughs': document('<string>&a20;</string>', billionLaughs),
  'another document type': document('<true/>', '<!DOCTYPE plist SYSTEM "http://attacker.example/evil.dtd">'),
  'a processing instruction': document('<?php exit ?><true/>'),
  'CDATA': document('<string><![CDATA[x]]></string>'),
  'a comment inside a value': document('<string>a<!-- -->b</string>'),
  'an unknown element': document('<string2>x</string2>'),
  'an element named like a method': document('<constructor>x</constructor>'),
  'an element inside a string': document('<string>a<true/></string>'),
  'an attribute': document('<string id="1">x</string>'),
  'another version of <plist>': Buffer.from('<plist version="2.0"><true/></plist>'),
  'text between elements': document('<dict>x</dict>'),
  'a value without a key': document('<dict><string>x</string></dict>'),
  'a key without a value': document('<dict><key>x</key></dict>'),
  'two keys in a row': document('<dict><key>x</key><key>y</key><true/></dict>'),
  'a key in an array': document('<array><key>x</key></array>'),
  'a key alone': document('<key>x</key>'),
  'a control character': document('<string>&#0;</string>'),
  'a half of a surrogate pair': document('<string>&#xd800;</string>'),
  'text in a boolean': document('<true>yes</true>'),
  'too deep a nesting': document(nested(17)),
  'far too deep a nesting': document(nested(4000)),
  'far too many open elements': document('<dict><key>a</key>'.repeat(3000)),
  'more bytes than allowed': document(`<string>${'a'.repeat(70_000)}</string>`),
  'a tag without an end': document(`<${'a'.repeat(60_000)}`),
  'an entity without an end': document(`<string>&${'a'.repeat(60_000)}`),
  'an attribute without an end': Buffer.from(`<plist version="${'1'.repeat(60_000)}`),
  'many attributes': Buffer.from(`<plist ${Array.from({ length: 5000 }, (_, n) => `a${n}="1"`).join(' ')}><true/></plist>`),
  'a comment without an end': document(`<!-- ${'- '.repeat(30_000)}`),
  'a document type full of spaces': document('<true/>', `<!DOCTYPE plist PUBLIC ${' '.repeat(60_000)}>`),
  'many angle brackets': Buffer.from('<'.repeat(60_000)),
}

const badScalars: Record<string, string[]> = {
  integer: ['', ' 1', '1.0', '0x10', '1e3', '--1', '٣', '18446744073709551616', '-9223372036854775809', '9'.repeat(60_000)],
  real: ['', 'nan', 'inf', '1e999', '1,5', '0x1p3', `1.${'0'.repeat(100)}`, '.'],
  date: ['', '2026-02-30T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01', '2026-01-01T00:00:00+01:00', '2026-01-01T00:00:00.5Z', '+02026-01-01T00:00:00Z'],
  data: ['a', 'ab=c', 'abc', 'ab-_', 'AAA=A', 'AB==', 'AAAA====', '\u00a0AAAA', '*'],
}
for (const [element, texts] of Object.entries(badScalars)) {
  for (const [index, content] of texts.entries()) hostile[`bad ${element} ${index}`] = document(`<${element}>${content}</${element}>`)
}

function refusal(bytes: Uint8Array): string {
  try {
    parsePlist(bytes)
    return 'accepted'
  } catch (error) {
    return error instanceof CaError ? error.code : `defect: ${String(error)}`
  }
}

for (const [name, bytes] of Object.entries(hostile)) {
  test(`a property list is refused, and cheaply: ${name}`, t => {
    t.is(refusal(bytes), 'malformed-plist')
    t.true(medianMilliseconds(() => { refusal(bytes) }) < 50)
  })
}

test('a property list that is cut off anywhere is refused', t => {
  const whole = serializePlist(everyType).subarray(0, -1)
  for (let length = 0; length < whole.length; length++) t.is(refusal(whole.subarray(0, length)), 'malformed-plist', `at ${length}`)
})

test('whatever the bytes, the answer is a value or a refusal', t => {
  const whole = serializePlist(everyType)
  fc.assert(fc.property(fc.nat(whole.length - 1), fc.nat(255), (index, byte) => {
    const bytes = Buffer.from(whole)
    bytes[index] = byte
    t.true(['accepted', 'malformed-plist'].includes(refusal(bytes)))
  }), { numRuns: 500 })
})

test('the largest property list that is allowed is read in time', t => {
  const items = document(`<array>${'<true/>'.repeat(9_000)}</array>`)
  const data = document(`<data>${'A'.repeat(64_000)}</data>`)
  t.true(medianMilliseconds(() => { parsePlist(items) }) < 50)
  t.true(medianMilliseconds(() => { parsePlist(data) }) < 50)
})

test('a caller may allow more bytes and depth', t => {
  const bytes = document(nested(20) + ' '.repeat(70_000))
  t.notThrows(() => parsePlist(bytes, { maxBytes: 100_000, maxDepth: 20 }))
  t.like(t.throws(() => parsePlist(bytes, { maxBytes: 100_000, maxDepth: 19 })), { code: 'malformed-plist' })
})
