import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { openCli } from '../support/cli.ts'
import { openWorld } from '../support/world.ts'

test('a change of policy is previewed, applied and taken back at the command line', async t => {
  const world = await openWorld(t)
  const approval = await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  const cli = await openCli(t, world.service)
  const { json: { id } } = await cli('policy', 'preview', 'block', '--os-below', '17.4', '--reason', 'holes', '--json')
  const shown = await cli('policy', 'change', id)
  t.regex(shown.out, /Block every phone on iOS below 17\.4/)
  t.regex(shown.out, /1 certificates of 1 people/)
  t.regex(shown.out, /ines@example\.com +iPhone14,5/)
  t.regex((await cli('policy', 'apply', id, '--certificates', 'hold')).out, /1 held/)
  t.regex((await cli('policy', 'undo', id)).out, /1 released/)
  t.regex((await cli('policy', 'changes')).out, /Block every phone/)
  t.is((await cli('policy', 'change', '6f1a3c1e-0000-4000-8000-000000000000')).exitCode, 5)
  t.regex((await cli('policy', 'preview-withdrawal', approval)).out, /Withdraw the approval of iPhone14,5/)
  t.regex((await cli('policy', 'preview-withdrawal', '--pattern', 'iPhone14,5', '--csv')).out, /"effect","person"[^]*"stops","Ines Roth","ines@example\.com"/)
  t.regex((await cli('policy', 'preview-approval', 'iPad*', '--reason', 'new ones')).out, /Approve iPad\*[^]*reaches +0 certificates/)
  const { json: { items: [device] } } = await cli('device', 'list', '--json')
  const exemption = ['--invitation', device.enrollment.invitationId, '--until', '2026-12-31', '--reason', 'sold', '--text-for-person', 'To the desk, please.'] as const
  t.regex((await cli('policy', 'preview-exemption', device.id, 'block', ...exemption)).out, /Refuse the iPhone 13 of Ines Roth[^]*1 certificates of 1 people/)
  const { json: exempted } = await cli('exempt', device.id, 'allow', ...exemption, '--json')
  t.is(exempted.textForPerson, 'To the desk, please.')
  t.regex((await cli('policy', 'preview-exemption-end', exempted.id)).out, /End the exemption of the iPhone 13 of Ines Roth/)
  const { json: rule } = await cli('policy', 'add', 'block', '--os-below', '17.4', '--reason', 'holes', '--json')
  t.regex((await cli('policy', 'preview-removal', rule.id)).out, /Remove the rule/)
})

test('a phone is found, told of, explained, and its evidence written to a file at the command line', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  await world.enroll((await world.invite()).link)
  const cli = await openCli(t, world.service)
  const { items: [device] } = (await cli('device', 'list', '--search', 'roth', '--json')).json
  t.is(device.personName, 'Ines Roth')
  t.is((await cli('cert', 'list', '--search', device.certificate.serialNumber.slice(3, 12), '--json')).json.items.length, 1)
  t.is((await cli('device', 'list', '--search', 'nobody', '--json')).json.items.length, 0)
  t.regex((await cli('device', 'story', device.id)).out, /certificate-issued[^]*introduced[^]*invited/)
  t.regex((await cli('device', 'explain', device.id)).out, /verdict +allow/)
  const { evidence: [newest] } = (await cli('device', 'show', device.id, '--json')).json
  const out = join(world.folder, 'evidence.p7m')
  t.true((await cli('device', 'evidence', device.id, newest.id, '--out', out)).out.includes(newest.sha256))
  t.is(readFileSync(out)[0], 0x30)
})
