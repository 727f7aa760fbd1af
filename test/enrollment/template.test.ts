import test from 'ava'
import { randomUUID } from 'node:crypto'
import { consequencesOf } from '../../src/enrollment/consequences.ts'
import { type Template, type TemplateContext, defaultTemplate, parseTemplate, payloadsOf } from '../../src/enrollment/template.ts'
import { configurationProfile } from '../../src/formats/configuration-profile.ts'
import { toPem } from '../../src/formats/pem.ts'
import { type PlistDictionary, type PlistValue, isDictionary, serializePlist } from '../../src/formats/plist.ts'
import { profileProblems } from '../support/apple-schema.ts'
import { peer } from '../support/peers.ts'
import { plain, readWithPlistlib, xmllintComplaints } from '../support/plist-peers.ts'
import { newAuthority } from '../support/signers.ts'

const root = await newAuthority('Example Root')
const issuing = await newAuthority('Example Issuing', root)
const radius = await newAuthority('Office Root')
const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABh6FO1AAAAABJRU5ErkJggg==', 'base64')

const everything: Template = {
  organization: 'Example & Sons',
  displayName: 'Mail on your phone',
  description: 'Mail, Wi-Fi and VPN.',
  consentText: 'The mail server can erase this phone.\nAsk first.',
  contact: 'Ada, extension 12',
  identifier: 'com.example.phones',
  trustedCertificates: [
    { name: 'Office Root', pem: toPem('CERTIFICATE', radius.certificate) },
    { name: 'issuing again', pem: toPem('CERTIFICATE', issuing.certificate) },
  ],
  exchange: { host: 'mail.example.com', mailDays: 14, preventMove: true, preventAppSheet: false },
  wifi: [
    { ssid: 'Büro', trustedServerNames: ['radius.example.com', '*.radius.example.com'], anchors: ['Office Root'], encryption: 'WPA3', hidden: true, autoJoin: false, tlsMaximumVersion: '1.3' },
    { ssid: 'office', trustedServerNames: ['radius.example.com'] },
  ],
  ikev2: {
    server: 'vpn.example.com', onDemand: true, certificateType: 'RSA', serverCertificateIssuerCommonName: 'Example Issuing',
    securityAssociation: { encryption: 'AES-256', integrity: 'SHA2-384', group: 14, lifetimeMinutes: 60 },
  },
  passcode: {
    minLength: 6, minComplexCharacters: 1, requireAlphanumeric: true, allowSimple: false, maxAgeDays: 365, history: 5,
    maxInactivityMinutes: 5, maxGracePeriodMinutes: 1, maxFailedAttempts: 8,
  },
  forceEncryptedBackup: true,
  webClip: [{ label: 'Help desk', url: 'https://help.example/?a=1&b=2', icon: png.toString('base64') }],
}

const scep: TemplateContext['identity'] = {
  kind: 'scep', url: 'https://ca.example/scep', caName: 'device', challenge: 'one-time-1', caFingerprint: Buffer.alloc(32, 7),
  subject: [['CN', 'Zoë Example'], ['2.5.4.5', 'device-1']],
}

const contextWith = (identity: TemplateContext['identity'], base = 'com.example.phones'): TemplateContext => ({
  person: { name: 'Zoë Example', email: 'zoe@example.com', userPrincipalName: 'zoe@corp.example.com' },
  identity, root: root.certificate, issuing: issuing.certificate, uuid: () => randomUUID().toUpperCase(), identifierBase: base,
})

const profileOf = (template: Template, identity: TemplateContext['identity'] = scep): PlistDictionary => configurationProfile({
  identifier: template.identifier, uuid: randomUUID(), displayName: template.displayName, organization: template.organization,
  payloads: payloadsOf(template, contextWith(identity)),
})

const ofType = (payloads: PlistDictionary[], type: string): PlistDictionary[] => payloads.filter(payload => payload['PayloadType'] === type)
const only = (payloads: PlistDictionary[], type: string): PlistDictionary => {
  const [found, ...more] = ofType(payloads, type)
  if (found === undefined || more.length > 0) throw new Error(`${type}: not exactly one`)
  return found
}

