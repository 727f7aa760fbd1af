import { readFileSync } from 'node:fs'
import { X509Certificate } from 'node:crypto'
import test from 'ava'
import type { ErrorCode } from '../../src/errors.ts'
import { certsOnly, signData } from '../../src/formats/cms-sign.ts'
import { parseSignedData, signerOf, verifyContent } from '../../src/formats/cms.ts'
import { implicit, octetString, oid, parseDer, setOf, time } from '../../src/formats/der.ts'
import { readSubjectKeyIdentifier } from '../../src/formats/extension-readers.ts'
import { oids } from '../../src/formats/oids.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { refusalOf } from '../support/refusals.ts'
import { attribute, contentType, messageDigest, newIdentity, signedData, signerInfo, withContent } from '../support/signed-data.ts'
import type { SignerInfoParts } from '../support/signed-data.ts'
import type { KeyKind } from '../support/signers.ts'

const fixture = (name: string): Buffer => readFileSync(new URL(`../data/fixtures/${name}`, import.meta.url))
const content = Buffer.from('<plist><dict><key>PRODUCT</key><string>iPhone1,1</string></dict></plist>')
const phone = await newIdentity('phone')
const other = await newIdentity('other')

const read = (der: Buffer): Buffer => verifyContent(parseSignedData(der))
const refused = (der: Buffer) => refusalOf(() => read(der))

/** A message by the phone over `content`, with what is given made wrong. */
async function message(parts: Partial<SignerInfoParts>, extras: { content?: Buffer, contentType?: string } = {}): Promise<Buffer> {
  const info = await signerInfo({ identity: phone, content, ...parts })
  return signedData({ content, certificates: [phone.certificate], signerInfos: [info], ...extras })
}

test('a body that a real device sent is read and verified, and its content comes out byte for byte', t => {
  const parsed = parseSignedData(fixture('ota-phase2-first-post.p7.ber'))
  const { certificate, signerInfo: info } = signerOf(parsed)
  t.deepEqual(verifyContent(parsed), fixture('ota-phase2-first-post.plist'))
  t.is(info.signedAttributes, undefined)
  t.is(info.digestAlgorithm, oids.sha1)
  t.is(certificate.publicKey.asymmetricKeyDetails?.modulusLength, 1024)
  t.is(parsed.certificates.length, 4)
  t.deepEqual(parsed.certificates.map(der => new X509Certificate(der).subject.split('\n').at(-1)).slice(1), [
    'CN=Apple iPhone Device CA', 'CN=Apple iPhone Certification Authority', 'CN=Apple Root CA',
  ])
})

for (const encoding of ['der', 'ber'] as const) {
  for (const [digest, algorithm] of [['sha1', 'sha1WithRSAEncryption'], ['sha256', 'sha256WithRSAEncryption'], ['sha384', 'sha384WithRSAEncryption'], ['sha512', 'sha512WithRSAEncryption']] as const) {
    test(`what is signed in ${encoding} with ${digest} verifies, with and without attributes, named plainly or not`, async t => {
      const { signer, certificate, authority } = await newIdentity(`${encoding} ${digest}`, 'rsa1024', algorithm)
      const long = Buffer.concat([content, Buffer.alloc(5000, 'x')])
      for (const withoutSignedAttributes of [false, true]) {
        for (const plainRsaOid of [false, true]) {
          const signed = await signData({
            content: long, signer, certificate, extraCertificates: [authority.certificate], digest, encoding, withoutSignedAttributes, plainRsaOid,
            signingTime: new Date('2026-03-01T09:00:00Z'),
          })
          const parsed = parseSignedData(signed)
          t.deepEqual(verifyContent(parsed), long)
          t.deepEqual(signerOf(parsed).certificate.raw, certificate)
          t.deepEqual(parsed.certificates, [certificate, authority.certificate])
        }
      }
    })
  }
}

test('certificates alone make a message without a signer, in the order given', async t => {
  const list = [other.certificate, phone.certificate, other.authority.certificate]
  const parsed = parseSignedData(certsOnly(list))
  t.deepEqual(parsed.certificates, list)
  t.is(parsed.content, undefined)
  t.is(refusalOf(() => signerOf(parsed)), 'cms-signer-count')
})

