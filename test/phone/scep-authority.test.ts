/** GetCACaps and GetCACert as Apple's client takes them. */
import { createHash } from 'node:crypto'
import test from 'ava'
import { certsOnly } from '../../src/formats/cms-sign.ts'
import { basicConstraints, keyUsage } from '../../src/formats/extensions.ts'
import type { KeyUsage } from '../../src/formats/extensions.ts'
import { signCertificate } from '../../src/formats/x509.ts'
import { parseCaCertificates, parseCapabilities } from '../../src/phone/scep-authority.ts'
import { refusalOf } from '../support/refusals.ts'
import { issueTestCertificate, newAuthority, newSigner, testValidity } from '../support/signers.ts'

const root = await newAuthority('root')
const issuing = await newAuthority('issuing', root)
const foreign = await newAuthority('foreign')
const rsa = newSigner('rsa2048')
const withUsage = (serialNumber: string, ...usage: [KeyUsage, ...KeyUsage[]]) => issueTestCertificate(issuing, serialNumber, rsa, [keyUsage(...usage)])
const both = await withUsage('4101', 'digitalSignature', 'keyEncipherment')
const signing = await withUsage('4102', 'digitalSignature')
const encrypting = await withUsage('4103', 'keyEncipherment')
const raType = 'application/x-x509-ca-ra-cert'
const sha256 = (der: Buffer) => createHash('sha256').update(der).digest()

const select = (certificates: Buffer[], fingerprint?: Buffer) => parseCaCertificates(raType, certsOnly(certificates), fingerprint)

test('the strongest digest offered is used, AES before triple DES, and POST only when it is offered', t => {
  t.deepEqual(parseCapabilities('AES\nSHA-256\nSHA-512\nPOSTPKIOperation\n'), { cipher: 'aes-128-cbc', digest: 'sha512', post: true })
  t.deepEqual(parseCapabilities('SHA-256'), { cipher: 'des-ede3-cbc', digest: 'sha256', post: false })
  t.deepEqual(parseCapabilities('SHA-1\nDES3'), { cipher: 'des-ede3-cbc', digest: 'sha1', post: false })
})

test('a carriage return belongs to the word before it, and SCEPStandard promises nothing', t => {
  t.deepEqual(parseCapabilities('AES\r\nSHA-256\r\nPOSTPKIOperation\r\nSHA-1'), { cipher: 'des-ede3-cbc', digest: 'sha1', post: false })
  t.is(refusalOf(() => parseCapabilities('SCEPStandard\nAES')), 'unsupported-algorithm')
  t.is(refusalOf(() => parseCapabilities('')), 'unsupported-algorithm')
})

test('the certificate that signs and encrypts is the registration authority, wherever it stands', t => {
  for (const certificates of [[both, issuing.certificate, root.certificate], [root.certificate, issuing.certificate, both]]) {
    const { recipient, replySigner } = select(certificates, sha256(issuing.certificate))
    t.deepEqual([recipient.raw, replySigner.raw], [both, both])
  }
})

test('a pair of certificates is preferred to one that does both', t => {
  const { recipient, replySigner } = select([both, signing, encrypting, issuing.certificate])
  t.deepEqual([recipient.raw, replySigner.raw], [encrypting, signing])
  t.deepEqual(select([both, signing, issuing.certificate]).recipient.raw, both)
})

test('an issuing CA that may sign is mistaken for the signer of replies', async t => {
  const careless = await signCertificate({
    serialNumber: '4104', issuer: root.name, subject: issuing.name, ...testValidity, subjectPublicKeyInfo: issuing.signer.subjectPublicKeyInfo,
    extensions: [basicConstraints(true), keyUsage('digitalSignature', 'keyCertSign')],
  }, root.signer)
  t.deepEqual(select([encrypting, careless, root.certificate]).replySigner.raw, careless)
})

test('a chain alone, without a registration authority, ends the attempt', t => {
  t.is(refusalOf(() => select([issuing.certificate, root.certificate])), 'malformed-scep-message')
  t.is(refusalOf(() => select([signing, issuing.certificate])), 'malformed-scep-message')
})

test('the fingerprint names the one anchor, by the digest that has its length', t => {
  for (const [digest, anchor] of [['md5', root], ['sha1', issuing], ['sha256', root], ['sha384', issuing], ['sha512', root]] as const) {
    const fingerprint = createHash(digest).update(anchor.certificate).digest()
    t.deepEqual(select([both, issuing.certificate, root.certificate], fingerprint).recipient.raw, both, digest)
  }
  t.is(refusalOf(() => select([both, issuing.certificate], sha256(foreign.certificate))), 'malformed-scep-message', 'not among them')
  t.is(refusalOf(() => select([both, issuing.certificate, foreign.certificate], sha256(foreign.certificate))), 'malformed-scep-message', 'leads elsewhere')
  t.is(refusalOf(() => select([both, issuing.certificate], Buffer.alloc(33))), 'unsupported-algorithm')
})

test('one certificate is CA, recipient and signer at once, and so must be RSA', async t => {
  const { certificate } = await newAuthority('rsa', undefined, 'rsa2048')
  t.deepEqual(parseCaCertificates('application/x-x509-ca-cert', certificate, sha256(certificate)).replySigner.raw, certificate)
  t.is(refusalOf(() => parseCaCertificates('application/x-x509-ca-cert', root.certificate, undefined)), 'unsupported-algorithm')
  t.is(refusalOf(() => parseCaCertificates('application/x-x509-ca-cert', certificate, sha256(root.certificate))), 'malformed-scep-message')
  t.is(refusalOf(() => parseCaCertificates('text/html', certificate, undefined)), 'unsupported-media-type')
})

test('a recipient with an EC key is refused', async t => {
  const ec = await issueTestCertificate(issuing, '4105', newSigner('P-256'), [keyUsage('digitalSignature', 'keyEncipherment')])
  t.is(refusalOf(() => select([ec, issuing.certificate])), 'unsupported-algorithm')
})
