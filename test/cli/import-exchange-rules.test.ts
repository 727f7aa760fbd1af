import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { verdictFor } from '../../src/policy/import/exchange-proposal.ts'
import { openCli, runCommand } from '../support/cli.ts'
import { testService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

const rules = 'QueryString,Characteristic,AccessLevel\niPhone14C5,DeviceModel,Allow\niPhone4C1,DeviceModel,Allow\niPad,DeviceType,Allow\niOS 16.0 20A362,DeviceOS,Block\niPhone4C1,DeviceModel,Quarantine\niPhone 5,DeviceModel,Block\n'

test('the proposal for Exchange, put into a new service, decides as the report said', async t => {
  t.timeout(300_000)
  const cli = await openCli(t, await testService(t))
  const [ruleFile, settings] = [join(cli.dataFolder, 'rules.csv'), join(cli.dataFolder, 'settings.json')]
  writeFileSync(ruleFile, `\uFEFF#TYPE X\r\n${rules}`, 'utf16le')
  writeFileSync(settings, JSON.stringify({ DefaultAccessLevel: 'Block' }))
  const { json: report } = await cli('import', 'exchange-rules', ruleFile, settings, '--json')
  t.deepEqual(report.differences, [])
  t.deepEqual(report.notCarried.map(({ code }: { code: string }) => code), ['never-matches'])
  const { json: previewed } = await cli('import', 'exchange-rules', ruleFile, settings, '--preview', '--json')
  t.is((await cli('policy', 'list')).out, 'none\n', 'a preview changes nothing')
  for (const { change } of previewed) t.is((await cli('policy', 'apply', change.id, '--certificates', 'leave')).exitCode, 0)
  const expected = { 'iPhone14,5 21A329': 'Allow', 'iPhone14,5 20A362': 'Block', 'iPhone4,1 13G36': 'Quarantine', 'iPad13,16 22A3354': 'Allow', 'iPhone15,2 21A329': 'Block' } as const
  for (const [phone, level] of Object.entries(expected)) {
    const [product, build] = phone.split(' ') as [string, string]
    t.is((await cli('policy', 'explain', '--product', product, '--build', build, '--json')).json.verdict, verdictFor[level], phone)
  }
})

test('the report is sentences, with the commands that would do it', async t => {
  t.timeout(300_000)
  const folder = await temporaryFolder(t)
  writeFileSync(join(folder, 'rules.csv'), rules)
  const { exitCode, out } = await runCommand({}, ['import', 'exchange-rules', join(folder, 'rules.csv')])
  t.is(exitCode, 0)
  t.regex(out, /^Read: 6 rules.*what no rule names: Allow\.\n/)
  t.regex(out, /What never did what it seemed to:\n(- .*\n)*- Block iPhone 5 \(DeviceModel\): .*\[never-matches\]\n/)
  t.regex(out, /\n {2}latchkey policy add block --build 20A362 --reason 'as Exchange: iOS 16\.0 20A362 \(DeviceOS\)'\n/)
  writeFileSync(join(folder, 'rules.csv'), 'a,b\n1,2\n')
  t.like(await runCommand({}, ['import', 'exchange-rules', join(folder, 'rules.csv'), '--json']), { exitCode: 1, json: { code: 'malformed-exchange-export' } })
})
