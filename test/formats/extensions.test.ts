import test from 'ava'
import fc from 'fast-check'
import { boolean, explicit, implicit, integer, octetString, oid, parseDer, sequence } from '../../src/formats/der.ts'
import {
  parseExtensions, readAuthorityInfoAccess, readAuthorityKeyIdentifier, readBasicConstraints, readCertificatePolicies,
  readCrlDistributionPoints, readCrlNumber, readDeltaCrlIndicator, readExtendedKeyUsage, readFreshestCrl, readIssuingDistributionPoint,
  readKeyUsage, readSubjectAltName, readSubjectKeyIdentifier,
} from '../../src/formats/extension-readers.ts'
import {
  authorityInfoAccess, authorityKeyIdentifier, basicConstraints, certificatePolicies, crlDistributionPoints, crlNumber, deltaCrlIndicator,
  extendedKeyUsage, freshestCrl, issuingDistributionPoint, keyIdentifier, keyUsage, keyUsageBits, ocspNoCheck, serializeExtension,
  subjectAltName, subjectKeyIdentifier,
} from '../../src/formats/extensions.ts'
import type { Extension, GeneralName, KeyUsage } from '../../src/formats/extensions.ts'
import { oids } from '../../src/formats/oids.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run } from '../support/programs.ts'
import { commonName, issueTestCertificate, newAuthority, newSigner } from '../support/signers.ts'

/** Written out and read back, as they would be from a certificate. */
const carrying = (...extensions: Extension[]) => ({ extensions: parseExtensions(parseDer(sequence(...extensions.map(serializeExtension)))) })

const names: GeneralName[] = [
  { type: 'rfc822Name', value: 'ada@example.org' }, { type: 'userPrincipalName', value: 'ada@corp.example' },
  { type: 'dNSName', value: 'host.example' }, { type: 'uniformResourceIdentifier', value: 'urn:uuid:6f1b8e95-5bea-41d4-9df3-43f25ec08f50' },
  { type: 'directoryName', name: commonName('Ada') }, { type: 'other', raw: implicit(7, Buffer.from([127, 0, 0, 1])) },
]

test('every extension reads back as it was written', t => {
  const { subjectPublicKeyInfo } = newSigner()
  t.deepEqual(readBasicConstraints(carrying(basicConstraints(false))), { ca: false, pathLenConstraint: undefined })
  t.deepEqual(readBasicConstraints(carrying(basicConstraints(true, 0))), { ca: true, pathLenConstraint: 0 })
  t.deepEqual(readExtendedKeyUsage(carrying(extendedKeyUsage(oids.clientAuth, oids.emailProtection))), [oids.clientAuth, oids.emailProtection])
  t.deepEqual(readSubjectAltName(carrying(subjectAltName(names))), names)
  t.deepEqual(readSubjectKeyIdentifier(carrying(subjectKeyIdentifier(subjectPublicKeyInfo))), keyIdentifier(subjectPublicKeyInfo))
  t.deepEqual(readAuthorityKeyIdentifier(carrying(authorityKeyIdentifier(subjectPublicKeyInfo))), keyIdentifier(subjectPublicKeyInfo))
  t.deepEqual(readCrlDistributionPoints(carrying(crlDistributionPoints(['http://a/1', 'http://b/1']))), ['http://a/1', 'http://b/1'])
  t.deepEqual(readFreshestCrl(carrying(freshestCrl('http://a/d'))), ['http://a/d'])
  t.deepEqual(readAuthorityInfoAccess(carrying(authorityInfoAccess({ ocsp: 'http://o/', caIssuers: 'http://c/' }))), { ocsp: ['http://o/'], caIssuers: ['http://c/'] })
  t.deepEqual(readCertificatePolicies(carrying(certificatePolicies(['2.25.327984732897423984723984723984']))), ['2.25.327984732897423984723984723984'])
  t.deepEqual(readIssuingDistributionPoint(carrying(issuingDistributionPoint({ urls: ['http://a/1'], onlyContainsUserCerts: true }))),
    { urls: ['http://a/1'], onlyContainsUserCerts: true, otherLimits: false })
  t.deepEqual(readIssuingDistributionPoint(carrying(issuingDistributionPoint({}))), { urls: [], onlyContainsUserCerts: false, otherLimits: false })
})

