/** Forward-only migrations: `migrations/0002_devices.sql`, one transaction each, never edited once applied. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CaError } from '../errors.ts'
import type { Database, Queryable } from './db.ts'

export const migrationsFolder: string = fileURLToPath(new URL('../../migrations/', import.meta.url))

export type Migration = { number: number, name: string, sql: string, sha256: Buffer }

/** Any fixed number: the lock of those who migrate ("latchkey", first bytes). */
const lockKey = 0x6c617463

/**
 * Applies what is missing, in order. Any number of instances may do so at once: each migration is applied
 * by one of them, and all return when everything is applied.
 *
 * @returns names of the migrations that this call applied
 * @throws {CaError} database-too-new when the database has a migration beyond the last of `migrations`
 * @throws {CaError} migration-changed when one that was applied is missing or differs
 */
export async function migrate(db: Database, migrations: readonly Migration[]): Promise<string[]> {
  const applied: string[] = []
  for (;;) {
    const name = await applyNext(db, migrations)
    if (name === undefined) return applied
    applied.push(name)
  }
}

/** The `NNNN_name.sql` files of a folder in the order of their numbers. */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const names = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  const migrations = await Promise.all(names.map(async name => {
    const number = Number(/^(\d{4})_[a-z0-9_]+\.sql$/.exec(name)?.[1])
    if (Number.isNaN(number)) throw new Error(`${name} is not called NNNN_name.sql`)
    const content = await readFile(join(folder, name))
    return { number, name, sql: content.toString('utf8'), sha256: createHash('sha256').update(content).digest() }
  }))
  const twice = migrations.find((migration, i) => migration.number === migrations[i - 1]?.number)
  if (twice !== undefined) throw new Error(`${twice.name} has the number of another migration`)
  return migrations
}

async function applyNext(db: Database, migrations: readonly Migration[]): Promise<string | undefined> {
  return await db.transaction(async tx => {
    await tx.exec(`
      select pg_advisory_xact_lock(${lockKey});
      create table if not exists migrations (
        number     integer     primary key,
        name       text        not null,
        sha256     bytea       not null,
        applied_at timestamptz not null default now()
      );`)
    const next = await firstMissing(tx, migrations)
    if (next === undefined) return undefined
    await tx.exec(next.sql)
    await tx.query('insert into migrations (number, name, sha256) values ($1, $2, $3)', [next.number, next.name, next.sha256])
    return next.name
  })
}

async function firstMissing(tx: Queryable, migrations: readonly Migration[]): Promise<Migration | undefined> {
  const applied = await tx.query<{ number: number, name: string, sha256: Buffer }>('select number, name, sha256 from migrations order by number')
  const last = migrations.at(-1)?.number ?? 0
  const newest = applied.at(-1)
  if (newest !== undefined && newest.number > last) {
    throw new CaError('database-too-new', `the database is at migration ${newest.name}, which this version does not know`)
  }
  const known = new Map(migrations.map(migration => [migration.number, migration]))
  for (const { number, name, sha256 } of applied) {
    if (known.get(number)?.sha256.equals(sha256) !== true) {
      throw new CaError('migration-changed', `migration ${name} is missing or was changed after it had been applied`)
    }
    known.delete(number)
  }
  return known.values().next().value
}
