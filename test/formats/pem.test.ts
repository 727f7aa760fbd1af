import test from 'ava'
import fc from 'fast-check'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { feedHostileBytes } from '../support/hostile.ts'

test('blocks are read in order, past text and other labels', t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 })), blocks => {
    const text = blocks.map(block => `subject=x\n${toPem('X509 CRL', Buffer.from('other'))}${toPem('CERTIFICATE', block)}`).join('\r\n')
    t.deepEqual(fromPem(text, 'CERTIFICATE'), blocks.map(block => Buffer.from(block)))
  }))
})

test('lines have 64 characters', t => {
  t.is(toPem('CERTIFICATE', Buffer.alloc(49)), `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\nAA==\n-----END CERTIFICATE-----\n`)
  t.is(toPem('CERTIFICATE', Buffer.alloc(48)), `-----BEGIN CERTIFICATE-----\n${'A'.repeat(64)}\n-----END CERTIFICATE-----\n`)
})

test('Windows line ends do no harm', t => {
  t.deepEqual(fromPem(toPem('CERTIFICATE', Buffer.alloc(100, 7)).replaceAll('\n', '\r\n'), 'CERTIFICATE'), [Buffer.alloc(100, 7)])
})

test('damaged blocks are refused', t => {
  const block = (base64: string, end = '-----END CERTIFICATE-----') => `-----BEGIN CERTIFICATE-----\n${base64}\n${end}`
  for (const text of [block('AAAA', ''), block(''), block('AA=A'), block('AAA'), block('AA-_'), block('AAAA!'), block('AB=='),
    block('AAAA', '-----END X509 CRL-----'), block(`AAAA\n${block('AAAA')}`), block('A'.repeat(1_100_000))]) {
    t.throws(() => fromPem(text, 'CERTIFICATE'), { code: 'malformed-request' }, text.slice(0, 80))
  }
  t.deepEqual(fromPem('nothing here', 'CERTIFICATE'), [])
})

test('hostile bytes are read or refused, never anything else', t => {
  feedHostileBytes(t, Buffer.from(toPem('CERTIFICATE', Buffer.alloc(100, 7))), bytes => fromPem(bytes.toString('latin1'), 'CERTIFICATE'), 400)
})
