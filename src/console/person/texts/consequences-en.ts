import type { Consequence } from '../../../enrollment/consequences.ts'

/** What the owner of a phone is told before they agree: one plain sentence for each consequence. */
export function consequenceEn(consequence: Consequence): string {
  const c = consequence
  switch (c.code) {
    case 'mail-account-added': return `Your work mail, contacts and calendar from ${c.host} appear on this phone.`
    case 'mail-server-can-erase': return `Whoever runs ${c.host} can erase this whole phone from afar, your own data included, as with any Exchange account.`
    case 'mail-server-can-require-passcode': return `${c.host} can ask for a passcode and make rules for it.`
    case 'mail-server-sees-phone': return `${c.host} learns the model and the version of iOS, and when the phone connects.`
    case 'mail-cannot-be-moved': return 'Messages cannot be moved from this account to another.'
    case 'mail-only-in-mail-app': return 'Other apps cannot send from this account.'
    case 'passcode-required': return c.minLength > 0 ? `You need a passcode of at least ${c.minLength} characters${c.alphanumeric ? ', with letters and digits' : ''}.` : 'You need a passcode.'
    case 'failed-passcodes-erase': return c.chosen ? `After ${c.attempts} wrong passcodes in a row the phone erases itself.` : `After ${c.attempts} wrong passcodes in a row the phone may erase itself.`
    case 'passcode-expires': return `You need a new passcode every ${c.days} days.`
    case 'passcode-history': return `The last ${c.count} passcodes cannot be used again.`
    case 'locks-when-idle': return `The phone locks after ${c.minutes} minutes at the latest.`
    case 'backups-encrypted': return 'Backups to a computer are encrypted with a password that you choose. Without it they cannot be read back.'
    case 'wifi-added': return `The phone knows the Wi-Fi network ${c.ssid}${c.joinsByItself ? ' and joins it by itself' : ''}; its operator sees which servers the phone talks to.`
    case 'vpn-added': return `The phone knows the VPN at ${c.server}${c.connectsByItself ? ' and connects by itself' : ''}; its operator sees the traffic that goes through it.`
    case 'home-screen-link-added': return `A link “${c.label}” to ${c.url} appears on the home screen.`
    case 'identity-added': return `The phone gets a key and a certificate with your name from ${c.organization}.`
    case 'authority-added': return `The phone stores the certificate authority of ${c.name}. Web pages use it only if you switch that on yourself.`
    case 'owner-can-remove': return 'You can remove all of it at any time.'
  }
}
