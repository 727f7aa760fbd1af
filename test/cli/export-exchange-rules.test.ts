import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { openCli } from '../support/cli.ts'
import { testService } from '../support/service.ts'

test('the fence for Exchange is printed with what it is worth, and read back it blocks what policy blocks', async t => {
  t.timeout(300_000)
  const cli = await openCli(t, await testService(t))
  await cli('model', 'approve', 'iPhone14,5', 'iPad13,16', '--reason', 'bought')
  const { out } = await cli('export', 'exchange-rules')
  t.regex(out, /^# Exchange compares what a phone says of itself.*\[self-reported\]\n(# .*\n)+New-ActiveSyncDeviceAccessRule -Characteristic DeviceModel -QueryString '/)
  const csv = await cli('export', 'exchange-rules', '--csv')
  t.regex(csv.err, /\[self-reported\]/)
  t.regex(csv.out, /^"Characteristic","QueryString","AccessLevel"\r\n/)
  const file = join(cli.dataFolder, 'rules.csv')
  writeFileSync(file, csv.out)
  const { json } = await cli('import', 'exchange-rules', file, '--json')
  t.deepEqual(json.notCarried, [])
  t.is(json.carried.length, csv.out.trim().split('\r\n').length - 1)
  t.false(json.carried.some(({ conditions }: { conditions: { productType: string } }) => ['iPhone14,5', 'iPad13,16'].includes(conditions.productType)))
})
