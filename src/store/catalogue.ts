import type { CatalogueUpdate } from '../devices/catalogue.ts'
import { json, type Queryable } from './db.ts'

/** What arrived after the release, all updates in one; undefined when nothing did. */
export async function newestCatalogueUpdate(db: Queryable): Promise<CatalogueUpdate | undefined> {
  return (await db.query<{ body: CatalogueUpdate }>('select body from catalogue_updates order by id desc limit 1'))[0]?.body
}

/** `newestCatalogueUpdate` inside a transaction that will add to it: updates wait for each other, so that none is lost. */
export async function lockCatalogueUpdate(tx: Queryable): Promise<CatalogueUpdate | undefined> {
  await tx.query('lock table catalogue_updates in share row exclusive mode')
  return await newestCatalogueUpdate(tx)
}

/** @param update  with the rows of the updates before it: only the newest is read */
export async function addCatalogueUpdate(tx: Queryable, update: CatalogueUpdate, now: Date, by: string): Promise<void> {
  await tx.query('insert into catalogue_updates (body, applied_at, applied_by) values ($1, $2, $3)', [json(update), now, by])
}
