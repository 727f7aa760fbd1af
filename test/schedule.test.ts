import test from 'ava'
import { release, hold, revoke, type CertificateKey } from '../src/certificates/revoke.ts'
import { supersedeOlder } from '../src/certificates/supersede.ts'
import { coalesced } from '../src/http/coalesced.ts'
import { statusOf } from '../src/certificates/status.ts'
import { endLeases, holdTestCertificates, supersedeUnasked } from '../src/schedule.ts'
import { certificateStore, revocationStore } from '../src/store/certificates.ts'
import { reservationStore } from '../src/store/reservations.ts'
import { decideCheck } from '../src/protocols/check/decide.ts'
import { freshDatabase, testDatabase } from './support/database.ts'
import { overheard } from './support/plans.ts'
import { holdNow, issueDevice, prepareDevice, releaseNow, revokeNow, type Issued } from './support/issued.ts'
import { refusalOfAsync } from './support/refusals.ts'
import { testService, type TestService } from './support/service.ts'

test('however often a publication is asked for while one runs, one more follows', async t => {
  const finish: (() => void)[] = []
  let runs = 0
  const publish = coalesced(async () => {
    runs++
    await new Promise<void>(resolve => { finish.push(resolve) })
  })
  const asked = Array.from({ length: 200 }, async () => await publish())
  t.is(runs, 1)
  finish.shift()!()
  await new Promise(resolve => setImmediate(resolve))
  t.is(runs, 2)
  finish.shift()!()
  await Promise.all(asked)
  t.is(runs, 2)
  const later = publish()
  t.is(runs, 3)
  finish.shift()!()
  await later
})

test('what was reserved and never completed is revoked when its lease ends', async t => {
  const service = await testService(t)
  const { prepared } = await prepareDevice(service)
  t.is(await endLeases(service), 0)
  service.clock.advance(600)
  t.is(await endLeases(service), 1)
  const record = await certificateStore(service.db).byKey(prepared.completion)
  t.is(record?.state, 'abandoned')
  t.is(record?.revocation?.reason, 5)
})

test('a newer certificate that was on hold as it became a day old takes over within a day of its release, and one that is revoked meanwhile never', async t => {
  const service = await testService(t)
  const [older, newer] = await pairOf(service)
  const [kept, lost] = await pairOf(service)
  await holdNow(service, newer)
  service.clock.advance(2 * 86_400)
  await revokeNow(service, lost)
  t.is(await supersedeUnasked(service), 0)
  await releaseNow(service, newer)
  service.clock.advance(86_400)
  t.is(await supersedeUnasked(service), 1)
  const status = async (key: CertificateKey) => statusOf(await certificateStore(service.db).byKey(key)).status
  t.deepEqual(await Promise.all([older, newer, kept, lost].map(status)), ['revoked', 'good', 'good', 'revoked'])
  // What was seen to take over, and revoked before it did.
  await service.db.transaction(async tx => { t.deepEqual(await supersedeOlder({ ...certificateStore(tx), ...revocationStore(tx) }, lost.deviceId, lost.serialNumber, service.now()), []) })
})

async function pairOf(service: TestService): Promise<[Issued, Issued]> {
  const older = await issueDevice(service)
  service.clock.advance(60)
  return [older, await issueDevice(service, { deviceId: older.deviceId })]
}

test('a reservation that cannot be ended keeps no other from it, and no number is taken twice', async t => {
  const service = await testService(t)
  const [broken, { prepared }] = [await prepareDevice(service), await prepareDevice(service)]
  await service.db.query('update reservations set device_id = gen_random_uuid(), lease_until = lease_until - interval \'1 second\' where serial_number = $1', [broken.serialNumber])
  service.clock.advance(600)
  await t.throwsAsync(endLeases(service))
  t.is((await certificateStore(service.db).byKey(prepared.completion))?.state, 'abandoned')
  const again = { ...prepared.completion, deviceId: null, leaseUntil: service.now() }
  t.is(await refusalOfAsync(() => reservationStore(service.db).add([again])), 'conflict')
})

test('all newer certificates take over that nobody was there to see, however many they are', async t => {
  const service = await testService(t)
  const pairs = await Promise.all(Array.from({ length: 5 }, async () => {
    const older = await issueDevice(service)
    return { older, newer: await issueDevice(service, { deviceId: older.deviceId }) }
  }))
  service.clock.advance(20 * 86_400)
  t.is(await supersedeUnasked(service, 2), 5)
  for (const { older, newer } of pairs) {
    const good = [older, newer].map(async key => statusOf(await certificateStore(service.db).byKey(key)).status)
    t.deepEqual((await Promise.all(good)).toSorted(), ['good', 'revoked'])
  }
})

test('who goes on to look for newer certificates begins where the last one ended, and once a day a month back', async t => {
  const { db, statements } = overheard(await freshDatabase(t))
  const service = await testService(t, { db })
  const begins = async (): Promise<string[]> => {
    statements.length = 0
    await supersedeUnasked(service)
    return statements.filter(({ text }) => text.includes('as supersedes')).map(({ params }) => params[0] as string)
  }
  t.deepEqual(await begins(), ['2026-01-29T09:00:00.000Z'])
  service.clock.advance(3600)
  t.deepEqual(await begins(), ['2026-02-28T09:00:00.000Z'])
  service.clock.advance(86_400 - 3600)
  t.deepEqual(await begins(), ['2026-01-30T09:00:00.000Z'])
})

test('a certificate of a simulated phone opens nothing while such phones are not trusted, whoever releases it', async t => {
  const service = await testService(t)
  const key = await issueDevice(service)
  await service.db.query('update certificates set test = true where serial_number = $1', [key.serialNumber])
  const check = async (trustTestDevices: boolean) => decideCheck(await certificateStore(service.db).byKey(key), { authorityId: null, trustTestDevices }, service.now())
  t.is(await check(true), 'good')
  t.is(await check(false), 'held')

  t.is(await holdTestCertificates(service), 1)
  await service.db.transaction(async tx => await release(revocationStore(tx), { ...key, actor: 'ada', cause: '' }, service.now()))
  t.is(await check(false), 'held')
  t.is(await holdTestCertificates(service), 1, 'a release does not make it good')
})

test('revocations of several certificates in opposite orders do not wait for each other', async t => {
  const { url } = await testDatabase(t)
  if (url === undefined) {
    t.log('skipped: the embedded database runs one transaction at a time')
    t.pass()
    return
  }
  const service = await testService(t)
  const [a, b] = [await issueDevice(service), await issueDevice(service)]
  let attempts = 0
  const both = async (...keys: { authorityId: number, serialNumber: Buffer }[]): Promise<void> => {
    await service.db.transaction(async tx => {
      attempts++
      for (const key of keys) {
        await hold(revocationStore(tx), { ...key, actor: 'ada', cause: '' }, service.now())
        await revoke(revocationStore(tx), { ...key, reason: 'superseded', actor: 'ada', cause: '' }, service.now())
      }
    })
  }
  await Promise.allSettled([both(a, b), both(b, a)])
  t.is(attempts, 2, 'neither had to be tried again')
})
