/**
 * Every kind of message a phone sends, made by us and by programs that are not ours: each side reads the other's,
 * and the product's own readers cannot tell them apart.
 */
import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { parseCertificationRequest } from '../../src/formats/certification-request.ts'
import { parseSignedData, signerOf, verifyContent } from '../../src/formats/cms.ts'
import { openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import { keyUsage } from '../../src/formats/extensions.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { parsePlist, serializePlist } from '../../src/formats/plist.ts'
import { parseIssuerAndSubject, parsePkiMessage } from '../../src/formats/scep-message.ts'
import { fingerprint, parseCertificate } from '../../src/formats/x509.ts'
import { issueDeviceIdentity } from '../../src/phone/device-identity.ts'
import type { PhoneIdentity } from '../../src/phone/device-identity.ts'
import { keyToPem } from '../../src/phone/keys.ts'
import { readDeviceCa } from '../../src/phone/make-ca.ts'
import { attributesFor, signAttributes } from '../../src/phone/ota.ts'
import { getCertInitial, pkcsReq } from '../../src/phone/scep.ts'
import type { ScepTransaction } from '../../src/phone/scep.ts'
import { decryptWith } from '../support/decrypt.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { issueTestCertificate, newAuthority, newSigner } from '../support/signers.ts'
import { keptDeviceCa, phoneKeys as keys } from '../support/kept.ts'

const now = new Date('2026-03-01T09:00:00Z')
const attributes = attributesFor(
  { product: 'iPhone14,5', build: '20A362', serial: 'F2LXQ0AAAA', udid: '00008110-0011223344556677' }, ['UDID', 'SERIAL', 'PRODUCT', 'VERSION'],
)
const challenge = 'CzLyrYkpHzVq'
const inFirst = { CHALLENGE: challenge, ...attributes }

async function fromTheFactory(t: ExecutionContext): Promise<PhoneIdentity> {
  return issueDeviceIdentity(await readDeviceCa(await keptDeviceCa(t)), now, keys.device)
}

/** What the first message is answered with leads to such an identity. */
async function bootstrapIdentity(): Promise<PhoneIdentity> {
  const authority = await newAuthority('enrollment')
  const publicKey = createPublicKey(keys.bootstrap)
  const subject = { ...authority.signer, publicKey, subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }) }
  const certificate = await issueTestCertificate(authority, '4b01', subject, [keyUsage('digitalSignature', 'keyEncipherment')])
  return { certificate: parseCertificate(certificate), privateKey: keys.bootstrap, chain: [] }
}

const pem = (...ders: Buffer[]) => ders.map(der => toPem('CERTIFICATE', der)).join('')

/** Streamed as phones do: indefinite lengths, the content in chunks. */
async function signWithOpenssl(t: ExecutionContext, openssl: string, content: Buffer, identity: PhoneIdentity, digest: string): Promise<Buffer> {
  const file = scratchFolder(t)
  const { status, stdout, text } = await run(openssl, [
    'cms', '-sign', '-nodetach', '-binary', '-stream', '-nosmimecap', '-outform', 'DER', '-md', digest, '-in', file('content', content),
    '-signer', file('signer.pem', pem(identity.certificate.raw)), '-inkey', file('key.pem', keyToPem(identity.privateKey)),
    ...identity.chain.length === 0 ? [] : ['-certfile', file('chain.pem', pem(...identity.chain))],
  ])
  t.is(status, 0, text)
  return stdout
}

type Scep = { transactionID: string, messageType: string, senderNonce: string }

async function signWithAsn1crypto(t: ExecutionContext, python: string, content: Buffer, identity: { certificates: Buffer[], privateKey: KeyObject }, digest: string, scep?: Scep): Promise<Buffer> {
  const file = scratchFolder(t)
  const { status, stdout, text } = await run(python, [fileURLToPath(new URL('../support/phone-messages.py', import.meta.url))], JSON.stringify({
    content: content.toString('base64'), certificates: identity.certificates.map(der => der.toString('base64')), digest,
    key: file('key.pem', keyToPem(identity.privateKey)), signingTime: now.getTime() / 1000, scep,
  }))
  t.is(status, 0, text)
  return stdout
}

/** All that the server learns from a signed message. */
function read(bytes: Buffer): unknown {
  const message = parseSignedData(bytes)
  const { certificate, signerInfo } = signerOf(message)
  return {
    plist: { ...parsePlist(verifyContent(message)) as object }, signer: certificate.raw, digest: signerInfo.digestAlgorithm,
    attributes: signerInfo.signedAttributes?.map(({ type }) => type).sort(),
    certificates: message.certificates.map(fingerprint).sort(),
  }
}

