import { json, type Queryable } from './db.ts'
import type { Contradicted } from './inventory.ts'

/** What an admin sets while the service runs; what differs between machines is in the environment. */
export type Settings = {
  /** An approval or allow rule then needs the imported inventory to agree. */
  'require-inventory': boolean
  /** How a large inventory stood to the phones on record when that was last looked at. */
  'inventory-standing': { readonly countedAt: string, readonly missing: number, readonly disagreeing: number, readonly contradicted: { readonly count: number, readonly first: readonly Contradicted[] } }
}

export function settingStore(db: Queryable) {
  return {
    async get<Name extends keyof Settings>(name: Name): Promise<Settings[Name] | undefined> {
      return (await db.query<{ value: Settings[Name] }>('select value from settings where name = $1', [name]))[0]?.value
    },
    async put<Name extends keyof Settings>(name: Name, value: Settings[Name]): Promise<void> {
      await db.query('insert into settings (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value', [name, json(value)])
    },
  }
}
