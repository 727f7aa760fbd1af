import { randomUUID } from 'node:crypto'
import test from 'ava'
import type { Queryable } from '../../src/store/db.ts'
import { migrationsFolder, readMigrations } from '../../src/store/migrate.ts'
import { loadPolicy } from '../../src/store/policy-snapshot.ts'
import { openServer } from '../../src/store/server.ts'
import { freshDatabase, testDatabase } from '../support/database.ts'
import { until } from '../support/running-agent.ts'

const now = new Date('2026-03-01T09:00:00Z')
const about = { deviceId: null, now, trustTestDevices: false }

const patternsIn = async (db: Queryable): Promise<string[]> => (await loadPolicy(db, about)).approvals.map(({ pattern }) => pattern).sort()

async function approve(db: Queryable, pattern: string, endedAt: Date | null = null): Promise<void> {
  await db.query(`insert into approvals (id, pattern, least_evidence, reason, author, not_before, ended_at) values ($1, $2, 'signed', 'a test', 'ada', $3, $4)`, [randomUUID(), pattern, now, endedAt])
}

test('who changes policy decides by it at once, others when it is committed, and nobody when it is taken back', async t => {
  const db = await freshDatabase(t)
  await approve(db, 'iPhone14,5')
  t.deepEqual(await patternsIn(db), ['iPhone14,5'])
  await t.throwsAsync(db.transaction(async tx => {
    await approve(tx, 'iPhone15,2')
    t.deepEqual(await patternsIn(tx), ['iPhone14,5', 'iPhone15,2'])
    throw new Error('taken back')
  }), { message: 'taken back' })
  t.deepEqual(await patternsIn(db), ['iPhone14,5'])
  await db.transaction(async tx => { await approve(tx, 'iPhone15,3') })
  t.deepEqual(await patternsIn(db), ['iPhone14,5', 'iPhone15,3'])
})

test('as long as nobody changes it policy is not read again', async t => {
  const db = await freshDatabase(t)
  await approve(db, 'iPhone14,5')
  await patternsIn(db)
  const asked: string[] = []
  t.deepEqual(await patternsIn({ query: async (text, params) => { asked.push(text); return await db.query(text, params) } }), ['iPhone14,5'])
  t.deepEqual(asked, ['select version from policy_version'])
})

test('whatever policy is made of has another version once it is changed', async t => {
  const db = await freshDatabase(t)
  const version = async (): Promise<string> => (await db.query<{ version: string }>('select version from policy_version'))[0]!.version
  const seen = new Set([await version()])
  await approve(db, 'iPhone14,5')
  for (const change of [
    'select 1', `update approvals set reason = 'another'`, 'delete from approvals', 'truncate approvals',
    `insert into rules (id, verdict, conditions, reason, author, created_at) values ('${randomUUID()}', 'block', '{}', 'a test', 'ada', now())`, `update rules set reason = 'another'`, 'delete from rules',
    `insert into settings (name, value) values ('require-inventory', 'true')`, `update settings set value = 'false'`, 'delete from settings',
  ]) {
    await db.query(change)
    t.false(seen.has(await version()), change)
    seen.add(await version())
  }
})

test('an approval that ended long ago explains nothing any more, however long policy has stood', async t => {
  const db = await freshDatabase(t)
  await approve(db, 'iPhone14,5', new Date('2026-02-28T09:00:00Z'))
  t.deepEqual(await patternsIn(db), ['iPhone14,5'])
  const { approvals } = await loadPolicy(db, { ...about, now: new Date('2026-07-01T09:00:00Z') })
  t.deepEqual(approvals, [])
})

test('what is read while policy is being changed is remembered as that of after', async t => {
  const { db, url } = await testDatabase(t, await readMigrations(migrationsFolder))
  if (url === undefined) {
    t.log('skipped: DATABASE_URL names no server')
    return t.pass()
  }
  const admin = await openServer(url)
  t.teardown(async () => { await admin.close() })
  const version = async (): Promise<string> => (await db.query<{ version: string }>('select version from policy_version'))[0]!.version
  const before = await version()
  let reading: Promise<string[]> | undefined
  await admin.transaction(async tx => {
    await tx.query('lock table approvals in access exclusive mode')
    reading = patternsIn(db)
    await until(async () => (await tx.query('select 1 from pg_locks where not granted')).length > 0)
    await approve(tx, 'iPhone14,5')
  })
  t.deepEqual(await reading, ['iPhone14,5'])
  // As a standby that had not heard of the change.
  await admin.transaction(async tx => {
    await tx.query('delete from approvals')
    await tx.query('update policy_version set version = $1', [before])
  })
  t.deepEqual(await patternsIn(db), [])
})
