/** Clusters in memory, copied from one that is made once for all test processes and kept in a file. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openInMemory } from '../../src/store/embedded.ts'
import { migrate, type Migration } from '../../src/store/migrate.ts'
import type { Database } from '../../src/store/db.ts'
import { CopiedCluster } from './copied-cluster.ts'
import { kept } from './kept.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const templates = new Map<string, Promise<Buffer>>()

/** Names the outcome of these migrations: another engine or one changed byte gives another name. */
export async function templateName(migrations: readonly Migration[]): Promise<string> {
  const hash = createHash('sha256')
  hash.update(await readFile(join(root, 'node_modules/@electric-sql/pglite/package.json')))
  for (const source of ['src/store/embedded.ts', 'src/store/embedded-engine.ts', 'test/support/memory-template.ts', 'test/support/copied-cluster.ts']) hash.update(await readFile(join(root, source)))
  for (const { name, sha256 } of migrations) hash.update(name).update(sha256)
  return `template_${migrations.length}_${hash.digest('hex').slice(0, 16)}`
}

/** A new database in memory. Creating a cluster takes seconds, opening a copy a tenth of one. */
export async function openCopy(migrations: readonly Migration[]): Promise<Database> {
  return (await openInMemory(new CopiedCluster(await memoryTemplate(migrations)))).db
}

async function memoryTemplate(migrations: readonly Migration[]): Promise<Buffer> {
  const name = await templateName(migrations)
  const template = templates.get(name) ?? kept(`${name}.tar`, async () => await makeTemplate(migrations))
  templates.set(name, template)
  return await template
}

async function makeTemplate(migrations: readonly Migration[]): Promise<Buffer> {
  const isFirst = migrations.length === 0
  const { db, copy } = await openInMemory(isFirst ? undefined : new CopiedCluster(await memoryTemplate([])))
  if (isFirst) {
    // Two thirds of a new cluster are databases that nobody opens.
    for (const unused of ['template0', 'template1']) {
      await db.query(`alter database ${unused} is_template false`)
      await db.query(`drop database ${unused}`)
    }
  } else {
    await migrate(db, migrations)
  }
  const archive = await copy()
  await db.close()
  return Buffer.from(await archive.arrayBuffer())
}
