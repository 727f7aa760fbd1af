import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { openCli } from '../support/cli.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { testService } from '../support/service.ts'
import { accepts } from '../support/nginx.ts'
import { until } from '../support/running-agent.ts'
import { findingCodes } from '../../src/doctor/findings.ts'
import { mendOf } from '../../src/doctor/mends.ts'
import { frontEndKinds } from '../../src/protocols/check/kinds.ts'

test('what the doctor cannot be asked is said before anybody is asked', async t => {
  const service = await testService(t)
  await service.publish()
  const cli = await openCli(t, service)
  const folder = await temporaryFolder(t)
  const file = join(folder, 'file.pem')
  writeFileSync(file, 'no certificate')
  const code = async (...args: string[]): Promise<[number, string]> => {
    const { exitCode, json } = await cli('front-end', 'doctor', ...args, '--json')
    return [exitCode, json.code]
  }
  const nowhere = `https://127.0.0.1:${await freePort()}`
  t.deepEqual(await code(nowhere), [2, 'invalid-argument'], 'there is no front end')
  await cli('front-end', 'add', 'edge', '--kind', 'nginx')
  t.deepEqual(await code(nowhere), [1, 'server-unreachable'])
  await cli('front-end', 'add', 'other', '--kind', 'haproxy')
  t.deepEqual(await code(nowhere), [2, 'invalid-argument'], 'there are two')
  t.deepEqual(await code(nowhere, '--front-end', 'edge'), [1, 'server-unreachable'])
  for (const bad of ['http://mail.example', 'mail.example', 'https://ada:secret@mail.example']) t.deepEqual(await code(bad, '--front-end', 'edge'), [2, 'invalid-argument'], bad)
  for (const bad of [['--certificate', file], ['--foreign-key', file], ['--certificate', file, '--key', file], ['--connect', 'a b'], ['--connect', 'host:1/path'], ['--bundle', join(folder, 'none')], ['--patience', 'long']]) {
    t.deepEqual(await code(nowhere, '--front-end', 'edge', ...bad), [2, 'invalid-argument'], bad.join(' '))
  }
  t.deepEqual(await service.db.query('select 1 from front_end_probes'), [])
})

test('every finding has its mend, whatever the front end is', t => {
  for (const code of findingCodes) for (const kind of [...Object.keys(frontEndKinds), 'constructor']) t.regex(mendOf(code, kind), /^.{20,600}$/, `${code} ${kind}`)
})

test('`front-end echo` answers with the headers that arrive, until it is ended', async t => {
  const port = await freePort()
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url)), 'front-end', 'echo', '--listen', `127.0.0.1:${port}`], { stdio: 'ignore' })
  const ended = new Promise<number | null>(resolve => { child.once('exit', resolve) })
  t.teardown(() => { child.kill('SIGKILL') })
  await until(async () => await accepts(port))
  const { headers } = await (await fetch(`http://127.0.0.1:${port}/x`, { headers: { 'x-ssl-client-dn': 'CN=root' } })).json() as { headers: string[] }
  t.is(headers[headers.indexOf('x-ssl-client-dn') + 1], 'CN=root')
  child.kill('SIGTERM')
  t.is(await ended, 0)
})
