import test from 'ava'
import { loadConfig } from '../../src/config.ts'
import { CaError } from '../../src/errors.ts'

test('settings for mail and webhooks are checked at the start, and no mistake repeats a password', t => {
  const wrong: Record<string, string>[] = [
    { LATCHKEY_SMTP_URL: 'http://ada:hunter22@mail.example.org' }, { LATCHKEY_SMTP_URL: 'hunter22' },
    { LATCHKEY_MAIL_FROM: 'a@b.example\r\nBcc: hunter22@b.example' }, { LATCHKEY_MAIL_FROM: '<hunter22@b.example>' },
    { LATCHKEY_WEBHOOK_URL: 'https://example.org/hook' }, { LATCHKEY_WEBHOOK_SECRET: 'hunter22-hunter22' },
    { LATCHKEY_WEBHOOK_URL: 'https://ada:hunter22@example.org/', LATCHKEY_WEBHOOK_SECRET: 'a secret of tests' }, { LATCHKEY_WEBHOOK_URL: 'https://example.org', LATCHKEY_WEBHOOK_SECRET: 'hunter22' },
  ]
  for (const env of wrong) {
    const error = t.throws(() => loadConfig(env), { instanceOf: CaError, code: 'invalid-configuration' }, JSON.stringify(env))
    t.false(error!.message.includes('hunter22'))
  }
  t.like(loadConfig({ LATCHKEY_SMTP_URL: 'smtps://ada:secret@mail.example.org', LATCHKEY_MAIL_FROM: 'latchkey@example.org', LATCHKEY_WEBHOOK_URL: 'https://example.org/hook?x=1', LATCHKEY_WEBHOOK_SECRET: 'a secret of tests' }), {
    mailFrom: 'latchkey@example.org', webhookUrl: 'https://example.org/hook?x=1',
  })
})
