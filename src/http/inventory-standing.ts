/**
 * How the inventory stands to the phones on record. To hold a large one against all of them takes seconds, so that is done
 * after each change of it and every quarter of an hour, and what was found then is shown; small ones are looked at each time.
 */
import { certificateStore } from '../store/certificates.ts'
import type { Queryable } from '../store/db.ts'
import { inventoryStore, type Contradicted } from '../store/inventory.ts'
import { settingStore } from '../store/settings.ts'

/** @property disagreeing  those of which it says another model or number; @property missing  phones with a good certificate that it does not have */
export type InventoryStanding = { readonly countedAt: Date, readonly missing: number, readonly disagreeing: number, readonly contradicted: { readonly count: number, readonly first: readonly Contradicted[] } }

const mostNamed = 100
const manyDevices = 2_000
const manyCertificates = 20_000
const againMs = 15 * 60_000

/** Looks, however long it takes. */
export async function holdInventory(db: Queryable, now: Date): Promise<InventoryStanding> {
  const store = inventoryStore(db)
  return {
    countedAt: now, missing: await store.countMissing(now), disagreeing: await store.countContradicted(false),
    contradicted: { count: await store.countContradicted(true), first: await store.contradicted(mostNamed) },
  }
}

/** What a page shows: as it is, or as it was when it was last looked at. */
export async function inventoryStanding(db: Queryable, now: Date): Promise<InventoryStanding> {
  const kept = await isLarge(db) ? await keptStanding(db) : undefined
  return kept ?? await holdInventory(db, now)
}

/** In the transaction that changes the inventory. */
export async function keepStanding(db: Queryable, standing: InventoryStanding): Promise<void> {
  await settingStore(db).put('inventory-standing', { ...standing, countedAt: standing.countedAt.toISOString() })
}

/** @returns false when nothing was due */
export async function refreshStanding(db: Queryable, now: Date): Promise<boolean> {
  if (!await isLarge(db)) return false
  const kept = await keptStanding(db)
  if (kept !== undefined && now.getTime() - kept.countedAt.getTime() < againMs) return false
  await keepStanding(db, await holdInventory(db, now))
  return true
}

async function keptStanding(db: Queryable): Promise<InventoryStanding | undefined> {
  const kept = await settingStore(db).get('inventory-standing')
  return kept === undefined ? undefined : { ...kept, countedAt: new Date(kept.countedAt) }
}

async function isLarge(db: Queryable): Promise<boolean> {
  const { total } = await inventoryStore(db).totals()
  return total > 0 && (total > manyDevices || await certificateStore(db).estimate() > manyCertificates)
}