test('the signer may be named by its key identifier', async t => {
  const identifier = readSubjectKeyIdentifier(parseCertificate(phone.certificate))!
  const attributes = [contentType(), messageDigest(content)]
  t.deepEqual(read(await message({ sid: implicit(0, identifier), attributes })), content)
  t.is(refused(await message({ sid: implicit(0, Buffer.alloc(20)), attributes })), 'cms-signer-certificate-missing')
})

test('ECDSA is refused unless the caller asks for it', async t => {
  const { signer, certificate } = await newIdentity('curve', 'P-256')
  const signed = await signData({ content, signer, certificate, extraCertificates: [], digest: 'sha256' })
  t.is(refused(signed), 'unsupported-algorithm')
  t.deepEqual(verifyContent(parseSignedData(signed), { allowEcdsa: true }), content)
})

test('a digest that the caller does not name is refused', async t => {
  const { signer, certificate } = await newIdentity('old', 'rsa1024', 'sha1WithRSAEncryption')
  const signed = await signData({ content, signer, certificate })
  t.is(refusalOf(() => verifyContent(parseSignedData(signed), { digests: ['sha256'] })), 'unsupported-algorithm')
})

// ── the hostile corpus ─────────────────────────────────────────────────────

test('content swapped under a valid signature is refused, with attributes and without', async t => {
  const swapped = Buffer.from(content.toString().replace('iPhone1,1', 'iPhone17,1'))
  const { signer, certificate } = phone
  const withAttributes = await signData({ content, signer, certificate })
  const without = await signData({ content, signer, certificate, withoutSignedAttributes: true })
  t.deepEqual(read(withContent(withAttributes, content)), content)
  t.deepEqual(read(withContent(without, content)), content)
  t.is(refused(withContent(withAttributes, swapped)), 'cms-digest-mismatch')
  t.is(refused(withContent(without, swapped)), 'signature-invalid')
  t.is(refused(withContent(withAttributes, Buffer.alloc(0))), 'cms-digest-mismatch')
})

test('attributes must name the content type and carry its digest, once each', async t => {
  const good = [contentType(), messageDigest(content)]
  t.deepEqual(read(await message({ attributes: [...good] })), content)
  const digestValue = parseDer(messageDigest(content)).raw
  const wrong: [Buffer[], ErrorCode][] = [
    [[contentType(), messageDigest(Buffer.from('other'))], 'cms-digest-mismatch'],
    [[contentType(), messageDigest(content, 'sha1')], 'cms-digest-mismatch'],
    [[contentType(), attribute(oids.messageDigest, octetString(Buffer.alloc(0)))], 'cms-digest-mismatch'],
    [[contentType()], 'cms-signed-attributes-invalid'],
    [[messageDigest(content)], 'cms-signed-attributes-invalid'],
    [[], 'cms-signed-attributes-invalid'],
    [[contentType(oids.signedData), messageDigest(content)], 'cms-signed-attributes-invalid'],
    [[...good, messageDigest(Buffer.from('other'))], 'cms-signed-attributes-invalid'],
    [[...good, digestValue], 'cms-signed-attributes-invalid'],
    [[...good, contentType()], 'cms-signed-attributes-invalid'],
    [[...good, attribute(oids.scepMessageType), attribute(oids.scepMessageType)], 'cms-signed-attributes-invalid'],
    [[contentType(), attribute(oids.messageDigest)], 'cms-signed-attributes-invalid'],
    [[contentType(), attribute(oids.messageDigest, octetString(Buffer.alloc(32)), octetString(Buffer.alloc(32, 1)))], 'cms-signed-attributes-invalid'],
    [[contentType(), attribute(oids.messageDigest, oid(oids.data))], 'cms-signed-attributes-invalid'],
    [[attribute(oids.contentType, octetString(Buffer.alloc(3))), messageDigest(content)], 'cms-signed-attributes-invalid'],
  ]
  for (const [attributes, code] of wrong) t.is(refused(await message({ attributes })), code)
})

test('attributes count in DER order, in whatever order they were sent', async t => {
  const attributes = [contentType(), messageDigest(content), attribute(oids.signingTime, time(new Date('2026-03-01T09:00:00Z')))]
  const sorted = await message({ attributes: [...attributes] })
  const [first, second, third] = attributes.sort(Buffer.compare) as [Buffer, Buffer, Buffer]
  const at = sorted.indexOf(first)
  const unsorted = Buffer.concat([sorted.subarray(0, at), third, second, first, sorted.subarray(at + first.length + second.length + third.length)])
  t.notDeepEqual(unsorted, sorted)
  t.deepEqual(read(unsorted), content)
})

