import { json, type Queryable } from './db.ts'

/** What an admin sets while the service runs; what differs between machines is in the environment. */
export type Settings = {
  /** An approval or allow rule then needs the imported inventory to agree. */
  'require-inventory': boolean
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
