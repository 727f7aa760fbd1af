import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import test from 'ava'
import { toPem } from '../../src/formats/pem.ts'
import { readPresented } from '../../src/protocols/check/conventions.ts'
import { conventionFor, frontEndKinds, type HeaderConvention } from '../../src/protocols/check/kinds.ts'
import { presentedReader } from '../../src/protocols/check/presented.ts'
import type { FrontEnd } from '../../src/store/front-ends.ts'
import { refusalOf } from '../support/refusals.ts'

// Long enough for several lines of PEM, and with + and / in its base64.
const der = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 251) & 0xff))
const base64 = der.toString('base64')
const pem = toPem('CERTIFICATE', der)
const escaped = encodeURIComponent(pem)

const forms: [HeaderConvention, string, string][] = [
  ['nginx', 'nginx', escaped],
  ['base64-der', 'HAProxy and Caddy', base64],
  ['spaced-pem', 'Apache', pem.trim().replaceAll('\n', ' ')],
  ['rfc9440', 'RFC 9440', `:${base64}:`],
  ['traefik', 'Traefik', base64],
  ['traefik', 'Traefik with a chain', `${base64},${Buffer.from('issuer').toString('base64')}`],
  ['traefik', 'older Traefik', encodeURIComponent(base64)],
  ['xfcc', 'Envoy', `By=spiffe://x;Hash=${'0'.repeat(64)};Cert="${escaped}";Chain="${escaped}";Subject="CN=a\\"b,O=c;d";URI=urn:uuid:1;DNS=x`],
  ['xfcc', 'Envoy with the certificate alone', `Cert="${escaped}"`],
]

for (const [convention, name, value] of forms) {
  test(`the certificate is found in what ${name} sends`, t => {
    t.deepEqual(readPresented(convention, value), { der })
  })
}

test('a serial number is read with and without colons, in either case', t => {
  const serialNumber = Buffer.from('4a0102030405060708090a0b0c0d0eff', 'hex')
  const hex = serialNumber.toString('hex')
  for (const value of [hex, hex.toUpperCase(), hex.match(/../g)!.join(':')]) t.deepEqual(readPresented('serial', value), { serialNumber })
  for (const value of ['', '4a01', `${hex}00`, `0x${hex}`, BigInt(`0x${hex}`).toString(), ` ${hex}`]) t.is(readPresented('serial', value), undefined, value)
})

test('each format is taken exactly, and no other for it', t => {
  const values = new Map(forms.map(([convention, , value]) => [convention, value]))
  for (const convention of values.keys()) {
    for (const [other, value] of values) {
      // HAProxy's form is Traefik's without a chain.
      if (other === convention || (convention === 'traefik' && other === 'base64-der') || (convention === 'base64-der' && other === 'traefik')) continue
      // Percent escapes are not required of a PEM that has no special characters left.
      if (convention === 'nginx' && other === 'spaced-pem') continue
      t.is(readPresented(convention, value), undefined, `${other} for ${convention}`)
    }
  }
})

const hostile: [HeaderConvention, string][] = [
  ['nginx', `${escaped}${escaped}`], ['nginx', '%'], ['nginx', '%ff'], ['nginx', escaped.slice(0, -12)], ['nginx', `x${escaped}`],
  ['nginx', encodeURIComponent('-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----')],
  ['nginx', encodeURIComponent('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----')],
  ['base64-der', `${base64},${base64}`], ['base64-der', base64.slice(0, -1)], ['base64-der', ` ${base64}`], ['base64-der', '===='],
  ['rfc9440', base64], ['rfc9440', `:${base64}:;a=1`], ['rfc9440', `:${base64}:, :${base64}:`], ['rfc9440', '::'],
  ['traefik', `,${base64}`], ['traefik', '%zz'],
  ['xfcc', `Cert="${escaped}",Cert="${escaped}"`], ['xfcc', `Cert="${escaped}";Cert="${escaped}"`], ['xfcc', `Subject=";Cert=";${escaped}"`],
  ['xfcc', `Subject="CN=x;Cert=${escaped}"`], ['xfcc', `Cert="${escaped}`], ['xfcc', 'Hash=00'], ['xfcc', '"'], ['xfcc', '\\'.repeat(5000)],
  ['xfcc', 'a="'.repeat(5000)], ['xfcc', 'a=b;'.repeat(4000)], ['spaced-pem', `-----BEGIN CERTIFICATE-----${' '.repeat(15_000)}`],
  ['nginx', 'A'.repeat(20_000)],
]

test('what is not exactly one certificate in the format is nothing', t => {
  for (const [convention, value] of hostile) t.is(readPresented(convention, value), undefined, `${convention} ${value.slice(0, 60)}`)
})

test('a name in a certificate cannot stand in for the certificate', t => {
  const other = encodeURIComponent(toPem('CERTIFICATE', Buffer.from('somebody else')))
  t.deepEqual(readPresented('xfcc', `Subject="CN=\\";Cert=\\"${other}";Cert="${escaped}"`), { der })
})

test('kinds are a closed list, and bare serial numbers need their issuer', t => {
  t.is(conventionFor('nginx', null), 'nginx')
  t.is(conventionFor('serial', 2), 'serial')
  t.is(refusalOf(() => conventionFor('serial', null)), 'invalid-argument')
  for (const kind of ['iis', '', 'toString', '__proto__']) t.is(refusalOf(() => conventionFor(kind, null)), 'invalid-argument')
  t.deepEqual(Object.keys(frontEndKinds), ['nginx', 'haproxy', 'apache', 'caddy', 'envoy', 'traefik', 'rfc9440', 'serial', 'stunnel'])
  t.is(conventionFor('stunnel', null), 'none')
})

test('what was read once in one convention is the same the next time, and is read anew in another', t => {
  const presentedBy = presentedReader()
  const by = (convention: string, ...values: string[]) => presentedBy({ convention } as FrontEnd, { rawHeaders: values.flatMap(value => ['X-SSL-Client-Cert', value]) } as unknown as IncomingMessage)
  for (let time = 1; time <= 2; time++) {
    t.deepEqual(by('base64-der', base64), { sha256: createHash('sha256').update(der).digest() })
    t.is(by('base64-der', base64, base64), 'malformed')
    t.is(by('spaced-pem', base64), 'malformed')
    t.is(by('none', base64), 'no-certificate')
  }
})
