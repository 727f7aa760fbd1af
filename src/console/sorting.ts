/** Tables that a heading sorts: the order stands in the address, so that it can be sent to a colleague. */
import { address } from './perform.ts'
import type { Column } from './words.ts'

/** `person`, or backwards `-person`. */
export type Sorting = { readonly path: string, readonly query: Readonly<Record<string, string | undefined>>, readonly sort: string }

/**
 * The heading of a column that sorts. It leads to the order that is most often wanted first; once more, and it turns round.
 *
 * @param first  the order of the first click
 */
export function sortable({ path, query, sort }: Sorting, text: string, name: string, first: 'ascending' | 'descending' = 'ascending'): Column {
  const [up, down] = [name, `-${name}`]
  const wanted = sort === up ? down : sort === down ? up : first === 'ascending' ? up : down
  return { text, sort: address(path, { ...query, sort: wanted }), ...sort === up && { sorted: 'ascending' as const }, ...sort === down && { sorted: 'descending' as const } }
}

/** The order of a list in words, for its caption. */
export const sortWords: Readonly<Record<string, string>> = {
  '-created': 'newest first', created: 'oldest first', person: 'people from A to Z', '-person': 'people from Z to A', model: 'by model', '-model': 'by model, backwards',
  ends: 'those that end first on top', '-ends': 'those that last longest on top', waiting: 'longest waiting first', '-waiting': 'newest first', '-at': 'newest first', at: 'oldest first',
}

/** As a caption begins. */
export const sortCaption = (sort: string): string => {
  const words = sortWords[sort] ?? ''
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`
}
