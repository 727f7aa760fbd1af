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

test('an operator’s yes is for what policy wants looked at now, not for what an admin has blocked since', async t => {
  const world = await openWorld(t)
  const [admin, operator] = [await openApi(t, world.service), await openApi(t, world.service, 'operator')]
  await world.approve('iPhone*')
  const { id: invitation, link } = await world.invite()
  await world.enroll(link, unknownModel)
  const { items: [device] } = await operator.ask('GET', '/devices?quarantined=true')
  const approve = async (): Promise<string> => await operator.refusal('POST', `/devices/${device.id}/approve`, { reason: 'seen in person' })
  const { id: rule } = await admin.ask('POST', '/rules', { verdict: 'block', conditions: { productType: 'iPhone99,1' }, reason: 'a recall' })
  t.is(await approve(), 'enrollment-state')
  await admin.ask('DELETE', `/rules/${rule}`)
  const until = '2030-01-01T00:00:00Z'
  const block = await admin.ask('POST', '/exemptions', { device: device.id, invitation, verdict: 'block', until, reason: 'stolen' })
  t.is(await approve(), 'enrollment-state')
  await operator.ask('POST', `/devices/${device.id}/refuse`, { reason: 'for a day', until: '2026-03-02T09:00:00Z' })
  t.like((await admin.ask('GET', `/exemptions?device=${device.id}`)).items.find((each: { id: string }) => each.id === block.id), { verdict: 'block' })
  world.service.clock.advance(2 * 86_400)
  t.like(await world.enroll(link, unknownModel), { outcome: 'refused', code: 'blocked-by-exemption' })
})

test('an operator’s decision holds no longer than a certificate may; an admin’s as long as it says', async t => {
  const world = await openWorld(t)
  const [admin, operator] = [await openApi(t, world.service), await openApi(t, world.service, 'operator')]
  await world.approve('iPhone*')
  await world.enroll((await world.invite()).link, unknownModel)
  const { items: [device] } = await operator.ask('GET', '/devices?quarantined=true')
  const approve = { reason: 'seen in person', until: '2027-03-01T09:00:01Z' }
  t.is(await operator.refusal('POST', `/devices/${device.id}/approve`, approve), 'invalid-argument')
  t.is(await operator.refusal('POST', `/devices/${device.id}/refuse`, approve), 'invalid-argument')
  t.like(await admin.ask('POST', `/devices/${device.id}/approve`, approve), { exemption: { notAfter: '2027-03-01T09:00:01.000Z' } })
})
