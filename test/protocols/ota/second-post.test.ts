/** The second message: signed by exactly the identity that this enrollment was given, saying what the first said. */
import test from 'ava'
import { createPublicKey } from 'node:crypto'
import { activeAuthority } from '../../../src/certificates/authority.ts'
import { bootstrapCertificate } from '../../../src/certificates/certificate-profile.ts'
import { parseCertificate, signCertificate } from '../../../src/formats/x509.ts'
import { signerOfKey } from '../../../src/phone/keys.ts'
import { signAttributes } from '../../../src/phone/ota.ts'
import type { PlistDictionary } from '../../../src/formats/plist.ts'
import { signedBy } from '../../support/hostile-signing.ts'
import { issueBootstrap, revokeNow } from '../../support/issued.ts'
import { download, factoryIdentity, firstMessage, outcomeOf, ours, pageBehind, phoneBeforeSecondPost, plistWith, post, stateOf, type StoppedPhone } from '../../support/ota-phone.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { withContent } from '../../support/signed-data.ts'
import { openWorld, type World } from '../../support/world.ts'

async function ready(t: Parameters<typeof openWorld>[0], options: Parameters<World['invite']>[0] = {}): Promise<{ world: World, phone: StoppedPhone }> {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  return { world, phone: await phoneBeforeSecondPost(world, (await world.invite(options)).link) }
}

const secondMessage = async (world: World, phone: Pick<StoppedPhone, 'bootstrap'>, more: PlistDictionary = {}, digest: 'sha1' | 'sha256' = 'sha1'): Promise<Buffer> =>
  await signAttributes({ attributes: { ...ours, ...more }, identity: phone.bootstrap, now: world.service.now(), digest })

test('the second message is understood with SHA-1 and SHA-256, BER and DER, with signed attributes and without', async t => {
  for (const digest of ['sha1', 'sha256'] as const) {
    for (const encoding of ['ber', 'der'] as const) {
      for (const withoutSignedAttributes of [false, true]) {
        const { world, phone } = await ready(t)
        const body = await signedBy({ identity: phone.bootstrap, content: plistWith(undefined), digest }, { encoding, withoutSignedAttributes })
        t.is(outcomeOf(t, await post(phone.otaUrl, body)), 'document', `${digest} ${encoding}`)
        t.deepEqual(await world.service.db.query('select state from enrollments'), [{ state: 'profiled' }])
      }
    }
  }
})

test('the same second message again gets the same answer, byte for byte, also at the same time', async t => {
  for (const keyOrigin of ['device', 'delivered'] as const) {
    const { world, phone } = await ready(t, { keyOrigin })
    const message = await secondMessage(world, phone)
    const [answer, ...others] = await Promise.all(Array.from({ length: 4 }, async () => await post(phone.otaUrl, message)))
    t.is(outcomeOf(t, answer!), 'document')
    for (const other of others) t.true(other.body.equals(answer!.body), keyOrigin)
    world.service.clock.advance(14 * 60)
    t.true((await post(phone.otaUrl, message)).body.equals(answer!.body))
    t.is((await world.service.db.query(`select 1 from certificates where kind = 'device' and state = 'issued'`)).length, keyOrigin === 'delivered' ? 1 : 0)
    world.service.clock.advance(2 * 60)
    t.is(outcomeOf(t, await post(phone.otaUrl, message)), 'page', 'after fifteen minutes the answer is kept no more')
  }
})

test('an identity that another enrollment was given signs nothing here', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const invitation = await world.invite({ devices: 3 })
  const mine = await phoneBeforeSecondPost(world, invitation.link)
  const other = await phoneBeforeSecondPost(world, invitation.link)
  const before = await stateOf(world)
  t.is(outcomeOf(t, await post(mine.otaUrl, await secondMessage(world, other))), 'bootstrap-identity-mismatch')
  t.is(outcomeOf(t, await post(other.otaUrl, await secondMessage(world, mine))), 'bootstrap-identity-mismatch')
  t.is(await stateOf(world), before)
  t.is(outcomeOf(t, await post(mine.otaUrl, await secondMessage(world, mine))), 'document')
})

test('an identity of the enrollment CA that is on record for nobody, or not at all, signs nothing', async t => {
  const { world, phone } = await ready(t)
  const issued = await issueBootstrap(world.service)
  const unrecorded = parseCertificate(await signUnrecorded(world, phone.enrollmentId))
  const before = await stateOf(world)
  for (const bootstrap of [{ ...issued, chain: [] }, { certificate: unrecorded, privateKey: phoneKeys.bootstrap, chain: [] }]) {
    t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, { bootstrap }))), 'bootstrap-identity-mismatch')
  }
  t.is(await stateOf(world), before)
})

