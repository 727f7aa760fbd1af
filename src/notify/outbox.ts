/** What the schedule does with messages: tells of phones that wait, and sends what is due. */
import type { Service } from '../http/service.ts'
import { adminNotices } from '../store/admin-notices.ts'
import { outboxStore, quarantinedSince, type ClaimedMessage, type OutboxMessage } from '../store/outbox.ts'
import { mailSender, type MailSender } from './mail.ts'
import { quarantineMail, quarantineWebhook } from './messages.ts'
import { webhookSender, type WebhookSender } from './webhook.ts'

export type Senders = { mail: MailSender | undefined, webhook: WebhookSender | undefined }

/** Those that the settings name. */
export function sendersOf({ config: { smtpUrl, mailFrom, webhookUrl, webhookSecret, url } }: Service): Senders {
  return {
    mail: smtpUrl === undefined ? undefined : mailSender(smtpUrl, mailFrom ?? `latchkey@${new URL(url).hostname}`),
    webhook: webhookUrl === undefined || webhookSecret === undefined ? undefined : webhookSender(webhookUrl, webhookSecret),
  }
}

const minuteMs = 60_000
/** Longer than a batch of tries may take. */
const claimMs = 10 * minuteMs
const batch = 5
/** Minutes until the next try; after the last, about a day later, it is given up. */
const waits = [1, 5, 15, 60, 180, 360, 720]

/** Sends what is due. @returns how many were sent */
export async function sendDue(service: Service, senders: Senders): Promise<number> {
  if (senders.mail === undefined && senders.webhook === undefined) return 0
  const now = service.now()
  let sent = 0
  for (const message of await outboxStore(service.db).claim(now, new Date(now.getTime() + claimMs), batch)) {
    try {
      await send(message, senders, service)
      await outboxStore(service.db).sent(message.id, service.now())
      sent++
    } catch (error) {
      const wait = waits[message.attempts - 1]
      await outboxStore(service.db).failed(message.id, errorCode(error), wait === undefined ? null : new Date(now.getTime() + wait * minuteMs), now)
      service.log(wait === undefined ? 'error' : 'warn', wait === undefined ? 'message given up' : 'message not sent', { id: message.id, kind: message.kind, about: message.event, code: errorCode(error) })
    }
  }
  return sent
}

async function send(message: ClaimedMessage, { mail, webhook }: Senders, service: Service): Promise<void> {
  const { id, event, subject, body } = message
  if (message.kind === 'webhook') {
    if (webhook === undefined) throw new Error('no webhook is set')
    return await webhook({ id, event, body }, service.now())
  }
  if (mail === undefined) throw new Error('no mail server is set')
  // The same for every try, so that a server that has taken it once may pass over the second.
  await mail({ to: message.recipient, subject, text: body, messageId: `<${id}.${message.createdAt.getTime()}@${new URL(service.config.url).hostname}>`, date: message.createdAt })
}

/** What failed, without what was said: answers of servers repeat addresses, and errors may repeat a password. */
function errorCode(error: unknown): string {
  const { code, responseCode, name, message } = error as { code?: unknown, responseCode?: unknown, name?: unknown, message?: unknown }
  const parts = [typeof code === 'string' ? code : typeof name === 'string' ? name : 'failed', ...typeof responseCode === 'number' ? [String(responseCode)] : [], ...typeof message === 'string' && /^HTTP \d{3}$/.test(message) ? [message] : []]
  return parts.join(' ').slice(0, 100)
}

/** Tells whoever may decide of each phone that began to wait: once a day for a phone and its invitation. @returns how many phones */
export async function noticeQuarantined(service: Service, { mail, webhook }: Senders): Promise<number> {
  if (mail === undefined && webhook === undefined) return 0
  const now = service.now()
  const phones = await quarantinedSince(service.db, new Date(now.getTime() - 24 * 60 * minuteMs), 100)
  let told = 0
  for (const phone of phones) {
    const model = service.catalogue().models.get(phone.productType)?.name
    told += await service.db.transaction(async tx => {
      if (!await outboxStore(tx).notice('device.quarantined', `${phone.deviceId} ${phone.invitationId} ${phone.decidedAt.toISOString().slice(0, 10)}`, now)) return 0
      const admins = mail === undefined ? [] : await adminNotices(tx).wantedBy('device.quarantined')
      const messages: OutboxMessage[] = [...admins.map(email => quarantineMail(email, phone, model, service.config.url)), ...webhook === undefined ? [] : [quarantineWebhook(phone, model)]]
      for (const message of messages) await outboxStore(tx).add(message, now)
      return 1
    })
  }
  return told
}
