import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { knownUserAgents } from '../../src/devices/known-user-agents.ts'
import { verdictOf } from '../../src/policy/import/proposal.ts'
import { loadPolicy } from '../../src/store/policy-snapshot.ts'
import { openCli, runCommand } from '../support/cli.ts'
import { rewriteCases, rulesetOf, variants } from '../support/rewrite-cases.ts'
import { testService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('a file of User-Agents comes out line by line as a real Apache decided, without a service', async t => {
  const folder = await temporaryFolder(t)
  for (const variant of variants) {
    const cases = rewriteCases.filter(c => c.rulesetVariant === variant)
    writeFileSync(join(folder, 'rules.conf'), rulesetOf(variant))
    writeFileSync(join(folder, 'lines'), `${cases.map(c => c.userAgent).join('\r\n')}\r\n`)
    const { exitCode, out } = await runCommand({}, ['import', 'rewrite-rules', join(folder, 'rules.conf'), '--user-agents', join(folder, 'lines'), '--json'])
    t.is(exitCode, 0)
    t.deepEqual(out.trim().split('\n').map(line => JSON.parse(line)).map(({ userAgent, rule, verdict }) => ({ userAgent, rule, verdict })),
      cases.map(({ userAgent, expect: { rule, verdict } }) => ({ userAgent, rule, verdict })))
  }
})

test('the report says whom the published ruleset lets in and out against its aim, and what is wrong with it', async t => {
  t.timeout(300_000)
  const folder = await temporaryFolder(t)
  writeFileSync(join(folder, 'rules.conf'), rulesetOf('with-4.3.2-lines'))
  const args = ['import', 'rewrite-rules', join(folder, 'rules.conf'), '--aim', 'storage-encryption']
  const { json } = await runCommand({}, [...args, '--json'])
  const model = (productType: string): any => json.models.find((m: any) => m.productType === productType)
  t.like(model('iPhone1,2'), { blocked: 0, wronglyOut: 0 })
  t.true(model('iPhone1,2').wronglyIn > 0)
  t.like(model('iPod4,1'), { passed: 0, wronglyIn: 0 })
  t.is(model('iPod4,1').wronglyOut, model('iPod4,1').texts)
  t.like(model('iPhone14,5'), { blocked: 0, wronglyIn: 0 })
  const finding = (code: string): any => json.findings.find((f: any) => f.code === code)
  t.regex(finding('never-refused').text, /iPhone1,1.*iPhone1,2/)
  for (const code of ['unescaped-dot', 'star-repeats-one-sign', 'not-anchored', 'dead-condition', 'redirect-not-refusal', 'clear-text-target', 'browsers-refused', 'no-user-agent-refused',
    'anything-that-says-so-passes', 'evaded-by-one-sign', 'models-not-told-apart', 'claim-only']) t.truthy(finding(code), code)
  t.deepEqual(json.findings.filter((f: any) => f.code === 'dead-condition').map((f: any) => f.lines[0]), [12, 13, 15])
  t.false(json.proposal.approvals[0].models.includes('iPhone1,2'))
  t.true(json.proposal.approvals[0].models.includes('iPod4,1'))
})

test('the proposed policy, put into a new service, decides about every known model and build as the ruleset did', async t => {
  t.timeout(600_000)
  const service = await testService(t)
  const cli = await openCli(t, service)
  const rules = join(cli.dataFolder, 'rules.conf')
  writeFileSync(rules, rulesetOf('with-4.3.2-lines'))
  const { json: { proposal, differences } } = await cli('import', 'rewrite-rules', rules, '--json')
  t.deepEqual(differences, [])
  t.true(proposal.rules.length > 3)
  const { json: previewed } = await cli('import', 'rewrite-rules', rules, '--preview', '--json')
  t.is((await cli('model', 'approvals')).out, 'none\n', 'a preview changes nothing')
  for (const { change } of previewed) t.is((await cli('policy', 'apply', change.id, '--certificates', 'leave')).exitCode, 0)
  const { out } = await cli('import', 'rewrite-rules', rules, '--known', '--json')
  const passed = new Map<string, boolean>(out.trim().split('\n').map(line => JSON.parse(line)).map(({ userAgent, verdict }) => [userAgent, verdict === 'passed']))
  const policy = await loadPolicy(service.db, { deviceId: null, now: service.now(), trustTestDevices: false })
  const wrong = knownUserAgents(service.catalogue()).filter(known => known.genuine).flatMap(({ userAgent, build, productTypes }) => productTypes
    .filter(productType => (verdictOf(service.catalogue(), { ...policy, approvals: policy.approvals.filter(a => a.pattern === productType) }, { productType, build }, service.now()) === 'allow') !== passed.get(userAgent))
    .map(productType => `${productType} ${build}`))
  t.deepEqual(wrong, [])
})

test('what cannot be read is refused with its code, and three questions are not one', async t => {
  const folder = await temporaryFolder(t)
  const file = join(folder, 'rules.conf')
  const ask = async (rules: string, ...more: string[]): Promise<any> => {
    writeFileSync(file, rules)
    const { exitCode, json } = await runCommand({}, ['import', 'rewrite-rules', file, ...more, '--json'])
    return { exitCode, code: json.code }
  }
  t.deepEqual(await ask('RewriteRule (.* - [F]'), { exitCode: 1, code: 'malformed-rewrite-rules' })
  t.deepEqual(await ask('RewriteCond %{HTTP_USER_AGENT} (?=iPad)\nRewriteRule .* - [F]'), { exitCode: 1, code: 'unsupported-rewrite-rules' })
  t.deepEqual(await ask('RewriteCond %{HTTP_HOST} ^mail\nRewriteRule .* - [F]', '--user-agents', file), { exitCode: 1, code: 'unsupported-rewrite-rules' })
  t.deepEqual(await ask('RewriteRule .* - [F]', '--known', '--preview'), { exitCode: 2, code: 'invalid-argument' })
  t.deepEqual(await ask('RewriteRule .* - [F]', '--aim', 'good-phones'), { exitCode: 2, code: 'invalid-argument' })
  writeFileSync(file, 'RewriteCond %{HTTP_HOST} ^mail\nRewriteRule .* - [F]')
  const said = await runCommand({}, ['import', 'rewrite-rules', file, '--set', 'HTTP_HOST=mail.example', '--user-agents', file])
  t.regex(said.out, /^blocked {2}rule 1 {2}/)
})
