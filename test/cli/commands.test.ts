import { createPrivateKey } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { openCli } from '../support/cli.ts'
import { receiptStore } from '../../src/store/receipts.ts'
import { issueDevice } from '../support/issued.ts'
import { testService } from '../support/service.ts'

test('the way of an admin: approve, ask, invite, list, end', async t => {
  const cli = await openCli(t, await testService(t))
  t.is((await cli('policy', 'explain', '--product', 'iPhone14,5', '--build', '20A362', '--evidence', 'signed')).exitCode, 3)
  const approved = await cli('model', 'approve', 'iPhone14,5', '--reason', 'bought in 2022', '--until', '2026-12-31')
  t.deepEqual([approved.exitCode, approved.out], [0, 'iPhone14,5 is approved\n'])
  const explained = await cli('policy', 'explain', '--product', 'iPhone14,5', '--build', '20A362')
  t.is(explained.exitCode, 0)
  t.regex(explained.out, /^verdict +allow\n/)
  t.regex(explained.out, /ends +2026-12-31 23:59Z/)
  const invited = await cli('invite', 'create', '--name', 'Ada Lovelace', '--email', 'ada@example.org', '--json')
  t.deepEqual(Object.keys(invited.json), ['id', 'url', 'expiresAt'])
  t.regex((await cli('invite', 'list')).out, /^PERSON +EMAIL +DEVICES +STATE.*\nAda Lovelace +ada@example\.org +0 of 1 +open/)
  t.is((await cli('invite', 'end', invited.json.id)).out, 'ended\n')
  t.is((await cli('invite', 'list', '--json')).json.items[0].state, 'ended')
  t.is((await cli('audit', 'list', '--json')).json.items[0].actor, 'local')
})

test('explain ends with 3 for block and 4 for quarantine', async t => {
  const cli = await openCli(t, await testService(t))
  await cli('model', 'approve', 'iPhone*', '--reason', 'all of them')
  t.is((await cli('policy', 'explain', '--product', 'iPhone99,1')).exitCode, 4)
  const rule = await cli('policy', 'add', 'block', '--product', 'iPhone1*', '--os-below', '17.4', '--reason', 'holes', '--json')
  const blocked = await cli('policy', 'explain', '--product', 'iPhone14,5', '--os-version', '16.7.2', '--json')
  t.is(blocked.exitCode, 3)
  t.is(blocked.json.because.id, rule.json.id)
  t.regex((await cli('policy', 'list')).out, /block +iPhone1\*, iOS older than 17\.4/)
  t.is((await cli('policy', 'remove', rule.json.id)).exitCode, 0)
  t.is((await cli('policy', 'explain', '--product', 'iPhone14,5', '--os-version', '16.7.2')).exitCode, 0)
})

test('certificates are revoked by serial number, by device and by person, and what changed is told', async t => {
  const service = await testService(t)
  const cli = await openCli(t, service)
  const { certificate: { serialNumber }, deviceId } = await issueDevice(service, { email: 'ada@example.org' })
  t.regex((await cli('cert', 'list', '--person', 'ada@example.org')).out, new RegExp(`${serialNumber} +good`))
  t.is((await cli('cert', 'hold', '--device', deviceId)).out, `changed: ${serialNumber}\nlocked out until released: device ${deviceId}\n`)
  t.is((await cli('cert', 'release', '--device', deviceId)).out, `changed: ${serialNumber}\nmay enroll again: device ${deviceId}\n`)
  const revoked = await cli('cert', 'revoke', '--person', 'ada@example.org', '--reason', 'affiliationChanged', '--json')
  t.deepEqual(revoked.json, { changed: [{ serialNumber, authority: 'issuing' }], unchanged: 0, invitationsEnded: 0, lockedOut: [], letInAgain: [], change: 3 })
  t.is((await cli('cert', 'revoke', serialNumber)).out, 'unchanged: 1\n')
  t.is((await cli('cert', 'show', serialNumber, '--json')).json.status, 'revoked')
  t.regex((await cli('cert', 'show', serialNumber, '--pem')).out, /^-----BEGIN CERTIFICATE-----/)
})

