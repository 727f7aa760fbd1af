import type { Person } from '../devices/invitations.ts'
import type { Template } from '../enrollment/template.ts'
import type { OutboxMessage, QuarantinedPhone } from '../store/outbox.ts'
import { invitationText } from './owner-mails.ts'

/** The link is for one person, so the message goes to that person alone. */
export const invitationMail = ({ email, name, language }: Pick<Person, 'email' | 'name' | 'language'>, { organization, displayName, contact }: Template, url: string, expiresAt: Date): OutboxMessage => ({
  kind: 'mail', event: 'invitation', recipient: email, subject: `${organization}: ${displayName}`,
  body: invitationText({ name, organization, displayName, contact, url, expiresAt }, language),
})

/** To somebody who may decide. */
export function quarantineMail(to: string, phone: QuarantinedPhone, modelName: string | undefined, consoleUrl: string): OutboxMessage {
  const model = modelName ?? phone.productType
  return {
    kind: 'mail', event: 'device.quarantined', recipient: to, subject: `Latchkey: a phone of ${phone.personName} waits for a decision`,
    body: `${phone.personName} (${phone.personEmail}) has a phone that waits for somebody's decision: ${model}.

${phone.reason ?? ''}

Decide here: ${consoleUrl}/console/quarantine
`,
  }
}

export function quarantineWebhook(phone: QuarantinedPhone, modelName: string | undefined): OutboxMessage {
  const { deviceId, invitationId, enrollmentId, personName, personEmail, productType, decidedAt, reason } = phone
  return {
    kind: 'webhook', event: 'device.quarantined', subject: `device:${deviceId}`,
    body: JSON.stringify({ event: 'device.quarantined', at: decidedAt.toISOString(), deviceId, invitationId, enrollmentId, personName, personEmail, productType, modelName: modelName ?? null, reason }),
  }
}
