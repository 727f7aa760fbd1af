/** The SCEP client of a simulated phone: how it sends, and which replies it takes. */
import { createHash, createPublicKey, randomBytes } from 'node:crypto'
import test from 'ava'
import { certsOnly } from '../../src/formats/cms-sign.ts'
import { encryptEnvelope } from '../../src/formats/enveloped-data.ts'
import { oids } from '../../src/formats/oids.ts'
import { signPkiMessage } from '../../src/formats/scep-message.ts'
import type { PkiMessageFields } from '../../src/formats/scep-message.ts'
import type { ScepPayload } from '../../src/phone/scep-payload.ts'
import { beginTransaction, enrollByScep, readReply } from '../../src/phone/scep.ts'
import { fakeClock } from '../support/clock.ts'
import { otaServer } from '../support/ota-server.ts'
import type { OtaServer } from '../support/ota-server.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { issueTestCertificate } from '../support/signers.ts'
import { keptRsaKey } from '../support/kept.ts'

const { now } = fakeClock('2026-03-01T09:00:00Z')
const key = keptRsaKey(2048, 'phone-identity')
const otherKey = keptRsaKey(2048, 'other')
const wait = async () => {}

const payloadFor = ({ link }: OtaServer): ScepPayload => ({
  url: link.replace('/i/token', '/scep/issuing'), caName: 'Example CA', challenge: 'under_score', subject: [{ type: oids.commonName, value: 'phone' }],
  keySizeBits: 2048, extensions: [], caFingerprint: undefined, retries: 3, retryDelaySeconds: 10,
})

test('messages go by POST where that is offered, and otherwise by GET with plus and slash left as they are', async t => {
  for (const [capabilities, method] of [['AES\nSHA-256\nPOSTPKIOperation', 'POST'], ['AES\nSHA-256\n', 'GET']] as const) {
    const server = await otaServer(t, { capabilities })
    t.is((await enrollByScep(payloadFor(server), key, { now, wait })).pkiStatus, 'SUCCESS')
    t.is(server.pkiMessages[0]?.method, method)
  }
})

test('a first request is signed by a temporary certificate over the key it asks for', async t => {
  const server = await otaServer(t)
  await enrollByScep(payloadFor(server), key, { now, wait })
  const { message, request } = server.pkiMessages[0]!
  const { signerCertificate, transactionID, digestAlgorithm, messageType } = message
  t.deepEqual(signerCertificate.subjectPublicKeyInfo, createPublicKey(key).export({ type: 'spki', format: 'der' }))
  t.deepEqual(signerCertificate.subject.raw, signerCertificate.issuer.raw)
  t.is(transactionID, createHash('sha1').update(createPublicKey(key).export({ type: 'pkcs1', format: 'der' })).digest('hex').toUpperCase())
  t.like({ digestAlgorithm, messageType }, { digestAlgorithm: 'sha512', messageType: '19' })
  t.like(request, { challengePassword: 'under_score', signatureAlgorithm: 'sha512WithRSAEncryption' })
})

test('a decision that comes while the phone asks again leads to its certificate', async t => {
  const server = await otaServer(t, { scep: (_, count) => count < 3 ? 'PENDING' : 'SUCCESS' })
  const waits: number[] = []
  const result = await enrollByScep(payloadFor(server), key, { now, wait: async seconds => { waits.push(seconds) } })
  t.is(result.pkiStatus, 'SUCCESS')
  t.deepEqual(server.pkiMessages.map(({ message }) => message.messageType), ['19', '20', '20'])
  t.deepEqual(waits, [10])
})

test('a reply counts only from the registration authority, as a CertRep, with a certificate for this key', async t => {
  const server = await otaServer(t)
  const transaction = await beginTransaction(payloadFor(server), key, { now })
  const certificateFor = (publicKey = createPublicKey(key)) => issueTestCertificate(server.issuing, '4d01', {
    ...server.issuing.signer, publicKey, subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
  })
  const envelope = async (...certificates: Promise<Buffer>[]) =>
    encryptEnvelope(certsOnly(await Promise.all(certificates)), transaction.signer.certificate, 'aes-128-cbc')
  const { registration } = server
  const reply = async (more: Partial<PkiMessageFields> = {}) => readReply(transaction, await signPkiMessage({
    messageType: '3', pkiStatus: '0', transactionID: transaction.transactionID, senderNonce: randomBytes(16),
    envelope: await envelope(certificateFor()), signer: registration.signer, certificate: registration.certificate, ...more,
  }))

  t.is((await reply()).pkiStatus, 'SUCCESS')
  const impostor = await issueTestCertificate(server.issuing, '4a02', registration.signer)
  t.is(await refusalOfAsync(() => reply({ certificate: impostor })), 'malformed-scep-message')
  t.is(await refusalOfAsync(() => reply({ messageType: '19' })), 'malformed-scep-message')
  t.is(await refusalOfAsync(() => reply({ pkiStatus: '7' })), 'malformed-scep-message')
  const others = createPublicKey(otherKey)
  t.is(await refusalOfAsync(async () => reply({ envelope: await envelope(certificateFor(others)) })), 'malformed-scep-message')
  t.is(await refusalOfAsync(async () => reply({ envelope: await envelope(certificateFor(others), certificateFor()) })), 'malformed-scep-message', 'the first one is taken')
  t.is(await refusalOfAsync(async () => reply({ envelope: await envelope() })), 'malformed-scep-message')
})

test('an answer that is not SCEP, and a server that is not there, are told apart', async t => {
  const server = await otaServer(t)
  const payload = payloadFor(server)
  t.is(await refusalOfAsync(() => enrollByScep({ ...payload, url: `${payload.url}/nothing` }, key, { now, wait })), 'malformed-scep-message')
  t.is(await refusalOfAsync(() => enrollByScep({ ...payload, url: 'http://127.0.0.1:1/scep' }, key, { now, wait })), 'server-unreachable')
  t.is(await refusalOfAsync(() => enrollByScep({ ...payload, url: 'file:///etc/passwd' }, key, { now, wait })), 'invalid-argument')
})
