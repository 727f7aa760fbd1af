/** What `Get-… | Export-Csv`, `Get-… | ConvertTo-Json` and Microsoft365DSC write, as rows of named values. */
import { z } from 'zod'
import { CaError } from '../../errors.ts'
import { parseCsv } from '../csv.ts'
import { readDscResources } from './dsc.ts'
import type { ExportRow, ExportValue } from './row.ts'

const limits = { maxRecords: 100_000, maxColumns: 250 }

/** @throws {CaError} malformed-exchange-export, malformed-csv */
export function readExport(text: string): ExportRow[] {
  const source = text.replace(/^\uFEFF/, '').trim()
  if (source === '') throw new CaError('malformed-exchange-export', 'the file is empty')
  if (/^[[{]/.test(source)) return readJson(source)
  const resources = readDscResources(source)
  if (resources.length > 0) return resources
  return readCsv(source)
}

function readCsv(source: string): ExportRow[] {
  // Windows PowerShell puts the type of what it exported above the heads of the columns.
  const [heads, ...records] = parseCsv(source.replace(/^"?#TYPE [^\n]*\n/, ''), limits)
  if (heads === undefined || records.length === 0) return []
  const names = heads.cells.map(name => name.toLowerCase())
  return records.map(({ line, cells }) => {
    if (cells.length !== names.length) throw new CaError('malformed-exchange-export', `line ${line}: ${cells.length} cells under ${names.length} heads`)
    return { kind: null, values: new Map(names.map((name, i) => [name, readCell(cells[i]!)])) }
  })
}

function readCell(cell: string): ExportValue {
  if (/^(true|false)$/i.test(cell)) return cell.toLowerCase() === 'true'
  return cell === '' ? null : cell
}

const jsonObject = z.record(z.string().max(200), z.unknown())
const jsonFile = z.union([z.array(jsonObject).max(limits.maxRecords), jsonObject.transform(row => [row])])

function readJson(source: string): ExportRow[] {
  let value: unknown
  try {
    value = JSON.parse(source)
  } catch (cause) {
    throw new CaError('malformed-exchange-export', 'the file begins like JSON and is not JSON', { cause })
  }
  const { success, data } = jsonFile.safeParse(value)
  if (!success) throw new CaError('malformed-exchange-export', 'the JSON is neither an object nor a list of objects')
  return data.map(row => ({ kind: null, values: new Map(Object.entries(row).map(([name, of]) => [name.toLowerCase(), jsonValue(of)])) }))
}

/** Strings and truth values as they are, lists of strings, and the `{ Value, … }` in which PowerShell wraps some; numbers as text. */
function jsonValue(value: unknown): ExportValue {
  if (typeof value === 'string') return value === '' ? null : value
  if (typeof value === 'boolean') return value
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return value.filter(item => typeof item === 'string')
  if (typeof value !== 'object' || value === null) return null
  const inner = Object.entries(value).find(([name]) => name.toLowerCase() === 'value')?.[1]
  return inner === undefined || (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) ? null : jsonValue(inner)
}