test('every payload of every kind is what Apple documents', t => {
  const delivered = { kind: 'pkcs12', data: Buffer.from('3000', 'hex'), password: 'secret', fileName: 'identity.p12' } as const
  for (const template of [everything, defaultTemplate]) {
    for (const identity of [scep, { ...scep, keySizeBits: 4096, retries: 60, retryDelaySeconds: 20 } as const, delivered]) {
      t.deepEqual(profileProblems(profileOf(template, identity)), [])
    }
  }
})

test('Python’s plistlib and xmllint read the configuration profile as it was meant', async t => {
  const profile = profileOf(everything)
  if (peer(t, 'python3')) t.deepEqual(await readWithPlistlib(serializePlist(profile)), plain(profile))
  if (peer(t, 'xmllint')) t.is(await xmllintComplaints(serializePlist(profile)), '')
})

test('a template that says nothing gives the two certificates and the identity', t => {
  const types = payloadsOf(defaultTemplate, contextWith(scep)).map(payload => payload['PayloadType'])
  t.deepEqual(types, ['com.apple.security.root', 'com.apple.security.pkcs1', 'com.apple.security.scep'])
})

test('the key of an identity is born on the phone with 2048 bits, for signing and decrypting, and stays there', t => {
  const identity = only(payloadsOf(defaultTemplate, contextWith(scep)), 'com.apple.security.scep')
  t.deepEqual(identity['PayloadContent'], {
    URL: 'https://ca.example/scep', Name: 'device', Subject: [[['CN', 'Zoë Example']], [['2.5.4.5', 'device-1']]],
    Challenge: 'one-time-1', Keysize: 2048, 'Key Type': 'RSA', 'Key Usage': 5, CAFingerprint: Buffer.alloc(32, 7),
    Retries: 3, RetryDelay: 10, KeyIsExtractable: false,
  })
})

test('a delivered identity without a password leaves the phone to ask for it', t => {
  const identity = only(payloadsOf(defaultTemplate, contextWith({ kind: 'pkcs12', data: Buffer.from('p12') })), 'com.apple.security.pkcs12')
  t.deepEqual(identity['PayloadContent'], Buffer.from('p12'))
  t.false('Password' in identity)
})

test('mail, Wi-Fi and VPN prove themselves with the identity of the same configuration profile', t => {
  for (const identity of [scep, { kind: 'pkcs12', data: Buffer.from('p12') } as const]) {
    const payloads = payloadsOf(everything, contextWith(identity))
    const { PayloadUUID: uuid } = only(payloads, identity.kind === 'scep' ? 'com.apple.security.scep' : 'com.apple.security.pkcs12')
    t.is(only(payloads, 'com.apple.eas.account')['PayloadCertificateUUID'], uuid)
    t.deepEqual(ofType(payloads, 'com.apple.wifi.managed').map(wifi => wifi['PayloadCertificateUUID']), [uuid, uuid])
    t.is((only(payloads, 'com.apple.vpn.managed')['IKEv2'] as PlistDictionary)['PayloadCertificateUUID'], uuid)
  }
})

test('mail goes over TLS, as the person whom the mail server knows', t => {
  const account = only(payloadsOf(everything, contextWith(scep)), 'com.apple.eas.account')
  t.like(account, { SSL: true, Host: 'mail.example.com', EmailAddress: 'zoe@example.com', UserName: 'zoe@corp.example.com', MailNumberOfPastDaysToSync: 14 })
  t.false('Password' in account)
})

test('Wi-Fi accepts EAP-TLS alone, from 1.2 on, and only a server that its anchors vouch for', t => {
  const payloads = payloadsOf(everything, contextWith(scep))
  const anchors = new Map(ofType(payloads, 'com.apple.security.root').map(payload => [payload['PayloadDisplayName'], payload['PayloadUUID']]))
  const [office, plainOffice] = ofType(payloads, 'com.apple.wifi.managed').map(wifi => wifi['EAPClientConfiguration'] as PlistDictionary)
  t.like(office, {
    AcceptEAPTypes: [13], PayloadCertificateAnchorUUID: [anchors.get('Office Root')!],
    TLSTrustedServerNames: ['radius.example.com', '*.radius.example.com'], TLSMinimumVersion: '1.2', TLSMaximumVersion: '1.3',
    TLSCertificateIsRequired: true,
  })
  t.deepEqual(plainOffice!['PayloadCertificateAnchorUUID'], [anchors.get('Example & Sons: root certificate')!])
})

