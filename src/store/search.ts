/**
 * Finding phones and certificates by a part of what is known of them, newest first. The same answer on every engine,
 * and bounded work for every question: a page comes from the newest rows when enough of them match, else from the
 * index when few do, and when many match far back, it says how far it has looked.
 */
import { certificateStore } from './certificates.ts'
import type { Queryable } from './db.ts'

/** What was asked, ready to be compared. One or two letters are the beginning of a word, more stand anywhere. */
export type SearchText = {
  /** Any of them inside `search`; a line feed stands before each field. */
  needles: readonly [string, string]
  /** All of them among `search_grams`. */
  grams: readonly string[]
  /** Hex digits that could be a part of a serial number or fingerprint. */
  digits: string | undefined
  /** Product types of models whose name matches. */
  productTypes: readonly string[]
}

/** A row's place in a list that goes back in time. */
export type Place<Id> = { createdAt: Date, id: Id }
/** `next`: where the page that follows goes on; `lookedBackTo`: more may match that is older, for there was too much to look through. */
export type Found<Id> = { ids: Id[], next: Place<Id> | undefined, lookedBackTo: Date | undefined }
type Model = { identifier: string, name: string }

/** Newest rows that are looked through one by one. */
const windowRows = 3000
/** So many matches of one kind are few. */
const fewMatches = 1000
/** About so many grams of a long text are looked up: together they leave few others, and each more is one more list of all rows that have it. Digits of digests are thrown, so that fewer do. */
const [gramsOfText, gramsOfDigits] = [4, 3]
/** So many certificates have some digits by chance that those which are meant cannot be told among them. */
const manyByChance = 250
/** Digits with which a serial number or a fingerprint begins: by chance nobody else's has so many of them. */
const tellingDigits = 12

/** @returns undefined when nothing is left to look for */
export async function searchText(db: Queryable, text: string, models: Iterable<Model>): Promise<SearchText | undefined> {
  // Fingerprints are often written in pairs.
  const plain = /^\s*(?:[0-9a-f]{2}:)+[0-9a-f]{0,2}\s*$/i.test(text) ? text.replaceAll(':', '') : text
  const query = (await db.query<{ folded: string }>('select search_fold($1) as folded', [plain.slice(0, 200)]))[0]!.folded
  const letters = [...query]
  if (letters.length === 0) return undefined
  const short = letters.length < 3
  const trigrams = letters.slice(2).map((_, index) => letters.slice(index, index + 3).join(''))
  const named = (name: string): boolean => short ? ` ${name}`.includes(` ${query}`) : name.includes(query)
  return {
    needles: short ? [`\n${query}`, ` ${query}`] : [query, query],
    grams: short ? [`\n${query}`] : spread(trigrams, gramsOfText),
    digits: /^[0-9a-f]+$/.test(query) ? query : undefined,
    productTypes: [...models].filter(model => named(model.name.toLowerCase())).map(model => model.identifier),
  }
}

/** So many of them, or up to twice as many, from all over. */
const spread = (grams: readonly string[], least: number): string[] => {
  const step = Math.max(1, Math.floor(grams.length / least))
  return grams.filter((_, index) => index % step === 0)
}

const matches = (column: string): string => `(strpos(${column}, $1) > 0 or strpos(${column}, $2) > 0)`
const hexOf = (c: string): string => `E'\\n' || encode(${c}.serial_number, 'hex') || E'\\n' || encode(${c}.sha256, 'hex')`
const certificateMatches = `($3::boolean and c.kind = 'device' and c.state = 'issued' and ${matches(hexOf('c'))})`
const phoneMatches = `(${matches('d.search')} or ${matches('p.search')} or d.product_type = any($4::text[]))`

/** What the windows and the index are asked with: $1 to $4. */
const params = ({ needles, digits, productTypes }: SearchText): unknown[] => [...needles, digits !== undefined, productTypes]

/** @property leftOut  certificates were not looked for, because too many have these digits by chance */
type Candidates = { devices: string[], people: string[], serialNumbers: Buffer[], ofCertificates: string[], leftOut: boolean }

/** Thrown to end looking further. */
class TooMany extends Error {}

