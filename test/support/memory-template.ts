/** Clusters in memory, copied from one that is made once for all test processes and kept in a file. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openInMemory } from '../../src/store/embedded.ts'
import { migrate, type Migration } from '../../src/store/migrate.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const cache = join(root, 'node_modules/.cache/latchkey')
const templates = new Map<string, Promise<Blob>>()

/** Names the outcome of these migrations: another engine or one changed byte gives another name. */
export async function templateName(migrations: readonly Migration[]): Promise<string> {
  const hash = createHash('sha256')
  hash.update(await readFile(join(root, 'node_modules/@electric-sql/pglite/package.json')))
  for (const source of ['src/store/embedded.ts', 'src/store/embedded-engine.ts', 'test/support/memory-template.ts']) hash.update(await readFile(join(root, source)))
  for (const { name, sha256 } of migrations) hash.update(name).update(sha256)
  return `template_${migrations.length}_${hash.digest('hex').slice(0, 16)}`
}

/** What `openInMemory` opens. Creating a cluster takes seconds, opening a copy a tenth of one. */
export async function memoryTemplate(migrations: readonly Migration[]): Promise<Blob> {
  const name = await templateName(migrations)
  const template = templates.get(name) ?? cached(name, () => makeTemplate(migrations))
  templates.set(name, template)
  return await template
}

async function makeTemplate(migrations: readonly Migration[]): Promise<Blob> {
  const isFirst = migrations.length === 0
  const { db, copy } = await openInMemory(isFirst ? undefined : await memoryTemplate([]))
  if (isFirst) {
    // Two thirds of a new cluster are databases that nobody opens.
    for (const unused of ['template0', 'template1']) {
      await db.query(`alter database ${unused} is_template false`)
      await db.query(`drop database ${unused}`)
    }
  } else {
    await migrate(db, migrations)
  }
  const blob = await copy()
  await db.close()
  return blob
}

async function cached(name: string, make: () => Promise<Blob>): Promise<Blob> {
  const path = join(cache, `${name}.tar`)
  const kept = await readFile(path).catch(() => undefined)
  if (kept !== undefined) return new Blob([kept])
  const blob = await make()
  await keep(path, blob).catch(() => {}) // a checkout that cannot be written to does without
  return blob
}

async function keep(path: string, blob: Blob): Promise<void> {
  await mkdir(cache, { recursive: true })
  const unfinished = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(unfinished, blob.stream())
  await rename(unfinished, path)
}
