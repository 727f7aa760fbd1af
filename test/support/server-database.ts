/** Databases on a PostgreSQL server, copied from a template database that the first who needs it makes. */
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { migrate, type Migration } from '../../src/store/migrate.ts'
import { openServer } from '../../src/store/server.ts'
import { templateName } from './memory-template.ts'

const lockKey = 0x74657374
const templates = new Map<string, Promise<string>>()

/** @returns address of a new database on the server of `url`, and the way to drop it */
export async function serverDatabase(url: string, migrations: readonly Migration[]): Promise<{ url: string, drop: () => Promise<void> }> {
  const key = `latchkey_${await templateName(migrations)}`
  // A process may know several servers.
  const made = templates.get(`${url} ${key}`) ?? makeTemplate(url, key, migrations)
  templates.set(`${url} ${key}`, made)
  const template = await made
  const name = `latchkey_test_${randomBytes(8).toString('hex')}`
  await onServer(url, `create database ${name} template ${template}`)
  return { url: withDatabase(url, name), drop: () => onServer(url, `drop database ${name} with (force)`) }
}

async function makeTemplate(url: string, name: string, migrations: readonly Migration[]): Promise<string> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query('select pg_advisory_lock($1)', [lockKey])
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [name])
    if (rowCount === 1) return name
    await admin.query(`drop database if exists ${name}_new with (force)`)
    await admin.query(`create database ${name}_new template template0 encoding 'UTF8'`)
    if (migrations.length > 0) {
      const db = await openServer(withDatabase(url, `${name}_new`))
      await migrate(db, migrations)
      await db.close()
    }
    await admin.query(`alter database ${name}_new rename to ${name}`)
    return name
  } finally {
    await admin.end()
  }
}

async function onServer(url: string, sql: string): Promise<void> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    await admin.query(sql)
  } finally {
    await admin.end()
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
