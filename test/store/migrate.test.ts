import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { migrate, migrationsFolder, readMigrations, type Migration } from '../../src/store/migrate.ts'
import { openServer } from '../../src/store/server.ts'
import { freshDatabase, testDatabase } from '../support/database.ts'
import { temporaryFolder } from '../support/temporary.ts'

const files = {
  '0001_models.sql': `-- A body in dollars, and more than one statement.
    create table models (name text primary key);
    create function shout(word text) returns text language plpgsql as $$ begin return upper(word); end $$;
    insert into models values (shout('iphone'));`,
  '0002_approvals.sql': 'create table approvals (model text not null references models);',
}

async function migrationsOf(t: ExecutionContext, content: Record<string, string>): Promise<Migration[]> {
  const folder = await temporaryFolder(t)
  for (const [name, sql] of Object.entries(content)) await writeFile(join(folder, name), sql)
  return await readMigrations(folder)
}

test('migrations are applied in order, each once', async t => {
  const { db } = await testDatabase(t)
  const migrations = await migrationsOf(t, files)
  t.deepEqual(await migrate(db, migrations.slice(0, 1)), ['0001_models.sql'])
  t.deepEqual(await migrate(db, migrations), ['0002_approvals.sql'])
  t.deepEqual(await migrate(db, migrations), [])
  t.deepEqual(await db.query('select name from models'), [{ name: 'IPHONE' }])
})

test('instances that start together apply each migration once, and all go on', async t => {
  const { db, url } = await testDatabase(t)
  const migrations = await migrationsOf(t, files)
  const others = url === undefined ? [db, db, db] : await Promise.all([openServer(url), openServer(url), openServer(url)])
  const applied = await Promise.all([db, ...others].map(instance => migrate(instance, migrations)))
  t.deepEqual(applied.flat().toSorted(), Object.keys(files))
  t.deepEqual(await db.query('select count(*) as n from models'), [{ n: 1 }])
  await Promise.all(others.map(other => other.close()))
})

test('a migration that fails leaves nothing behind and can be mended', async t => {
  const { db } = await testDatabase(t)
  const broken = await migrationsOf(t, { ...files, '0003_worse.sql': 'create table half (n integer); select * from nowhere;' })
  await t.throwsAsync(migrate(db, broken), { name: 'DatabaseError' })
  t.deepEqual(await db.query(`select to_regclass('half') as half, to_regclass('approvals')::text as approvals`), [{ half: null, approvals: 'approvals' }])
  const mended = await migrationsOf(t, { ...files, '0003_worse.sql': 'create table half (n integer);' })
  t.deepEqual(await migrate(db, mended), ['0003_worse.sql'])
})

test('a migration that was changed or removed after it had been applied is refused', async t => {
  const { db } = await testDatabase(t)
  await migrate(db, await migrationsOf(t, files))
  const changed = await migrationsOf(t, { ...files, '0001_models.sql': `${files['0001_models.sql']} ` })
  await t.throwsAsync(migrate(db, changed), { code: 'migration-changed' })
  const removed = await migrationsOf(t, { '0002_approvals.sql': files['0002_approvals.sql'] })
  await t.throwsAsync(migrate(db, removed), { code: 'migration-changed' })
  t.deepEqual(await migrate(db, await migrationsOf(t, files)), [])
})

test('a database of a newer version is refused, and left alone', async t => {
  const { db } = await testDatabase(t)
  const migrations = await migrationsOf(t, files)
  await migrate(db, migrations)
  await t.throwsAsync(migrate(db, migrations.slice(0, 1)), { code: 'database-too-new' })
  await t.throwsAsync(migrate(db, []), { code: 'database-too-new' })
  t.deepEqual(await db.query('select number from migrations order by number'), [{ number: 1 }, { number: 2 }])
})

test('file names say number and purpose, and no number is used twice', async t => {
  await t.throwsAsync(migrationsOf(t, { 'models.sql': '' }), { message: /NNNN_name/ })
  await t.throwsAsync(migrationsOf(t, { '0001_a.sql': '', '0001_b.sql': '' }), { message: /number of another/ })
  t.deepEqual(await migrationsOf(t, { 'README.md': '' }), [])
})

test('the migrations of this version apply to an empty database', async t => {
  const db = await freshDatabase(t)
  const migrations = await readMigrations(migrationsFolder)
  t.deepEqual(await db.query('select name from migrations order by number'), migrations.map(({ name }) => ({ name })))
  t.deepEqual(await migrate(db, migrations), [])
})
