/** openssl and python3-asn1crypto make what we read, and read what we make. */
import test from 'ava'
import { certsOnly, signData } from '../../src/formats/cms-sign.ts'
import { parseSignedData, signerOf, verifyContent } from '../../src/formats/cms.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import { toPem } from '../../src/formats/pem.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { decryptWith } from '../support/decrypt.ts'
import { refusalOf, refusalOfAsync } from '../support/refusals.ts'
import { newIdentity } from '../support/signed-data.ts'
import type { Identity } from '../support/signed-data.ts'

const phone = await newIdentity('phone')
const other = await newIdentity('other')
const content = Buffer.concat([Buffer.from('<plist version="1.0"><dict/></plist>\r\n'), Buffer.alloc(20_000, '\u0000\r\n')])

type Scratch = ReturnType<typeof scratchFolder>

const certificateFile = (file: Scratch, { certificate }: Identity, name = 'certificate.pem'): string => file(name, toPem('CERTIFICATE', certificate))
const keyFile = (file: Scratch, { signer }: Identity, name = 'key.pem'): string =>
  file(name, signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)

const signForms: [string, string[]][] = [
  ['with attributes', []], ['without attributes', ['-noattr']], ['streamed in BER', ['-stream']], ['streamed without attributes', ['-stream', '-noattr']],
  ['named by key identifier', ['-keyid']], ['over SHA-1', ['-md', 'sha1']], ['over SHA-384', ['-md', 'sha384']], ['over SHA-512 in BER', ['-md', 'sha512', '-stream']],
]

for (const [form, options] of signForms) {
  test(`what openssl signs ${form} is accepted`, async t => {
    if (!peer(t, 'openssl')) return
    const file = scratchFolder(t)
    const { status, stdout, text } = await run('openssl', [
      'cms', '-sign', '-nodetach', '-binary', '-outform', 'DER', '-signer', certificateFile(file, phone), '-inkey', keyFile(file, phone),
      '-in', file('content', content), ...options,
    ])
    t.is(status, 0, text)
    const message = parseSignedData(stdout)
    t.deepEqual(verifyContent(message), content)
    t.deepEqual(signerOf(message).certificate.raw, phone.certificate)
  })
}

test('what openssl signs with two signers, or detached, or with PSS, is refused', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const sign = async (...options: string[]) => {
    const { status, stdout, text } = await run('openssl', [
      'cms', '-sign', '-binary', '-outform', 'DER', '-in', file('content', content), '-signer', certificateFile(file, phone), '-inkey', keyFile(file, phone), ...options,
    ])
    t.is(status, 0, text)
    return refusalOf(() => verifyContent(parseSignedData(stdout)))
  }
  t.is(await sign('-nodetach', '-signer', certificateFile(file, other, 'other.pem'), '-inkey', keyFile(file, other, 'other-key.pem')), 'cms-signer-count')
  t.is(await sign(), 'cms-content-missing')
  t.is(await sign('-nodetach', '-keyopt', 'rsa_padding_mode:pss'), 'unsupported-algorithm')
  t.is(await sign('-nodetach', '-nocerts'), 'cms-signer-certificate-missing')
  t.is(await sign('-nodetach', '-md', 'md5'), 'unsupported-algorithm')
})

for (const encoding of ['der', 'ber'] as const) {
  for (const algorithm of ['sha1WithRSAEncryption', 'sha256WithRSAEncryption', 'sha512WithRSAEncryption'] as const) {
    for (const withoutSignedAttributes of [false, true]) {
      test(`openssl verifies what we sign in ${encoding} with ${algorithm}${withoutSignedAttributes ? ', without attributes' : ''}`, async t => {
        if (!peer(t, 'openssl')) return
        const file = scratchFolder(t)
        const identity = await newIdentity('signer', 'rsa2048', algorithm)
        for (const plainRsaOid of [false, true]) {
          const signed = await signData({
            content, signer: identity.signer, certificate: identity.certificate, extraCertificates: [identity.authority.certificate],
            encoding, withoutSignedAttributes, plainRsaOid, signingTime: new Date('2026-03-01T09:00:00Z'),
          })
          const verified = await run('openssl', [
            'cms', '-verify', '-binary', '-inform', 'DER', '-in', file('signed', signed), '-purpose', 'any',
            '-CAfile', file('ca.pem', toPem('CERTIFICATE', identity.authority.certificate)), '-out', file('out'),
          ])
          t.is(verified.status, 0, verified.text)
          t.deepEqual((await run('cat', [file('out')])).stdout, content)
        }
      })
    }
  }
}

test('openssl verifies what an EC key of ours signs', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const { signer, certificate, authority } = await newIdentity('curve', 'P-256')
  const signed = await signData({ content, signer, certificate })
  const { status, text } = await run('openssl', [
    'cms', '-verify', '-binary', '-inform', 'DER', '-in', file('signed', signed), '-purpose', 'any', '-out', file('out'),
    '-CAfile', file('ca.pem', toPem('CERTIFICATE', authority.certificate)),
  ])
  t.is(status, 0, text)
})

