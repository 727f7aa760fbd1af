/** Messages that no phone sends: each is refused with its own code, changes nothing, and costs next to nothing. */
import test from 'ava'
import { parseDeviceAttributes } from '../../../src/devices/attributes.ts'
import { testDeviceAnchor, verifyDeviceIdentity } from '../../../src/devices/device-identity.ts'
import { answerOtaMessage } from '../../../src/enrollment/ota-message.ts'
import { parseSignedData, signerOf, verifyContent } from '../../../src/formats/cms.ts'
import { signData } from '../../../src/formats/cms-sign.ts'
import { toPem } from '../../../src/formats/pem.ts'
import { hostileMessages } from '../../support/hostile-messages.ts'
import { signedBy } from '../../support/hostile-signing.ts'
import { download, factoryIdentity, firstMessage, outcomeOf, plistWith, post, stateOf } from '../../support/ota-phone.ts'
import { medianMilliseconds, refusalOf, refusalOfAsync } from '../../support/refusals.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber } from '../../support/signers.ts'
import { openWorld, type World } from '../../support/world.ts'

/** All that is done with a message before its challenge is compared. */
function read(world: World, body: Buffer): void {
  refusalOf(() => {
    const message = parseSignedData(body)
    verifyDeviceIdentity(signerOf(message).certificate, world.deps.anchors)
    parseDeviceAttributes(verifyContent(message))
  })
}

// One after the other: some compute for seconds without a pause, and the others' phones would give up waiting.
test.serial('every hostile message is refused with its code, changes nothing, and costs no more than 50 ms', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  const before = await stateOf(world)
  const corpus = await hostileMessages(world, started.challenge)
  t.true(corpus.length > 100, `${corpus.length} messages`)
  for (const { what, code, body } of corpus) {
    t.is(outcomeOf(t, await post(started.url, body)), code, what)
    t.is(await stateOf(world), before, `${what}: changed something`)
    const cost = medianMilliseconds(() => read(world, body))
    t.true(cost < 50, `${what}: ${cost} ms`)
  }
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started))), 'document', 'after all that the phone still gets through')
})

test.serial('a genuine chain to the same root is not enough: only what the device CA itself issued counts', async t => {
  const root = await newAuthority('Apple Root CA', undefined, 'rsa2048')
  const middle = await newAuthority('Apple iPhone Certification Authority', root, 'rsa2048')
  const deviceCa = await newAuthority('Apple iPhone Device CA', middle, 'rsa2048')
  const developers = await newAuthority('Apple Worldwide Developer Relations Certification Authority', root, 'rsa2048')
  const below = await newAuthority('Apple iPhone Device CA 2', deviceCa, 'rsa2048')
  const sameName = await newAuthority('Apple iPhone Device CA', root, 'rsa2048')
  const world = await openWorld(t, { anchors: [testDeviceAnchor(toPem('CERTIFICATE', deviceCa.certificate))] })
  await world.approve('iPhone14,5')
  const signer = newSigner('rsa1024', 'sha1WithRSAEncryption')
  for (const [issuer, expected] of [[developers, 'device-issuer-unknown'], [middle, 'device-issuer-unknown'], [root, 'device-issuer-unknown'], [below, 'device-issuer-unknown'], [sameName, 'device-issuer-unknown'], [deviceCa, 'document']] as const) {
    const started = await download(await world.invite())
    const certificate = await issueTestCertificate(issuer, testSerialNumber('a phone'), signer)
    const extraCertificates = [issuer, deviceCa, middle, root].map(authority => authority.certificate)
    const body = await signData({ content: plistWith(started.challenge), signer, certificate, extraCertificates, encoding: 'ber' })
    t.is(outcomeOf(t, await post(started.url, body)), expected)
  }
})

test.serial('a message cut off anywhere is refused, whether BER or DER', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  const identity = await factoryIdentity(world)
  const before = await stateOf(world)
  for (const encoding of ['ber', 'der'] as const) {
    const message = await signedBy({ identity, content: plistWith(started.challenge) }, { encoding })
    for (let length = 0; length < message.length; length += length < 64 || length > message.length - 64 ? 1 : 23) {
      t.is(await refusalOfAsync(() => answerOtaMessage(world.deps, started.enrollmentId, message.subarray(0, length))), 'malformed-cms', `${encoding}, ${length} octets`)
    }
  }
  t.is(await stateOf(world), before)
})

test.serial('a message with any octet changed is refused, or reads as it was signed', async t => {
  const world = await openWorld(t)
  const started = await download(await world.invite())
  const message = await signedBy({ identity: await factoryIdentity(world), content: plistWith(`${started.challenge}.`) })
  const before = await stateOf(world)
  for (let at = 0; at < message.length; at += 7) {
    for (const mask of [0x01, 0x20, 0x80, 0xff]) {
      const changed = Buffer.from(message)
      changed[at]! ^= mask
      // A bad challenge is what is wrong with the message as it was signed.
      t.not(await refusalOfAsync(() => answerOtaMessage(world.deps, started.enrollmentId, changed)), undefined, `octet ${at}`)
    }
  }
  t.is(await stateOf(world), before)
})

test.serial('addresses of enrollments that are none are answered, and nothing of them reaches the database', async t => {
  const world = await openWorld(t)
  const started = await download(await world.invite())
  const message = await firstMessage(world, started)
  for (const name of ['x', 'A'.repeat(22), 'A'.repeat(4_000), '%00', '%00'.repeat(22), '%F0%9F%98%80', "';drop%20table%20enrollments", '..%2f..%2f', '%', '%E0%A4%A', '%c0%80']) {
    t.true(['enrollment-not-found', 'not-found'].includes(outcomeOf(t, await post(`${world.url}/ota/${name}`, message))), name)
  }
})
