import type { Queryable } from './db.ts'
import { search, type Found, type List, type Place, type SearchText } from './search.ts'

/** By a part of a name or an address. */
export const searchPeople = async (db: Queryable, text: SearchText, before: Place<string> | undefined, limit: number): Promise<Found<string>> =>
  await search(db, peopleSearch(db, text), text, before, limit)

const older = (instant: string, id: string): string => `(${instant}::timestamptz is null or (created_at, id) < (${instant}, ${id}::uuid))`

function peopleSearch(db: Queryable, { needles }: SearchText): List<string> {
  return {
    peopleOnly: true,
    inWindow: async (before, limit, rows) => await db.query(`
      select id, created_at as "createdAt" from (select * from people where ${older('$3', '$4')} order by created_at desc, id desc limit ${rows}) p
      where strpos(search, $1) > 0 or strpos(search, $2) > 0 order by created_at desc, id desc limit $5`, [...needles, before?.createdAt, before?.id, limit]),
    among: async ({ people }, before, limit) => await db.query(`select id, created_at as "createdAt" from people
      where id = any($1::uuid[]) and ${older('$2', '$3')} order by created_at desc, id desc limit $4`, [people, before?.createdAt, before?.id, limit]),
    windowEnd: async (before, rows) => (await db.query<Place<string>>(`select id, created_at as "createdAt" from people
      where ${older('$1', '$2')} order by created_at desc, id desc offset ${rows - 1} limit 1`, [before?.createdAt, before?.id]))[0],
  }
}
