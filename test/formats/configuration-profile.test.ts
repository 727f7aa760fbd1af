import test from 'ava'
import { configurationProfile, encryptedConfigurationProfile, profileService } from '../../src/formats/configuration-profile.ts'
import { webClipPayload } from '../../src/formats/payloads/web-clip.ts'
import { type PlistDictionary, parsePlist, serializePlist } from '../../src/formats/plist.ts'
import { profileProblems } from '../support/apple-schema.ts'
import { peer } from '../support/peers.ts'
import { plain, readWithPlistlib } from '../support/plist-peers.ts'

const header = {
  identifier: 'com.example.phones', uuid: '0B9C2F0E-54DE-4C0C-9E8B-1F0B62D7A8B1', displayName: 'Mail & more', organization: 'Example',
}
const payloads = [webClipPayload(
  { identifier: 'com.example.phones.web-clip.help', uuid: 'A1B94E4B-9A2C-4C57-8F0F-1B0A5C6A3B11', displayName: 'Help' },
  { label: 'Help', url: 'https://help.example/' },
)]

test('a configuration profile is what Apple documents', t => {
  t.deepEqual(profileProblems(configurationProfile({ ...header, payloads })), [])
  t.deepEqual(profileProblems(configurationProfile({
    ...header, payloads, description: 'For mail', consentText: 'The mail server can erase this phone.', removalDate: new Date('2027-01-01T00:00:00Z'),
  })), [])
})

test('an encrypted configuration profile shows its header and nothing of its payloads', t => {
  const profile = encryptedConfigurationProfile({ ...header, encryptedPayloadContent: Buffer.from('3000', 'hex') })
  t.deepEqual(profileProblems(profile), [])
  t.true(profile['IsEncrypted'])
  t.false('PayloadContent' in profile)
})

test('a profile service asks the phone for what it is told to, at the address it is given', async t => {
  const service = profileService({
    ...header, description: 'Step one of two', url: 'https://ca.example/ota/a?b=c&d=e', challenge: 'one-time',
    deviceAttributes: ['UDID', 'SERIAL', 'PRODUCT', 'VERSION'],
  })
  t.deepEqual(service, {
    PayloadType: 'Profile Service',
    PayloadVersion: 1,
    PayloadIdentifier: 'com.example.phones',
    PayloadUUID: header.uuid,
    PayloadDisplayName: 'Mail & more',
    PayloadOrganization: 'Example',
    PayloadDescription: 'Step one of two',
    PayloadContent: {
      URL: 'https://ca.example/ota/a?b=c&d=e', DeviceAttributes: ['UDID', 'SERIAL', 'PRODUCT', 'VERSION'], Challenge: 'one-time',
    },
  })
  if (peer(t, 'python3')) t.deepEqual(await readWithPlistlib(serializePlist(service)), plain(service))
})

test('the schema check sees what iOS would not understand', t => {
  const profile = configurationProfile({ ...header, payloads })
  const [clip] = payloads as [PlistDictionary]
  const faults: [PlistDictionary, RegExp][] = [
    [{ ...profile, PayloadVersion: 2 }, /is not one of 1/],
    [{ ...profile, Colour: 'red' }, /unknown key/],
    [{ ...profile, PayloadRemovalDisallowed: true }, /needs supervision/],
    [{ ...profile, PayloadContent: [clip, clip] }, /two payloads with PayloadUUID/],
    [{ ...profile, PayloadContent: [{ ...clip, URL: 'no address' }] }, /is not a URL/],
    [{ ...profile, PayloadContent: [{ ...clip, Label: 7 }] }, /is not <string>/],
    [{ ...profile, PayloadContent: [{ PayloadType: clip['PayloadType']! }] }, /Label: missing/],
  ]
  for (const [faulty, expected] of faults) t.true(profileProblems(faulty).some(problem => expected.test(problem)), String(expected))
})

test('a configuration profile comes back from its bytes', t => {
  const profile = configurationProfile({ ...header, payloads })
  t.deepEqual(plain(parsePlist(serializePlist(profile))), plain(profile))
})
