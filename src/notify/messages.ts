import type { Template } from '../enrollment/template.ts'
import type { OutboxMessage, QuarantinedPhone } from '../store/outbox.ts'

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' })

/** The link is for one person, so the message goes to that person alone. */
export function invitationMail(to: string, name: string, { organization, displayName, contact }: Template, url: string, expiresAt: Date): OutboxMessage {
  return {
    kind: 'mail', event: 'invitation', recipient: to, subject: `${organization}: ${displayName}`,
    body: `Hello ${name},

${organization} invites you to set up your iPhone or iPad: ${displayName}.

Open this link in Safari on the phone itself:

${url}

The page says what will be installed and what ${organization} will and will
not be able to see or do. It takes about two minutes.

The link is yours alone: please do not forward it. It works until ${day.format(expiresAt)}.

Something odd? ${contact}
`,
  }
}

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