/** Everything that matches, by the index; undefined when it is too much to sort by age. @param peopleOnly  nothing else would be looked at */
async function candidates(db: Queryable, text: SearchText, peopleOnly: boolean): Promise<Candidates | undefined> {
  const few = async <T>(sql: string, values: unknown[]): Promise<T[]> => {
    const rows = await db.query<T>(`${sql} limit ${fewMatches + 1}`, values)
    if (rows.length > fewMatches) throw new TooMany()
    return rows
  }
  const { needles, grams, digits, productTypes } = text
  try {
    const people = (await few<{ id: string }>(`select id from people where search_grams(search) @> $3::text[] and ${matches('search')}`, [...needles, grams])).map(row => row.id)
    if (peopleOnly) return { people, devices: [], serialNumbers: [], ofCertificates: [], leftOut: false }
    const devices = await few<{ id: string }>(`select id from devices where search_grams(search) @> $3::text[] and ${matches('search')}`, [...needles, grams])
    const models = productTypes.length === 0 ? [] : await few<{ id: string }>('select id from devices where product_type = any($1::text[])', [productTypes])
    const leftOut = digits !== undefined && await chanceMatches(db, digits) > manyByChance
    const certificates = digits === undefined || leftOut ? [] : await certificatesWith(few, text, digits)
    return {
      people, devices: [...devices, ...models].map(row => row.id), serialNumbers: certificates.map(row => row.serial_number), ofCertificates: certificates.map(row => row.device_id), leftOut,
    }
  } catch (error) {
    if (error instanceof TooMany) return undefined
    throw error
  }
}

/** How many certificates have these digits by chance: those of serial numbers and fingerprints, of 32 and 64, are equally likely. */
async function chanceMatches(db: Queryable, digits: string): Promise<number> {
  const places = digits.length < 3 ? 2 : Math.max(1, 32 + 64 - 2 * (digits.length - 1))
  return await certificateStore(db).estimate() * places / 16 ** digits.length
}

type Few = <T>(sql: string, values: unknown[]) => Promise<T[]>
type Named = { device_id: string, serial_number: Buffer }

async function certificatesWith(few: Few, { needles, grams }: SearchText, digits: string): Promise<Named[]> {
  const listed = `select c.device_id, c.serial_number from certificates c where c.kind = 'device' and c.state = 'issued' and`
  if (digits.length >= tellingDigits) {
    for (const [column, bytes] of [['serial_number', 16], ['sha256', 32]] as const) {
      if (digits.length > 2 * bytes) continue
      const begun = await few<Named>(`${listed} c.${column} between $1 and $2`, ['0', 'f'].map(filler => Buffer.from(digits.padEnd(2 * bytes, filler), 'hex')))
      if (begun.length > 0) return begun
    }
  }
  return await few(`${listed} search_grams(${hexOf('c')}) @> $3::text[] and ${matches(hexOf('c'))}`, [...needles, spread(grams, gramsOfDigits)])
}

export type List<Id> = {
  readonly peopleOnly?: boolean
  /** The newest rows that match, of a window that ends at `windowRows`. */
  inWindow(before: Place<Id> | undefined, limit: number, rows: number): Promise<Place<Id>[]>
  among(found: Candidates, before: Place<Id> | undefined, limit: number): Promise<Place<Id>[]>
  /** The last row of the window; undefined when the list ends within it. */
  windowEnd(before: Place<Id> | undefined, rows: number): Promise<Place<Id> | undefined>
}

/** Newest first, with bounded work: see above. */
export async function search<Id>(db: Queryable, list: List<Id>, text: SearchText, before: Place<Id> | undefined, limit: number): Promise<Found<Id>> {
  const recent = await list.inWindow(before, limit + 1, windowRows)
  if (recent.length > limit) return pageOf(recent, limit)
  const end = await list.windowEnd(before, windowRows)
  if (end === undefined) return pageOf(recent, limit)
  const found = await candidates(db, text, list.peopleOnly === true)
  if (found?.leftOut === false) return pageOf(await list.among(found, before, limit + 1), limit)
  if (found !== undefined) {
    const page = pageOf([...recent, ...await list.among(found, end, limit + 1 - recent.length)], limit)
    return { ...page, lookedBackTo: page.next === undefined ? end.createdAt : undefined }
  }
  return { ids: recent.map(place => place.id), next: end, lookedBackTo: end.createdAt }
}