test('any set of key usages and any CRL number survives', t => {
  fc.assert(fc.property(fc.subarray([...keyUsageBits], { minLength: 1 }), usages => {
    t.deepEqual(readKeyUsage(carrying(keyUsage(...usages as [KeyUsage]))), usages)
  }), { numRuns: 50 })
  fc.assert(fc.property(fc.bigInt({ min: 0n, max: 2n ** 159n - 1n }), number => {
    t.is(readCrlNumber(carrying(crlNumber(number))), number)
    t.is(readDeltaCrlIndicator(carrying(deltaCrlIndicator(number))), number)
  }), { numRuns: 50 })
})

test('an identifier that a CA chose otherwise is copied as it is', t => {
  for (const length of [8, 20, 32, 48, 64]) {
    const chosen = Buffer.alloc(length, 0x30)
    t.deepEqual(readAuthorityKeyIdentifier(carrying(authorityKeyIdentifier(chosen))), chosen)
  }
})

test('what is absent reads as undefined', t => {
  const bare = carrying()
  for (const read of [readBasicConstraints, readKeyUsage, readExtendedKeyUsage, readSubjectAltName, readSubjectKeyIdentifier,
    readAuthorityKeyIdentifier, readCrlDistributionPoints, readFreshestCrl, readAuthorityInfoAccess, readCertificatePolicies, readCrlNumber,
    readDeltaCrlIndicator, readIssuingDistributionPoint]) t.is(read(bare), undefined)
})

test('names that would change on their way into a certificate are refused', t => {
  for (const value of ['zoë@example.org', 'a b@example.org', '', 'a@example.org\0', 'a@example.org\n']) {
    t.throws(() => subjectAltName([{ type: 'rfc822Name', value }]), { code: 'invalid-argument' })
    t.throws(() => crlDistributionPoints([value]), { code: 'invalid-argument' })
  }
})

test('damaged extensions are refused', t => {
  const damaged = (type: string, value: Buffer) => ({ extensions: [{ oid: type, critical: false, value }] })
  for (const [read, holder] of [
    [readCrlNumber, damaged(oids.cRLNumber, integer(2n ** 160n))],
    [readCrlNumber, damaged(oids.cRLNumber, Buffer.from([2, 1, 0x80]))],
    [readBasicConstraints, damaged(oids.basicConstraints, sequence(boolean(true), integer(0), integer(0)))],
    [readSubjectKeyIdentifier, damaged(oids.subjectKeyIdentifier, Buffer.concat([octetString(Buffer.alloc(20)), Buffer.alloc(1)]))],
    [readSubjectAltName, damaged(oids.subjectAltName, sequence(explicit(0, oid(oids.userPrincipalName), explicit(0, integer(1)))))],
    [readExtendedKeyUsage, damaged(oids.extKeyUsage, oid(oids.clientAuth))],
  ] as const) t.throws(() => read(holder), { code: 'malformed-der' })
})