test('the first message is a phone’s: indefinite lengths, SHA-1, three signed attributes, four certificates', async t => {
  const identity = await fromTheFactory(t)
  const bytes = await signAttributes({ attributes, challenge, identity, now })
  t.deepEqual(bytes.subarray(0, 2), Buffer.from([0x30, 0x80]))
  const message = parseSignedData(bytes)
  const { signerInfo } = signerOf(message)
  t.is(signerInfo.digestAlgorithm, oids.sha1)
  t.deepEqual(signerInfo.signedAttributes?.map(({ type }) => type).sort(), [oids.contentType, oids.messageDigest, oids.signingTime])
  t.is(message.certificates.length, 4)
  t.deepEqual(Object.keys(parsePlist(verifyContent(message))), ['CHALLENGE', 'PRODUCT', 'SERIAL', 'UDID', 'VERSION'])
})

test('the first message of openssl, and of asn1crypto, reads like ours', async t => {
  const identity = await fromTheFactory(t)
  const ours = read(await signAttributes({ attributes, challenge, identity, now }))
  const content = serializePlist(inFirst)
  const openssl = peer(t, 'openssl')
  if (openssl !== undefined) t.deepEqual(read(await signWithOpenssl(t, openssl, content, identity, 'sha1')), ours)
  const python = peer(t, 'python3:asn1crypto')
  if (python !== undefined) {
    const certificates = [identity.certificate.raw, ...identity.chain]
    t.deepEqual(read(await signWithAsn1crypto(t, python, content, { ...identity, certificates }, 'sha1')), ours)
  }
})

test('the second message of openssl, and of asn1crypto, reads like ours, with SHA-1 and with SHA-256', async t => {
  const identity = await bootstrapIdentity()
  const content = serializePlist(attributes)
  for (const digest of ['sha1', 'sha256'] as const) {
    const ours = read(await signAttributes({ attributes, identity, now, digest }))
    const openssl = peer(t, 'openssl')
    if (openssl !== undefined) t.deepEqual(read(await signWithOpenssl(t, openssl, content, identity, digest)), ours)
    const python = peer(t, 'python3:asn1crypto')
    if (python !== undefined) {
      t.deepEqual(read(await signWithAsn1crypto(t, python, content, { ...identity, certificates: [identity.certificate.raw] }, digest)), ours)
    }
  }
})

test('openssl verifies both messages of ours, the first up to the test root', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const file = scratchFolder(t)
  const factory = await fromTheFactory(t)
  const bootstrap = await bootstrapIdentity()
  for (const [identity, sent, options] of [
    [factory, inFirst, ['-CAfile', file('root.pem', pem(factory.chain.at(-1)!)), '-purpose', 'any', '-no_check_time']],
    [bootstrap, attributes, ['-noverify']],
  ] as const) {
    for (const encoding of ['ber', 'der'] as const) {
      const message = await signAttributes({ attributes: sent, identity, now, encoding })
      const { status, text } = await run(openssl, ['cms', '-verify', '-binary', '-inform', 'DER', '-in', file('message', message), '-out', file('content'), ...options])
      t.is(status, 0, text)
      t.deepEqual({ ...parsePlist(await readFile(file('content'))) as object }, { ...sent })
    }
  }
})

test('openssl reads our device identity as one of Apple’s', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const { certificate } = await fromTheFactory(t)
  const { stdout } = await run(openssl, ['x509', '-inform', 'DER', '-noout', '-text'], certificate.raw)
  const text = stdout.toString()
  for (const line of [
    /Signature Algorithm: sha1WithRSAEncryption/, /Public-Key: \(1024 bit\)/, /Subject: CN = [0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\n/,
    /Issuer: .*CN = TEST Apple iPhone Device CA\n/, /Basic Constraints: critical\s+CA:FALSE/,
    /Key Usage: critical\s+Digital Signature, Key Encipherment\n/,
    /Extended Key Usage: critical\s+TLS Web Server Authentication, TLS Web Client Authentication\n/,
    /Authority Key Identifier/, /1\.2\.840\.113635\.100\.6\.10\.4/,
  ]) t.regex(text, line)
})

/** A conversation whose server is at hand, so that its messages can be opened. */
async function transaction(cipher: 'aes-128-cbc' | 'des-ede3-cbc' = 'aes-128-cbc'): Promise<{ transaction: ScepTransaction, authorityKey: KeyObject }> {
  const issuing = await newAuthority('issuing')
  const signer = newSigner('rsa2048')
  const registration = parseCertificate(await issueTestCertificate(issuing, '4a01', signer, [keyUsage('digitalSignature', 'keyEncipherment')]))
  return {
    authorityKey: signer.privateKey,
    transaction: {
      payload: {
        url: 'http://localhost/scep', caName: '', challenge, subject: [{ type: oids.commonName, value: 'phone' }], keySizeBits: 2048,
        extensions: [keyUsage('digitalSignature', 'keyEncipherment')], caFingerprint: undefined, retries: 3, retryDelaySeconds: 10,
      },
      privateKey: keys.identity, signer: await bootstrapIdentity(), transactionID: 'AB12',
      authority: { recipient: registration, replySigner: registration, issuer: registration },
      capabilities: { cipher, digest: 'sha256', post: true },
    },
  }
}

