/** The table of an inventory of devices, as exports of several programs have it: named cells, and where they stand. */
import { CaError } from '../errors.ts'
import { parseCsv } from './csv.ts'

/** @property line  of the file, or which object of the list it is, from 1. @property cells  by the name of the column, letters and digits in lower case */
export type InventoryRow = { readonly line: number, readonly cells: ReadonlyMap<string, string>, readonly surplus: boolean }

export const maxInventoryRows = 50_000
const maxColumns = 250

export const plainHeading = (heading: string): string => heading.toLowerCase().replaceAll(/[^a-z0-9]/g, '')

/**
 * CSV with a first line of column names, or JSON: a list of objects, also inside an object under one name, as programs
 * answer it page by page.
 *
 * @throws {CaError} malformed-inventory, malformed-csv
 */
export function readInventoryFile(text: string): InventoryRow[] {
  const source = text.replace(/^\uFEFF/, '').trim()
  if (source === '') throw new CaError('malformed-inventory', 'the file is empty')
  const rows = /^[[{]/.test(source) ? rowsOfJson(source) : rowsOfCsv(source)
  if (rows.length === 0) throw new CaError('malformed-inventory', 'there is no device in the file')
  return rows
}

function rowsOfCsv(source: string): InventoryRow[] {
  const [heads, ...records] = parseCsv(source, { maxRecords: maxInventoryRows + 1, maxColumns })
  const names = heads!.cells.map(plainHeading)
  return records.map(({ line, cells }) => ({ line, surplus: cells.length > names.length, cells: firstOf(cells.map((cell, index) => [names[index] ?? '', cell])) }))
}

/** Of two columns with one name the first that says something counts. */
function firstOf(cells: readonly (readonly [name: string, text: string])[]): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const [name, text] of cells) if (text !== '' && !found.has(name)) found.set(name, text)
  return found
}

function rowsOfJson(source: string): InventoryRow[] {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    throw new CaError('malformed-inventory', 'the file begins like JSON and is not JSON', { cause })
  }
  const items = listIn(value)
  if (items.length > maxInventoryRows) throw new CaError('malformed-inventory', `more than ${maxInventoryRows} devices`)
  return items.map((item, index) => ({ line: index + 1, surplus: false, cells: firstOf(cellsOf(item)) }))
}

function listIn(value: unknown): unknown[] {
  if (Array.isArray(value)) return value
  const lists = typeof value === 'object' && value !== null ? Object.values(value).filter(Array.isArray) : []
  if (lists.length !== 1) throw new CaError('malformed-inventory', 'the JSON holds no list of devices, or several')
  return lists[0]!
}

/** The texts of an object, and of those inside it that programs put around them (`attributes`, `general`, `hardware`). */
function cellsOf(item: unknown, depth = 0): [name: string, text: string][] {
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new CaError('malformed-inventory', 'a device in the list is no object')
  const entries = Object.entries(item).slice(0, maxColumns)
  const own = entries.flatMap(([name, value]): [string, string][] => typeof value === 'string' ? [[plainHeading(name), value.trim()]] : [])
  const inner = entries.filter(([, value]) => depth === 0 && typeof value === 'object' && value !== null && !Array.isArray(value))
  return [...own, ...inner.flatMap(([, value]) => cellsOf(value, 1))]
}
