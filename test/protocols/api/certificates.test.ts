import test from 'ava'
import { openApi } from '../../support/api.ts'
import { issueBootstrap, issueDevice, newDevice } from '../../support/issued.ts'
import { testService } from '../../support/service.ts'

const hex = (serialNumber: Buffer): string => serialNumber.toString('hex')

test('a certificate is found by serial number and by fingerprint, with colons or without', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const { serialNumber, deviceId } = await issueDevice(service, { email: 'ada@example.org' })
  const shown = await api.ask('GET', `/certificates/${hex(serialNumber)}`)
  t.like(shown, { serialNumber: hex(serialNumber), status: 'good', deviceId, personEmail: 'ada@example.org', grade: 'signed', authority: 'issuing', published: true })
  const colons = shown.fingerprint.toUpperCase().replace(/(..)(?=.)/g, '$1:')
  t.deepEqual(await api.ask('GET', `/certificates/${colons}`), shown)
  t.is(await api.refusal('GET', `/certificates/${'0'.repeat(32)}`), 'certificate-not-found')
  t.is(await api.refusal('GET', '/certificates/4a17'), 'invalid-argument')
  const signer = service.authorities().signers[0]!.certificate.serialNumber
  t.is(await api.refusal('POST', '/certificates/revoke', { certificate: signer }), 'certificate-not-found')
})

test('revoking counts at once, wakes the schedule, and stands when asked again', async t => {
  let woken = 0
  const service = await testService(t, { revocationChanged: () => { woken++ } })
  const api = await openApi(t, service, 'operator')
  await service.publish()
  const { serialNumber } = await issueDevice(service)
  const certificate = hex(serialNumber)
  t.deepEqual(await api.ask('POST', '/certificates/revoke', { certificate, reason: 'keyCompromise', cause: 'lost in a train' }), {
    changed: [{ serialNumber: certificate, authority: 'issuing' }], unchanged: 0, invitationsEnded: 0, lockedOut: [], letInAgain: [], change: 1,
  })
  t.is(woken, 1)
  const before = await api.ask('GET', `/certificates/${certificate}`)
  t.like(before, { status: 'revoked', published: false, revocation: { reason: 'keyCompromise', actor: 'test operator', cause: 'lost in a train' } })
  service.clock.advance(60)
  await service.publish()
  t.like(await api.ask('POST', '/certificates/revoke', { certificate, reason: 'superseded' }), { changed: [], unchanged: 1 })
  t.is(woken, 1)
  t.deepEqual(await api.ask('GET', `/certificates/${certificate}`), { ...before, published: true })
})

test('a hold can be taken back, a revocation cannot', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const { serialNumber } = await issueDevice(service)
  const certificate = hex(serialNumber)
  const status = async (): Promise<string> => (await api.ask('GET', `/certificates/${certificate}`)).status
  t.is(await api.refusal('POST', '/certificates/release', { certificate }), 'certificate-not-held')
  await api.ask('POST', '/certificates/hold', { certificate })
  t.is(await status(), 'held')
  await api.ask('POST', '/certificates/release', { certificate })
  t.is(await status(), 'good')
  await api.ask('POST', '/certificates/revoke', { certificate })
  t.is(await api.refusal('POST', '/certificates/hold', { certificate }), 'certificate-already-revoked')
  t.is(await api.refusal('POST', '/certificates/release', { certificate }), 'certificate-not-held')
  t.is(await status(), 'revoked')
})

test('a leaver loses every certificate and every invitation, and nobody else anything', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const phone = await issueDevice(service, { email: 'ada@example.org' })
  const tablet = await issueDevice(service, { email: 'ada@example.org' })
  const other = await issueDevice(service, { email: 'bob@example.org' })
  await api.ask('POST', '/invitations', { name: 'Ada Lovelace', email: 'ada@example.org' })
  const outcome = await api.ask('POST', '/certificates/revoke', { person: 'ADA@example.org', reason: 'affiliationChanged' })
  t.deepEqual(outcome.changed.map((change: { serialNumber: string }) => change.serialNumber).sort(), [hex(phone.serialNumber), hex(tablet.serialNumber)].sort())
  t.is(outcome.invitationsEnded, 1)
  t.is((await api.ask('GET', '/invitations')).items[0].state, 'ended')
  t.is((await api.ask('GET', `/certificates/${hex(other.serialNumber)}`)).status, 'good')
  t.deepEqual(await api.ask('POST', '/certificates/revoke', { person: 'ada@example.org' }), { changed: [], unchanged: 2, invitationsEnded: 0, lockedOut: [], letInAgain: [], change: null })
  t.is(await api.refusal('POST', '/certificates/revoke', { person: 'eve@example.org' }), 'person-not-found')
})

test('a lost phone is named by its id or its UDID', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const deviceId = await newDevice(service)
  await service.db.query(`update devices set udid = '00008110-0011223344556677' where id = $1`, [deviceId])
  const { serialNumber } = await issueDevice(service, { deviceId })
  t.like(await api.ask('POST', '/certificates/hold', { device: '00008110-0011223344556677' }), { changed: [{ serialNumber: hex(serialNumber) }] })
  t.like(await api.ask('POST', '/certificates/revoke', { device: deviceId }), { changed: [{ serialNumber: hex(serialNumber) }] })
  t.is(await api.refusal('POST', '/certificates/revoke', { device: 'nobody’s' }), 'device-not-found')
})

test('exactly one target is needed', async t => {
  const api = await openApi(t, await testService(t))
  t.is(await api.refusal('POST', '/certificates/revoke', {}), 'invalid-argument')
  t.is(await api.refusal('POST', '/certificates/revoke', { person: 'ada@example.org', device: 'x' }), 'invalid-argument')
  t.is(await api.refusal('POST', '/certificates/revoke', { person: 'ada@example.org', reason: 'certificateHold' }), 'invalid-argument')
})

test('lists of certificates are of devices only, newest first, and of one person or device where asked', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const first = await issueDevice(service, { email: 'ada@example.org' })
  service.clock.advance(1)
  const second = await issueDevice(service, { email: 'bob@example.org' })
  await issueBootstrap(service)
  const serials = async (query: string): Promise<string[]> => (await api.ask('GET', `/certificates${query}`)).items.map((item: { serialNumber: string }) => item.serialNumber)
  t.deepEqual(await serials(''), [hex(second.serialNumber), hex(first.serialNumber)])
  t.deepEqual(await serials('?person=ada@example.org'), [hex(first.serialNumber)])
  t.deepEqual(await serials(`?device=${second.deviceId}`), [hex(second.serialNumber)])
  const { next } = await api.ask('GET', '/certificates?limit=1')
  t.deepEqual(await serials(`?limit=1&cursor=${next}`), [hex(first.serialNumber)])
})

test('a change and its record are one: who, from where, what and why', async t => {
  const service = await testService(t)
  const api = await openApi(t, service, 'operator')
  const { serialNumber } = await issueDevice(service)
  await api.ask('POST', '/certificates/revoke', { certificate: hex(serialNumber), reason: 'superseded', cause: 'new phone' })
  const { items } = await api.ask('GET', `/audit?subject=certificate:${hex(serialNumber)}`)
  t.is(items.length, 1)
  t.like(items[0], { actor: 'test operator', action: 'certificate.revoke', detail: { reason: 'superseded', cause: 'new phone' }, at: '2026-03-01T09:00:00.000Z' })
})
