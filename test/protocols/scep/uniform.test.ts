/** What is in an envelope can be learned from no answer: all that goes wrong from decryption on looks the same. */
import { constants, publicEncrypt, randomBytes } from 'node:crypto'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { parseSignedData, signerOf } from '../../../src/formats/cms.ts'
import { sequence, setOf } from '../../../src/formats/der.ts'
import { encryptEnvelope, parseEnvelopedData } from '../../../src/formats/enveloped-data.ts'
import { parsePkiMessage, serializeIssuerAndSubject } from '../../../src/formats/scep-message.ts'
import type { Certificate } from '../../../src/formats/x509.ts'
import { envelopeOf } from '../../support/envelopes.ts'
import { caCertificates, counted, csrOf, enrolled, messageTo, post, selfSigned, stoppedPhone, type Sender } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { commonName } from '../../support/signers.ts'
import { openWorld, type World } from '../../support/world.ts'

const [key, strangersKey] = [phoneKeys.identity, keptRsaKey(2048, 'other')]

/** Everything that can be wrong with an envelope and what is in it. */
async function badEnvelopes(registration: Certificate, other: Certificate, csr: Buffer): Promise<Record<string, Buffer>> {
  const to = { recipient: registration }
  const good = envelopeOf({ ...to, content: csr })
  const changed = Buffer.from(csr)
  changed[changed.length - 1]! ^= 1
  const unpadded = Buffer.concat([csr, Buffer.alloc(32 - csr.length % 16)])
  const unknownAlgorithm = Buffer.from(csr)
  unknownAlgorithm[csr.lastIndexOf(Buffer.from('2a864886f70d01010b', 'hex')) + 8] = 0x7f
  return {
    'no CMS at all': randomBytes(700),
    'another CMS type': Buffer.from(good).fill(0x7f, 4, 12),
    'cut off': good.subarray(0, -7),
    'another registration authority': encryptEnvelope(csr, other, 'aes-128-cbc'),
    'no recipient': sequence(setOf()),
    'a key that is no ciphertext': envelopeOf({ ...to, content: csr, encryptedKey: randomBytes(17) }),
    'a key above the modulus': envelopeOf({ ...to, content: csr, encryptedKey: Buffer.alloc(256, 0xff) }),
    'bad RSA padding': envelopeOf({ ...to, content: csr, encryptedKey: Buffer.concat([Buffer.alloc(1), randomBytes(255)]) }),
    'RSA padding of another type': envelopeOf({ ...to, content: csr, encryptedKey: publicEncrypt({ key: registration.publicKey, padding: constants.RSA_PKCS1_OAEP_PADDING }, randomBytes(16)) }),
    'a key for another cipher': envelopeOf({ ...to, content: csr, contentKey: randomBytes(32) }),
    'an empty key': envelopeOf({ ...to, content: csr, contentKey: randomBytes(16), encryptedKey: publicEncrypt({ key: registration.publicKey, padding: constants.RSA_PKCS1_PADDING }, Buffer.alloc(0)) }),
    'an initialisation vector of another length': envelopeOf({ ...to, encryptedContent: randomBytes(512), iv: randomBytes(8) }),
    'content that is no whole block': envelopeOf({ ...to, encryptedContent: randomBytes(511) }),
    'no content': envelopeOf({ ...to, encryptedContent: Buffer.alloc(0) }),
    'bad padding': envelopeOf({ ...to, content: unpadded, padded: false }),
    'good padding, garbage inside': envelopeOf({ ...to, content: randomBytes(600) }),
    'good padding, nothing inside': envelopeOf({ ...to, content: Buffer.alloc(0) }),
    'a request that is cut off': envelopeOf({ ...to, content: csr.subarray(0, -1) }),
    'a request that is too large': envelopeOf({ ...to, content: Buffer.alloc(40_000, 0x30) }),
    'a request with a bad signature': envelopeOf({ ...to, content: changed }),
    'a request that names an unknown algorithm': envelopeOf({ ...to, content: unknownAlgorithm }),
    'something else that is well formed': envelopeOf({ ...to, content: serializeIssuerAndSubject(commonName('a'), commonName('b')) }),
  }
}

/** What an answer looks like from outside, apart from its nonce and its signature. */
function shapeOf(body: Buffer): unknown {
  const { pkiStatus, failInfo, envelope, messageType } = parsePkiMessage(body)
  const { signerInfo } = signerOf(parseSignedData(body))
  return { length: body.length, pkiStatus, failInfo, envelope, messageType, algorithm: signerInfo.signatureAlgorithm.toString('hex') }
}

