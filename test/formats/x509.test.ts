import test from 'ava'
import fc from 'fast-check'
import { bitString, boolean, explicit, integer, octetString, oid, sequence, setOf, time, tlv, utf8String } from '../../src/formats/der.ts'
import { readBasicConstraints, readKeyUsage } from '../../src/formats/extension-readers.ts'
import { basicConstraints, keyUsage, serializeExtension } from '../../src/formats/extensions.ts'
import { formatName } from '../../src/formats/names.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { algorithmIdentifier } from '../../src/formats/signatures.ts'
import { extension, fingerprint, isIssuedBy, parseCertificate, signCertificate } from '../../src/formats/x509.ts'
import { feedHostileBytes } from '../support/hostile.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { commonName, issueTestCertificate, newAuthority, newSigner, testSerialNumber, testValidity } from '../support/signers.ts'
import { medianMilliseconds } from '../support/refusals.ts'

const pem = (der: Buffer): string => toPem('CERTIFICATE', der)

for (const kind of ['P-256', 'P-384', 'P-521', 'rsa2048'] as const) {
  test(`openssl accepts a chain of three ${kind} certificates under its strict rules`, async t => {
    if (!peer(t, 'openssl')) return
    const file = scratchFolder(t)
    const root = await newAuthority('Root', undefined, kind)
    const issuing = await newAuthority('Issuing', root, kind)
    const leaf = await issueTestCertificate(issuing, testSerialNumber('leaf'), newSigner(), [keyUsage('digitalSignature')])

    const { status, text } = await run('openssl', [
      'verify', '-x509_strict', '-check_ss_sig', '-CAfile', file('root.pem', pem(root.certificate)),
      '-untrusted', file('issuing.pem', pem(issuing.certificate)), file('leaf.pem', pem(leaf)),
    ])
    t.is(status, 0, text)
  })
}

test('what is signed reads back as it was given', async t => {
  const signer = newSigner()
  const fields = {
    serialNumber: testSerialNumber('a'), issuer: commonName('Issuer'), subject: commonName('Jörg, Zürich'),
    notBefore: new Date('2026-03-01T08:55:00Z'), notAfter: new Date('2055-01-01T00:00:00Z'),
    subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
    extensions: [basicConstraints(true, 0), keyUsage('keyCertSign', 'cRLSign')],
  }
  const certificate = parseCertificate(await signCertificate(fields, signer))

  t.is(certificate.version, 3)
  t.is(certificate.serialNumber, fields.serialNumber)
  t.deepEqual(certificate.issuer.raw, fields.issuer)
  t.is(formatName(certificate.subject), 'CN=Jörg\\, Zürich')
  t.deepEqual([certificate.notBefore, certificate.notAfter], [fields.notBefore, fields.notAfter])
  t.deepEqual(certificate.subjectPublicKeyInfo, fields.subjectPublicKeyInfo)
  t.deepEqual(certificate.extensions, fields.extensions)
  t.deepEqual(readBasicConstraints(certificate), { ca: true, pathLenConstraint: 0 })
  t.deepEqual(readKeyUsage(certificate), ['keyCertSign', 'cRLSign'])
  t.true(extension(certificate, oids.keyUsage)?.critical)
  t.true(certificate.publicKey.equals(signer.publicKey))
  t.true(isIssuedBy(certificate, signer.publicKey))
  t.false(isIssuedBy(certificate, newSigner().publicKey))
  t.false(isIssuedBy(certificate, newSigner('rsa2048').publicKey))
})

test('a certificate without extensions is version 1, and openssl agrees', async t => {
  const signer = newSigner('rsa2048')
  const der = await signCertificate({
    serialNumber: '01', issuer: commonName('x'), subject: commonName('x'), ...testValidity,
    subjectPublicKeyInfo: signer.subjectPublicKeyInfo, extensions: [],
  }, signer)
  const certificate = parseCertificate(der)
  t.is(certificate.version, 1)
  t.deepEqual(certificate.extensions, [])
  t.true(isIssuedBy(certificate, certificate.publicKey))
  if (!peer(t, 'openssl')) return
  t.regex((await run('openssl', ['x509', '-inform', 'DER', '-noout', '-text'], der)).text, /Version: 1 \(0x0\)/)
})

