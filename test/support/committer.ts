/** A process of its own that commits rows 1, 2, 3 … to the database in a folder and says so after each, until killed. */
import { writeSync } from 'node:fs'
import { openEmbedded } from '../../src/store/embedded.ts'

const db = await openEmbedded(process.argv[2]!)
await db.exec('create table if not exists rows (n integer primary key); create table if not exists sums (n integer primary key, total bigint)')
const [last] = await db.query<{ n: number }>('select coalesce(max(n), 0) as n from rows')
for (let n = last!.n + 1; ; n++) {
  await db.transaction(async tx => {
    await tx.query('insert into rows values ($1)', [n])
    await tx.query('insert into sums select $1, sum(n) from rows', [n])
  })
  writeSync(1, `${n}\n`)
}
