import { createHash, randomBytes } from 'node:crypto'
import test from 'ava'
import { signData } from '../../src/formats/cms-sign.ts'
import { serializeAttribute } from '../../src/formats/cms-common.ts'
import type { Attribute } from '../../src/formats/cms-common.ts'
import { parseSignedData, signerOf } from '../../src/formats/cms.ts'
import { octetString, oid, parseDer, printableString, sequence, tags, utf8String } from '../../src/formats/der.ts'
import { encryptEnvelope } from '../../src/formats/enveloped-data.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import {
  failInfos, findTransaction, messageTypes, parseIssuerAndSubject, parsePkiMessage, pkiStatuses, serializeIssuerAndSubject, signPkiMessage,
} from '../../src/formats/scep-message.ts'
import { parseCertificate, signCertificate } from '../../src/formats/x509.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { refusalOf } from '../support/refusals.ts'
import { contentType, messageDigest, newIdentity, signedData, signerInfo, withContent } from '../support/signed-data.ts'
import { commonName, testValidity } from '../support/signers.ts'

const phone = await newIdentity('phone')
const { signer, certificate } = phone
const envelope = encryptEnvelope(Buffer.from('a certification request'), parseCertificate(certificate), 'aes-128-cbc', { encoding: 'ber' })
const transactionID = '6CF5C1A2B0D94B2F9A3F3F2C6E4A8B7D1F0E9C8D'
const senderNonce = randomBytes(16)
const request = { messageType: messageTypes.PKCSReq, transactionID, senderNonce, envelope, signer, certificate }

/** A message with these attributes beside the two that CMS wants. */
const withAttributes = (signedAttributes: Attribute[]): Promise<Buffer> => signData({ content: envelope, signer, certificate, signedAttributes })
const text = (type: string, value: string): Attribute => ({ type, values: [printableString(value)] })
const nonce = (type: string, value: Buffer): Attribute => ({ type, values: [octetString(value)] })
const good = [text(oids.scepMessageType, '19'), text(oids.scepTransactionID, 'A1'), nonce(oids.scepSenderNonce, senderNonce)]

test('a request comes out as it was put in, in DER and in BER', async t => {
  for (const encoding of ['der', 'ber'] as const) {
    const raw = await signPkiMessage({ ...request, encoding, signingTime: new Date('2026-03-01T09:00:00Z') })
    const { signerCertificate, ...message } = parsePkiMessage(raw)
    t.deepEqual(message, {
      messageType: '19', transactionID, senderNonce, recipientNonce: undefined, pkiStatus: undefined, failInfo: undefined,
      digestAlgorithm: 'sha256', envelope, raw,
    })
    t.deepEqual(signerCertificate.raw, certificate)
  }
})

test('a refusal carries its reason and no envelope', async t => {
  const recipientNonce = randomBytes(16)
  const raw = await signPkiMessage({
    messageType: messageTypes.CertRep, pkiStatus: pkiStatuses.FAILURE, failInfo: failInfos.badMessageCheck, transactionID, senderNonce, recipientNonce, signer, certificate,
  })
  const { pkiStatus, failInfo, recipientNonce: echoed, envelope: found } = parsePkiMessage(raw)
  t.deepEqual({ pkiStatus, failInfo, echoed, found }, { pkiStatus: '2', failInfo: '1', echoed: recipientNonce, found: undefined })
  t.deepEqual(parseSignedData(raw).content, Buffer.alloc(0))
})

test('the signature is named rsaEncryption, texts are PrintableStrings and nonces OCTET STRINGs', async t => {
  const raw = await signPkiMessage({ ...request, messageType: messageTypes.CertRep, pkiStatus: pkiStatuses.SUCCESS, recipientNonce: senderNonce })
  const { signerInfo } = signerOf(parseSignedData(raw))
  t.true(signerInfo.signatureAlgorithm.includes(oid(oids.rsaEncryption)))
  const tagOf = (type: string): number | undefined => {
    const values = signerInfo.signedAttributes?.find(attribute => attribute.type === type)?.values
    return values?.length === 1 ? parseDer(values[0]!).tag : undefined
  }
  for (const type of [oids.scepMessageType, oids.scepPkiStatus, oids.scepTransactionID]) t.is(tagOf(type), tags.printableString)
  for (const type of [oids.scepSenderNonce, oids.scepRecipientNonce, oids.messageDigest]) t.is(tagOf(type), tags.octetString)
  t.is(tagOf(oids.contentType), tags.oid)
})

test('a signer with SHA-1 is refused, unless the caller takes it, and can still be answered', async t => {
  const old = await newIdentity('old', 'rsa2048', 'sha1WithRSAEncryption')
  const raw = await signPkiMessage({ ...request, signer: old.signer, certificate: old.certificate })
  t.is(refusalOf(() => parsePkiMessage(raw)), 'unsupported-algorithm')
  t.is(parsePkiMessage(raw, { digests: ['sha1'] }).digestAlgorithm, 'sha1')
  t.deepEqual(findTransaction(raw), { transactionID, senderNonce })
})