/** As the enrollment CA would sign it, without a row in the database. */
async function signUnrecorded(world: World, enrollmentId: string): Promise<Buffer> {
  const { service } = world
  const authority = activeAuthority(service.authorities(), 'enrollment')
  const validity = { notBefore: new Date(service.now().getTime() - 300_000), notAfter: new Date(service.now().getTime() + 3_600_000) }
  const subjectPublicKeyInfo = createPublicKey(phoneKeys.bootstrap).export({ type: 'spki', format: 'der' })
  const fields = bootstrapCertificate({ serialNumber: Buffer.alloc(16, 0x41), subjectPublicKeyInfo, validity }, { authority, addresses: service.addresses, partition: 0 }, enrollmentId)
  return await signCertificate(fields, service.keyring.signer(authority.key))
}
test('a CA that calls itself the enrollment CA signs nothing here', async t => {
  const { world, phone } = await ready(t)
  const { certificate } = phone.bootstrap
  const forged = parseCertificate(await signCertificate({ ...certificate, issuer: certificate.issuer.raw, subject: certificate.subject.raw }, signerOfKey(keptRsaKey(2048, 'other'), 'sha256WithRSAEncryption')))
  const before = await stateOf(world)
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, { bootstrap: { ...phone.bootstrap, certificate: forged } }))), 'device-issuer-unknown')
  t.is(await stateOf(world), before)
})

test('the factory identity that signed the first message does not sign the second', async t => {
  const { world, phone } = await ready(t)
  const before = await stateOf(world)
  const message = await firstMessage(world, {}, {}, await factoryIdentity(world))
  t.is(outcomeOf(t, await post(phone.otaUrl, message)), 'bad-challenge')
  t.is(await stateOf(world), before)
})

test('an identity that ran out ends on a page; one that was revoked is refused', async t => {
  const { world, phone } = await ready(t)
  const [row] = await world.service.db.query(`select authority_id, serial_number from certificates where kind = 'bootstrap' and enrollment_id = $1`, [phone.enrollmentId])
  const before = await stateOf(world)
  world.service.clock.advance(3_601)
  t.is((await pageBehind(t, await post(phone.otaUrl, await secondMessage(world, phone)))).code, 'certificate-expired')
  t.is(await stateOf(world), before)

  world.service.clock.advance(-1_800)
  await revokeNow(world.service, { authorityId: row!.authority_id, serialNumber: row!.serial_number })
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone))), 'bootstrap-identity-mismatch')
  t.deepEqual(await world.service.db.query('select state from enrollments'), [{ state: 'allowed' }])
})

test('a phone that says something else than before is refused, and so is one that sends a challenge', async t => {
  const { world, phone } = await ready(t)
  const before = await stateOf(world)
  const lies: PlistDictionary[] = [
    { PRODUCT: 'iPhone17,3' }, { SERIAL: 'F2LTESTTEST2' }, { UDID: '00008110-AAAAAAAAAAAAAAAA' }, { UDID: String(ours['UDID']).toLowerCase().replace('1', '2') },
    { PRODUCT: 'iphone14,5' }, { PRODUCT: 'iPhone14,5 ' }, { CHALLENGE: 'x' },
  ]
  for (const lie of lies) t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone, lie))), 'device-attributes-changed', JSON.stringify(lie))
  const { PRODUCT: _, ...silent } = ours
  t.is(outcomeOf(t, await post(phone.otaUrl, await signAttributes({ attributes: silent, identity: phone.bootstrap, now: world.service.now() }))), 'device-attributes-missing')
  t.is(await stateOf(world), before)
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone))), 'document')
})

test('what a second message says is held against the first of its own enrollment, not against a later one', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone1*')
  const invitation = await world.invite({ devices: 3 })
  const phone = await phoneBeforeSecondPost(world, invitation.link)
  const later = await download(invitation)
  t.is(outcomeOf(t, await post(later.url, await firstMessage(world, later, { PRODUCT: 'iPhone15,2' }))), 'document')
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone, { PRODUCT: 'iPhone15,2' }))), 'device-attributes-changed')
})

test('a second message that was changed after signing, or signed by nobody who may, is refused', async t => {
  const { world, phone } = await ready(t)
  const before = await stateOf(world)
  const good = await signedBy({ identity: phone.bootstrap, content: plistWith(undefined) }, { encoding: 'der' })
  const bare = await signedBy({ identity: phone.bootstrap, content: plistWith(undefined) }, { encoding: 'der', withoutSignedAttributes: true })
  const other = plistWith(undefined, { VERSION: '21A1' })
  t.is(outcomeOf(t, await post(phone.otaUrl, withContent(good, other))), 'cms-digest-mismatch')
  t.is(outcomeOf(t, await post(phone.otaUrl, withContent(bare, other))), 'signature-invalid')
  const stranger = { ...phone.bootstrap, privateKey: phoneKeys.identity }
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, { bootstrap: stranger }))), 'signature-invalid')
  t.is(await stateOf(world), before)
})

test('nothing comes of a second message before the first, or after the certificate', async t => {
  const { world, phone } = await ready(t, { devices: 2 })
  const untouched = await download(await world.invite())
  t.is(outcomeOf(t, await post(untouched.url, await secondMessage(world, phone))), 'bootstrap-identity-mismatch')
  await world.service.db.query(`update enrollments set state = 'issued' where id = $1`, [phone.enrollmentId])
  t.is(outcomeOf(t, await post(phone.otaUrl, await secondMessage(world, phone))), 'page')
})

test('the answer is encrypted: neither names, accounts nor the challenge can be read in it', async t => {
  const { world, phone } = await ready(t)
  const { body } = await post(phone.otaUrl, await secondMessage(world, phone))
  for (const word of ['ines@example.com', 'com.apple.security.scep', 'Challenge']) t.false(body.includes(word), word)
})