test('a VPN names the type of a delivered key that is not RSA, and needs the server’s issuer for it', t => {
  const { certificateType: _, ...ikev2 } = everything.ikev2!
  const identity = { kind: 'pkcs12', data: Buffer.from('p12'), certificateType: 'ECDSA256' } as const
  const vpnOf = (chosen: TemplateContext['identity']): PlistDictionary =>
    only(payloadsOf({ ...everything, ikev2 }, contextWith(chosen)), 'com.apple.vpn.managed')['IKEv2'] as PlistDictionary
  t.is(vpnOf(identity)['CertificateType'], 'ECDSA256')
  t.false('CertificateType' in vpnOf(scep))
  t.like(t.throws(() => payloadsOf({ ...defaultTemplate, ikev2: { server: 'vpn.example' } }, contextWith(identity))), { code: 'malformed-template' })
})

test('an update has the same identifiers and other UUIDs; no two payloads share either', t => {
  const list = (payloads: PlistDictionary[], key: string): PlistValue[] => payloads.map(payload => payload[key]!)
  const first = payloadsOf(everything, contextWith(scep))
  const second = payloadsOf(everything, contextWith(scep))
  t.deepEqual(list(first, 'PayloadIdentifier'), list(second, 'PayloadIdentifier'))
  t.is(new Set(list(first, 'PayloadIdentifier')).size, first.length)
  t.is(new Set([...list(first, 'PayloadUUID'), ...list(second, 'PayloadUUID')]).size, 2 * first.length)
  for (const identifier of list(first, 'PayloadIdentifier')) t.regex(String(identifier), /^com\.example\.phones\.[a-z0-9.-]+$/)
})

test('names that differ only in signs get identifiers that differ', t => {
  const names = ['office', 'Office', 'of fice', 'of-fice', '办公室', '☎']
  const template = { ...defaultTemplate, wifi: names.map(ssid => ({ ssid, trustedServerNames: ['radius.example'] })) }
  const payloads = ofType(payloadsOf(template, contextWith(scep)), 'com.apple.wifi.managed')
  t.is(new Set(payloads.map(payload => payload['PayloadIdentifier'])).size, names.length)
})

test('a template is accepted as JSON gives it, and comes back unchanged', t => {
  for (const template of [everything, defaultTemplate]) t.deepEqual(parseTemplate(JSON.parse(JSON.stringify(template))), template)
})

const certificate = (name: string, pem = toPem('CERTIFICATE', radius.certificate)): Record<string, string> => ({ name, pem })
const radiusNames = { trustedServerNames: ['radius.example'] }