test('certificates that openssl makes are read, version 1 and version 3', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const common = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('key.pem'), '-subj', '/C=DE/O=Ex Ample/CN=x', '-outform', 'DER']
  const v3 = parseCertificate((await run('openssl', [...common, '-sha384'])).stdout)
  t.is(v3.version, 3)
  t.is(formatName(v3.subject), 'CN=x,O=Ex Ample,C=DE')
  t.true(isIssuedBy(v3, v3.publicKey))

  await run('openssl', ['req', '-new', '-key', file('key.pem'), '-subj', '/CN=v1', '-out', file('v1.csr')])
  const v1 = parseCertificate((await run('openssl', [
    'x509', '-req', '-in', file('v1.csr'), '-signkey', file('key.pem'), '-days', '1', '-sha1', '-set_serial', '0', '-outform', 'DER',
  ])).stdout)
  t.is(v1.version, 1)
  t.is(v1.serialNumber, '00')
  t.is(v1.signatureAlgorithm, 'sha1WithRSAEncryption')
  t.true(isIssuedBy(v1, v1.publicKey))
})

test('the fingerprint is what openssl shows', async t => {
  if (!peer(t, 'openssl')) return
  const { certificate } = await newAuthority('Root')
  const { text } = await run('openssl', ['x509', '-inform', 'DER', '-noout', '-fingerprint', '-sha256'], certificate)
  t.is(fingerprint(certificate), text.slice(text.indexOf('=') + 1).trim().replaceAll(':', '').toLowerCase())
})

test('any serial number of up to 20 octets survives', async t => {
  const signer = newSigner()
  await fc.assert(fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 20 }), async bytes => {
    const der = await signCertificate({
      serialNumber: Buffer.from(bytes).toString('hex'), issuer: commonName('x'), subject: commonName('x'), ...testValidity,
      subjectPublicKeyInfo: signer.subjectPublicKeyInfo, extensions: [],
    }, signer)
    const digits = Buffer.from(bytes).toString('hex').replace(/^(00)+(?=..)/, '')
    return parseCertificate(der).serialNumber === digits
  }), { numRuns: 50 })
  t.pass()
})

/** A certificate put together by hand, so that each part can be wrong. */
function handmade(parts: { serial?: Buffer, inner?: Buffer, version?: Buffer, extensions?: Buffer[], trailer?: Buffer }): Buffer {
  const { subjectPublicKeyInfo } = newSigner()
  const algorithm = algorithmIdentifier('ecdsa-with-SHA256')
  const validity = sequence(time(testValidity.notBefore), time(testValidity.notAfter))
  const tbs = sequence(
    parts.version ?? explicit(0, integer(2)), parts.serial ?? integer(5), parts.inner ?? algorithm, commonName('x'), validity,
    commonName('x'), subjectPublicKeyInfo, ...parts.extensions ? [explicit(3, sequence(...parts.extensions))] : [],
    parts.trailer ?? Buffer.alloc(0),
  )
  return sequence(tbs, algorithm, bitString(Buffer.alloc(64)))
}

