import test from 'ava'
import { openApi } from '../support/api.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'

test('the console says of a line of a log what it claims and what is wrong with it', async t => {
  const console = await openConsole(t, await testService(t), 'auditor')
  t.regex((await console.get('/console/policy/explain')).text, /href="\/console\/policy\/activesync"/)
  t.regex((await console.get('/console/policy/activesync')).text, /<h1>Explain an ActiveSync string/)
  const page = await console.get(`/console/policy/activesync?${new URLSearchParams({ userAgent: 'Apple-iPhone14C5/807.4', query: 'Cmd=Sync&User=ann&user=bob' })}`)
  t.regex(page.text, /never ran on an iPhone14,5/)
  t.regex(page.text, /duplicate User/)
})

test('a hostile string is shown and does nothing', async t => {
  const console = await openConsole(t, await testService(t), 'auditor')
  for (const text of hostileTexts.map(each => each.slice(0, 400))) t.is((await console.get(`/console/policy/activesync?${new URLSearchParams({ userAgent: text, query: text })}`)).status, 200)
  t.is((await console.get(`/console/policy/activesync?${new URLSearchParams({ userAgent: 'a'.repeat(5000) })}`)).status, 400)
})

test('a program is told the same as the console and the command', async t => {
  const api = await openApi(t, await testService(t), 'auditor')
  const { claims, queries } = await api.ask('POST', '/activesync/explain', {
    userAgents: ['Apple-iPhone14C5/807.4'], deviceModels: ['iPhone4C1'], deviceOs: ['iOS 6.1 10B145'], queries: ['jQAJBAREZXYxAwECAwNTUHg=', 'Cmd=Sync&User=ann'],
  })
  t.deepEqual(claims.map(({ model, build, finding }: any) => [model, build, finding]), [['iPhone14,5', '8G4', 'impossible-pair'], ['iPhone4,1', null, null], [null, '10B145', null]])
  t.deepEqual(queries.map(({ query, error }: any) => [query?.user ?? null, error]), [[null, 'policy key length 3'], ['ann', null]])
  t.is(await api.refusal('POST', '/activesync/explain', { userAgents: Array(1001).fill('') }), 'invalid-argument')
})