test('openssl lists the certificates of a message without a signer, in our order', async t => {
  if (!peer(t, 'openssl')) return
  const { status, text } = await run('openssl', ['pkcs7', '-inform', 'DER', '-print_certs', '-noout'], certsOnly([phone.certificate, phone.authority.certificate]))
  t.is(status, 0, text)
  t.deepEqual(text.match(/^subject=.*$/gm)?.at(-1), 'subject=CN = phone CA')
  t.is(text.match(/^subject=/gm)?.length, 2)
})

for (const [cipher, options] of [['aes-128-cbc', []], ['aes-192-cbc', []], ['aes-256-cbc', []], ['des-ede3-cbc', []], ['aes-128-cbc', ['-stream']], ['des-ede3-cbc', ['-stream']], ['aes-256-cbc', ['-keyid']]] as const) {
  test(`what openssl encrypts with ${[cipher, ...options].join(' ')} is opened`, async t => {
    if (!peer(t, 'openssl')) return
    const file = scratchFolder(t)
    const { status, stdout, text } = await run('openssl', [
      'cms', '-encrypt', '-binary', '-outform', 'DER', `-${cipher}`, '-in', file('content', content), ...options.filter(option => option !== '-keyid'),
      ...options.some(option => option === '-keyid') ? ['-keyid'] : [], '-recip', certificateFile(file, phone),
    ])
    t.is(status, 0, text)
    const opened = await openEnvelope(parseEnvelopedData(stdout), parseCertificate(phone.certificate), decryptWith(phone.signer.privateKey))
    t.deepEqual(opened, content)
  })
}

test('what openssl encrypts with single DES, or to RSA-OAEP, is refused', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  for (const options of [['-des-cbc', '-provider', 'legacy', '-provider', 'default', '-recip', certificateFile(file, phone)], ['-aes128', '-recip', certificateFile(file, phone), '-keyopt', 'rsa_padding_mode:oaep']]) {
    const { status, stdout, text } = await run('openssl', ['cms', '-encrypt', '-binary', '-outform', 'DER', '-in', file('content', content), ...options])
    t.is(status, 0, text)
    const never = async (): Promise<Buffer> => { t.fail('nothing was to be decrypted'); return Buffer.alloc(0) }
    t.is(await refusalOfAsync(() => openEnvelope(parseEnvelopedData(stdout), parseCertificate(phone.certificate), never)), 'unsupported-algorithm')
  }
})

for (const cipher of ['aes-128-cbc', 'aes-256-cbc', 'des-ede3-cbc'] as const) {
  test(`openssl decrypts what we encrypt with ${cipher}`, async t => {
    if (!peer(t, 'openssl')) return
    const file = scratchFolder(t)
    for (const encoding of ['der', 'ber'] as const) {
      const envelope = encryptEnvelope(content, parseCertificate(phone.certificate), cipher, { encoding })
      const { status, text } = await run('openssl', [
        'cms', '-decrypt', '-binary', '-inform', 'DER', '-in', file('envelope', envelope),
        '-recip', certificateFile(file, phone), '-inkey', keyFile(file, phone), '-out', file('out'),
      ])
      t.is(status, 0, text)
      t.deepEqual((await run('cat', [file('out')])).stdout, content)
    }
  })
}

const readWithAsn1crypto = `
import sys, json
from asn1crypto import cms
info = cms.ContentInfo.load(sys.stdin.buffer.read(), strict=True)
signed = info['content']
signer = signed['signer_infos'][0]
print(json.dumps({
  'type': info['content_type'].native, 'version': signed['version'].native, 'content': signed['encap_content_info']['content_type'].native,
  'certificates': len(signed['certificates']), 'digest': signer['digest_algorithm']['algorithm'].native,
  'signature': signer['signature_algorithm']['algorithm'].native,
  'attributes': sorted(a['type'].native for a in signer['signed_attrs']), 'bytes': len(signed['encap_content_info']['content'].native),
}))`

test('asn1crypto reads the fields of what we sign', async t => {
  const python = peer(t, 'python3:asn1crypto')
  if (python === undefined) return
  const signed = await signData({
    content, signer: phone.signer, certificate: phone.certificate, extraCertificates: [phone.authority.certificate], signingTime: new Date('2026-03-01T09:00:00Z'),
  })
  const { status, stdout, text } = await run(python, ['-c', readWithAsn1crypto], signed)
  t.is(status, 0, text)
  t.deepEqual(JSON.parse(stdout.toString()), {
    type: 'signed_data', version: 'v1', content: 'data', certificates: 2, digest: 'sha256', signature: 'sha256_rsa',
    attributes: ['content_type', 'message_digest', 'signing_time'], bytes: content.length,
  })
})