test('asn1crypto reads each extension field by field as we do', async t => {
  const python = peer(t, 'python3:asn1crypto')
  if (python === undefined) return
  const issuing = await newAuthority('Issuing')
  const subject = newSigner()
  const der = await issueTestCertificate(issuing, '4a0102030405060708090a0b0c0d0e0f', subject, [
    keyUsage('digitalSignature', 'keyEncipherment'), extendedKeyUsage(oids.clientAuth), subjectAltName(names.slice(0, 4)),
    crlDistributionPoints(['http://a/1', 'http://b/1']), authorityInfoAccess({ ocsp: 'http://o/', caIssuers: 'http://c/' }),
    certificatePolicies(['2.25.327984732897423984723984723984']), ocspNoCheck(), freshestCrl('http://a/d'),
  ])
  const { stdout, text } = await run(python, [new URL('../support/certificate-fields.py', import.meta.url).pathname], der)
  t.notThrows(() => JSON.parse(stdout.toString()), text)
  const points = (...urls: string[]) => [{ distribution_point: urls, reasons: null, crl_issuer: null }]

  t.deepEqual(JSON.parse(stdout.toString()), {
    version: 'v3', serialNumber: '4a0102030405060708090a0b0c0d0e0f', signatureAlgorithm: 'sha256_ecdsa', keyAlgorithm: 'secp256r1',
    issuer: { common_name: 'Issuing' }, subject: { common_name: '4a0102030405060708090a0b0c0d0e0f' },
    notBefore: '2020-01-01T00:00:00+00:00', notAfter: '2049-12-31T23:59:59+00:00',
    extensions: [
      { oid: '2.5.29.19', critical: true, value: { ca: false, path_len_constraint: null } },
      { oid: '2.5.29.14', critical: false, value: keyIdentifier(subject.subjectPublicKeyInfo).toString('hex') },
      { oid: '2.5.29.35', critical: false, value: {
        key_identifier: keyIdentifier(issuing.signer.subjectPublicKeyInfo).toString('hex'), authority_cert_issuer: null, authority_cert_serial_number: null } },
      { oid: '2.5.29.15', critical: true, value: ['digital_signature', 'key_encipherment'] },
      { oid: '2.5.29.37', critical: false, value: ['client_auth'] },
      { oid: '2.5.29.17', critical: false, value: ['ada@example.org', { type_id: '1.3.6.1.4.1.311.20.2.3', value: 'ada@corp.example' },
        'host.example', 'urn:uuid:6f1b8e95-5bea-41d4-9df3-43f25ec08f50'] },
      { oid: '2.5.29.31', critical: false, value: points('http://a/1', 'http://b/1') },
      { oid: '1.3.6.1.5.5.7.1.1', critical: false, value: [
        { access_method: 'ocsp', access_location: 'http://o/' }, { access_method: 'ca_issuers', access_location: 'http://c/' }] },
      { oid: '2.5.29.32', critical: false, value: [{ policy_identifier: '2.25.327984732897423984723984723984', policy_qualifiers: null }] },
      { oid: '1.3.6.1.5.5.7.48.1.5', critical: false, value: null },
      { oid: '2.5.29.46', critical: false, value: points('http://a/d') },
    ],
  })
})

test('hostile bytes are read or refused, never anything else', t => {
  const { subjectPublicKeyInfo } = newSigner()
  const all = sequence(...[
    basicConstraints(true, 1), keyUsage('cRLSign'), extendedKeyUsage(oids.clientAuth), subjectAltName(names), subjectKeyIdentifier(subjectPublicKeyInfo),
    authorityKeyIdentifier(subjectPublicKeyInfo), crlDistributionPoints(['http://a/']), freshestCrl('http://a/'), certificatePolicies(['2.25.1']),
    authorityInfoAccess({ ocsp: 'http://o/' }), crlNumber(5n), deltaCrlIndicator(4n), issuingDistributionPoint({ urls: ['http://a/'], onlyContainsUserCerts: true }),
  ].map(serializeExtension))
  const readers = [readBasicConstraints, readKeyUsage, readExtendedKeyUsage, readSubjectAltName, readSubjectKeyIdentifier, readAuthorityKeyIdentifier,
    readCrlDistributionPoints, readFreshestCrl, readCertificatePolicies, readAuthorityInfoAccess, readCrlNumber, readDeltaCrlIndicator, readIssuingDistributionPoint]
  for (const reader of readers) feedHostileBytes(t, all, bytes => reader({ extensions: parseExtensions(parseDer(bytes)) }), 400)
})