async function doorOf(t: ExecutionContext): Promise<{ world: World, door: string, challenge: string }> {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  return { world, ...await stoppedPhone(t, world) }
}

test('whatever is wrong with an envelope, the answer is badMessageCheck, in the same shape', async t => {
  const { world, door, challenge } = await doorOf(t)
  const [registration] = await caCertificates(door)
  const [other] = await caCertificates(`${world.url}/scep/enrollment`)
  const sender = await selfSigned(key)
  const shapes = new Map<string, unknown>()
  for (const [name, envelope] of Object.entries(await badEnvelopes(registration!, other!, await csrOf(key, challenge)))) {
    for (const messageType of ['19', '17']) {
      const { outcome, body } = await post(door, await messageTo(door, sender, Buffer.alloc(0), { envelope, messageType }))
      t.is(outcome, '1', `${name} ${messageType}`)
      shapes.set(JSON.stringify(shapeOf(body)), name)
    }
  }
  t.is(shapes.size, 1, [...shapes.values()].join())
  t.is(await counted(world, 'device'), 0)
})

test('the holder of a good certificate hears no more about an envelope than a stranger', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const holder = await enrolled(t, world, key)
  const [registration] = await caCertificates(holder.door)
  const [other] = await caCertificates(`${world.url}/scep/enrollment`)
  for (const [name, envelope] of Object.entries(await badEnvelopes(registration!, other!, await csrOf(key)))) {
    const { outcome } = await post(holder.door, await messageTo(holder.door, holder, Buffer.alloc(0), { envelope, messageType: '17' }))
    t.is(outcome, '1', name)
  }
})

/** The envelope of a phone, taken from the wire, in a message of somebody else's. */
async function sendAgain(door: string, stranger: Sender, envelope: Buffer, messageType: string): Promise<string> {
  return (await post(door, await messageTo(door, stranger, Buffer.alloc(0), { envelope, messageType }))).outcome
}

test('who sends the envelope of another phone again, with any block changed, hears the same for every block', async t => {
  const { world, door, challenge } = await doorOf(t)
  const [registration] = await caCertificates(door)
  const envelope = envelopeOf({ recipient: registration!, content: await csrOf(key, challenge) })
  const { encryptedContent } = parseEnvelopedData(envelope)
  const start = envelope.indexOf(encryptedContent)
  const stranger = await selfSigned(strangersKey)

  const outcomes = new Set<string>()
  for (let at = start - 16; at < envelope.length; at += 8) {
    const changed = Buffer.from(envelope)
    changed[at]! ^= 1 << at % 7
    outcomes.add(await sendAgain(door, stranger, changed, '19'))
  }
  for (let blocks = 1; blocks <= 6; blocks++) {
    outcomes.add(await sendAgain(door, stranger, envelopeOf({
      recipient: registration!, encryptedKey: parseEnvelopedData(envelope).recipients[0]!.encryptedKey, iv: parseEnvelopedData(envelope).iv!,
      encryptedContent: encryptedContent.subarray(0, -16 * blocks),
    }), '19'))
  }
  t.deepEqual([...outcomes], ['1'])
  t.is(await sendAgain(door, stranger, envelope, '19'), '2', 'as it was, it is good, and not the stranger’s')
  t.is(await counted(world, 'device'), 0)
})

test('a GetCertInitial says nothing of what is in its envelope, to a stranger or to who is waiting', async t => {
  const { world, door, challenge } = await doorOf(t)
  await world.service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values (gen_random_uuid(), 'quarantine', '{"productType":"*"}', 'a look first', 'ada', $1)`, [world.service.now()])
  const [registration] = await caCertificates(door)
  const waiting = await selfSigned(key)
  t.is((await post(door, await messageTo(door, waiting, await csrOf(key, challenge)))).outcome, 'PENDING')

  for (const content of [serializeIssuerAndSubject(commonName('a'), commonName('b')), await csrOf(key, challenge), randomBytes(200), Buffer.alloc(0)]) {
    const envelope = envelopeOf({ recipient: registration!, content })
    t.is(await sendAgain(door, waiting, envelope, '20'), 'PENDING')
    t.is(await sendAgain(door, await selfSigned(strangersKey), envelope, '20'), '4')
  }
})
