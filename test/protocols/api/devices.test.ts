import test from 'ava'
import { openApi } from '../../support/api.ts'
import { openWorld } from '../../support/world.ts'

/** A model that nobody knows is quarantined at best, here under an approval of every iPhone. */
const unknownModel = { product: 'iPhone99,1', serial: 'F2LUNKNOWN01' }

test('a phone in quarantine waits in the list, and is let in once somebody approves it', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service, 'operator')
  await world.approve('iPhone*')
  const { id: invitation, link } = await world.invite()
  t.is((await world.enroll(link, unknownModel)).outcome, 'quarantined')
  const { items } = await api.ask('GET', '/devices?quarantined=true')
  t.is(items.length, 1)
  t.like(items[0], { productType: 'iPhone99,1', modelName: null, grade: 'signed', test: true, enrollment: { state: 'quarantined', invitationId: invitation, decision: { code: 'model-unknown' } } })
  const approved = await api.ask('POST', `/devices/${items[0].id}/approve`, { reason: 'seen in person', until: '2026-06-30T23:59:59Z' })
  t.like(approved, { exemption: { verdict: 'allow', invitationId: invitation, evidence: 'signed' }, decision: { verdict: 'allow', code: 'allowed-by-exemption', approvalEndsAt: '2026-06-30T23:59:59.000Z' } })
  t.deepEqual((await api.ask('GET', '/devices?quarantined=true')).items, [])
  world.service.clock.advance(1)
  t.is((await world.enroll(link, unknownModel)).outcome, 'enrolled')
  const shown = await api.ask('GET', `/devices/${items[0].id}`)
  t.is(shown.certificates[0].notAfter, '2026-06-30T23:59:59.000Z')
  t.true(shown.evidence.length >= 2)
  t.is(shown.exemptions.length, 1)
})

test('a phone that is refused out of quarantine stays out, also when it comes again', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service, 'operator')
  await world.approve('iPhone*')
  const { link } = await world.invite()
  await world.enroll(link, unknownModel)
  const { items: [device] } = await api.ask('GET', '/devices?quarantined=true')
  t.like(await api.ask('POST', `/devices/${device.id}/refuse`, { reason: 'nobody knows it' }), { decision: { verdict: 'block', code: 'blocked-by-exemption' } })
  t.like(await api.ask('GET', `/devices/${device.id}`), { enrollment: { state: 'refused', decision: { verdict: 'block' } } })
  t.is(await api.refusal('POST', `/devices/${device.id}/approve`, { reason: 'too late' }), 'enrollment-state')
  world.service.clock.advance(1)
  t.is((await world.enroll(link, unknownModel)).outcome, 'refused')
})

test('a device that a later rule makes wait can be approved or refused as well, and others cannot', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  await world.enroll(link, { stopBefore: 'scep' })
  const { items: [device] } = await api.ask('GET', '/devices')
  t.is(device.enrollment.state, 'profiled')
  t.is(await api.refusal('POST', `/devices/${device.id}/approve`, { reason: 'nothing waits' }), 'enrollment-state')
  await api.ask('POST', '/rules', { verdict: 'quarantine', conditions: { productType: 'iPhone14,5' }, reason: 'a recall' })
  t.like(await api.ask('POST', `/devices/${device.id}/approve`, { reason: 'not one of those' }), { decision: { verdict: 'allow' }, exemption: { evidence: 'signed' } })
  t.is((await api.ask('GET', `/devices/${device.id}`)).enrollment.state, 'profiled')
})

test('a device is of one person, and lists of devices can be of one person', async t => {
  const world = await openWorld(t)
  const api = await openApi(t, world.service, 'auditor')
  await world.approve('iPhone14,5')
  const { link } = await world.invite({ email: 'ines@example.com' })
  await world.enroll(link)
  t.like((await api.ask('GET', '/devices?person=ines@example.com')).items, [{ personEmail: 'ines@example.com', modelName: 'iPhone 13', serialNumber: 'F2LTESTTEST1', enrollment: { state: 'issued' } }])
  t.is(await api.refusal('GET', '/devices?person=eve@example.com'), 'person-not-found')
  const missing = '6f1a3c1e-0000-4000-8000-000000000000'
  t.is(await api.refusal('GET', `/devices/${missing}`), 'device-not-found')
  t.is(await api.refusal('POST', `/devices/${missing}/approve`, { reason: 'x' }), 'forbidden')
})
