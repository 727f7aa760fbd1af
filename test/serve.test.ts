import { createServer } from 'node:http'
import { once } from 'node:events'
import { writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import test from 'ava'
import { serve } from '../src/serve.ts'
import { silentLog } from '../src/http/log.ts'
import { temporaryFolder } from './support/temporary.ts'

test('a port that is taken is a mistake of the setting, and everything that was opened is closed again', async t => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const dataFolder = join(await temporaryFolder(t), 'data')
  const env = { LATCHKEY_DATA: dataFolder, LATCHKEY_LISTEN: `127.0.0.1:${(other.address() as AddressInfo).port}` }
  await t.throwsAsync(serve({ env, print: () => {}, log: silentLog }), { code: 'invalid-configuration', message: /^LATCHKEY_LISTEN: .*another program listens there/ })

  const lines: string[] = []
  const running = await serve({ env: { ...env, LATCHKEY_LISTEN: '127.0.0.1:0' }, print: line => { lines.push(line) }, log: silentLog })
  t.regex(lines.join('\n'), /CA fingerprint .*(?:[0-9A-F]{2}:){31}[0-9A-F]{2}/)
  t.regex(lines.join('\n'), /Set up the first admin.*\/setup\?token=/)
  t.is((await fetch(`http://127.0.0.1:${running.address.port}/readyz`)).status, 200)
  await running.stop()
  t.false(existsSync(join(dataFolder, 'latchkey.sock')))
})

test('a data folder that cannot be one is a mistake of the setting', async t => {
  const file = join(await temporaryFolder(t), 'file')
  writeFileSync(file, '')
  await t.throwsAsync(serve({ env: { LATCHKEY_DATA: file }, print: () => {}, log: silentLog }), { code: 'invalid-configuration', message: /^LATCHKEY_DATA: / })
})