test('waiting for a revocation ends when the lists say it', async t => {
  const service = await testService(t, { revocationChanged: () => { void service.publish() } })
  const cli = await openCli(t, service)
  await service.publish()
  service.clock.advance(1)
  const { certificate: { serialNumber } } = await issueDevice(service)
  t.is((await cli('cert', 'revoke', serialNumber, '--wait')).exitCode, 0)
  t.true((await cli('cert', 'show', serialNumber, '--json')).json.published)
})

test('waiting for a revocation says which front ends have not confirmed it', async t => {
  const service = await testService(t)
  const cli = await openCli(t, service)
  await cli('front-end', 'add', 'edge', '--kind', 'haproxy', '--max-age', '60', '--when-stale', 'alarm')
  const [{ id }] = await service.db.query<{ id: string }>('select id from front_ends') as [{ id: string }]
  const receipt = { sequence: 1, target: 'haproxy', targetVersion: '2.6.12', change: 0, lists: [], appliedAt: '2026-03-01T09:00:00.000Z', fresh: true, refused: 0, clockOffsetMs: 0, canary: null, problems: [] }
  await receiptStore(service.db).put({ frontEndId: id, sequence: 1, changeNumber: 0, receipt }, service.now())
  const { certificate: { serialNumber } } = await issueDevice(service)
  const outcome = await cli('cert', 'revoke', serialNumber, '--wait', '--patience', '1', '--json')
  t.like(outcome, { exitCode: 1, json: { code: 'front-end-behind' } })
  t.regex(outcome.json.detail, /not confirmed by edge \(in-force\)/)
  t.is((await cli('cert', 'show', serialNumber, '--json')).json.status, 'revoked')
  t.regex((await cli('front-end', 'status')).out, /edge +in-force +0 of 1/)
  t.like((await cli('front-end', 'list', '--json')).json.items[0], { maxAgeSeconds: 60, whenStale: 'alarm' })
})

test('a template goes out and comes back the same', async t => {
  const cli = await openCli(t, await testService(t))
  const file = join(cli.dataFolder, 'template.json')
  writeFileSync(file, JSON.stringify({ ...(await cli('template', 'show', 'default', '--json')).json.template, passcode: { minLength: 6 } }))
  t.regex((await cli('template', 'set', 'phones', file)).out, /passcode-required, failed-passcodes-erase/)
  t.deepEqual(JSON.parse((await cli('template', 'show', 'phones')).out), JSON.parse(readFileSync(file, 'utf8')))
  t.regex((await cli('template', 'check', file)).out, /com\.apple\.mobiledevice\.passwordpolicy.*consequences: .*passcode-required/s)
  writeFileSync(file, '{ "surprise": 1 }')
  t.like(await cli('template', 'check', file, '--json'), { exitCode: 1, json: { preview: null } })
  t.like(await cli('template', 'set', 'phones', file, '--json'), { exitCode: 1, json: { code: 'malformed-template' } })
})

test('a front end gets its secret once, and its one convention', async t => {
  const cli = await openCli(t, await testService(t))
  const { json } = await cli('front-end', 'add', 'mail', '--kind', 'nginx', '--json')
  t.like(json, { name: 'mail', convention: 'nginx', authority: null })
  t.false((await cli('front-end', 'list', '--json')).out.includes(json.secret))
  t.like(await cli('front-end', 'add', 'mail', '--kind', 'envoy', '--json'), { exitCode: 1, json: { code: 'front-end-exists' } })
  t.like(await cli('front-end', 'add', 'old', '--kind', 'iis', '--json'), { exitCode: 2, json: { code: 'invalid-argument' } })
  t.is((await cli('front-end', 'end', 'mail')).exitCode, 0)
  t.is((await cli('front-end', 'end', 'mail')).exitCode, 5)
})

