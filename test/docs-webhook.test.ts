import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { freePort } from './support/free-port.ts'
import test from 'ava'
import { webhookSender, webhookSignature } from '../src/notify/webhook.ts'

test('the receiver of the README takes what Latchkey sends, and nothing that is changed, old or of somebody else', async t => {
  const secret = 'a secret of tests'
  const port = await freePort()
  const receiver = spawn(process.execPath, [fileURLToPath(new URL('../docs/webhook/receive.mjs', import.meta.url)), String(port)], { env: { LATCHKEY_WEBHOOK_SECRET: secret }, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(async () => { receiver.kill(); await once(receiver, 'close') })
  const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]()
  t.is((await lines.next()).value, 'listening')
  const url = `http://127.0.0.1:${port}/`
  const body = JSON.stringify({ event: 'device.quarantined' })
  await webhookSender(url, secret)({ id: 17, event: 'device.quarantined', body }, new Date())
  t.is((await lines.next()).value, '17 device.quarantined')

  await t.throwsAsync(webhookSender(url, 'another secret of tests')({ id: 18, event: 'x', body }, new Date()), { message: 'HTTP 403' })
  await t.throwsAsync(webhookSender(url, secret)({ id: 19, event: 'x', body }, new Date(Date.now() - 600_000)), { message: 'HTTP 403' })
  const timestamp = String(Math.floor(Date.now() / 1000))
  const changed = await fetch(url, { method: 'POST', body: body.replace('device', 'gadget'), headers: { 'latchkey-timestamp': timestamp, 'latchkey-signature': `sha256=${webhookSignature(secret, timestamp, body)}` } })
  t.is(changed.status, 403)
  t.is((await fetch(url, { method: 'POST', body })).status, 403)
})
