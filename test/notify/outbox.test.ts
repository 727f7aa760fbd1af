import { createServer } from 'node:http'
import { createHmac, randomUUID } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import type { Log } from '../../src/http/log.ts'
import { mailSender } from '../../src/notify/mail.ts'
import { noticeQuarantined, sendDue, sendersOf } from '../../src/notify/outbox.ts'
import { housekeeping } from '../../src/store/housekeeping.ts'
import { openApi } from '../support/api.ts'
import { newSession, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openSmtp } from '../support/smtp.ts'
import { openWorld, type World } from '../support/world.ts'

type Received = { headers: Record<string, string | string[] | undefined>, body: string }

async function openReceiver(t: ExecutionContext<any>, statuses: number[] = []): Promise<{ url: string, received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', chunk => { body += String(chunk) }).on('end', () => {
      received.push({ headers: request.headers, body })
      response.writeHead(statuses.shift() ?? 204, { location: '/elsewhere' }).end()
    })
  })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received }
}

/** The text of a mail as its reader sees it. */
const textOf = (data: string): string => Buffer.from(data.split('\r\n\r\n').slice(1).join('\r\n\r\n').replaceAll(/=\r\n/g, '').replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))), 'latin1').toString('utf8')

async function quarantine(world: World, name = 'Tom Weiss'): Promise<void> {
  await world.approve('iPhone14,5')
  await world.service.db.query(`insert into rules (id, verdict, conditions, reason, author, created_at) values ($1, 'quarantine', '{"productType":"iPhone14,5"}', 'look at these', 'ada', $2)`, [randomUUID(), world.service.now()])
  await world.enroll((await world.invite({ name, email: 'tom@example.com' })).link)
}

test('an invitation is mailed to the person it is for, and its link stands nowhere afterwards', async t => {
  const smtp = await openSmtp(t)
  const service = await testService(t, { config: { smtpUrl: smtp.url, mailFrom: 'latchkey@example.org' } })
  const api = await openApi(t, service, 'operator')
  const { url } = await api.ask('POST', '/invitations', { name: 'Zoë Roth', email: 'zoe@example.org', send: true })
  t.is(await sendDue(service, sendersOf(service)), 1)
  const [mail] = smtp.mails
  t.deepEqual(mail!.to, ['zoe@example.org'])
  t.regex(mail!.data, /^From: latchkey@example\.org\r\n/m)
  t.regex(mail!.data, /^Auto-Submitted: auto-generated\r$/m)
  t.regex(textOf(mail!.data), /^Hello Zoë Roth,/)
  t.true(textOf(mail!.data).includes(`\n${url}\r\n`) || textOf(mail!.data).includes(`\r\n${url}\r\n`))
  t.false(JSON.stringify([await service.db.query('select * from outbox'), await service.db.query('select * from audit')]).includes(url.split('/').at(-1)!))
  t.is(await sendDue(service, sendersOf(service)), 0)
})

test('a message that is not taken is tried again, later and later, and given up after a day', async t => {
  const smtp = await openSmtp(t)
  smtp.refuse = '451 later, zoe@example.org'
  const events: string[] = []
  const log: Log = (...given) => { events.push(JSON.stringify(given)) }
  const service = await testService(t, { log, config: { smtpUrl: smtp.url } })
  await (await openApi(t, service)).ask('POST', '/invitations', { name: 'Zoë', email: 'zoe@example.org', send: true })
  const senders = sendersOf(service)
  let tries = 0
  for (let minute = 0; minute < 2000; minute += 5) {
    smtp.lines.length = 0
    await sendDue(service, senders)
    if (smtp.lines.length > 0) tries++
    service.clock.advance(300)
  }
  t.is(tries, 8)
  t.is(events.filter(event => event.includes('message given up')).length, 1)
  t.false(events.some(event => event.includes('zoe') || event.includes('/i/')))
  t.deepEqual(await service.db.query('select body, sent from outbox'), [{ body: null, sent: false }])
  t.regex((await (await openConsole(t, service)).get('/console')).text, /<b>One message<\/b> could not be delivered/)
})

test('a message that was claimed by somebody who died is sent by another', async t => {
  const smtp = await openSmtp(t)
  const service = await testService(t, { config: { smtpUrl: smtp.url } })
  await (await openApi(t, service)).ask('POST', '/invitations', { name: 'Zoë', email: 'zoe@example.org', send: true })
  const died = { mail: async () => { await new Promise(() => {}) }, webhook: undefined }
  void sendDue(service, died)
  while ((await service.db.query('select 1 from outbox where attempts = 1')).length === 0) await new Promise(resolve => setImmediate(resolve))
  t.is(await sendDue(service, sendersOf(service)), 0)
  service.clock.advance(601)
  t.is(await sendDue(service, sendersOf(service)), 1)
})

test('a password never goes over a connection that is not encrypted', async t => {
  const smtp = await openSmtp(t)
  const send = mailSender(smtp.url.replace('//', '//ada:a-long-password@'), 'latchkey@example.org')
  await t.throwsAsync(send({ to: 'zoe@example.org', subject: 'x', text: 'x', messageId: '<1@x>', date: new Date('2026-03-01T09:00:00Z') }))
  t.false(smtp.lines.some(line => /AUTH|a-long-password/.test(line)))
  t.is(smtp.mails.length, 0)
})