function pageOf<Id>(places: Place<Id>[], limit: number): Found<Id> {
  const shown = places.slice(0, limit)
  return { ids: shown.map(place => place.id), next: places.length > limit ? shown.at(-1) : undefined, lookedBackTo: undefined }
}

export const searchDevices = async (db: Queryable, text: SearchText, before: Place<string> | undefined, limit: number): Promise<Found<string>> =>
  await search(db, deviceSearch(db, text), text, before, limit)

function deviceSearch(db: Queryable, text: SearchText): List<string> {
  const older = '($5::timestamptz is null or (created_at, id) < ($5, $6::uuid))'
  return {
    inWindow: async (before, limit) => await db.query(`
      select d.id, d.created_at as "createdAt" from (select * from devices where ${older} order by created_at desc, id desc limit ${windowRows}) d
        join people p on p.id = d.person_id
      where ${phoneMatches} or ($3::boolean and exists (select 1 from certificates c where c.device_id = d.id and ${certificateMatches}))
      order by d.created_at desc, d.id desc limit $7`, [...params(text), before?.createdAt, before?.id, limit]),
    among: async ({ devices, people, ofCertificates }, before, limit) => await db.query(`
      select id, created_at as "createdAt" from devices
      where (id = any($1::uuid[]) or person_id = any($2::uuid[])) and ($3::timestamptz is null or (created_at, id) < ($3, $4::uuid))
      order by created_at desc, id desc limit $5`, [[...devices, ...ofCertificates], people, before?.createdAt, before?.id, limit]),
    windowEnd: async before => (await db.query<Place<string>>(`select id, created_at as "createdAt" from devices
      where ($1::timestamptz is null or (created_at, id) < ($1, $2::uuid)) order by created_at desc, id desc offset ${windowRows - 1} limit 1`,
    [before?.createdAt, before?.id]))[0],
  }
}

export const searchCertificates = async (db: Queryable, text: SearchText, before: Place<Buffer> | undefined, limit: number): Promise<Found<Buffer>> =>
  await search(db, certificateSearch(db, text), text, before, limit)

function certificateSearch(db: Queryable, text: SearchText): List<Buffer> {
  const listed = "kind = 'device' and state = 'issued'"
  return {
    inWindow: async (before, limit) => await db.query(`
      select c.serial_number as id, c.created_at as "createdAt" from (
          select kind, state, serial_number, sha256, device_id, created_at from certificates
          where ${listed} and ($5::timestamptz is null or (created_at, serial_number) < ($5, $6::bytea))
          order by created_at desc, serial_number desc limit ${windowRows}) c
        left join devices d on d.id = c.device_id left join people p on p.id = d.person_id
      where ${phoneMatches} or ${certificateMatches}
      order by c.created_at desc, c.serial_number desc limit $7`, [...params(text), before?.createdAt, before?.id, limit]),
    async among({ devices, people, serialNumbers }, before, limit) {
      const own = await db.query<{ id: string }>('select id from devices where person_id = any($1::uuid[])', [people])
      return await db.query(`
        select serial_number as id, created_at as "createdAt" from certificates
        where (device_id = any($1::uuid[]) or serial_number = any($2::bytea[])) and ${listed}
          and ($3::timestamptz is null or (created_at, serial_number) < ($3, $4::bytea))
        order by created_at desc, serial_number desc limit $5`,
      [[...devices, ...own.map(row => row.id)], serialNumbers, before?.createdAt, before?.id, limit])
    },
    windowEnd: async before => (await db.query<Place<Buffer>>(`select serial_number as id, created_at as "createdAt" from certificates
      where ${listed} and ($1::timestamptz is null or (created_at, serial_number) < ($1, $2::bytea))
      order by created_at desc, serial_number desc offset ${windowRows - 1} limit 1`, [before?.createdAt, before?.id]))[0],
  }
}
