/** What several operations take or answer. */
import { z } from 'zod'
import { CaError } from '../../errors.ts'
import { isPlainLine, isPlainText, notPlainWords } from '../../formats/plain-text.ts'
import { isSortKey, type Order, type SortKey, type Sorted } from '../../store/order.ts'

export const nothing = z.strictObject({})

/** An instant, with its offset from UTC. */
export const instantInput = z.iso.datetime({ offset: true }).transform(text => new Date(text))
export const instant = z.iso.datetime()

export const at = (date: Date): string => date.toISOString()
export const atOrNull = (date: Date | null): string | null => date === null ? null : date.toISOString()

export const id = z.uuid()
export const byId = z.strictObject({ id })

/** One line of whatever somebody writes; every field that takes such text is one of these two. */
export const text = (maxLength: number) => z.string().min(1).max(maxLength).refine(isPlainLine, notPlainWords)
export const lines = (maxLength: number) => z.string().max(maxLength).refine(isPlainText, notPlainWords)

export const reasonText = lines(2000).min(1)
/** A person's name, as certificates carry it (RFC 5280, ub-common-name). */
export const personName = text(64).refine(text => text.trim() === text, 'must not begin or end with a space')
/** ASCII, because certificates write it as an IA5String. */
export const email = z.email().max(254)

/** A page of a list: how many at most, and the `next` of the page before. */
export const pageInput = {
  limit: z.coerce.number().int().min(1).max(500).default(100),
  cursor: text(1500).optional(),
}

export const pageOf = <Item extends z.ZodType>(item: Item) => z.strictObject({
  items: z.array(item),
  /** The cursor of the page that follows; null on the last one. */
  next: z.string().nullable(),
})

/**
 * Makes a page of rows that were asked for with one more than the limit: whether more follow is
 * known without counting.
 */
export function page<Row, Item>(rows: readonly Row[], limit: number, keyOf: (row: Row) => string, itemOf: (row: Row) => Item): { items: Item[], next: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(itemOf), next: rows.length > limit && last !== undefined ? cursorOf(keyOf(last)) : null }
}

export const cursorOf = (key: string): string => Buffer.from(key).toString('base64url')

/** A part of a name, address, serial number, UDID, model or fingerprint. */
export const searchInput = z.string().trim().min(1).max(200).refine(isPlainLine, notPlainWords).optional()

/** Other filters would have to be looked through as well. */
export const searchIsAlone = (others: readonly string[]): [check: (input: Record<string, unknown>) => boolean, params: { path: string[], error: string }] => [
  input => input['search'] === undefined || others.every(name => input[name] === undefined),
  { path: ['search'], error: `cannot stand beside ${others.join(' or ')}` },
]

export const searchablePageOf = <Item extends z.ZodType>(item: Item) => z.strictObject({
  ...pageOf(item).shape,
  /** Not null when more of what was searched for may be older than this: there was too much to look through, and `next` looks further back. */
  lookedBackTo: instant.nullable(),
})

/** The key in a cursor of ours. @throws {CaError} invalid-argument */
export function keyIn<Key>(cursor: string | undefined, parse: (key: string) => Key | undefined): Key | undefined {
  if (cursor === undefined) return undefined
  const key = parse(Buffer.from(cursor, 'base64url').toString())
  if (key === undefined) throw new CaError('invalid-argument', 'the cursor is not one that a page of this list gave')
  return key
}

/** Keys of lists that go back in time: the instant, and the id that tells two of one instant apart. */
export const timeKey = (row: { createdAt: Date, id: string }): string => `${row.createdAt.toISOString()} ${row.id}`

export function parseTimeKey(key: string): { createdAt: Date, id: string } | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9a-f-]{32,36})$/.exec(key)
  const createdAt = new Date(match?.[1] ?? Number.NaN)
  return match === null || Number.isNaN(createdAt.getTime()) ? undefined : { createdAt, id: match[2]! }
}

type Orders = Readonly<Record<string, Order>>
/** `person`, or backwards `-person`. */
export type SortName<Of extends Orders> = (keyof Of & string) | `-${keyof Of & string}`

/** The orders that a list offers. */
export const sortInput = <Of extends Orders>(orders: Of) =>
  z.enum(Object.keys(orders).flatMap(name => [name, `-${name}`]) as [SortName<Of>])

/** @throws {CaError} invalid-argument for a cursor of another list, or of the same in another order */
export function sortedBy<Of extends Orders>(orders: Of, sort: SortName<Of>, cursor: string | undefined): Sorted {
  const order = orders[sort.replace(/^-/, '')]!
  return {
    order, descending: sort.startsWith('-'),
    after: keyIn(cursor, key => {
      const [of, ...values] = arrayIn(key)
      return of === sort && isSortKey(order, values) ? values : undefined
    }),
  }
}

function arrayIn(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text)
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}

/** `page`, whose cursor says in which order it goes on. */
export const sortedPage = <Row extends { sortKey: SortKey }, Item>(rows: readonly Row[], limit: number, sort: string, itemOf: (row: Row) => Item): { items: Item[], next: string | null } =>
  page(rows, limit, ({ sortKey }) => JSON.stringify([sort, ...sortKey]), itemOf)
