/**
 * Lists that are read a page at a time in any order that has an index. A page goes on after the key of the last row, so
 * rows that come or go meanwhile neither shift nor repeat the others.
 */

/** A column of an order. `sql` is the expression that the index has, or what `indexed` makes of it and of a value. */
export type KeyColumn = { readonly sql: string, readonly type: 'timestamptz' | 'text' | 'uuid' | 'bytea' | 'bigint', readonly indexed?: (sql: string) => string }

/**
 * From the most significant column to the row's own key; all go the same way, so that one index serves both directions.
 *
 * @property outer  so many leading columns are of another table, which is walked first
 */
export type Order = { readonly columns: readonly KeyColumn[], readonly outer?: number }

/** Where a row stands in its order: every column as the database writes it, so that nothing is rounded. */
export type SortKey = readonly string[]

/** @property after  the page begins behind this row */
export type Sorted = { readonly order: Order, readonly descending: boolean, readonly after?: SortKey | undefined }

/** People by name: `people_by_name`. */
export const personColumns = (people: string): KeyColumn[] => [{ sql: `left(${people}.search, 120) collate "C"`, type: 'text' }, { sql: `${people}.id`, type: 'uuid' }]

const same = (sql: string): string => sql

/** To be selected with every row. */
export const sortKeyOf = ({ order }: Sorted): string => `array[${order.columns.map(({ sql }) => `(${sql})::text`).join(', ')}] as sort_key`

export const orderBy = ({ order, descending }: Sorted): string => `order by ${order.columns.map(({ sql, indexed = same }) => `${indexed(sql)}${descending ? ' desc' : ''}`).join(', ')}`

/** @param parameter  takes a value and says how the statement names it */
export function afterKey({ order: { columns, outer = 0 }, descending, after }: Sorted, parameter: (value: string) => string): string {
  if (after === undefined) return 'true'
  const than = descending ? '<' : '>'
  const named = columns.map(({ sql, type, indexed = same }, index) => ({ sql: indexed(sql), value: indexed(`${parameter(after[index]!)}::${type}`) }))
  const compare = (part: typeof named, operator: string): string => `(${part.map(({ sql }) => sql).join(', ')}) ${operator} (${part.map(({ value }) => value).join(', ')})`
  if (outer === 0) return compare(named, than)
  // One comparison over both tables would use no index of either.
  const [leading, rest] = [named.slice(0, outer), named.slice(outer)]
  return `${compare(leading, `${than}=`)} and (${compare(leading, than)} or ${compare(rest, than)})`
}

const shapes: Readonly<Record<KeyColumn['type'], RegExp>> = {
  timestamptz: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?[+-]\d\d(?::\d\d)?$/, text: /^[^\0]{0,500}$/su, bytea: /^\\x(?:[0-9a-f]{2}){1,64}$/, bigint: /^\d{1,18}$/,
  uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
}

/** Whether what came back from outside can be a key of this order. */
export const isSortKey = ({ columns }: Order, values: readonly unknown[]): values is SortKey =>
  values.length === columns.length && columns.every(({ type }, index) => typeof values[index] === 'string' && shapes[type].test(values[index]))

/** Conditions and their parameters: only what was asked for stands in a statement, so that the planner sees which index serves it. */
export function parameters(): { values: unknown[], add: (value: unknown) => string } {
  const values: unknown[] = []
  return { values, add: value => `$${values.push(value)}` }
}
