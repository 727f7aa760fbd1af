import test, { type ExecutionContext } from 'ava'
import { escapeHtml } from '../../src/console/html.ts'
import type { Contradiction } from '../../src/policy/contradictions.ts'
import { activeSyncStore, type GateAction } from '../../src/store/activesync.ts'
import { reporter } from '../../src/protocols/check/report.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { hostileTexts, openConsole } from '../support/console.ts'
import { issueDevice } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'
import { openWorld, type World } from '../support/world.ts'

const otherUser: Contradiction = { finding: 'other-user', claimed: 'bob@example.org', sentence: 'A request is for the mailbox of bob@example.org, and the certificate belongs to ines@example.com.' }

async function found(service: TestService, deviceId: string, action: GateAction, contradiction = otherUser): Promise<void> {
  await reporter(service)(deviceId, contradiction, { serialNumber: Buffer.alloc(16, 0x41), frontEnd: 'edge', action })
}

async function enrolled(t: ExecutionContext): Promise<{ world: World, id: string, path: string }> {
  const world = await openWorld(t)
  await world.approve('iPhone*')
  await world.enroll((await world.invite()).link)
  const [device] = await world.service.db.query<{ id: string }>('select id from devices')
  return { world, id: device!.id, path: `/console/phones/${device!.id}` }
}

test('a phone that contradicts its certificate needs somebody, and its page says how', async t => {
  const { world, id, path } = await enrolled(t)
  await found(world.service, id, 'observe')
  const console = await openConsole(t, world.service, 'operator')
  const today = (await console.get('/console')).text
  t.regex(today, /<bdi>Ines Roth<\/bdi><\/a>’s iPhone 13<\/b> contradicts its certificate\. A request is for the mailbox of bob@example\.org/)
  t.true(today.includes(`href="${path}#activesync"`))
  const page = (await console.get(path)).text
  t.regex(page, /What it says over ActiveSync.*none of them evidence.*mailbox of.*other-user.*noted/s)
  t.regex(page, /A request contradicted its certificate<\/b> at the front end <bdi>edge/)
  t.regex((await console.get('/console/policy/activesync')).text, /Phones whose requests contradict their certificate.*Ines Roth.*other-user/s)
  t.is((await console.post(`${path}/accept-claims`, { reason: ' ' })).status, 400)
  t.regex((await console.submit(`${path}/accept-claims`, { reason: 'a shared mailbox' })).text, /Said again, it counts as no contradiction.*accepted by.*What it claimed was accepted/s)
  t.notRegex((await console.get('/console')).text, /contradicts its certificate/)
})

test('an auditor sees contradictions and accepts none', async t => {
  const { world, id, path } = await enrolled(t)
  await found(world.service, id, 'refuse')
  const console = await openConsole(t, world.service, 'auditor')
  const page = (await console.get(path)).text
  t.regex(page, /other-user.*refused/s)
  t.notRegex(page, /accept-claims/)
  t.is((await console.post(`${path}/accept-claims`, { reason: 'mine' })).status, 403)
})

test('a phone that was set aside is decided about in the quarantine, and goes on with what it has', async t => {
  const { world, id, path } = await enrolled(t)
  await found(world.service, id, 'quarantine')
  const console = await openConsole(t, world.service, 'operator')
  t.notRegex((await console.get('/console')).text, /contradicts its certificate/, 'it is counted once')
  t.notRegex((await console.get(path)).text, /accept-claims/)
  t.regex((await console.get('/console/quarantine')).text, /One phone waits.*mailbox of bob@example\.org/s)
  const form = (await console.get(`/console/quarantine/${id}`)).text
  t.regex(form, /Where a request contradicted its certificate/)
  t.regex(form, /It goes on with the certificate that it has\./)
  t.regex((await console.submit(`/console/quarantine/${id}/approve`, { reason: 'a shared mailbox' })).text, /role="status">Approved\. The phone goes on with the certificate that it has\..*holds a key/s)
  t.regex((await console.get(path)).text, /accepted by/)
})

test('the command and the API list what nobody has looked at, one line a phone', async t => {
  const service = await testService(t)
  const [first, second] = [await issueDevice(service, { email: 'ada@example.org' }), await issueDevice(service, { email: 'tom@example.org' })]
  for (const { deviceId } of [first, second]) for (const claimed of ['x', 'y']) await found(service, deviceId, 'observe', { ...otherUser, claimed })
  await activeSyncStore(service.db).settle(first.deviceId, true, null, 'ada', service.now())
  const { items } = await (await openApi(t, service, 'auditor')).ask('GET', '/activesync/findings')
  t.deepEqual(items.map(({ personEmail }: { personEmail: string }) => personEmail), ['tom@example.org'])
  const cli = await openCli(t, service)
  t.regex((await cli('activesync', 'findings')).out, /^PERSON .*\ntom@example\.org +iPhone14,5 +other-user .*\n$/)
  t.regex((await cli('today')).out, /phones whose requests contradict their certificate: 1\n/)
  t.deepEqual((await cli('device', 'story', second.deviceId, '--json')).json.items.filter(({ kind }: { kind: string }) => kind === 'contradicted').length, 2)
})

test('what a hostile client claims shows as text', async t => {
  const service = await testService(t)
  const { deviceId } = await issueDevice(service)
  const console = await openConsole(t, service)
  const texts = hostileTexts.map(text => text.replaceAll(/[\p{Cc}\p{Cs}]/gu, '?').slice(0, 300))
  for (const text of texts.slice(0, 18)) await found(service, deviceId, 'observe', { finding: 'other-user', claimed: text, sentence: text })
  for (const path of [`/console/phones/${deviceId}`, '/console', '/console/policy/activesync']) {
    const page = await console.get(path)
    t.is(page.status, 200)
    t.true(texts.slice(0, 18).some(text => page.text.includes(escapeHtml(text))), path)
  }
})
