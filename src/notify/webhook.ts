import { createHmac } from 'node:crypto'

export type Webhook = { id: number, event: string, body: string }
export type WebhookSender = (webhook: Webhook, now: Date) => Promise<void>

const timeoutMs = 10_000

/**
 * What receivers check before they believe: HMAC-SHA256 of the timestamp, a point and the body, in lower-case hex.
 * They refuse timestamps more than some minutes old, so that nothing can be sent again later.
 */
export const webhookSignature = (secret: string, timestamp: string, body: string): string =>
  createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')

/** Posts to the one address of the setting. A redirect is a failure: the signature is for that address. */
export const webhookSender = (url: string, secret: string): WebhookSender => async ({ id, event, body }, now) => {
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const response = await fetch(url, {
    method: 'POST', body, redirect: 'error', signal: AbortSignal.timeout(timeoutMs),
    headers: {
      'content-type': 'application/json', 'latchkey-event': event,
      // The same for every try, so that a receiver can pass over what it has.
      'latchkey-delivery': String(id), 'latchkey-timestamp': timestamp, 'latchkey-signature': `sha256=${webhookSignature(secret, timestamp, body)}`,
    },
  })
  await response.body?.cancel()
  if (!response.ok) throw new Error(`HTTP ${response.status}`)
}
