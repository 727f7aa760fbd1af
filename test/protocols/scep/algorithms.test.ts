/** Which keys and algorithms get a certificate, and what the others hear. */
import { constants, createPrivateKey, publicEncrypt, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import test from 'ava'
import { signCertificationRequest } from '../../../src/formats/certification-request.ts'
import { signData } from '../../../src/formats/cms-sign.ts'
import { octetString, printableString } from '../../../src/formats/der.ts'
import { parseEnvelopedData } from '../../../src/formats/enveloped-data.ts'
import { oids } from '../../../src/formats/oids.ts'
import { parseCertificate, signCertificate } from '../../../src/formats/x509.ts'
import { signerOfKey, subjectPublicKeyInfoOf } from '../../../src/phone/keys.ts'
import { envelopeOf } from '../../support/envelopes.ts'
import { caCertificates, certificatesIn, counted, csrOf, messageTo, post, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { commonName, newSigner, testValidity } from '../../support/signers.ts'
import { openWorld } from '../../support/world.ts'

const fixture = (name: string) => readFile(new URL(`../../data/fixtures/${name}`, import.meta.url), 'utf8')
const keys: [bits: number, key: KeyObject, outcome: string][] = [
  [1024, keptRsaKey(1024, 'other'), '0'], [2047, keptRsaKey(2047, 'other'), '0'], [4104, keptRsaKey(4104, 'other'), '0'],
  [8192, createPrivateKey(await fixture('rsa-8192.pem')), '0'], [4096, keptRsaKey(4096, 'other'), 'SUCCESS'],
]
const key = phoneKeys.identity

test('RSA keys from 2048 to 4096 bits get a certificate; others hear badAlg, and their challenge stays good', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  for (const [bits, each, outcome] of keys) {
    const sender = await selfSigned(each)
    const reply = await post(door, await messageTo(door, sender, await csrOf(each, challenge)))
    t.is(reply.outcome, outcome, `${bits} bits`)
    if (outcome === 'SUCCESS') t.deepEqual((await certificatesIn(reply, sender))[0]!.subjectPublicKeyInfo, subjectPublicKeyInfoOf(each))
  }
  t.is(await counted(world, 'device'), 1)
})

test('a weak key is not let in by a good certificate either', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const sender = await selfSigned(key)
  const [certificate] = await certificatesIn(await post(door, await messageTo(door, sender, await csrOf(key, challenge))), sender)
  for (const [bits, each] of keys.slice(0, 4)) {
    t.is((await post(door, await messageTo(door, { privateKey: key, certificate: certificate! }, await csrOf(each), { messageType: '17' }))).outcome, '0', `${bits} bits`)
  }
})

test('an EC key, and a request signed with SHA-1, hear badAlg', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const sender = await selfSigned(key)
  for (const kind of ['P-256', 'P-384', 'P-521'] as const) {
    const { subjectPublicKeyInfo, ...signer } = newSigner(kind)
    const csr = await signCertificationRequest({ subject: commonName('x'), subjectPublicKeyInfo, challengePassword: challenge }, signer)
    t.is((await post(door, await messageTo(door, sender, csr))).outcome, '0', kind)
  }
  const old = await signCertificationRequest({
    subject: commonName('x'), subjectPublicKeyInfo: subjectPublicKeyInfoOf(key), challengePassword: challenge,
  }, signerOfKey(key, 'sha1WithRSAEncryption'))
  t.is((await post(door, await messageTo(door, sender, old))).outcome, '0')
  t.is(await counted(world, 'device'), 0)
})

test('a message signed with SHA-1 or with an EC key hears badAlg; SHA-256, SHA-384 and SHA-512 are read', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const sender = await selfSigned(key)
  const envelope = envelopeOf({ recipient: (await caCertificates(door))[0]!, content: await csrOf(key, challenge) })
  for (const [digest, algorithm, outcome] of [
    ['sha1', 'sha1WithRSAEncryption', '0'], ['sha256', 'sha256WithRSAEncryption', 'SUCCESS'], ['sha384', 'sha384WithRSAEncryption', 'SUCCESS'], ['sha512', 'sha512WithRSAEncryption', 'SUCCESS'],
  ] as const) {
    for (const encoding of ['der', 'ber'] as const) {
      const message = await signData({ content: envelope, signer: signerOfKey(key, algorithm), certificate: sender.certificate.raw, digest, signedAttributes, encoding })
      t.is((await post(door, message)).outcome, outcome, digest)
    }
  }
  const ec = newSigner('P-256')
  const certificate = await signCertificate({
    serialNumber: '01', issuer: commonName('x'), subject: commonName('x'), ...testValidity, subjectPublicKeyInfo: ec.subjectPublicKeyInfo, extensions: [],
  }, ec)
  t.is((await post(door, await signData({ content: envelope, signer: ec, certificate, signedAttributes }))).outcome, '0')
  t.is(parseCertificate(certificate).publicKey.asymmetricKeyType, 'ec')
  t.is(await counted(world, 'device'), 1)
})

const signedAttributes = [
  { type: oids.scepMessageType, values: [printableString('19')] }, { type: oids.scepTransactionID, values: [printableString('A1')] },
  { type: oids.scepSenderNonce, values: [octetString(randomBytes(16))] },
]

test('an answer comes in the cipher of its question', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const [sender, csr] = [await selfSigned(key), await csrOf(key, challenge)]
  for (const [cipher, type] of [['aes-128-cbc', 'aes128-CBC'], ['aes-192-cbc', 'aes192-CBC'], ['aes-256-cbc', 'aes256-CBC'], ['des-ede3-cbc', 'des-ede3-cbc']] as const) {
    const reply = await post(door, await messageTo(door, sender, csr, { cipher }))
    t.is(reply.outcome, 'SUCCESS', cipher)
    t.is(parseEnvelopedData(reply.message!.envelope!).cipher, oids[type])
  }
})

test('single DES, RC2, AES-GCM and OAEP hear badAlg, whatever is in the envelope', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door } = await stoppedPhone(t, world)
  const [sender, [registration]] = [await selfSigned(key), await caCertificates(door)]
  const encryptedContent = randomBytes(512)
  const sent = async (envelope: Buffer, messageType: string) =>
    (await post(door, await messageTo(door, sender, Buffer.alloc(0), { envelope, messageType }))).outcome
  for (const [name, cipher, ivBytes] of [['DES', '1.3.14.3.2.7', 8], ['RC2', '1.2.840.113549.3.2', 8], ['AES-GCM', '2.16.840.1.101.3.4.1.6', 12], ['none', '1.2.3', 16]] as const) {
    const envelope = envelopeOf({ recipient: registration!, cipher, iv: randomBytes(ivBytes), encryptedKey: randomBytes(256), encryptedContent })
    for (const messageType of ['19', '17', '20']) t.is(await sent(envelope, messageType), '0', `${name} ${messageType}`)
  }
  const encryptedKey = publicEncrypt({ key: registration!.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, randomBytes(16))
  t.is(await sent(envelopeOf({ recipient: registration!, encryptedKey, encryptedContent, keyEncryption: '1.2.840.113549.1.1.7' }), '19'), '0', 'OAEP')
})
