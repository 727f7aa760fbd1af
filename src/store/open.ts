import type { Database } from './db.ts'
import { openEmbedded } from './embedded.ts'
import { openServer } from './server.ts'

export type DatabaseSettings = {
  /** A PostgreSQL server; without it the embedded database in `dataFolder` is opened. */
  databaseUrl?: string | undefined
  /** The same server past a transaction pooler, for LISTEN. */
  directUrl?: string | undefined
  dataFolder: string
}

/** Opens the one database that holds all state. Its schema is brought up to date by `migrate`. */
export async function openDatabase(settings: DatabaseSettings): Promise<Database> {
  const { databaseUrl, directUrl, dataFolder } = settings
  return databaseUrl === undefined ? await openEmbedded(dataFolder) : await openServer(databaseUrl, directUrl)
}
