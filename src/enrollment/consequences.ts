import { defaultMaxFailedAttempts } from '../formats/payloads/passcode.ts'
import type { Template } from './template.ts'

/** Something the phone's owner must be told before they agree. Codes are stable; pages word them. */
export type Consequence =
  /** The phone stores a certificate authority; whether web pages may use it is the owner's choice in Settings. */
  | { code: 'authority-added', name: string }
  /** The phone gets a certificate that names its owner, shown to whoever asks for it with this authority. */
  | { code: 'identity-added', organization: string }
  /** Mail, contacts, calendars, reminders and notes of the account are kept on that server. */
  | { code: 'mail-account-added', host: string, mailDays: number }
  /** The server's operator can erase the whole phone from afar, private data included. */
  | { code: 'mail-server-can-erase', host: string }
  /** The server can demand a passcode and set rules for it, beyond those of the template. */
  | { code: 'mail-server-can-require-passcode', host: string }
  /** The server learns the phone's model, its iOS version, and when it connects from where. */
  | { code: 'mail-server-sees-phone', host: string }
  | { code: 'mail-cannot-be-moved', host: string }
  | { code: 'mail-only-in-mail-app', host: string }
  | { code: 'passcode-required', minLength: number, alphanumeric: boolean, simple: boolean, complexCharacters: number }
  /** More wrong passcodes than `attempts` in a row erase the whole phone. `chosen`: the template says so, not iOS's default. */
  | { code: 'failed-passcodes-erase', attempts: number, chosen: boolean }
  | { code: 'passcode-expires', days: number }
  | { code: 'passcode-history', count: number }
  | { code: 'locks-when-idle', minutes: number }
  /** Backups to a computer need a password; without the password they cannot be read back. */
  | { code: 'backups-encrypted' }
  /** The network's operator sees which servers the phone talks to while it is connected. */
  | { code: 'wifi-added', ssid: string, joinsByItself: boolean }
  /** Traffic that goes through the VPN is seen by its operator. */
  | { code: 'vpn-added', server: string, connectsByItself: boolean }
  | { code: 'home-screen-link-added', label: string, url: string }
  /** Nobody can stop the owner from removing the configuration profile, and all of the above with it. */
  | { code: 'owner-can-remove' }

/** What this template does to a phone and its owner, in the order in which a page should say it. */
export function consequencesOf(template: Template): Consequence[] {
  const { organization, trustedCertificates = [], wifi = [], ikev2, webClip = [] } = template
  return [
    ...mailConsequences(template),
    ...passcodeConsequences(template),
    ...template.forceEncryptedBackup === true ? [{ code: 'backups-encrypted' } as const] : [],
    ...wifi.map(({ ssid, autoJoin = true }) => ({ code: 'wifi-added', ssid, joinsByItself: autoJoin }) as const),
    ...ikev2 === undefined ? [] : [{ code: 'vpn-added', server: ikev2.server, connectsByItself: ikev2.onDemand ?? false } as const],
    ...webClip.map(({ label, url }) => ({ code: 'home-screen-link-added', label, url }) as const),
    { code: 'identity-added', organization },
    ...[organization, ...trustedCertificates.map(certificate => certificate.name)]
      .map(name => ({ code: 'authority-added', name }) as const),
    { code: 'owner-can-remove' },
  ]
}

/** Whether somebody or something could erase the phone: the question every owner asks. */
export const canErase = (consequences: readonly Consequence[]): boolean =>
  consequences.some(({ code }) => code === 'mail-server-can-erase' || code === 'failed-passcodes-erase')

function mailConsequences({ exchange }: Template): Consequence[] {
  if (exchange === undefined) return []
  const { host, mailDays = 7, preventMove = false, preventAppSheet = false } = exchange
  return [
    { code: 'mail-account-added', host, mailDays },
    { code: 'mail-server-can-erase', host },
    { code: 'mail-server-can-require-passcode', host },
    { code: 'mail-server-sees-phone', host },
    ...preventMove ? [{ code: 'mail-cannot-be-moved', host } as const] : [],
    ...preventAppSheet ? [{ code: 'mail-only-in-mail-app', host } as const] : [],
  ]
}

function passcodeConsequences({ passcode }: Template): Consequence[] {
  if (passcode === undefined) return []
  const { minLength = 0, requireAlphanumeric = false, allowSimple = true, minComplexCharacters = 0 } = passcode
  const { maxFailedAttempts, maxAgeDays, history, maxInactivityMinutes } = passcode
  return [
    { code: 'passcode-required', minLength, alphanumeric: requireAlphanumeric, simple: allowSimple, complexCharacters: minComplexCharacters },
    // Apple's schema gives a limit to a policy that names none, so silence here would not be the truth.
    { code: 'failed-passcodes-erase', attempts: maxFailedAttempts ?? defaultMaxFailedAttempts, chosen: maxFailedAttempts !== undefined },
    ...maxAgeDays === undefined || maxAgeDays === 0 ? [] : [{ code: 'passcode-expires', days: maxAgeDays } as const],
    ...history === undefined ? [] : [{ code: 'passcode-history', count: history } as const],
    ...maxInactivityMinutes === undefined || maxInactivityMinutes === 0 ? [] : [{ code: 'locks-when-idle', minutes: maxInactivityMinutes } as const],
  ]
}