test('the root’s key leaves into a file of its owner, after it was read back, and signs a list from there', async t => {
  const service = await testService(t)
  const cli = await openCli(t, service)
  const [out, secret] = [join(cli.dataFolder, 'root.pem'), join(cli.dataFolder, 'secret')]
  writeFileSync(secret, 'correct horse battery\n')
  t.regex((await cli('authority', 'export-root', '--out', out, '--passphrase-file', secret, '--remove')).out, /the service has it no longer/)
  t.is(statSync(out).mode & 0o777, 0o600)
  t.like(await cli('authority', 'export-root', '--out', out, '--passphrase-file', secret, '--json'), { exitCode: 1, json: { code: 'key-unavailable' } })
  t.regex((await cli('authority', 'show')).out, /P-384, not here/)
  service.clock.advance(60)
  t.like(await cli('authority', 'root-crl', '--json'), { exitCode: 1, json: { code: 'key-unavailable' } })
  t.is((await cli('authority', 'root-crl', '--key', out, '--passphrase-file', secret, '--json')).json.crlNumber, 2)
})

test('a passphrase for the root’s key is made and shown once, but not when the key is then nowhere else', async t => {
  const cli = await openCli(t, await testService(t))
  const out = join(cli.dataFolder, 'root.pem')
  t.like(await cli('authority', 'export-root', '--out', out, '--remove', '--json'), { exitCode: 2, json: { code: 'invalid-argument' } })
  const { json: { passphrase } } = await cli('authority', 'export-root', '--out', out, '--json')
  t.regex(passphrase, /^[\w-]{20,}$/)
  t.is(createPrivateKey({ key: readFileSync(out, 'utf8'), passphrase }).type, 'private')
  t.regex((await cli('authority', 'export-root', '--out', `${out}.2`)).out, /passphrase, shown this once: [\w-]{20,}\n/)
})

test('admins and tokens come and go', async t => {
  const cli = await openCli(t, await testService(t))
  const admin = await cli('admin', 'create', '--name', 'Grace Hopper', '--email', 'grace@example.org', '--role', 'auditor', '--json')
  t.like(await cli('admin', 'create', '--name', 'Grace', '--email', 'grace@example.org', '--json'), { exitCode: 1, json: { code: 'conflict' } })
  t.is((await cli('admin', 'end', admin.json.id)).exitCode, 0)
  t.is((await cli('admin', 'list')).out, 'none\n')
  t.regex((await cli('admin', 'setup-link')).out, /^http:\/\/localhost:8080\/setup\?token=[\w-]{24}\n/)
  const token = await cli('token', 'create', '--name', 'backup', '--role', 'auditor', '--json')
  t.is((await cli('token', 'end', token.json.id)).exitCode, 0)
  t.is((await cli('token', 'end', token.json.id)).exitCode, 5)
})

test('a file of people is checked, then invited all at once', async t => {
  const cli = await openCli(t, await testService(t))
  const file = join(cli.dataFolder, 'people.csv')
  writeFileSync(file, 'name,email\nAda,ada@example.org\nBob,bob\n')
  const checked = await cli('invite', 'batch', file, '--create')
  t.is(checked.exitCode, 1)
  t.regex(checked.out, /1 of 2 lines have mistakes: nothing was created\n$/)
  writeFileSync(file, 'name,email\nAda,ada@example.org\nBob,bob@example.org\n')
  t.regex((await cli('invite', 'batch', file)).out, /2 lines are good; --create creates them\n$/)
  t.regex((await cli('invite', 'batch', file, '--create')).out, /Ada +ada@example\.org +http.*\/i\/.{24}\n.*\n2 invited\n$/)
})

test('the record is looked through, one change is shown, and all of it leaves for a spreadsheet', async t => {
  const cli = await openCli(t, await testService(t))
  await cli('invite', 'create', '--name', 'Ada', '--email', 'ada@example.org')
  const { items } = (await cli('audit', 'list', '--action', 'invitation', '--from', '2026-03-01', '--json')).json
  t.is(items.length, 1)
  t.is((await cli('audit', 'list', '--until', '2026-02-28', '--json')).json.items.length, 0)
  t.regex((await cli('audit', 'show', String(items[0].id))).out, /what +invitation\.create/)
  t.regex((await cli('audit', 'export', '--actor', 'local')).out, /^"id","at".*\r\n\d+,"2026-03-01T09:00:00\.000Z","local","socket","invitation\.create"/)
})

test('today says what needs a person, and until when everything signs', async t => {
  const service = await testService(t)
  await service.publish()
  const { out } = await (await openCli(t, service))('today')
  t.regex(out, /phones that wait for a decision: 0\n/)
  t.regex(out, /issuing +ocsp-responder/)
})
