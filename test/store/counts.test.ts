import test from 'ava'
import { countStore, refreshCounts } from '../../src/store/counts.ts'
import { abandon } from '../../src/certificates/abandon.ts'
import { revocationStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { holdNow, issueBootstrap, issueDevice, prepareDevice, releaseNow, revokeNow } from '../support/issued.ts'
import { freshDatabase } from '../support/database.ts'
import { distinct, overheard } from '../support/plans.ts'
import { testService } from '../support/service.ts'

test('phones, models, evidence and the day on which they end are counted of what is in force alone', async t => {
  const service = await testService(t)
  const [twice, held, released, revoked] = [await issueDevice(service), await issueDevice(service), await issueDevice(service), await issueDevice(service)]
  await issueDevice(service, { deviceId: twice.deviceId, validityDays: 10 })
  await issueDevice(service, { validityDays: 1 })
  await holdNow(service, held)
  await holdNow(service, released)
  await releaseNow(service, released)
  await revokeNow(service, revoked)
  service.clock.advance(2 * 86_400)
  t.true(await refreshCounts(service.db, service.now()))
  const { of } = await countStore(service.db).read()
  t.deepEqual([...of('phones')], [['all', 2]])
  t.deepEqual([...of('in-force')], [['all', 3]])
  t.deepEqual([...of('model')], [['iPhone14,5', 3]])
  t.deepEqual([...of('grade')], [['signed', 3]])
  t.deepEqual([...of('ends')], [['2026-03-11', 1], ['2027-03-01', 2]])
})

test('counting takes no more than a twentieth of the time, however long it takes', async t => {
  const service = await testService(t)
  const due = async (): Promise<boolean> => await refreshCounts(service.db, service.now())
  t.true(await due())
  service.clock.advance(50)
  t.true(await due())
  await service.db.query('update counted set seconds = 60')
  service.clock.advance(1199)
  t.false(await due())
  service.clock.advance(1)
  t.true(await due())
})

test('a count that failed is not begun anew at once, and waits longer each time', async t => {
  const service = await testService(t)
  const count = async (): Promise<boolean> => await refreshCounts(service.db, service.now())
  await service.db.exec('alter table revocations rename to gone')
  for (const waits of [50, 50, 80, 160]) {
    await t.throwsAsync(count())
    service.clock.advance(waits - 1)
    t.false(await count())
    service.clock.advance(1)
  }
  await service.db.exec('alter table gone rename to revocations')
  t.true(await count())
  service.clock.advance(50)
  t.true(await count())
})

test('of instances that find a count due at nearly the same time one counts', async t => {
  const service = await testService(t)
  const now = service.now().getTime()
  t.deepEqual((await Promise.all([0, 5, 9].map(async ms => await refreshCounts(service.db, new Date(now + ms))))).toSorted(), [false, false, true])
})

test('of revocations those of phones are counted, and not what was never completed', async t => {
  const service = await testService(t)
  await revokeNow(service, await issueDevice(service))
  const ended = await prepareDevice(service)
  await service.db.transaction(async tx => await abandon({ ...revocationStore(tx), ...reservationStore(tx) }, ended, service.now()))
  await revokeNow(service, await issueBootstrap(service))
  t.true(await refreshCounts(service.db, service.now()))
  t.deepEqual([...(await countStore(service.db).read()).of('revoked')], [['2026-03-01', 1]])
})

test('what is in force is counted from an index, for the rows of many certificates are more than a disk reads in half a minute', async t => {
  const { db, statements } = overheard(await freshDatabase(t))
  const service = await testService(t, { db })
  statements.length = 0
  await refreshCounts(service.db, service.now())
  const counting = distinct(statements).filter(({ text }) => text.includes('c.not_after > $1'))
  t.is(counting.length, 2)
  for (const { text, params } of counting) {
    await service.db.transaction(async tx => {
      await tx.exec('set local enable_seqscan = off; set local enable_bitmapscan = off')
      const rows = await tx.query<{ 'QUERY PLAN': string }>(`explain ${text}`, params)
      t.true(rows.some(row => row['QUERY PLAN'].includes('Index Only Scan using certificates_by_end')), rows.map(row => row['QUERY PLAN']).join('\n'))
    })
  }
})