test('a message whose signer cannot be found is refused, and can still be answered', async t => {
  const attributes = [contentType(), messageDigest(envelope), ...good.map(serializeAttribute)]
  const raw = signedData({ content: envelope, certificates: [], signerInfos: [await signerInfo({ identity: phone, attributes })] })
  t.is(refusalOf(() => parsePkiMessage(raw)), 'cms-signer-certificate-missing')
  t.deepEqual(findTransaction(raw), { transactionID: 'A1', senderNonce })
})

test('a temporary signer certificate of version 1, its serial number a whole SHA-256, is read', async t => {
  const name = commonName('temporary')
  const temporary = await signCertificate({
    serialNumber: '98'.repeat(32), issuer: name, subject: name, ...testValidity, subjectPublicKeyInfo: signer.subjectPublicKeyInfo, extensions: [],
  }, signer)
  const { signerCertificate } = parsePkiMessage(await signPkiMessage({ ...request, certificate: temporary }))
  t.is(signerCertificate.version, 1)
  t.is(signerCertificate.serialNumber, '98'.repeat(32))
})

test('another envelope under the same signature is refused', async t => {
  const raw = await signPkiMessage(request)
  t.is(refusalOf(() => parsePkiMessage(withContent(raw, Buffer.from('another')))), 'cms-digest-mismatch')
  t.is(refusalOf(() => parsePkiMessage(withContent(raw, Buffer.alloc(0)))), 'cms-digest-mismatch')
})

test('attributes that SCEP needs must be there', async t => {
  const without = (type: string): Attribute[] => good.filter(attribute => attribute.type !== type)
  t.is(parsePkiMessage(await withAttributes(good)).transactionID, 'A1')
  for (const { type } of good) {
    const raw = await withAttributes(without(type))
    t.is(refusalOf(() => parsePkiMessage(raw)), 'malformed-scep-message', type)
  }
})

test('a message type that nobody knows is read, for the caller to refuse', async t => {
  const raw = await withAttributes([text(oids.scepMessageType, '4711'), ...good.slice(1)])
  t.is(parsePkiMessage(raw).messageType, '4711')
})

test('a message without signed attributes, or nothing like a message, is refused and names no transaction', async t => {
  const bare = await signData({ content: envelope, signer, certificate, withoutSignedAttributes: true })
  t.is(refusalOf(() => parsePkiMessage(bare)), 'malformed-scep-message')
  t.is(findTransaction(bare), undefined)
  t.is(findTransaction(Buffer.from('hello')), undefined)
})

test('issuer and subject of a GetCertInitial come out as they were put in', t => {
  const [issuer, subject] = [commonName('RA'), commonName('phone')]
  const parsed = parseIssuerAndSubject(serializeIssuerAndSubject(issuer, subject))
  t.deepEqual([parsed.issuer.raw, parsed.subject.raw], [issuer, subject])
  for (const der of [Buffer.alloc(0), sequence(), sequence(issuer), sequence(issuer, subject, subject), issuer.subarray(0, -1)]) {
    t.is(refusalOf(() => parseIssuerAndSubject(der)), 'malformed-scep-message')
  }
})

test('openssl verifies a request and a refusal of ours', async t => {
  if (!peer(t, 'openssl')) return
  const file = scratchFolder(t)
  const ca = file('ca.pem', toPem('CERTIFICATE', phone.authority.certificate))
  const { envelope: _, ...refusal } = { ...request, messageType: messageTypes.CertRep, pkiStatus: pkiStatuses.FAILURE, failInfo: failInfos.badRequest }
  for (const [fields, expected] of [[request, envelope], [refusal, Buffer.alloc(0)]] as const) {
    const signed = file('message', await signPkiMessage(fields))
    const { status, stdout, text: output } = await run('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', signed, '-CAfile', ca, '-purpose', 'any'])
    t.is(status, 0, output)
    t.deepEqual(createHash('sha256').update(stdout).digest('hex'), createHash('sha256').update(expected).digest('hex'))
    // The older command reads PKCS #7, as clients of SCEP do.
    const older = await run('openssl', ['smime', '-verify', '-binary', '-inform', 'DER', '-in', signed, '-CAfile', ca, '-purpose', 'any'])
    t.is(older.status, 0, older.text)
  }
})

test('texts in another string type, nonces that are empty, and values that come twice are refused', async t => {
  const replaced = (attribute: Attribute): Attribute[] => [...good.filter(one => one.type !== attribute.type), attribute]
  for (const attribute of [
    { type: oids.scepMessageType, values: [utf8String('19')] }, { type: oids.scepMessageType, values: [printableString('')] },
    { type: oids.scepTransactionID, values: [printableString('\u0007')] }, { type: oids.scepTransactionID, values: [printableString('A'.repeat(257))] },
    { type: oids.scepSenderNonce, values: [octetString(Buffer.alloc(0))] }, { type: oids.scepSenderNonce, values: [octetString(Buffer.alloc(65))] },
    { type: oids.scepSenderNonce, values: [printableString('1234')] },
  ]) {
    const raw = await withAttributes(replaced(attribute))
    t.is(refusalOf(() => parsePkiMessage(raw)), 'malformed-scep-message')
    t.is(findTransaction(raw) === undefined, attribute.type !== oids.scepMessageType)
  }
  const twice = await withAttributes(replaced({ type: oids.scepTransactionID, values: [printableString('A1'), printableString('A2')] }))
  t.is(refusalOf(() => parsePkiMessage(twice)), 'cms-signed-attributes-invalid')
})