test('mail cannot be asked for where there is no server for it', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  t.is(await api.refusal('POST', '/invitations', { name: 'Ada', email: 'ada@example.org', send: true }), 'mail-not-configured')
  t.is(await api.refusal('POST', '/invitations/batch', { csv: 'Ada,ada@example.org', create: true, send: true }), 'mail-not-configured')
  t.is((await service.db.query('select 1 from invitations')).length, 0)
  const console = await openConsole(t, service)
  t.notRegex((await console.get('/console/invitations/new')).text, /Also mail the link/)
})

test('from the console the link is mailed and shown', async t => {
  const smtp = await openSmtp(t)
  const service = await testService(t, { config: { smtpUrl: smtp.url } })
  const console = await openConsole(t, service, 'operator')
  t.regex((await console.get('/console/invitations/new')).text, /Also mail the link/)
  const told = await console.submit('/console/invitations', { name: 'Ada', email: 'ada@example.org', template: 'default', devices: '1', key: 'device', days: '7', send: 'yes' })
  t.regex(told.text, /on its way to ada@example\.org.*class="link"/s)
  await console.post('/console/invitations/many', { csv: 'Bob,bob@example.org\nEve,eve@example.org', create: 'yes', send: 'yes' })
  t.is(await sendDue(service, sendersOf(service)), 3)
  t.deepEqual(smtp.mails.map(mail => mail.to.join()), ['ada@example.org', 'bob@example.org', 'eve@example.org'])
})

test('of a phone in quarantine those are told who may decide, once, by mail and by signed webhook', async t => {
  const [smtp, receiver] = [await openSmtp(t), await openReceiver(t)]
  const world = await openWorld(t, { config: { smtpUrl: smtp.url, webhookUrl: receiver.url, webhookSecret: 'a secret of tests' } })
  const { service } = world
  const operator = (await newSession(service, 'operator')).admin
  await newSession(service, 'auditor')
  await quarantine(world)
  const senders = sendersOf(service)
  t.is(await noticeQuarantined(service, senders), 1)
  t.is(await noticeQuarantined(service, senders), 0)
  t.is(await sendDue(service, senders), 2)
  t.deepEqual(smtp.mails.map(mail => mail.to), [[operator.email]])
  t.regex(textOf(smtp.mails[0]!.data), /Tom Weiss \(tom@example\.com\) has a phone that waits.*iPhone 13.*\/console\/quarantine/s)
  const [{ headers, body }] = receiver.received as [Received]
  t.like(JSON.parse(body), { event: 'device.quarantined', personEmail: 'tom@example.com', productType: 'iPhone14,5', modelName: 'iPhone 13' })
  const timestamp = String(headers['latchkey-timestamp'])
  t.is(timestamp, String(service.now().getTime() / 1000))
  t.is(headers['latchkey-signature'], `sha256=${createHmac('sha256', 'a secret of tests').update(`${timestamp}.${body}`).digest('hex')}`)
})

test('a webhook that is refused or sent elsewhere is tried again under the same delivery', async t => {
  const receiver = await openReceiver(t, [500, 302])
  const world = await openWorld(t, { config: { webhookUrl: receiver.url, webhookSecret: 'a secret of tests' } })
  await quarantine(world)
  const senders = sendersOf(world.service)
  await noticeQuarantined(world.service, senders)
  for (const sent of [0, 0, 1]) {
    t.is(await sendDue(world.service, senders), sent)
    world.service.clock.advance(1000)
  }
  t.is(receiver.received.length, 3)
  t.is(new Set(receiver.received.map(({ headers }) => headers['latchkey-delivery'])).size, 1)
  t.is(new Set(receiver.received.map(({ headers }) => headers['latchkey-timestamp'])).size, 3)
})

test('a name cannot add a header or a recipient to a mail', async t => {
  const smtp = await openSmtp(t)
  const world = await openWorld(t, { config: { smtpUrl: smtp.url } })
  await newSession(world.service, 'admin')
  await quarantine(world, 'Tom\r\nBcc: eve@example.com\r\n\r\n<script>')
  await noticeQuarantined(world.service, sendersOf(world.service))
  await sendDue(world.service, sendersOf(world.service))
  const [mail] = smtp.mails
  t.is(mail!.to.length, 1)
  t.notRegex(mail!.data.split('\r\n\r\n')[0]!, /^Bcc/m)
  t.regex(mail!.data, /^Content-Type: text\/plain/m)
})

test('messages and notices that are long over are forgotten', async t => {
  const smtp = await openSmtp(t)
  const service = await testService(t, { config: { smtpUrl: smtp.url } })
  await (await openApi(t, service)).ask('POST', '/invitations', { name: 'Zoë', email: 'zoe@example.org', send: true })
  await sendDue(service, sendersOf(service))
  service.clock.advance(31 * 86_400)
  await housekeeping(service.db, service.now())
  t.is((await service.db.query('select 1 from outbox')).length, 0)
})
