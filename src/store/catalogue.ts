import type { CatalogueUpdate } from '../devices/catalogue.ts'
import { json, type Queryable } from './db.ts'

/** What arrived after the release, all updates in one; undefined when nothing did. */
export async function newestCatalogueUpdate(db: Queryable): Promise<CatalogueUpdate | undefined> {
  return (await db.query<{ body: CatalogueUpdate }>('select body from catalogue_updates order by id desc limit 1'))[0]?.body
}

/** @param update  with the rows of the updates before it: only the newest is read */
export async function addCatalogueUpdate(tx: Queryable, update: CatalogueUpdate, now: Date, by: string): Promise<void> {
  await tx.query('insert into catalogue_updates (body, applied_at, applied_by) values ($1, $2, $3)', [json(update), now, by])
}
