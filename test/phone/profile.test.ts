/** Configuration profiles as a phone takes them. */
import test from 'ava'
import { signData } from '../../src/formats/cms-sign.ts'
import { configurationProfile, encryptedConfigurationProfile } from '../../src/formats/configuration-profile.ts'
import { encryptEnvelope } from '../../src/formats/enveloped-data.ts'
import { serializePlist } from '../../src/formats/plist.ts'
import type { PlistDictionary } from '../../src/formats/plist.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { decryptProfile, identityPayloadIn, openProfile, payloadsIn } from '../../src/phone/profile.ts'
import { readProfileService } from '../../src/phone/ota.ts'
import { readScepPayload } from '../../src/phone/scep-payload.ts'
import { refusalOf, refusalOfAsync } from '../support/refusals.ts'
import { newIdentity } from '../support/signed-data.ts'

const signer = await newIdentity('profile signer', 'P-256')
const phone = await newIdentity('phone')
const identity = { certificate: parseCertificate(phone.certificate), privateKey: phone.signer.privateKey, chain: [] }
const header = { identifier: 'org.example', uuid: '1', displayName: 'Example', organization: 'Example' }
const payload = (type: string): PlistDictionary => ({ PayloadType: type })
const payloads = [payload('com.apple.security.root'), payload('com.apple.security.scep')]
const plain = configurationProfile({ ...header, payloads })
const sign = (plist: PlistDictionary, content = serializePlist(plist)) =>
  signData({ content, signer: signer.signer, certificate: signer.certificate, extraCertificates: [signer.authority.certificate] })

test('a configuration profile is verified, not verified, or not signed', async t => {
  const signed = await sign(plain)
  t.is(openProfile(signed, [signer.authority.certificate]).signature, 'verified')
  t.is(openProfile(signed).signature, 'not-verified')
  t.is(openProfile(signed, [phone.authority.certificate]).signature, 'not-verified')
  t.is(openProfile(serializePlist(plain)).signature, 'not-signed')
})

test('a configuration profile whose signature does not hold is refused', async t => {
  const signed = await sign(plain)
  const at = signed.indexOf('Example')
  const changed = Buffer.from(signed)
  changed[at] = 0x65
  t.is(refusalOf(() => openProfile(changed)), 'cms-digest-mismatch')
})

test('what is encrypted to the phone is opened by it, and by nobody else', async t => {
  for (const cipher of ['aes-256-cbc', 'aes-128-cbc', 'des-ede3-cbc'] as const) {
    const sealed = encryptedConfigurationProfile({ ...header, encryptedPayloadContent: encryptEnvelope(serializePlist(payloads), identity.certificate, cipher) })
    const opened = await decryptProfile(sealed, identity)
    t.deepEqual(payloadsIn(opened).map(({ PayloadType: type }) => type), ['com.apple.security.root', 'com.apple.security.scep'])
    t.false('IsEncrypted' in opened || 'EncryptedPayloadContent' in opened)
    const other = await newIdentity('other')
    t.is(await refusalOfAsync(() => decryptProfile(sealed, { certificate: parseCertificate(other.certificate), privateKey: other.signer.privateKey, chain: [] })), 'malformed-scep-message')
  }
  t.deepEqual(await decryptProfile(plain, identity), plain)
})

test('exactly one payload may bring an identity', t => {
  t.is(identityPayloadIn(payloads)['PayloadType'], 'com.apple.security.scep')
  t.is(refusalOf(() => identityPayloadIn(payloads.slice(0, 1))), 'malformed-plist')
  t.is(refusalOf(() => identityPayloadIn([...payloads, payload('com.apple.security.pkcs12')])), 'malformed-plist')
})

test('a profile service needs an address, and tolerates what it does not know', t => {
  const service = (content: PlistDictionary) => readProfileService({ PayloadType: 'Profile Service', PayloadContent: content })
  t.like(service({ URL: 'https://ca.example/ota/1', ConfirmInstallation: true }), { url: 'https://ca.example/ota/1', deviceAttributes: [], challenge: undefined })
  t.deepEqual(service({ URL: 'https://ca.example/', Challenge: Buffer.from('x') }).challenge, Buffer.from('x'))
  for (const content of [{}, { URL: '' }, { URL: 1 }, { URL: 'x', Challenge: 7 }, { URL: 'x', DeviceAttributes: 'UDID' }]) {
    t.is(refusalOf(() => service(content)), 'malformed-plist')
  }
  t.is(refusalOf(() => readProfileService(plain)), 'malformed-plist')
})

test('a SCEP payload without settings of its own has Apple’s', t => {
  const settings = (content: PlistDictionary) => readScepPayload({ PayloadType: 'com.apple.security.scep', PayloadContent: content })
  t.like(settings({ URL: 'http://ca.example/scep' }), { keySizeBits: 1024, retries: 3, retryDelaySeconds: 10, caName: '', subject: [], extensions: [] })
  const full = settings({
    URL: 'http://ca.example/scep', Subject: [[['O', 'Example']], [['CN', 'ada'], ['1.2.3', 'x']]], 'Key Usage': 5,
    SubjectAltName: { rfc822Name: 'ada@example.org', dNSName: ['a.example', 'b.example'] },
  })
  t.deepEqual(full.subject.map(({ type }) => type), ['2.5.4.10', '2.5.4.3', '1.2.3'])
  t.deepEqual(full.extensions.map(({ oid }) => oid), ['2.5.29.15', '2.5.29.17'])
  for (const content of [{}, { URL: 'x', Keysize: '2048' }, { URL: 'x', Retries: -1 }, { URL: 'x', Subject: ['CN'] }, { URL: 'x', Subject: [[['nobody', 'knows']]] }, { URL: 'x', CAFingerprint: 'ab' }]) {
    t.is(refusalOf(() => settings(content)), 'malformed-plist')
  }
})