test('a certificate that two readers could understand differently is refused', t => {
  const ca = serializeExtension(basicConstraints(true))
  const cases = {
    'same extension twice': handmade({ extensions: [ca, serializeExtension(basicConstraints(false))] }),
    'negative serial number': handmade({ serial: Buffer.from([2, 1, 0x80]) }),
    'serial number of 33 octets': handmade({ serial: integer(Buffer.alloc(33, 0x41)) }),
    'padded serial number': handmade({ serial: Buffer.from([2, 2, 0, 1]) }),
    'two signature algorithms': handmade({ inner: algorithmIdentifier('ecdsa-with-SHA384') }),
    'version 4': handmade({ version: explicit(0, integer(3)) }),
    'extensions in version 1': handmade({ version: Buffer.alloc(0), extensions: [ca] }),
    'a field too many': handmade({ trailer: integer(1) }),
    'bytes after the end': Buffer.concat([handmade({}), Buffer.alloc(1)]),
    'an extension with a field too many': handmade({ extensions: [sequence(oid(oids.keyUsage), boolean(true), octetString(Buffer.alloc(0)), integer(1))] }),
    'more than 64 KiB': handmade({ extensions: [sequence(oid('1.2.3'), octetString(Buffer.alloc(70_000)))] }),
  }
  t.notThrows(() => parseCertificate(handmade({ extensions: [ca] })))
  for (const [what, der] of Object.entries(cases)) t.throws(() => parseCertificate(der), { code: 'malformed-certificate' }, what)
})

test('a public key is looked at only when asked for, and only RSA and three curves are read', async t => {
  const signer = newSigner()
  const withKey = async (subjectPublicKeyInfo: Buffer) => parseCertificate(await signCertificate({
    serialNumber: '05', issuer: commonName('x'), subject: commonName('x'), ...testValidity, subjectPublicKeyInfo, extensions: [],
  }, signer))
  const ec = (curve: string) => sequence(sequence(oid(oids.ecPublicKey), oid(curve)), bitString(Buffer.alloc(65, 4)))
  const rsa = (modulus: Buffer, exponent: Buffer) =>
    sequence(sequence(oid(oids.rsaEncryption), Buffer.from([5, 0])), bitString(sequence(integer(modulus), integer(exponent))))

  for (const [what, spki] of Object.entries({
    'a point off the curve': ec(oids.secp256r1),
    secp256k1: ec('1.3.132.0.10'),
    'explicit curve parameters': sequence(sequence(oid(oids.ecPublicKey), sequence(integer(1))), bitString(Buffer.alloc(65, 4))),
    Ed25519: sequence(sequence(oid('1.3.101.112')), bitString(Buffer.alloc(32, 9))),
    'RSA with exponent 1': rsa(Buffer.alloc(256, 0xff), Buffer.from([1])),
    'RSA with an even exponent': rsa(Buffer.alloc(256, 0xff), Buffer.from([4])),
    'RSA with a huge exponent': rsa(Buffer.alloc(256, 0xff), Buffer.alloc(200, 0xff)),
    'RSA of 16384 bits': rsa(Buffer.alloc(2048, 0xff), Buffer.from([1, 0, 1])),
  })) {
    const certificate = await withKey(spki)
    t.throws(() => certificate.publicKey, { code: 'unsupported-algorithm' }, what)
  }
  const empty = await withKey(sequence())
  t.throws(() => empty.publicKey, { code: 'malformed-certificate' })
})

test('hostile bytes are read or refused, never anything else', async t => {
  const { certificate } = await newAuthority('Root')
  feedHostileBytes(t, certificate, bytes => {
    const parsed = parseCertificate(bytes)
    formatName(parsed.subject)
    readKeyUsage(parsed)
    readBasicConstraints(parsed)
    return isIssuedBy(parsed, parsed.publicKey)
  })
})

test('a certificate full of tiny elements costs no more than its size', t => {
  const many = (element: Buffer) => Buffer.concat(Array.from({ length: Math.floor(60_000 / element.length) }, () => element))
  const name = sequence(many(setOf(sequence(oid('2.5.4.3'), utf8String('')))))
  const der = sequence(sequence(integer(1), algorithmIdentifier('ecdsa-with-SHA256'), name), algorithmIdentifier('ecdsa-with-SHA256'), bitString(Buffer.alloc(8)))
  const nested = Array.from({ length: 5000 }).reduce<Buffer>(inner => tlv(0x30, inner), Buffer.alloc(0))
  for (const bytes of [der, nested]) {
    t.true(medianMilliseconds(() => { t.throws(() => parseCertificate(bytes), { code: 'malformed-certificate' }) }) < 50)
  }
})
