import test from 'ava'
import { sendDue } from '../../src/notify/outbox.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { openConsole } from '../support/console.ts'
import { openWorld } from '../support/world.ts'

const status = async (url: string): Promise<number> => (await fetch(url)).status

test('a new link opens the same invitation, and the old one opens nothing any more', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { id, link } = await world.invite({ devices: 2 })
  await world.enroll(link)
  const api = await openApi(t, world.service, 'operator')
  world.service.clock.advance(9 * 86_400)
  const made = await api.ask('POST', `/invitations/${id}/resend`, { days: 3 })
  t.like(made, { id, name: 'Ines Roth', email: 'ines@example.com', expiresAt: new Date(world.service.now().getTime() + 3 * 86_400_000).toISOString() })
  t.is(await status(link), 404)
  t.is(await status(made.url), 200)
  await world.enroll(made.url, { serial: 'F2LTESTTEST2' })
  t.like((await api.ask('GET', `/invitations/${id}`)).invitation, { devicesEnrolled: 2, state: 'used-up' })
  t.false(JSON.stringify([await api.ask('GET', '/audit'), await world.service.db.query('select * from invitations')]).includes(made.url.split('/').at(-1)))
  t.like((await api.ask('GET', `/audit?subject=invitation:${id}`)).items[0], { action: 'invitation.resend', detail: { person: 'ines@example.com', sent: false, after: { expiresAt: made.expiresAt } } })
})

test('an invitation that was taken back has no new link, and one that never was has none either', async t => {
  const world = await openWorld(t)
  const { id } = await world.invite()
  const api = await openApi(t, world.service)
  await api.ask('POST', `/invitations/${id}/end`, {})
  t.is(await api.refusal('POST', `/invitations/${id}/resend`, {}), 'invitation-ended')
  t.is(await api.refusal('POST', '/invitations/6f1a3c1e-0000-4000-8000-000000000000/resend', {}), 'invitation-not-found')
  const { id: other } = await world.invite()
  t.is(await api.refusal('POST', `/invitations/${other}/resend`, { send: true }), 'mail-not-configured')
  t.regex((await (await openConsole(t, world.service)).get(`/console/invitations/${id}`)).text, /^(?!.*Make a new link)/s)
})

test('of two who make a new link at once both are told one, and the last one opens', async t => {
  const world = await openWorld(t)
  const { id } = await world.invite()
  const api = await openApi(t, world.service)
  const made = await Promise.all([0, 1].map(async () => await api.ask('POST', `/invitations/${id}/resend`, {})))
  t.deepEqual((await Promise.all(made.map(async ({ url }) => await status(url)))).sort(), [200, 404])
})

test('a new link is made and mailed from the page of the invitation, and printed by command', async t => {
  const world = await openWorld(t, { config: { smtpUrl: 'smtp://localhost:1' } })
  const { id, link } = await world.invite()
  const console = await openConsole(t, world.service, 'operator')
  t.regex((await console.get(`/console/invitations/${id}`)).text, /opens for 7 days.*name="send".*Make a new link/s)
  const told = await console.submit(`/console/invitations/${id}/resend`, { send: 'yes' })
  t.regex(told.text, /<h1>A new link for Ines Roth<\/h1>.*on its way to ines@example\.com.*class="link"/s)
  const url = /class="link"[^>]*>([^<]+)</.exec(told.text)![1]!
  t.deepEqual([await status(link), await status(url)], [404, 200])
  const sent: string[] = []
  t.is(await sendDue(world.service, { mail: async mail => { sent.push(`${mail.to} ${mail.text}`) }, webhook: undefined }), 1)
  t.true(sent[0]!.startsWith('ines@example.com') && sent[0]!.includes(url))

  const cli = await openCli(t, world.service)
  const printed = await cli('invite', 'resend', id, '--days', '2')
  t.regex(printed.out, /^http:\/\/127\.0\.0\.1:\d+\/i\/[\w-]+\nopens until .*; invitation /)
  t.is(await status(url), 404)
  t.is(await status(printed.out.split('\n')[0]!), 200)
  t.is((await cli('invite', 'resend', '6f1a3c1e-0000-4000-8000-000000000000')).exitCode, 5)
  t.is((await (await openConsole(t, world.service, 'auditor')).get(`/console/invitations/${id}`)).text.includes('Make a new link'), false)
})
