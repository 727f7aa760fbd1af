import test from 'ava'
import { openApi } from '../../support/api.ts'
import { newDevice } from '../../support/issued.ts'
import { testService } from '../../support/service.ts'

test('a model is approved by its identifier, and a near miss is told what it missed', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const { approvals } = await api.ask('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'bought in 2022' })
  t.like(approvals[0], { pattern: 'iPhone14,5', leastEvidence: 'signed', author: 'test admin', notAfter: null })
  t.deepEqual((await api.ask('GET', '/models?approved=true')).items.map((model: { identifier: string }) => model.identifier), ['iPhone14,5'])
  const wrong = await api.call('POST', '/approvals', { pattern: 'iphone 13', reason: 'by its name' })
  t.is(wrong.body.code, 'device-model-unknown')
  t.regex(wrong.body.detail, /iPhone14,5 \(iPhone 13\)/)
  t.is(await api.refusal('POST', '/approvals', { pattern: 'iPhone14.*', reason: 'no regular expression' }), 'invalid-argument')
  t.is(await api.refusal('POST', '/approvals', { reason: 'neither' }), 'invalid-argument')
  t.is(await api.refusal('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'over', until: '2026-01-01T00:00:00Z' }), 'invalid-argument')
})

test('approving a preset makes an approval for each model, and a second time none', async t => {
  const api = await openApi(t, await testService(t))
  const order = { preset: 'storage-encryption', reason: 'mail is encrypted at rest', until: '2027-06-30T23:59:59Z' }
  const first = await api.ask('POST', '/approvals', order)
  t.true(first.approvals.length > 100)
  t.false(first.approvals.some((approval: { pattern: string }) => ['iPhone1,2', 'iPod2,1'].includes(approval.pattern)))
  t.true(first.notes.some((note: string) => note.startsWith('iPod2,1: the 8 GB player')))
  const second = await api.ask('POST', '/approvals', order)
  t.deepEqual([second.approvals.length, second.unchanged], [0, first.approvals.length])
  t.is((await api.ask('POST', '/approvals/withdraw', { preset: 'storage-encryption' })).withdrawn.length, first.approvals.length)
  t.is(await api.refusal('POST', '/approvals/withdraw', { preset: 'storage-encryption' }), 'approval-not-found')
})

test('a preset can be narrowed by a wildcard', async t => {
  const api = await openApi(t, await testService(t))
  const { approvals } = await api.ask('POST', '/approvals', { pattern: 'iPhone*', preset: 'storage-encryption', reason: 'phones only' })
  t.true(approvals.length > 40)
  t.true(approvals.every((approval: { pattern: string }) => approval.pattern.startsWith('iPhone')))
  t.is((await api.ask('POST', '/approvals/withdraw', { pattern: 'iPhone2,*', preset: 'storage-encryption' })).withdrawn.length, 1)
})

test('approving a model that does not encrypt says so', async t => {
  const api = await openApi(t, await testService(t))
  const { notes } = await api.ask('POST', '/approvals', { pattern: 'iPod2,1', reason: 'a museum' })
  t.true(notes[0].startsWith('these do not encrypt'))
  t.true(notes.some((note: string) => note.includes('Approve by identifier')))
})

test('explain says the verdict and why, and follows approvals and rules at once', async t => {
  const api = await openApi(t, await testService(t))
  const question = { product: 'iPhone14,5', build: '20A362', evidence: 'signed' }
  t.like(await api.ask('POST', '/policy/explain', question), { verdict: 'block', code: 'model-not-approved' })
  await api.ask('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'bought in 2022' })
  t.like(await api.ask('POST', '/policy/explain', question), { verdict: 'allow', because: { kind: 'approval', reason: 'bought in 2022' } })
  t.like(await api.ask('POST', '/policy/explain', { ...question, evidence: 'listed' }), { verdict: 'block', code: 'evidence-too-weak' })
  const rule = await api.ask('POST', '/rules', { verdict: 'block', conditions: { osVersion: { below: '17.4' } }, reason: 'holes in older ones' })
  const blocked = await api.ask('POST', '/policy/explain', question)
  t.like(blocked, { verdict: 'block', because: { kind: 'rule', id: rule.id } })
  t.regex(blocked.textForAdmin, /^Blocked because iOS 16\.0 is older than your rule/)
  await api.ask('DELETE', `/rules/${rule.id}`)
  t.is((await api.ask('POST', '/policy/explain', question)).verdict, 'allow')
  t.is(await api.refusal('DELETE', `/rules/${rule.id}`), 'rule-not-found')
  t.is(await api.refusal('POST', '/policy/explain', { product: 'iPhone 13' }), 'invalid-argument')
})

test('a rule about a person finds them by their address, in any case', async t => {
  const api = await openApi(t, await testService(t))
  await api.ask('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'all' })
  await api.ask('POST', '/rules', { verdict: 'quarantine', conditions: { person: 'Ada@Example.org' }, reason: 'look twice' })
  t.is((await api.ask('POST', '/policy/explain', { product: 'iPhone14,5', person: 'ada@example.org' })).verdict, 'quarantine')
  t.is((await api.ask('POST', '/policy/explain', { product: 'iPhone14,5', person: 'bob@example.org' })).verdict, 'allow')
})

test('an exemption is for a device and an invitation of the same person', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const device = await newDevice(service, 'ada@example.org')
  const { id: invitation } = await api.ask('POST', '/invitations', { name: 'Ada', email: 'ada@example.org' })
  const { id: foreign } = await api.ask('POST', '/invitations', { name: 'Bob', email: 'bob@example.org' })
  const order = { device, verdict: 'allow', until: '2026-12-31T23:59:59Z', reason: 'the museum piece' }
  t.is(await api.refusal('POST', '/exemptions', { ...order, invitation: foreign }), 'invitation-not-found')
  t.is(await api.refusal('POST', '/exemptions', { ...order, invitation, device: invitation }), 'device-not-found')
  const made = await api.ask('POST', '/exemptions', { ...order, invitation })
  t.deepEqual((await api.ask('GET', `/exemptions?device=${device}`)).items, [made])
  await api.ask('DELETE', `/exemptions/${made.id}`)
  t.deepEqual((await api.ask('GET', '/exemptions')).items, [])
})

test('the catalogue is updated from a file, and an earlier update stays', async t => {
  const api = await openApi(t, await testService(t))
  const model = (identifier: string) => ({
    identifier, name: `Phone ${identifier}`, family: 'iPhone', released: null, soc: 'A99', hardwareEncryption: true, dataProtection: true, secureEnclave: true,
    managedDeviceAttestation: true, attestsModel: true, minOS: null, minOSBuild: null, maxOS: null, maxOSBuild: null, maxOSOpen: true, easModel: null, boards: [], modelNumbers: [], notes: [],
  })
  const before = await api.ask('GET', '/catalogue')
  await api.ask('PUT', '/catalogue', { version: '2027-01-01', models: [model('iPhone99,1')] })
  const after = await api.ask('PUT', '/catalogue', { models: [model('iPhone99,2')] })
  t.deepEqual(after, { version: '2027-01-01', models: before.models + 2, builds: before.builds })
  t.is((await api.ask('GET', '/models/iPhone99,1')).name, 'Phone iPhone99,1')
  const wrong = await api.call('PUT', '/catalogue', { models: [{ ...model('iPhone99,3'), soc: 7 }] })
  t.is(wrong.body.code, 'malformed-catalogue')
  t.regex(wrong.body.detail, /models\.0\.soc/)
})
