import { openCli } from '../support/cli.ts'
import { openApi } from '../support/api.ts'
import test from 'ava'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'

const rules = 'QueryString,Characteristic,AccessLevel\niPhone14C5,DeviceModel,Allow\niPhone 5,DeviceModel,Block\n'
const edits = (text: string): string[] => [...text.matchAll(/name="edit" value="([^"]*)"/g)].map(match => match[1]!.replaceAll('&quot;', '"').replaceAll('&amp;', '&'))

test('rules of Exchange are pasted, judged in sentences, and each part of the proposal is previewed before it counts', async t => {
  t.timeout(300_000)
  const console = await openConsole(t, await testService(t))
  t.regex((await console.get('/console/policy')).text, /href="\/console\/policy\/import"/)
  await console.get('/console/policy/import')
  const page = await console.post('/console/policy/import/exchange', { rules, settings: 'DefaultAccessLevel\nBlock\n', phones: '' })
  t.is(page.status, 200)
  t.regex(page.text, /Block iPhone 5 \(DeviceModel\): No phone calls itself this.*never-matches/)
  t.regex(page.text, /decides about every known model and build as Exchange does/)
  const [edit] = edits(page.text)
  t.like(JSON.parse(edit!), { kind: 'approve', models: ['iPhone14,5'] })
  const previewed = await console.post('/console/policy/import/preview', { edit: edit! })
  t.is(previewed.status, 303)
  t.regex((await console.get(previewed.location!)).text, /Approve iPhone14,5/)
  t.is((await console.post('/console/policy/import/preview', { edit: '{"kind":"surprise"}' })).status, 400)
})

test('a ruleset is tried from the page, by an auditor too, who is offered no preview', async t => {
  t.timeout(300_000)
  const console = await openConsole(t, await testService(t), 'auditor')
  await console.get('/console/policy/import')
  const page = await console.post('/console/policy/import/rewrite', { ruleset: 'RewriteEngine on\nRewriteCond %{HTTP_USER_AGENT} iPod\nRewriteRule .* - [F]', aim: 'storage-encryption' })
  t.regex(page.text, /Whom it treats against its aim.*iPod touch \(4th generation\)/s)
  t.deepEqual(edits(page.text), [])
  t.is((await console.post('/console/policy/import/preview', { edit: '{}' })).status, 403)
})

test('what cannot be read is said above the form, which keeps what was pasted; hostile texts show as text', async t => {
  t.timeout(300_000)
  const console = await openConsole(t, await testService(t))
  await console.get('/console/policy/import')
  const wrong = await console.post('/console/policy/import/rewrite', { ruleset: 'RewriteRule (.* - [F]', aim: '' })
  t.is(wrong.status, 400)
  t.regex(wrong.text, /Line 1: the pattern has an opening bracket.*RewriteRule \(\.\* - \[F\]/s)
  t.is((await console.post('/console/policy/import/exchange', { rules: '', settings: '', phones: '' })).status, 400)
  const hostile = hostileTexts.map(text => `"${text.replaceAll('"', '""')}",DeviceModel,Block`).join('\n')
  t.is((await console.post('/console/policy/import/exchange', { rules: `QueryString,Characteristic,AccessLevel\n${hostile}\n`, settings: '', phones: '' })).status, 200)
})

test('what policy blocks is taken along as commands for Exchange, the same as by command', async t => {
  const service = await testService(t)
  await (await openApi(t, service)).ask('POST', '/rules', { verdict: 'block', conditions: { productType: 'iPhone10,4' }, reason: 'old' })
  const console = await openConsole(t, service, 'auditor')
  t.regex((await console.get('/console/policy/import')).text, /href="\/console\/policy\/import\/exchange-rules\.ps1" download/)
  const { text, headers } = await console.get('/console/policy/import/exchange-rules.ps1')
  t.is(headers.get('content-disposition'), 'attachment; filename="exchange-rules.ps1"')
  const cli = await openCli(t, service)
  t.is(text.replace('\ufeff', ''), (await cli('export', 'exchange-rules')).out)
  t.regex(text, /New-ActiveSyncDeviceAccessRule/)
})
