import test from 'ava'
import { createHash } from 'node:crypto'
import { boolean, enumerated, explicit, implicit, integer, nullValue, octetString, oid, sequence } from '../../src/formats/der.ts'
import { extendedKeyUsage, keyIdentifier, keyUsage, ocspNoCheck, serializeExtension } from '../../src/formats/extensions.ts'
import { ocspError, parseOcspRequest, signOcspResponse } from '../../src/formats/ocsp.ts'
import type { CertStatus } from '../../src/formats/ocsp.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { commonName, issueTestCertificate, newAuthority, newSigner, testSerialNumber, testValidity } from '../support/signers.ts'
import type { KeyKind } from '../support/signers.ts'

/** An issuing CA, its delegated responder, and a leaf to ask about. */
async function newResponder(kind: KeyKind = 'P-256') {
  const authority = await newAuthority('Issuing', undefined, kind)
  const signer = newSigner(kind)
  const certificate = await issueTestCertificate(authority, testSerialNumber('ocsp'), signer, [
    keyUsage('digitalSignature'), extendedKeyUsage(oids.ocspSigning), ocspNoCheck(),
  ])
  const leaf = await issueTestCertificate(authority, testSerialNumber('leaf'), newSigner())
  return { authority, signer, certificate, leaf }
}

// The programs that check have the real clock.
const window = { thisUpdate: testValidity.notBefore, nextUpdate: testValidity.notAfter }
const producedAt = new Date('2026-03-01T09:00:00Z')
const revokedAt = new Date('2026-02-28T23:59:59Z')

test('a request of openssl is read, with SHA-1 and with SHA-256', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const { authority, leaf } = await newResponder()
  const ask = async (...options: string[]) => {
    const out = file('request.der')
    await run('openssl', ['ocsp', '-issuer', file('ca.pem', toPem('CERTIFICATE', authority.certificate)), ...options,
      '-cert', file('leaf.pem', toPem('CERTIFICATE', leaf)), '-reqout', out])
    return parseOcspRequest((await run('cat', [out])).stdout)
  }
  const key = authority.signer.subjectPublicKeyInfo
  const withNonce = await ask()
  const [{ certId }] = withNonce.requests
  t.is(certId.hashAlgorithm, oids.sha1)
  t.is(certId.serialNumber, testSerialNumber('leaf'))
  t.deepEqual(certId.issuerNameHash, createHash('sha1').update(authority.name).digest())
  t.deepEqual(certId.issuerKeyHash, keyIdentifier(key))
  t.is(withNonce.nonce?.length, 16)

  const modern = await ask('-sha256', '-no_nonce')
  t.is(modern.requests[0].certId.hashAlgorithm, oids.sha256)
  t.deepEqual(modern.requests[0].certId.issuerNameHash, createHash('sha256').update(authority.name).digest())
  t.is(modern.nonce, undefined)
})

for (const kind of ['P-256', 'rsa2048'] as const) {
  for (const [what, status, expected] of [
    ['good', 'good', /leaf\.pem: good/],
    ['unknown', 'unknown', /leaf\.pem: unknown/],
    ['revoked with its reason', { revokedAt, reason: 4 }, /leaf\.pem: revoked[^]*Reason: superseded[^]*Feb 28 23:59:59 2026/],
    ['revoked without a reason', { revokedAt, reason: 0 }, /leaf\.pem: revoked(?![^]*Reason)/],
  ] as const) {
    test(`openssl believes a ${kind} responder that says ${what}`, async t => {
      if (!peer(t, 'openssl')) return
      const file = scratchFolder(t)
      const { authority, signer, certificate, leaf } = await newResponder(kind)
      const common = ['ocsp', '-issuer', file('ca.pem', toPem('CERTIFICATE', authority.certificate)), '-sha256', '-cert', file('leaf.pem', toPem('CERTIFICATE', leaf))]
      await run('openssl', [...common, '-reqout', file('request.der')])
      const request = parseOcspRequest((await run('cat', [file('request.der')])).stdout)
      const der = await signOcspResponse({
        ...kind === 'P-256' ? { responderKeyHash: keyIdentifier(signer.subjectPublicKeyInfo) } : { responderName: commonName(testSerialNumber('ocsp')) },
        producedAt, single: { certId: request.requests[0].certId.raw, status: status as CertStatus, ...window }, nonce: request.nonce!, certificate,
      }, signer)

      const answer = ['-respin', file('response.der', der), '-CAfile', file('ca.pem')]
      const { text } = await run('openssl', [...common, '-no_nonce', ...answer])
      t.regex(text, /Response verify OK/)
      t.regex(text, expected)
      // The question that was asked goes with this answer; another one has another nonce.
      t.regex((await run('openssl', ['ocsp', '-reqin', file('request.der'), ...answer])).text, /Response verify OK/)
      t.regex((await run('openssl', [...common, ...answer])).text, /Nonce Verify error/)
    })
  }
}

