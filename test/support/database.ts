/** A database per test: in memory, or on the server that DATABASE_URL names. */
import type { ExecutionContext } from 'ava'
import type { Database } from '../../src/store/db.ts'
import { migrationsFolder, readMigrations, type Migration } from '../../src/store/migrate.ts'
import { openServer } from '../../src/store/server.ts'
import { openCopy } from './memory-template.ts'
import { serverDatabase } from './server-database.ts'

export type TestDatabase = {
  db: Database
  /** Address for further connections; undefined for a database in memory, which nobody else can open. */
  url: string | undefined
}

/** Migrated and empty; closed and gone when the test ends. */
export async function freshDatabase(t: ExecutionContext<any>): Promise<Database> {
  return (await testDatabase(t, await readMigrations(migrationsFolder))).db
}

/** With the given migrations, or with no table at all. */
export async function testDatabase(t: ExecutionContext<any>, migrations: readonly Migration[] = []): Promise<TestDatabase> {
  const serverUrl = process.env['DATABASE_URL']
  if (serverUrl === undefined) {
    const db = await openCopy(migrations)
    t.teardown(() => db.close())
    return { db, url: undefined }
  }
  const { url, drop } = await serverDatabase(serverUrl, migrations)
  t.teardown(drop)
  const db = await openServer(url)
  t.teardown(() => db.close())
  return { db, url }
}
