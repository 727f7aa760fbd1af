import test from 'ava'
import { canErase, consequencesOf } from '../../src/enrollment/consequences.ts'
import { defaultTemplate } from '../../src/enrollment/template.ts'

test('certificates alone erase nothing, and the owner can remove them', t => {
  const consequences = consequencesOf(defaultTemplate)
  t.deepEqual(consequences, [
    { code: 'identity-added', organization: 'Latchkey' },
    { code: 'authority-added', name: 'Latchkey' },
    { code: 'owner-can-remove' },
  ])
  t.false(canErase(consequences))
})

test('an Exchange account lets its mail server erase the phone and require a passcode', t => {
  const consequences = consequencesOf({ ...defaultTemplate, exchange: { host: 'mail.example', preventMove: true } })
  t.deepEqual(consequences.slice(0, 5), [
    { code: 'mail-account-added', host: 'mail.example', mailDays: 7 },
    { code: 'mail-server-can-erase', host: 'mail.example' },
    { code: 'mail-server-can-require-passcode', host: 'mail.example' },
    { code: 'mail-server-sees-phone', host: 'mail.example' },
    { code: 'mail-cannot-be-moved', host: 'mail.example' },
  ])
  t.true(canErase(consequences))
})

test('a passcode policy erases the phone after the attempts it names', t => {
  const consequences = consequencesOf({ ...defaultTemplate, passcode: { minLength: 6, maxFailedAttempts: 8, maxAgeDays: 0, maxInactivityMinutes: 5 } })
  t.deepEqual(consequences.slice(0, 3), [
    { code: 'passcode-required', minLength: 6, alphanumeric: false, simple: true, complexCharacters: 0 },
    { code: 'failed-passcodes-erase', attempts: 8, chosen: true },
    { code: 'locks-when-idle', minutes: 5 },
  ])
  t.true(canErase(consequences))
})

test('a passcode policy that names no attempts still says what Apple documents as its limit', t => {
  const consequences = consequencesOf({ ...defaultTemplate, passcode: {} })
  t.deepEqual(consequences[1], { code: 'failed-passcodes-erase', attempts: 11, chosen: false })
})

test('networks, backups and links are told of, and so is every authority that is added', t => {
  const consequences = consequencesOf({
    ...defaultTemplate, forceEncryptedBackup: true,
    trustedCertificates: [{ name: 'Office Root', pem: '' }],
    wifi: [{ ssid: 'office', trustedServerNames: ['radius.example'], autoJoin: false }],
    ikev2: { server: 'vpn.example', onDemand: true },
    webClip: [{ label: 'Help', url: 'https://help.example/' }],
  })
  t.deepEqual(consequences, [
    { code: 'backups-encrypted' },
    { code: 'wifi-added', ssid: 'office', joinsByItself: false },
    { code: 'vpn-added', server: 'vpn.example', connectsByItself: true },
    { code: 'home-screen-link-added', label: 'Help', url: 'https://help.example/' },
    { code: 'identity-added', organization: 'Latchkey' },
    { code: 'authority-added', name: 'Latchkey' },
    { code: 'authority-added', name: 'Office Root' },
    { code: 'owner-can-remove' },
  ])
  t.false(canErase(consequences))
})
