import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { loadBundledCatalogue } from '../../src/devices/catalogue.ts'
import { openApi } from '../support/api.ts'
import { openCli } from '../support/cli.ts'
import { openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'

const known = loadBundledCatalogue().models.get('iPhone17,3')!
const update = {
  version: '2026-12-01',
  models: [{ ...known, identifier: 'iPhone98,1', name: 'iPhone <b>98</b>' }, { ...known, maxOS: 'iOS 27.9' }, loadBundledCatalogue().models.get('iPhone14,5')!],
  builds: [{ build: '29A999', version: '30.0', os: ['iOS'], released: '2026-12-01', kind: 'release', productTypes: ['iPhone98,1'] }],
}

test('what newer models and builds change is shown in numbers before it is taken', async t => {
  const service = await testService(t)
  await (await openApi(t, service)).ask('POST', '/approvals', { pattern: 'iPhone9*', reason: 'all of them' })
  const console = await openConsole(t, service)
  await console.get('/console/models/update')
  const { text } = await console.submit('/console/models/update', { text: JSON.stringify(update) })
  t.regex(text, /This adds one model and one build, and changes one model and no builds\./)
  t.regex(text, /Approved at once by <code>iPhone9\*<\/code>: iPhone98,1\./)
  t.regex(text, /iPhone &lt;b&gt;98/)
  t.false(service.catalogue().models.has('iPhone98,1'))
  const take = /action="(\/console\/models\/update\/[0-9a-f-]{36}\/take)"/.exec(text)![1]!
  t.regex((await console.submit(take)).text, /The catalogue is up to date/)
  t.is(service.catalogue().models.get('iPhone98,1')?.name, 'iPhone <b>98</b>')
  t.is(service.catalogue().version, '2026-12-01')
  const another = await openConsole(t, service)
  await another.get('/console/models/update')
  t.is((await another.post(take)).status, 404)
})

test('a file that is no catalogue is refused with its place, and what was pasted is kept', async t => {
  const service = await testService(t)
  const console = await openConsole(t, service)
  await console.get('/console/models/update')
  for (const [wrong, said] of [['not json', /not JSON of a catalogue/], ['[]', /not JSON of a catalogue/], ['{"models":[{"identifier":"iPhone98,1"}]}', /models/], ['{"surprise":1}', /surprise/]] as const) {
    const { status, text } = await console.post('/console/models/update', { text: wrong })
    t.is(status, 400)
    t.regex(/id="f-text-error">([^<]*)</.exec(text)![1]!, said)
    t.regex(text, /<textarea/)
  }
})

test('a program and a command ask the same before they take it', async t => {
  const service = await testService(t)
  const api = await openApi(t, service, 'auditor')
  t.like(await api.ask('POST', '/catalogue/check', update), { version: '2026-12-01', added: [{ identifier: 'iPhone98,1' }], changed: [{ identifier: 'iPhone17,3' }], builds: { added: 1, changed: 0 }, approvals: [] })
  const cli = await openCli(t, service)
  const file = join(cli.dataFolder, 'update.json')
  writeFileSync(file, JSON.stringify(update))
  t.regex((await cli('model', 'update-catalogue', file, '--check')).out, /1 models added and 1 changed, 1 builds added and 0 changed\nnew: iPhone98,1/)
  t.false(service.catalogue().models.has('iPhone98,1'))
  t.is((await cli('model', 'update-catalogue', file)).exitCode, 0)
  t.true(service.catalogue().models.has('iPhone98,1'))
})
