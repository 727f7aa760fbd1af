/** What a record of a change says, taken apart for a table: fields that differ, and everything else that stands there. */
export type ChangedField = { field: string, before: string, after: string }
export type RecordedDetail = { changed: readonly ChangedField[], facts: readonly (readonly [name: string, value: string])[] }

const mostFields = 200
const mostCharacters = 2000

/** @param detail  plain JSON from the store; `before` and `after` are held against each other */
export function changesIn(detail: Readonly<Record<string, unknown>>): RecordedDetail {
  const { before, after, ...rest } = detail
  const compares = 'before' in detail && 'after' in detail
  return {
    changed: compares ? differences(before, after) : [],
    facts: [...leaves(rest, 3)].slice(0, mostFields),
  }
}

function differences(before: unknown, after: unknown): ChangedField[] {
  const [old, now] = [new Map(leaves(before, 6)), new Map(leaves(after, 6))]
  return [...new Set([...old.keys(), ...now.keys()])].filter(field => old.get(field) !== now.get(field)).slice(0, mostFields)
    .map(field => ({ field, before: old.get(field) ?? '', after: now.get(field) ?? '' }))
}

/** The texts and numbers in a value, each with the way to it; what lies deeper than `depth` stays JSON. */
function leaves(value: unknown, depth: number, path = ''): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value !== 'object' || depth === 0) return [[path, cut(typeof value === 'string' ? value : JSON.stringify(value), mostCharacters)]]
  if (Array.isArray(value) && value.every(item => typeof item !== 'object')) return [[path, cut(value.join(', '), mostCharacters)]]
  return Object.entries(value).slice(0, mostFields).flatMap(([name, part]) => leaves(part, depth - 1, path === '' ? name : `${path}.${name}`))
}

export const cut = (text: string, length: number): string => text.length <= length ? text : `${text.slice(0, length - 1)}…`

/** One line for a list. */
export function summaryOf(detail: Readonly<Record<string, unknown>>): string {
  const { changed, facts } = changesIn(detail)
  const parts = [
    ...facts.filter(([, value]) => value !== '').map(([name, value]) => `${name} ${cut(value, 60)}`),
    ...changed.length > 0 ? [`changed: ${changed.slice(0, 6).map(({ field }) => cut(field, 40)).join(', ')}${changed.length > 6 ? ` and ${changed.length - 6} more` : ''}`] : [],
  ]
  return cut(parts.join('; '), 240)
}