test('a good digest beside a signature that is not over the attributes is refused', async t => {
  const attributes = [contentType(), messageDigest(content)]
  t.is(refused(await message({ attributes, signature: Buffer.alloc(256, 1) })), 'signature-invalid')
  t.is(refused(await message({ attributes, signature: await phone.signer.sign(content) })), 'signature-invalid')
  t.is(refused(await message({ attributes, signature: await other.signer.sign(setOf(...attributes)) })), 'signature-invalid')
  t.is(refused(await message({ attributes, signature: Buffer.alloc(0) })), 'signature-invalid')
})

test('the attributes of one message are not the content of another', async t => {
  const attributes = [contentType(), messageDigest(content)]
  const asContent = setOf(...attributes)
  const cut = await message({ content: asContent }, { content: asContent })
  t.is(refused(cut), 'cms-signed-attributes-invalid')
})

test('no signer, and more than one, are refused', async t => {
  const infos = [
    await signerInfo({ identity: phone, attributes: [contentType(), messageDigest(content)] }),
    await signerInfo({ identity: other, attributes: [contentType(), messageDigest(content)] }),
  ]
  const certificates = [phone.certificate, other.certificate]
  t.is(refused(signedData({ content, certificates, signerInfos: [] })), 'cms-signer-count')
  t.is(refused(signedData({ content, certificates, signerInfos: infos })), 'cms-signer-count')
  t.is(refused(signedData({ content, certificates, signerInfos: [infos[0]!, infos[0]!] })), 'cms-signer-count')
})

test('the certificate of the signer must be there, and be the only one of its name', async t => {
  const info = await signerInfo({ identity: phone, attributes: [contentType(), messageDigest(content)] })
  const build = (...certificates: Buffer[]): Buffer => signedData({ content, certificates, signerInfos: [info] })
  t.deepEqual(read(build(other.certificate, phone.certificate, phone.certificate)), content)
  t.is(refused(build()), 'cms-signer-certificate-missing')
  t.is(refused(build(other.certificate)), 'cms-signer-certificate-missing')
  const twin = Buffer.from(phone.certificate)
  twin[twin.length - 1]! ^= 1
  t.is(refused(build(phone.certificate, twin)), 'malformed-cms')
  t.is(refused(build(twin, phone.certificate)), 'malformed-cms')
  t.is(refused(build(...Array<Buffer>(33).fill(phone.certificate))), 'malformed-cms')
})

test('algorithms that do not fit one another, or are too old, are refused', async t => {
  const attributes = [contentType(), messageDigest(content)]
  t.is(refused(await message({ attributes, digestOid: oids.md5 })), 'unsupported-algorithm')
  t.is(refused(await message({ attributes, signatureOid: oids.sha512WithRSAEncryption })), 'unsupported-algorithm')
  t.is(refused(await message({ attributes, signatureOid: oids['ecdsa-with-SHA256'] })), 'malformed-cms')
  t.is(refused(await message({ attributes, signatureOid: '1.2.840.113549.1.1.10' })), 'unsupported-algorithm')
})

test('an RSA key of less than 1024 bits is refused', async t => {
  const { signer, certificate } = await newIdentity('weak', 'rsa768' as KeyKind)
  t.is(refused(await signData({ content, signer, certificate })), 'weak-key')
})

test('content must be there, and be plain data', async t => {
  const attributes = [contentType(), messageDigest(content)]
  const info = await signerInfo({ identity: phone, attributes })
  t.is(refused(signedData({ certificates: [phone.certificate], signerInfos: [info] })), 'cms-content-missing')
  t.is(refused(await message({ attributes: [contentType(oids.envelopedData), messageDigest(content)] }, { contentType: oids.envelopedData })), 'malformed-cms')
})

test('another content type than SignedData is refused', t => {
  const der = certsOnly([phone.certificate])
  const enveloped = Buffer.from(der)
  oid(oids.envelopedData).copy(enveloped, der.indexOf(oid(oids.signedData)))
  t.is(refused(enveloped), 'malformed-cms')
  t.is(refused(Buffer.from('hello')), 'malformed-cms')
  t.is(refused(implicit(0, Buffer.alloc(3))), 'malformed-cms')
})
