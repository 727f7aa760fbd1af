import test from 'ava'
import { supersedeOlder } from '../../src/certificates/supersede.ts'
import { statusOf } from '../../src/certificates/status.ts'
import { complete } from '../../src/certificates/issue.ts'
import { certificateStore, revocationStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { allowed, holdNow, issueDevice, prepareDevice, releaseNow, revokeNow, type Issued } from '../support/issued.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { testService, type TestService } from '../support/service.ts'

const revocationOf = async ({ db }: TestService, issued: Issued) => {
  const revocation = (await certificateStore(db).byKey(issued))?.revocation
  return revocation && { revokedAt: revocation.revokedAt, reason: revocation.reason }
}
const status = async ({ db }: TestService, issued: Issued) => statusOf(await certificateStore(db).byKey(issued)).status

test('the first revocation stands; a second changes neither date nor reason', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  t.is(await status(service, issued), 'good')
  t.true(await revokeNow(service, issued, 'superseded'))
  service.clock.advance(60)
  t.false(await revokeNow(service, issued, 'keyCompromise'))

  t.deepEqual(await revocationOf(service, issued), { revokedAt: new Date('2026-03-01T09:00:00Z'), reason: 4 })
  t.is(await status(service, issued), 'revoked')
})

test('a hold can be released, held again, and made final from the date of the hold', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  t.true(await holdNow(service, issued))
  t.false(await holdNow(service, issued))
  t.is(await status(service, issued), 'revoked')

  t.true(await releaseNow(service, issued))
  t.false(await releaseNow(service, issued))
  t.is(await status(service, issued), 'good')

  service.clock.advance(60)
  await holdNow(service, issued)
  service.clock.advance(60)
  await revokeNow(service, issued, 'keyCompromise')
  t.deepEqual(await revocationOf(service, issued), { revokedAt: new Date('2026-03-01T09:01:00Z'), reason: 1 })
})

test('after a release a revocation counts from its own date', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  await holdNow(service, issued)
  await releaseNow(service, issued)
  service.clock.advance(60)
  await revokeNow(service, issued)
  t.deepEqual(await revocationOf(service, issued), { revokedAt: new Date('2026-03-01T09:01:00Z'), reason: 0 })
})

test('what is revoked for good can be neither held nor released, and what is good cannot be released', async t => {
  const service = await testService(t)
  const [revoked, good] = [await issueDevice(service), await issueDevice(service)]
  await revokeNow(service, revoked)
  t.is(await refusalOfAsync(() => holdNow(service, revoked)), 'certificate-already-revoked')
  t.is(await refusalOfAsync(() => releaseNow(service, revoked)), 'certificate-not-held')
  t.is(await refusalOfAsync(() => releaseNow(service, good)), 'certificate-not-held')
  t.is(await refusalOfAsync(() => revokeNow(service, { ...good, serialNumber: Buffer.alloc(16, 0x41) })), 'certificate-not-found')
})

test('a date of revocation has whole seconds, as a list can say it', async t => {
  const service = await testService(t)
  const issued = await issueDevice(service)
  service.clock.advance(0.7)
  await revokeNow(service, issued)
  t.deepEqual((await revocationOf(service, issued))?.revokedAt, new Date('2026-03-01T09:00:00Z'))
})

test('changes are numbered in the order in which they were committed', async t => {
  const service = await testService(t)
  const all = await Promise.all(Array.from({ length: 5 }, () => issueDevice(service)))
  await Promise.all(all.map(issued => revokeNow(service, issued)))
  const rows = await service.db.query<{ change_number: number }>('select change_number from revocations order by change_number')
  t.deepEqual(rows.map(row => row.change_number), [1, 2, 3, 4, 5])
})

test('what was never completed is unknown, and what was abandoned is never completed', async t => {
  const service = await testService(t)
  const pending = await prepareDevice(service)
  t.is(await status(service, pending), 'unknown')
  t.is(await refusalOfAsync(() => revokeNow(service, pending)), 'certificate-not-found')

  const abandoned = await prepareDevice(service)
  await reservationStore(service.db).abandon(abandoned)
  t.is(await status(service, abandoned), 'unknown')
  t.is(await refusalOfAsync(() => complete(certificateStore(service.db), abandoned.prepared, allowed, null)), 'conflict')
})

const supersede = ({ db, now }: TestService, newer: Issued) =>
  db.transaction(async tx => await supersedeOlder({ ...certificateStore(tx), ...revocationStore(tx) }, newer.deviceId, newer.serialNumber, now()))

test('a newer certificate takes the place of all older ones of its device: good, held and released', async t => {
  const service = await testService(t)
  const good = await issueDevice(service)
  const { deviceId } = good
  const [held, released, dead] = [await issueDevice(service, { deviceId }), await issueDevice(service, { deviceId }), await issueDevice(service, { deviceId })]
  const other = await issueDevice(service)
  await holdNow(service, held)
  await holdNow(service, released)
  await releaseNow(service, released)
  await revokeNow(service, dead, 'keyCompromise')
  service.clock.advance(60)
  const newer = await issueDevice(service, { deviceId })
  service.clock.advance(60)
  const newest = await issueDevice(service, { deviceId })

  const revoked = await supersede(service, newer)
  t.deepEqual(revoked.map(key => key.serialNumber.toString('hex')).sort(), [good, held, released].map(({ certificate }) => certificate.serialNumber).sort())
  for (const issued of [good, held, released]) t.is((await revocationOf(service, issued))?.reason, 4)
  t.is((await revocationOf(service, dead))?.reason, 1)
  for (const issued of [newer, newest, other]) t.is(await status(service, issued), 'good')
  t.deepEqual(await supersede(service, newer), [])
})

test('two certificates of one moment do not leave each other alive, nor take each other away', async t => {
  const service = await testService(t)
  const first = await issueDevice(service)
  const second = await issueDevice(service, { deviceId: first.deviceId })
  await supersede(service, first)
  await supersede(service, second)
  t.deepEqual([await status(service, first), await status(service, second)].sort(), ['good', 'revoked'])
})

test('after a day a newer certificate is found to supersede, unless it was itself revoked', async t => {
  const service = await testService(t)
  const older = await issueDevice(service)
  service.clock.advance(60)
  const newer = await issueDevice(service, { deviceId: older.deviceId })
  const due = async () => {
    const until = new Date(service.now().getTime() - 86_400_000)
    return (await certificateStore(service.db).issuedBetween({ createdAt: new Date(until.getTime() - 86_400_000).toISOString(), serialNumber: Buffer.alloc(0) }, until, 10))
      .filter(({ supersedes }) => supersedes).map(row => row.serialNumber.toString('hex'))
  }
  t.deepEqual(await due(), [])
  service.clock.advance(86_500)
  t.deepEqual(await due(), [newer.certificate.serialNumber])
  await revokeNow(service, newer)
  t.deepEqual(await due(), [])
})
