import test from 'ava'
import { openApi } from '../../support/api.ts'
import { rulesetOf } from '../../support/rewrite-cases.ts'
import { testService } from '../../support/service.ts'

test('a program is told of a ruleset what the command tells', async t => {
  t.timeout(300_000)
  const api = await openApi(t, await testService(t), 'auditor')
  const report = await api.ask('POST', '/import/rewrite-rules', { ruleset: rulesetOf('active'), aim: 'storage-encryption', userAgents: ['Apple-iPad2C1/806.191', ''] })
  t.deepEqual(report.userAgents.map(({ rule, verdict }: any) => [rule, verdict]), [['2-iPad', 'passed'], ['3', 'blocked']])
  t.true(report.findings.some(({ code }: any) => code === 'never-refused'))
  t.true(report.differences.count >= report.differences.first.length)
  t.is(await api.refusal('POST', '/import/rewrite-rules', { ruleset: 'RewriteRule (.* - [F]' }), 'malformed-rewrite-rules')
  t.is(await api.refusal('POST', '/import/rewrite-rules', { ruleset: 'RewriteCond %{HTTP_USER_AGENT} (a)\\1\nRewriteRule .* - [F]' }), 'unsupported-rewrite-rules')
})

test('every part of a proposal for Exchange is taken by the operation that it is for, and then decides as was said', async t => {
  t.timeout(300_000)
  const api = await openApi(t, await testService(t))
  const files = ['DefaultAccessLevel\nBlock\n', 'QueryString,Characteristic,AccessLevel\niPhone14C5,DeviceModel,Allow\nApple-iPhone14C5/2001.362,UserAgent,Block\niPhone4C1,DeviceModel,Quarantine\nApple-iPhone15C2/2001.362,UserAgent,Allow\n']
  const { proposal, differences } = await api.ask('POST', '/import/exchange-rules', { files })
  t.is(differences.count, 0)
  for (const approval of proposal.approvals) await api.ask('POST', '/approvals', approval)
  for (const rule of proposal.rules) await api.ask('POST', '/rules', rule)
  for (const [product, build, verdict] of [['iPhone14,5', '20A362', 'block'], ['iPhone14,5', '21A329', 'allow'], ['iPhone4,1', '13G36', 'quarantine'], ['iPhone15,2', '20A362', 'allow'], ['iPhone15,2', '21A329', 'block']]) {
    t.is((await api.ask('POST', '/policy/explain', { product, build })).verdict, verdict, `${product} ${build}`)
  }
  t.is(await api.refusal('POST', '/import/exchange-rules', { files: ['a,b\n1,2\n'] }), 'malformed-exchange-export')
})
