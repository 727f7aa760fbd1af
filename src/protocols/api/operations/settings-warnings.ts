import { activeAuthority } from '../../../certificates/authority.ts'
import type { Service } from '../../../http/service.ts'

/** @property danger  somebody could get in who should not */
export type SettingsWarning = { code: string, text: string, danger: boolean }

const isLocal = (url: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(new URL(url).hostname)

/** What in the settings of this installation somebody should look at, the dangerous first. */
export function settingsWarnings(service: Service): SettingsWarning[] {
  const { config } = service
  const outside = !isLocal(config.url)
  const warnings: (SettingsWarning | false)[] = [
    service.anchors.some(anchor => anchor.test) && {
      code: 'test-device-ca', danger: true, text: 'Simulated phones are trusted (LATCHKEY_TEST_DEVICE_CA): anybody with that key can pretend to be any phone. Never do this where mail is.',
    },
    outside && config.url.startsWith('http:') && {
      code: 'plain-http', danger: true, text: 'LATCHKEY_URL is a plain http address: invitations and sessions can be read on the way.',
    },
    outside && isLocal(config.pkiUrl) && {
      code: 'pki-url-local', danger: false, text: 'LATCHKEY_PKI_URL is an address of this machine: nobody else can fetch the lists that certificates point to.',
    },
    outside && config.smtpUrl === undefined && config.webhookUrl === undefined && {
      code: 'nobody-told', danger: false, text: 'Nobody is told when a phone waits for a decision: set LATCHKEY_SMTP_URL or LATCHKEY_WEBHOOK_URL.',
    },
    outside && activeAuthority(service.authorities(), 'root').key.privateKey !== null && {
      code: 'root-key-here', danger: false, text: 'The root’s private key is kept here. Take it away with: npx latchkey authority export-root --remove.',
    },
  ]
  return warnings.filter(warning => warning !== false)
}
