/** Which messages are answered: those that are checked, and no other (CVE-2026-30836). */
import { randomBytes } from 'node:crypto'
import test from 'ava'
import { signData } from '../../../src/formats/cms-sign.ts'
import type { Attribute } from '../../../src/formats/cms-common.ts'
import { octetString, printableString, utf8String } from '../../../src/formats/der.ts'
import { encryptEnvelope } from '../../../src/formats/enveloped-data.ts'
import { findSignedAttribute, parseSignedData, signerOf } from '../../../src/formats/cms.ts'
import { oids } from '../../../src/formats/oids.ts'
import { signerOfKey } from '../../../src/phone/keys.ts'
import { caCertificates, csrOf, enrolled, messageTo, post, selfSigned, stoppedPhone } from '../../support/scep.ts'
import { phoneKeys } from '../../support/kept.ts'
import { openWorld, type World } from '../../support/world.ts'

const key = phoneKeys.identity

/** Everything that a request could have changed. */
const state = async ({ service: { db } }: World): Promise<unknown> => await db.query(`select
  (select count(*)::int from certificates) as certificates, (select count(*)::int from audit) as audit, (select count(*)::int from scep_pending) as pending,
  (select count(*)::int from invitation_devices) as places, (select count(*)::int from revocations) as revocations,
  (select count(*)::int from scep_challenges where consumed_at is not null) as consumed`)

test('no other message type gets a certificate, neither with a good challenge nor with a good certificate', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const holder = await enrolled(t, world, key)
  const { door, challenge } = await stoppedPhone(t, world, { invitation: { email: 'omar@example.com' } })
  const before = await state(world)

  for (const messageType of ['18', '21', '22', '3', '0', '1', '2', '5', '16', '23', '24', '119', '019', '19 ', ' 19', '1.9e1', 'PKCSReq', 'constructor']) {
    for (const sender of [await selfSigned(key), holder]) {
      const senderNonce = randomBytes(16)
      const { message, outcome } = await post(door, await messageTo(door, sender, await csrOf(key, challenge), { messageType, senderNonce, transactionID: 'M' }))
      t.is(outcome, '2', messageType)
      t.like(message, { messageType: '3', pkiStatus: '2', transactionID: 'M', envelope: undefined })
      t.deepEqual(message!.recipientNonce, senderNonce)
    }
  }
  t.deepEqual(await state(world), before)
})

const text = (type: string, value: string): Attribute => ({ type, values: [printableString(value)] })
const transactionID = text(oids.scepTransactionID, 'A1')
const senderNonce: Attribute = { type: oids.scepSenderNonce, values: [octetString(randomBytes(16))] }

test('a message that does not say its type, or says it twice or as another string, is refused in its own transaction', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const sender = await selfSigned(key)
  const content = encryptEnvelope(await csrOf(key, challenge), (await caCertificates(door))[0]!, 'aes-128-cbc')
  const sent = async (...signedAttributes: Attribute[]) => await post(door, await signData({
    content, signedAttributes, signer: signerOfKey(key, 'sha256WithRSAEncryption'), certificate: sender.certificate.raw, extraCertificates: [], digest: 'sha256',
  }))
  const before = await state(world)

  for (const types of [[], [{ type: oids.scepMessageType, values: [utf8String('19')] }], [{ type: oids.scepMessageType, values: [printableString('18'), printableString('19')] }]]) {
    const { outcome, message } = await sent(transactionID, senderNonce, ...types)
    t.is(outcome, '1')
    t.is(message!.transactionID, 'A1')
  }
  // Without these there is nothing to answer to.
  t.is((await sent(senderNonce, text(oids.scepMessageType, '19'))).outcome, 'HTTP 400')
  t.is((await sent(transactionID, text(oids.scepMessageType, '19'))).outcome, 'HTTP 400')
  t.deepEqual(await state(world), before)
})

test('every answer says what CMS asks of a signed message, and its texts are PrintableStrings', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  const sender = await selfSigned(key)
  for (const messageType of ['19', '18', '20']) {
    const { body } = await post(door, await messageTo(door, sender, await csrOf(key, challenge), { messageType }))
    const { signerInfo, certificate } = signerOf(parseSignedData(body))
    t.deepEqual(certificate.raw, (await caCertificates(door))[0]!.raw)
    for (const type of [oids.contentType, oids.messageDigest]) t.truthy(findSignedAttribute(signerInfo, type))
    for (const type of [oids.scepMessageType, oids.scepPkiStatus, oids.scepTransactionID]) t.is(findSignedAttribute(signerInfo, type)?.tag, 0x13)
    for (const type of [oids.scepSenderNonce, oids.scepRecipientNonce]) t.is(findSignedAttribute(signerInfo, type)?.content.length, 16)
  }
})

test('an empty message is refused, whatever its type', async t => {
  const world = await openWorld(t)
  const door = `${world.url}/scep/issuing`
  for (const messageType of ['17', '19', '20']) {
    t.is((await post(door, await messageTo(door, await selfSigned(key), Buffer.alloc(0), { messageType, envelope: Buffer.alloc(0) }))).outcome, '1')
  }
})
