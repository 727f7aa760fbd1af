/** The first message of a phone, in every encoding that phones are known to use. */
import { readFileSync } from 'node:fs'
import test from 'ava'
import { signData } from '../../../src/formats/cms-sign.ts'
import { appleDeviceAnchor } from '../../../src/devices/device-identity.ts'
import { issueDeviceIdentity } from '../../../src/phone/device-identity.ts'
import { signerOfKey } from '../../../src/phone/keys.ts'
import { readDeviceCa } from '../../../src/phone/make-ca.ts'
import { openProfile, payloadsIn } from '../../../src/phone/profile.ts'
import { signCertificate } from '../../../src/formats/x509.ts'
import { download, factoryIdentity, firstMessage, outcomeOf, pageBehind, plistWith, post, sha256, stateOf } from '../../support/ota-phone.ts'
import { phoneKeys } from '../../support/kept.ts'
import { openWorld } from '../../support/world.ts'

const fixtures = new URL('../../data/fixtures/', import.meta.url)
const captured = readFileSync(new URL('ota-phase2-first-post.p7.ber', fixtures))
const capturedChallenge = /<key>CHALLENGE<\/key>\s*<string>([^<]+)</.exec(readFileSync(new URL('ota-phase2-first-post.plist', fixtures), 'utf8'))![1]!

test('a body captured from a real device verifies, and is refused as a model that nobody knows', async t => {
  const world = await openWorld(t, { anchors: [appleDeviceAnchor()] })
  await world.approve('*')
  const { url, enrollmentId } = await download(await world.invite())
  await world.service.db.query('update enrollments set challenge_sha256 = $1 where id = $2', [sha256(capturedChallenge), enrollmentId])

  const answer = await post(url, captured)

  t.is(outcomeOf(t, answer), 'page')
  t.is(answer.headers.get('location'), `${world.url}/i/e/${enrollmentId}`)
  const page = await pageBehind(t, answer)
  t.regex(page.text, /VirtualMac2,1/)
  t.is(page.code, 'model-unknown')
  const [row] = await world.service.db.query('select e.decision, v.raw from enrollments e join evidence v on v.id = e.evidence_id where e.id = $1', [enrollmentId])
  t.is(row!.decision.code, 'model-unknown')
  t.deepEqual(row!.raw, captured, 'the evidence is kept as it came')
})

test('the captured body without its challenge on record is refused for that, and leaves nothing', async t => {
  const world = await openWorld(t, { anchors: [appleDeviceAnchor()] })
  const { url } = await download(await world.invite())
  const before = await stateOf(world)
  t.is(outcomeOf(t, await post(url, captured)), 'bad-challenge')
  t.is(await stateOf(world), before)
})

test('BER and DER, with signed attributes and without, SHA-1 and SHA-2, are all understood', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const identity = await factoryIdentity(world)
  for (const encoding of ['ber', 'der'] as const) {
    for (const withoutSignedAttributes of [false, true]) {
      for (const digest of ['sha1', 'sha256', 'sha384', 'sha512'] as const) {
        const { url, challenge } = await download(await world.invite())
        const message = await signData({
          content: plistWith(challenge), encoding, withoutSignedAttributes, signingTime: world.service.now(), plainRsaOid: digest === 'sha384',
          signer: signerOfKey(phoneKeys.device, `${digest}WithRSAEncryption`), certificate: identity.certificate.raw, extraCertificates: identity.chain,
        })
        t.is(outcomeOf(t, await post(url, message)), 'document', `${encoding} ${digest} ${withoutSignedAttributes ? 'without' : 'with'} signed attributes`)
      }
    }
  }
})

test('a message may bring only the certificate of its signer, which may be signed with SHA-256', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const deviceCa = await readDeviceCa(world.deviceCaDir)
  const { certificate } = await issueDeviceIdentity(deviceCa, world.service.now(), phoneKeys.device)
  const newer = await signCertificate({ ...certificate, issuer: certificate.issuer.raw, subject: certificate.subject.raw }, signerOfKey(deviceCa.privateKey, 'sha256WithRSAEncryption'))
  for (const leaf of [certificate.raw, newer]) {
    const { url, challenge } = await download(await world.invite())
    const message = await signData({ content: plistWith(challenge), encoding: 'ber', signer: signerOfKey(phoneKeys.device, 'sha1WithRSAEncryption'), certificate: leaf })
    t.is(outcomeOf(t, await post(url, message)), 'document')
  }
})

test('the dates of a device identity count for nothing', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const identity = await issueDeviceIdentity(await readDeviceCa(world.deviceCaDir), new Date('2012-01-01T00:00:00Z'), phoneKeys.device)
  const started = await download(await world.invite())
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started, {}, identity))), 'document')
})

test('the content type of a message is not looked at', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  for (const contentType of ['application/octet-stream', 'text/plain', 'application/x-www-form-urlencoded', 'application/json']) {
    const started = await download(await world.invite())
    t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started), contentType)), 'document', contentType)
  }
})

test('an allowed phone gets exactly one payload, and that one gives it an identity', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  const answer = await post(started.url, await firstMessage(world, started))
  const [payload, ...more] = payloadsIn(openProfile(answer.body).profile)
  t.is(payload!['PayloadType'], 'com.apple.security.scep')
  t.like(payload!['PayloadContent'], { 'URL': `${world.url}/scep/enrollment`, 'Keysize': 2048 })
  t.deepEqual(more, [])
})

test('IMEI and MEID are neither asked for nor kept', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const started = await download(await world.invite())
  t.is(outcomeOf(t, await post(started.url, await firstMessage(world, started, { IMEI: '35 000000 000000 1', MEID: '35000000000000' }))), 'document')
  const [evidence] = await world.service.db.query('select attributes from evidence')
  t.deepEqual(Object.keys(evidence!.attributes).sort(), ['build', 'productType', 'serialNumber', 'udid'])
})