for (const cipher of ['aes-128-cbc', 'des-ede3-cbc'] as const) {
  test(`openssl verifies and decrypts our pkiMessage with ${cipher}, and the request inside it`, async t => {
    const openssl = peer(t, 'openssl')
    if (openssl === undefined) return
    const file = scratchFolder(t)
    const { transaction: scep, authorityKey } = await transaction(cipher)
    const verified = await run(openssl, ['cms', '-verify', '-noverify', '-binary', '-inform', 'DER', '-in', file('message', await pkcsReq(scep)), '-out', file('envelope')])
    t.is(verified.status, 0, verified.text)
    const decrypted = await run(openssl, ['cms', '-decrypt', '-binary', '-inform', 'DER', '-in', file('envelope'), '-inkey', file('key.pem', keyToPem(authorityKey)), '-out', file('request')])
    t.is(decrypted.status, 0, decrypted.text)
    const request = await run(openssl, ['req', '-inform', 'DER', '-in', file('request'), '-noout', '-verify', '-text', '-subject'])
    t.is(request.status, 0, request.text)
    t.regex(request.text, /challengePassword\s*:\s*CzLyrYkpHzVq/)
    t.regex(request.text, /Signature Algorithm: sha256WithRSAEncryption/)
    const shape = await run(openssl, ['cms', '-cmsout', '-print', '-noout', '-inform', 'DER', '-in', file('envelope')])
    t.regex(shape.text, cipher === 'aes-128-cbc' ? /aes-128-cbc/ : /des-ede3-cbc/)
  })
}

test('a pkiMessage put together by openssl and asn1crypto reads like ours', async t => {
  const [openssl, python] = [peer(t, 'openssl'), peer(t, 'python3:asn1crypto')]
  if (openssl === undefined || python === undefined) return
  const file = scratchFolder(t)
  const { transaction: scep, authorityKey } = await transaction()
  const request = await run(openssl, [
    'req', '-new', '-sha256', '-utf8', '-outform', 'DER', '-key', file('identity.pem', keyToPem(keys.identity)), '-config', file('req.cnf', [
      '[req]', 'prompt=no', 'string_mask=utf8only', 'distinguished_name=dn', 'attributes=attributes', 'req_extensions=ext',
      '[dn]', 'CN=phone', '[attributes]', `challengePassword=${challenge}`, '[ext]', 'keyUsage=critical,digitalSignature,keyEncipherment', '',
    ].join('\n')),
  ])
  t.is(request.status, 0, request.text)
  const envelope = await run(openssl, [
    'cms', '-encrypt', '-stream', '-binary', '-aes128', '-outform', 'DER', '-in', file('request', request.stdout),
    '-recip', file('ra.pem', pem(scep.authority.recipient.raw)),
  ])
  t.is(envelope.status, 0, envelope.text)
  const { certificate, privateKey } = scep.signer
  const theirs = await signWithAsn1crypto(t, python, envelope.stdout, { certificates: [certificate.raw], privateKey }, 'sha256', {
    transactionID: 'AB12', messageType: '19', senderNonce: Buffer.alloc(16, 7).toString('base64'),
  })

  const readBoth = async (bytes: Buffer) => {
    const message = parsePkiMessage(bytes)
    const inside = await openEnvelope(parseEnvelopedData(message.envelope!), scep.authority.recipient, decryptWith(authorityKey))
    const { subject, challengePassword, extensions, subjectPublicKeyInfo, signatureAlgorithm } = parseCertificationRequest(inside)
    const { messageType, transactionID, signerCertificate, digestAlgorithm, senderNonce } = message
    return {
      messageType, transactionID, digestAlgorithm, signer: signerCertificate.raw, nonceBytes: senderNonce.length,
      subject: subject.raw, challengePassword, extensions, subjectPublicKeyInfo, signatureAlgorithm,
    }
  }
  t.deepEqual(await readBoth(theirs), await readBoth(await pkcsReq(scep)))
})

test('GetCertInitial names the registration authority as issuer, and asks for the same subject', async t => {
  const { transaction: scep, authorityKey } = await transaction()
  const message = parsePkiMessage(await getCertInitial(scep))
  t.like(message, { messageType: '20', transactionID: 'AB12' })
  const content = await openEnvelope(parseEnvelopedData(message.envelope!), scep.authority.recipient, decryptWith(authorityKey))
  const { issuer, subject } = parseIssuerAndSubject(content)
  t.deepEqual(issuer.raw, scep.authority.recipient.subject.raw)
  t.is(subject.attributes[0]?.value, 'phone')
})
