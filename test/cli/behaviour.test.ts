import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { exitCodeOf, fields, table } from '../../src/cli/output.ts'
import { problemCodes } from '../../src/http/problem.ts'
import { openApi } from '../support/api.ts'
import { openCli, runCommand } from '../support/cli.ts'
import { testService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))

test('the program itself: help is 0, a mistake is 2, and standard error says which', async t => {
  const start = (...args: string[]) => new Promise<{ code: unknown, stdout: string, stderr: string }>(resolve => {
    execFile(process.execPath, [main, ...args], { env: { LATCHKEY_DATA: '/nonexistent' } }, (error, stdout, stderr) => { resolve({ code: error?.code ?? 0, stdout, stderr }) })
  })
  const help = await start('--help')
  t.is(help.code, 0)
  t.regex(help.stdout, /Exit: 0 done, 1 failed, 2 usage, 3 refused by policy, 4 quarantined, 5 not found/)
  t.deepEqual(await start('no-such-command'), { code: 2, stdout: '', stderr: 'latchkey: invalid-argument: unknown command \'no-such-command\'\n' })
  const alone = await start('model', 'list', '--json')
  t.deepEqual([alone.code, alone.stdout, JSON.parse(alone.stderr).code], [1, '', 'server-unreachable'])
})

const mistakes: [what: string, args: string[]][] = [
  ['no command', []], ['half a command', ['cert']], ['an unknown command', ['cert', 'burn']], ['an unknown option', ['cert', 'list', '--all']],
  ['a missing argument', ['cert', 'show']], ['one argument too many', ['cert', 'show', 'a', 'b']], ['a missing option', ['invite', 'create', '--name', 'Ada']],
  ['a number that is none', ['cert', 'list', '--limit', 'many']], ['a number out of range', ['cert', 'list', '--limit', '0']],
  ['a day that is none', ['model', 'approve', 'iPhone14,5', '--reason', 'x', '--until', 'tomorrow']], ['a day that never was', ['model', 'approve', 'iPhone14,5', '--reason', 'x', '--until', '2027-02-31']],
  ['neither yes nor no', ['policy', 'add', 'block', '--secure-enclave', 'maybe', '--reason', 'x']], ['a verdict that is none', ['policy', 'add', 'forbid', '--product', '*', '--reason', 'x']],
  ['a rule about nothing', ['policy', 'add', 'block', '--reason', 'x']], ['a reason that RFC 5280 does not know', ['cert', 'revoke', '4a17'.repeat(8), '--reason', 'bored']],
  ['no target', ['cert', 'revoke']], ['a file that is not there', ['template', 'set', 'x', '/nonexistent/template.json']], ['a step that no phone takes', ['phone', 'enroll', 'http://x/i/y', '--stop-before', 'lunch']],
]

test('a mistake is told with its code, on standard error, as text or JSON, and changes nothing', async t => {
  const cli = await openCli(t, await testService(t))
  for (const [what, args] of mistakes) {
    const text = await cli(...args)
    t.deepEqual([text.exitCode, text.out], [2, ''], what)
    t.regex(text.err, /^latchkey: invalid-argument: [^\n]+\n$/, what)
    const json = await cli(...args, '--json')
    t.deepEqual([json.exitCode, json.out, json.json?.code], [2, '', 'invalid-argument'], what)
  }
  t.is((await cli('audit', 'list')).out, 'none\n')
})

test('what is not there is 5', async t => {
  const cli = await openCli(t, await testService(t))
  const nobody = '6f1a3c1e-0000-4000-8000-000000000000'
  for (const args of [['model', 'show', 'iPhone0,0'], ['cert', 'show', '0'.repeat(32)], ['device', 'show', nobody], ['invite', 'end', nobody], ['policy', 'remove', nobody],
    ['template', 'show', 'none'], ['cert', 'revoke', '--person', 'eve@example.org'], ['token', 'end', nobody], ['model', 'withdraw', 'iPhone14,5']]) {
    t.is((await cli(...args)).exitCode, 5, args.join(' '))
  }
})

test('a service elsewhere is asked with an address and a token', async t => {
  const service = await testService(t)
  const { url, token } = await openApi(t, service, 'auditor')
  const env = { LATCHKEY_URL: new URL(url).origin, LATCHKEY_TOKEN: token }
  t.is((await runCommand(env, ['model', 'list', 'iPhone14,5', '--json'])).json.items[0].name, 'iPhone 13')
  t.like(await runCommand(env, ['model', 'approve', 'iPhone14,5', '--reason', 'x', '--json']), { exitCode: 1, json: { code: 'forbidden' } })
  t.like(await runCommand({ ...env, LATCHKEY_TOKEN: 'a'.repeat(24) }, ['model', 'list', '--json']), { exitCode: 1, json: { code: 'unauthorized' } })
  t.like(await runCommand({ ...env, LATCHKEY_URL: 'ftp://x' }, ['model', 'list', '--json']), { exitCode: 1, json: { code: 'invalid-configuration' } })
  t.like(await runCommand({ ...env, LATCHKEY_URL: 'http://127.0.0.1:1' }, ['model', 'list', '--json']), { exitCode: 1, json: { code: 'server-unreachable' } })
})

test('in a terminal an invitation is also a QR code; in a pipe it is a link', async t => {
  const service = await testService(t)
  const { dataFolder } = await openCli(t, service)
  const args = ['invite', 'create', '--name', 'Ada', '--email', 'ada@example.org']
  t.regex((await runCommand({ LATCHKEY_DATA: dataFolder }, args, { isTTY: true })).out, /[█▀▄]{5}[^]*\nhttp:\/\/localhost:8080\/i\/[\w-]{24}\n/)
  t.regex((await runCommand({ LATCHKEY_DATA: dataFolder }, args)).out, /^http:\/\/localhost:8080\/i\/[\w-]{24}\n/)
  t.regex((await runCommand({ LATCHKEY_DATA: dataFolder }, [...args, '--json'], { isTTY: true })).json.url, /^http/)
})

test('a test device CA is written once, never over another', async t => {
  const folder = await temporaryFolder(t)
  t.is((await runCommand({}, ['phone', 'make-ca', `${folder}/ca`, '--json'])).json.certificate, `${folder}/ca/ca.pem`)
  t.like(await runCommand({}, ['phone', 'make-ca', `${folder}/ca`, '--json']), { exitCode: 1, json: { code: 'conflict' } })
})

test('tables are aligned, and nothing in them reaches the terminal as more than text', t => {
  t.is(table(['name', 'n'], [['Zoë', 1], ['a\u001b[2Jb', null], ['x'.repeat(6), true]]), 'NAME    N\nZoë     1\na?[2Jb  -\nxxxxxx  yes\n')
  t.is(fields([['a', 'x'], ['long', false]]), 'a     x\nlong  no\n')
  t.is(table(['name'], []), 'none\n')
})

test('every code has an exit code other than 0', t => {
  for (const code of problemCodes) t.true(exitCodeOf(code) > 0, code)
  t.deepEqual([exitCodeOf('blocked-by-policy'), exitCodeOf('quarantined-by-policy'), exitCodeOf('device-not-found'), exitCodeOf(undefined)], [3, 4, 5, 1])
})
