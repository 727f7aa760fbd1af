import fs from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { openEmbedded } from '../../src/store/embedded.ts'
import { openDatabase } from '../../src/store/open.ts'
import { startChild } from '../support/child.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** Counts what reaches the operating system from here on. The calls themselves still happen. */
function countSyncs(): () => number {
  const original = fs.fdatasyncSync
  let count = 0
  fs.fdatasyncSync = fd => { count++; original(fd) }
  return () => count
}

test.serial('every commit waits for the disk', async t => {
  const db = await openEmbedded(await temporaryFolder(t))
  t.teardown(() => db.close())
  await db.exec('create table marks (n integer)')
  const syncs = countSyncs()
  for (let n = 0; n < 100; n++) await db.query('insert into marks values ($1)', [n])
  t.true(syncs() >= 100, `${syncs()} syncs for 100 statements`)
  const before = syncs()
  for (let n = 0; n < 100; n++) await db.transaction(async tx => { await tx.query('insert into marks values ($1)', [n]) })
  t.true(syncs() - before >= 100, `${syncs() - before} syncs for 100 transactions`)
  const [settings] = await db.query(`select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`)
  t.deepEqual(settings, { fsync: 'on', commit: 'on' })
})

test.serial('what a process had acknowledged is there after it was killed', async t => {
  const folder = await temporaryFolder(t)
  for (const enough of [10, 25, 40]) {
    const child = startChild(t, 'committer.ts', folder)
    let acknowledged = 0
    for (let i = 0; i < enough; i++) acknowledged = Number(await child.line())
    acknowledged = Number((await child.kill()).at(-1) ?? acknowledged)

    const db = await openEmbedded(folder)
    const [row] = await db.query('select count(*) as rows, max(n) as last, (select count(*) from sums) as sums, (select max(total) from sums) as total from rows')
    t.true(row!.last >= acknowledged, `${acknowledged} acknowledged, ${row!.last} found`)
    t.deepEqual(row, { rows: row!.last, last: row!.last, sums: row!.last, total: row!.last * (row!.last + 1) / 2 })
    await db.close()
  }
})

test.serial('a second opener is refused, from this process or another, until the first has closed', async t => {
  const folder = await temporaryFolder(t)
  const first = await openEmbedded(folder)
  await t.throwsAsync(openDatabase({ dataFolder: folder }), { code: 'data-folder-locked' })
  await first.close()

  const child = startChild(t, 'committer.ts', folder)
  t.is(await child.line(), '1')
  await t.throwsAsync(openEmbedded(folder), { code: 'data-folder-locked' })
  await child.kill()
  const db = await openEmbedded(folder)
  t.true((await db.query('select n from rows')).length >= 1)
  await db.close()
})

test.serial('a first start that was cut short is begun anew', async t => {
  const folder = await temporaryFolder(t)
  await mkdir(join(folder, 'postgres.new', 'base'), { recursive: true })
  await writeFile(join(folder, 'postgres.new', 'PG_VERSION'), '18\n')
  const db = await openEmbedded(folder)
  t.deepEqual(await db.query('select 1 as n'), [{ n: 1 }])
  await db.close()
  t.false((await readdir(folder)).includes('postgres.new'))
})

test.serial('a data folder with damaged files is refused in few words, and can be opened once repaired', async t => {
  const folder = await temporaryFolder(t)
  await (await openEmbedded(folder)).close()
  const control = join(folder, 'postgres/global/pg_control')
  const good = fs.readFileSync(control)
  fs.writeFileSync(control, Buffer.alloc(good.length))
  const error = await t.throwsAsync(openEmbedded(folder), { code: 'database-unavailable' })
  t.true(String(error.cause).length < 600)
  fs.writeFileSync(control, good)
  await (await openEmbedded(folder)).close()
})