const mistakes: [string, Record<string, unknown>, RegExp][] = [
  ['a misspelt key', { exchnage: {} }, /exchnage/],
  ['a misspelt key further in', { exchange: { host: 'mail.example', ssl: false } }, /exchange: .*ssl/],
  ['no contact', { contact: undefined }, /contact/],
  ['an empty name', { organization: '' }, /organization/],
  ['a control character', { displayName: 'a\u0007' }, /displayName: holds a character/],
  ['a name of two lines', { displayName: 'a\nb' }, /displayName: must be one line/],
  ['an identifier that is no reverse domain name', { identifier: 'phones' }, /identifier: must look like/],
  ['an address for a host', { exchange: { host: 'https://mail.example' } }, /exchange\.host/],
  ['a host with a port', { exchange: { host: 'mail.example:443' } }, /exchange\.host/],
  ['days of mail that iOS does not offer', { exchange: { host: 'mail.example', mailDays: 5 } }, /exchange\.mailDays/],
  ['an SSID of more than 32 bytes', { wifi: [{ ssid: 'ü'.repeat(17), ...radiusNames }] }, /wifi\.0\.ssid: must not be longer/],
  ['Wi-Fi without server names', { wifi: [{ ssid: 'office', trustedServerNames: [] }] }, /trustedServerNames/],
  ['Wi-Fi that trusts every server', { wifi: [{ ssid: 'office', trustedServerNames: ['*.*'] }] }, /trustedServerNames/],
  ['an anchor that is not there', { wifi: [{ ssid: 'office', ...radiusNames, anchors: ['Office Root'] }] }, /no trusted certificate is called Office Root/],
  ['two networks of one name', { wifi: [{ ssid: 'a', ...radiusNames }, { ssid: 'a', ...radiusNames }] }, /wifi\.1: there are two of the name a/],
  ['two certificates of one name', { trustedCertificates: [certificate('a'), certificate('a')] }, /trustedCertificates\.1: there are two/],
  ['PEM that is no certificate', { trustedCertificates: [certificate('a', toPem('CERTIFICATE', Buffer.from('3000', 'hex')))] }, /one certificate in PEM/],
  ['two certificates in one PEM', { trustedCertificates: [certificate('a', toPem('CERTIFICATE', root.certificate).repeat(2))] }, /one certificate in PEM/],
  ['a damaged PEM', { trustedCertificates: [certificate('a', '-----BEGIN CERTIFICATE-----\n!')] }, /one certificate in PEM/],
  ['3DES', { ikev2: { server: 'vpn.example', securityAssociation: { encryption: '3DES' } } }, /encryption/],
  ['a certificate type without the server’s issuer', { ikev2: { server: 'vpn.example', certificateType: 'ECDSA256' } }, /serverCertificateIssuerCommonName: is needed/],
  ['a passcode longer than iOS can ask for', { passcode: { minLength: 17 } }, /passcode\.minLength/],
  ['a single allowed attempt', { passcode: { maxFailedAttempts: 1 } }, /passcode\.maxFailedAttempts/],
  ['a script for a web clip', { webClip: [{ label: 'x', url: 'javascript:alert(1)' }] }, /webClip\.0\.url/],
  ['a password in an address', { webClip: [{ label: 'x', url: 'https://a:b@help.example/' }] }, /webClip\.0\.url/],
  ['an icon that is no PNG', { webClip: [{ label: 'x', url: 'https://help.example/', icon: Buffer.from('GIF89a, or so').toString('base64') }] }, /must be a PNG/],
]

for (const [name, change, expected] of mistakes) {
  test(`a template is refused with the place of the mistake: ${name}`, t => {
    t.throws(() => parseTemplate(JSON.parse(JSON.stringify({ ...defaultTemplate, ...change }))), { name: 'CaError', code: 'malformed-template', message: expected })
  })
}

test('what is no template at all is refused', t => {
  for (const value of [null, [], 'text', 7, {}, JSON.parse('{"__proto__":{"organization":"x"}}')]) {
    t.like(t.throws(() => parseTemplate(value)), { code: 'malformed-template' })
  }
})

test('no payload depends on a consequence that the owner is not told of', t => {
  const told = new Set<string>(consequencesOf(everything).map(({ code }) => code))
  const expected: Record<string, string> = {
    'com.apple.security.root': 'authority-added', 'com.apple.security.pkcs1': 'authority-added', 'com.apple.security.scep': 'identity-added',
    'com.apple.eas.account': 'mail-server-can-erase', 'com.apple.wifi.managed': 'wifi-added', 'com.apple.vpn.managed': 'vpn-added',
    'com.apple.mobiledevice.passwordpolicy': 'failed-passcodes-erase', 'com.apple.applicationaccess': 'backups-encrypted',
    'com.apple.webClip.managed': 'home-screen-link-added',
  }
  for (const payload of payloadsOf(everything, contextWith(scep)).filter(isDictionary)) {
    t.true(told.has(expected[String(payload['PayloadType'])]!), String(payload['PayloadType']))
  }
})