test('gnutls believes the responder too', async t => {
  if (!peer(t, 'ocsptool')) return
  const file = scratchFolder(t)
  const { authority, signer, certificate, leaf } = await newResponder()
  const load = ['--load-issuer', file('ca.pem', toPem('CERTIFICATE', authority.certificate)), '--load-cert', file('leaf.pem', toPem('CERTIFICATE', leaf))]
  await run('ocsptool', ['--generate-request', '--nonce', ...load, '--outder', '--outfile', file('request.der')])
  const request = parseOcspRequest((await run('cat', [file('request.der')])).stdout)
  const der = await signOcspResponse({
    responderKeyHash: keyIdentifier(signer.subjectPublicKeyInfo), producedAt, certificate, ...request.nonce && { nonce: request.nonce },
    single: { certId: request.requests[0].certId.raw, status: { revokedAt, reason: 1 }, ...window },
  }, signer)
  const verified = await run('ocsptool', ['--verify-response', '--load-trust', file('ca.pem'), '--load-response', file('response.der', der)])
  t.regex(verified.text, /Verifying OCSP Response: Success/)
  t.regex((await run('ocsptool', ['--response-info', '--infile', file('response.der')])).text, /Certificate Status: revoked/)
})

test('an answer that could not be given is not signed', async t => {
  t.deepEqual(ocspError('unauthorized'), Buffer.from('30030a0106', 'hex'))
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  for (const [status, shown] of [['malformedRequest', 'malformedrequest'], ['internalError', 'internalerror'], ['tryLater', 'trylater'], ['unauthorized', 'unauthorized']] as const) {
    t.regex((await run('openssl', ['ocsp', '-respin', file('error.der', ocspError(status)), '-noverify'])).text, new RegExp(`Responder Error: ${shown}`))
  }
})

const certId = (serial: Buffer = integer(5)): Buffer =>
  sequence(sequence(oid(oids.sha1), nullValue), octetString(Buffer.alloc(20, 1)), octetString(Buffer.alloc(20, 2)), serial)
const nonce = (value: Buffer): Buffer => explicit(2, sequence(sequence(oid(oids.ocspNonce), octetString(value))))
const request = (...parts: Buffer[]): Buffer => sequence(sequence(sequence(sequence(certId())), ...parts))

test('nonces of 1 to 128 octets are read, and nothing else passes for one', t => {
  for (const length of [1, 32, 128]) t.is(parseOcspRequest(request(nonce(octetString(Buffer.alloc(length))))).nonce?.length, length)
  for (const value of [octetString(Buffer.alloc(0)), octetString(Buffer.alloc(129)), Buffer.alloc(16, 7), Buffer.alloc(0)]) {
    t.throws(() => parseOcspRequest(request(nonce(value))), { code: 'malformed-ocsp-request' })
  }
})

test('a signed request is a request; who asks does not matter', t => {
  const name = explicit(1, explicit(4, commonName('asker')))
  const signed = sequence(sequence(name, sequence(sequence(certId()))), explicit(0, sequence(integer(1))))
  t.is(parseOcspRequest(signed).requests[0].certId.serialNumber, '05')
  t.deepEqual(parseOcspRequest(signed).requests[0].certId.raw, certId())
})

test('a request that is not for exactly one certificate, or demands what we do not know, is refused', t => {
  const critical = sequence(oid('1.2.3'), boolean(true), octetString(Buffer.alloc(0)))
  const cases = {
    none: sequence(sequence(sequence())),
    two: sequence(sequence(sequence(sequence(certId()), sequence(certId())))),
    'version 2': sequence(sequence(explicit(0, integer(1)), sequence(sequence(certId())))),
    'a critical extension': request(explicit(2, sequence(critical))),
    'a critical extension of the single request': sequence(sequence(sequence(sequence(certId(), explicit(0, sequence(critical)))))),
    'a nonce twice': request(explicit(2, sequence(serializeExtension({ oid: oids.ocspNonce, critical: false, value: octetString(Buffer.alloc(8)) }),
      serializeExtension({ oid: oids.ocspNonce, critical: false, value: octetString(Buffer.alloc(8)) })))),
    'a negative serial number': sequence(sequence(sequence(sequence(certId(Buffer.from([2, 1, 0x80])))))),
    'a serial number of 21 octets': sequence(sequence(sequence(sequence(certId(integer(Buffer.alloc(21, 0x41))))))),
    'bytes after the end': Buffer.concat([request(), Buffer.alloc(1)]),
    'a field too many': request(implicit(5, Buffer.alloc(0))),
    'more than 4 KiB': request(explicit(2, sequence(sequence(oid('1.2.3'), octetString(Buffer.alloc(5000)))))),
    'something else': sequence(enumerated(0)),
  }
  t.notThrows(() => parseOcspRequest(request()))
  for (const [what, der] of Object.entries(cases)) t.throws(() => parseOcspRequest(der), { code: 'malformed-ocsp-request' }, what)
})

test('hostile bytes are read or refused, never anything else', t => {
  feedHostileBytes(t, request(nonce(octetString(Buffer.alloc(32)))), bytes => parseOcspRequest(bytes), 4000)
})
