/** What people and phones may call themselves, in every mail: text, in a message of one recipient and our own headers. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import { defaultTemplate } from '../../src/enrollment/template.ts'
import { mailSender } from '../../src/notify/mail.ts'
import { invitationMail, quarantineMail } from '../../src/notify/messages.ts'
import { hostileTexts } from '../support/console.ts'
import { openSmtp } from '../support/smtp.ts'

const tricks = [
  'Tom\r\nBcc: eve@example.com', 'Tom\nBcc: eve@example.com\n\n<script>alert(1)</script>', 'Tom\rBcc: eve@example.com', 'Tom\u2028Bcc: eve@example.com', 'Tom\u0085Bcc: eve@example.com',
  'Tom\r\n.\r\nMAIL FROM:<eve@example.com>', '=?utf-8?B?DQpCY2M6IGV2ZUBleGFtcGxlLmNvbQ==?=', '.'.repeat(50), 'ü'.repeat(3000),
]
const ours = ['from', 'to', 'subject', 'message-id', 'date', 'auto-submitted', 'content-transfer-encoding', 'content-type', 'mime-version']

test('whatever a name or a text is, a mail has one recipient, our headers, plain text, and lines that every server takes', async t => {
  const smtp = await openSmtp(t)
  const send = mailSender(smtp.url, 'latchkey@example.org')
  const [at, url] = [new Date('2026-03-01T09:00:00Z'), 'https://keys.example.org']
  for (const text of [...hostileTexts, ...tricks]) {
    const phone = { deviceId: randomUUID(), invitationId: randomUUID(), enrollmentId: 'x', personName: text, personEmail: 'tom@example.com', productType: text, decidedAt: at, reason: text }
    const template = { ...defaultTemplate, organization: text, displayName: text, contact: text }
    for (const message of [invitationMail({ email: 'tom@example.com', name: text, language: null }, template, `${url}/i/token`, at), quarantineMail('ada@example.com', phone, undefined, url)]) {
      if (message.kind !== 'mail') return t.fail()
      smtp.mails.length = 0
      smtp.lines.length = 0
      await send({ to: message.recipient!, subject: message.subject, text: message.body, messageId: '<1@example.org>', date: at })
      t.is(smtp.mails.length, 1)
      const [{ to, data }] = smtp.mails as [typeof smtp.mails[number]]
      t.deepEqual(to, [message.recipient])
      t.is(smtp.lines.filter(line => /^(MAIL|RCPT)/i.test(line)).length, 2)
      const [head] = data.split('\r\n\r\n', 1) as [string]
      const names = head.split('\r\n').filter(line => !/^[ \t]/.test(line)).map(line => line.split(':')[0]!.toLowerCase())
      t.deepEqual(names.filter(name => !ours.includes(name)), [], text.slice(0, 40))
      t.is(new Set(names).size, names.length)
      t.regex(head, /^content-type: text\/plain; charset=utf-8$/im)
      t.notRegex(data.replaceAll('\r\n', ''), /[\r\n]/, 'a line ends in one way only (RFC 5321 §2.3.8)')
      t.true(Math.max(...data.split('\r\n').map(line => line.length)) <= 998, `a line is too long (RFC 5321 §4.5.3.1.6): ${text.slice(0, 40)}`)
    }
  }
})
