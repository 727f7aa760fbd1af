import { createTransport } from 'nodemailer'

export type Mail = { to: string, subject: string, text: string, messageId: string, date: Date }
export type MailSender = (mail: Mail) => Promise<void>

const timeoutMs = 20_000
const mostInSubject = 250

/**
 * Sends through the server of the setting. A password is never sent in the clear: with one in the address the
 * connection must be TLS, from the first byte (`smtps:`) or by STARTTLS.
 *
 * @param url  `smtp://user:password@host:port`, or `smtps:`
 */
export function mailSender(url: string, from: string): MailSender {
  const { protocol, username } = new URL(url)
  const transport = createTransport({
    url, requireTLS: protocol === 'smtp:' && username !== '', connectionTimeout: timeoutMs, greetingTimeout: timeoutMs, socketTimeout: timeoutMs,
    // What stands in a message is text; nothing in it may name a file or an address to be fetched.
    disableFileAccess: true, disableUrlAccess: true,
  })
  return async ({ to, subject, text, messageId, date }) => {
    // What has no spaces cannot be folded, and servers refuse lines of more than 998 (RFC 5322 §2.1.1).
    const inOneLine = [...subject].slice(0, mostInSubject).join('')
    await transport.sendMail({ from, to: { name: '', address: to }, subject: inOneLine, text, messageId, date, headers: { 'Auto-Submitted': 'auto-generated' } })
  }
}
