import test from 'ava'
import { silentLog } from '../../src/http/log.ts'
import { notificationsOf } from '../../src/http/notifications.ts'
import { openServer } from '../../src/store/server.ts'
import { testDatabase } from '../support/database.ts'
import { peer } from '../support/peers.ts'
import { startPgBouncer } from '../support/pgbouncer.ts'

test('a service that is not told of what others do says so, and which setting it is', async t => {
  const pgbouncer = peer(t, 'pgbouncer')
  if (pgbouncer === undefined) return
  const { url } = await testDatabase(t)
  if (url === undefined) return t.pass('skipped: DATABASE_URL names no server')
  const pooler = await startPgBouncer(pgbouncer, url)
  t.teardown(pooler.end)
  const trial = async (databaseUrl: string, directUrl: string): Promise<{ arrive: boolean, logged: unknown[] }> => {
    const db = await openServer(databaseUrl, directUrl)
    t.teardown(async () => { await db.close() })
    const logged: unknown[] = []
    const notifications = notificationsOf({ db, log: (...line) => { logged.push(line) } })
    t.true(notifications.arrive())
    await notifications.tryOut()
    return { arrive: notifications.arrive(), logged }
  }
  const [pooled, another] = [pooler.before(url), new URL(url)]
  another.pathname = '/postgres'
  const [heard, said] = [[['info', 'notifications-heard', { setting: 'DATABASE_DIRECT_URL' }]], [['warn', 'notifications-not-heard', { setting: 'DATABASE_DIRECT_URL' }]]]
  t.deepEqual(await Promise.all([trial(url, url), trial(pooled, url), trial(pooled, pooled), trial(pooled, another.href)]), [
    { arrive: true, logged: heard }, { arrive: true, logged: heard }, { arrive: false, logged: said }, { arrive: false, logged: said },
  ])
})

test('the embedded database tells itself', async t => {
  const { db } = await testDatabase(t)
  const notifications = notificationsOf({ db, log: silentLog })
  await notifications.tryOut()
  t.true(notifications.arrive())
})
