import test from 'ava'
import { complete } from '../../src/certificates/issue.ts'
import { statusOf } from '../../src/certificates/status.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import type { Queryable } from '../../src/store/db.ts'
import { migrate, migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { openApi } from '../support/api.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { testDatabase } from '../support/database.ts'
import { allowed, issueDevice, prepareDevice } from '../support/issued.ts'
import { testService } from '../support/service.ts'

const somebodyWaits = async (db: Queryable): Promise<boolean> =>
  (await db.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")).length > 0

for (const verb of ['revoke', 'hold'] as const) {
  test(`what is being made for a phone or a person on ${verb} is never completed, and revoked for good`, async t => {
    const service = await testService(t)
    const api = await openApi(t, service, 'operator')
    const email = 'ada@example.org'
    const issued = await issueDevice(service, { email })
    for (const whom of [{ device: issued.deviceId }, { person: email }]) {
      const prepared = await prepareDevice(service, { deviceId: issued.deviceId })
      await api.ask('POST', `/certificates/${verb}`, whom)
      t.is(await refusalOfAsync(() => complete(certificateStore(service.db), prepared.prepared, allowed, null)), 'conflict')
      await api.ask('POST', '/certificates/release', whom).catch(() => {})
      const record = await certificateStore(service.db).byKey(prepared)
      t.like(record, { state: 'abandoned', revocation: { reason: 5, cause: 'never completed' } })
      t.is(statusOf(record).status, 'revoked')
    }
    t.deepEqual(await service.db.query('select * from reservations'), [])
  })
}

test('of several that are completed together all are, or none', async t => {
  const service = await testService(t)
  const [good, ended] = [await prepareDevice(service), await prepareDevice(service)]
  await reservationStore(service.db).abandon(ended)
  const completions = [good, ended].map(({ prepared }) => ({ ...prepared.completion, decision: null, requestSha256: null }))
  await t.throwsAsync(service.db.transaction(async tx => { if (!await certificateStore(tx).complete(completions)) throw new Error('one is gone') }))
  t.is(statusOf(await certificateStore(service.db).byKey(good)).status, 'unknown')
  t.true(await certificateStore(service.db).complete([completions[0]!]))
  t.is(statusOf(await certificateStore(service.db).byKey(good)).status, 'good')
})

test('a revocation that meets the completion under way waits for it, and revokes what was made', async t => {
  const service = await testService(t)
  if (service.db.kind !== 'server') {
    t.log('skipped: the embedded database runs one transaction at a time')
    return t.pass()
  }
  const api = await openApi(t, service, 'operator')
  const prepared = await prepareDevice(service)
  const [completed, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const completing = service.db.transaction(async tx => {
    await complete(certificateStore(tx), prepared.prepared, allowed, null)
    completed.resolve()
    await mayCommit.promise
  })
  await completed.promise
  const revoking = api.ask('POST', '/certificates/revoke', { device: prepared.deviceId, reason: 'keyCompromise' })
  while (!await somebodyWaits(service.db));
  mayCommit.resolve()
  await completing
  t.is((await revoking).changed.length, 1)
  t.like(await certificateStore(service.db).byKey(prepared), { state: 'issued', revocation: { reason: 1 } })
})

test('what was being made before the update is a reservation after it, or abandoned where it was revoked', async t => {
  const { db } = await testDatabase(t)
  const migrations = await readMigrations(migrationsFolder)
  const before = migrations.findIndex(({ name }) => name === '0068_reservations.sql')
  await migrate(db, migrations.slice(0, before))
  const key = '3d1f6a55-7f0c-4d3b-9a75-0f6b8a1f0c11'
  const serial = (n: number): string => `decode(repeat('4${n}', 16), 'hex')`
  await db.exec(`
    insert into keys (id, public_key, created_at) values ('${key}', '\\x00', now());
    insert into authorities (id, name, role, certificate, key_id, active, partitions, created_at) overriding system value values (1, 'issuing', 'issuing', '\\x00', '${key}', true, 2, now());
    insert into certificates (authority_id, serial_number, kind, state, partition, not_before, not_after, public_key_sha256, created_at, lease_until, der, sha256)
      select 1, serial, 'device', state, 1, now(), now() + interval '1 day', '\\x01', now(), case state when 'pending' then now() + interval '2 minutes' end, case state when 'issued' then serial end, case state when 'issued' then serial end
      from (values (${serial(1)}, 'pending'), (${serial(2)}, 'pending'), (${serial(3)}, 'issued'), (${serial(4)}, 'abandoned'), (${serial(5)}, 'pending')) as c (serial, state);
    insert into revocations (authority_id, serial_number, partition, not_after, revoked_at, reason, change_number, actor)
      select 1, serial, 1, now() + interval '1 day', now(), reason, 0, 'ada' from (values (${serial(2)}, 1), (${serial(5)}, 6), (${serial(3)}, 6)) as r (serial, reason)`)
  await migrate(db, migrations)
  t.deepEqual(await db.query(`select right(encode(serial_number, 'hex'), 1) as n, partition, lease_until > created_at as leased from reservations`), [{ n: '1', partition: 1, leased: true }])
  t.deepEqual(await db.query(`select right(encode(serial_number, 'hex'), 1) as n, state from certificates order by 1`),
    [{ n: '2', state: 'abandoned' }, { n: '3', state: 'issued' }, { n: '4', state: 'abandoned' }, { n: '5', state: 'abandoned' }])
  // What was on hold while it was being made is never released.
  t.deepEqual(await db.query(`select right(encode(serial_number, 'hex'), 1) as n, reason, change_number > 0 as told from revocations order by 1`),
    [{ n: '2', reason: 1, told: false }, { n: '3', reason: 6, told: false }, { n: '5', reason: 5, told: true }])
})
