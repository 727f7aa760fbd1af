/** Comma-separated values (RFC 4180), as spreadsheets write and read them. */
import { CaError } from '../errors.ts'

/** One record and the line of the file on which it begins, counted from 1. */
export type CsvRecord = { line: number, cells: string[] }
export type CsvLimits = { maxRecords: number, maxColumns: number }

/**
 * Reads a file that a spreadsheet wrote: comma, semicolon or tab between cells (whichever comes first in the first line),
 * LF or CRLF between lines. Empty lines are passed over; spaces around a cell are not part of it.
 *
 * @throws {CaError} malformed-csv, naming the line
 */
export function parseCsv(text: string, limits: CsvLimits): CsvRecord[] {
  const source = text.replace(/^\uFEFF/, '')
  const delimiter = /[,;\t]/.exec(source.slice(0, 2000).split('\n', 1)[0]!.replaceAll(/"[^"]*"/g, ''))?.[0] ?? ','
  // A plain cell begins with no space, so that each space is looked at by one part of the pattern only.
  const cell = new RegExp(`[ ]*(?:"((?:[^"]|"")*)"[ ]*|([^ "${delimiter}\\r\\n][^"${delimiter}\\r\\n]*)?)(${delimiter}|\\r?\\n|\\r|$)`, 'gy')
  const records: CsvRecord[] = []
  let cells: string[] = []
  let line = 1
  let begun = 1
  while (cell.lastIndex < source.length || cells.length > 0) {
    const match = cell.exec(source)
    if (match === null) throw new CaError('malformed-csv', `line ${line}: a quotation mark stands where none can be`)
    const [whole, quoted, plain = '', end = ''] = match
    cells.push((quoted?.replaceAll('""', '"') ?? plain).trim())
    if (cells.length > limits.maxColumns) throw new CaError('malformed-csv', `line ${begun}: more than ${limits.maxColumns} columns`)
    line += [...whole.matchAll(/\r\n|\n|\r/g)].length
    if (end === delimiter) continue
    if (cells.some(text => text !== '')) records.push({ line: begun, cells })
    if (records.length > limits.maxRecords) throw new CaError('malformed-csv', `more than ${limits.maxRecords} lines`)
    cells = []
    begun = line
    if (end === '') break
  }
  return records
}

/** What a spreadsheet would take for a formula, or for the way into one: also in the wide forms of East Asian keyboards. */
const formula = /^[=+\-@\t\r\n＝＋－＠]/

/** Whether a spreadsheet would run the cell instead of showing it. */
export const isFormula = (cell: string): boolean => formula.test(cell)

export type CsvCell = string | number | null

/** One line. A cell that a spreadsheet would run gets an apostrophe before it, which makes it text; every text is quoted. */
export function serializeCsvLine(cells: readonly CsvCell[]): string {
  return `${cells.map(cell => cell === null ? '' : typeof cell === 'number' ? String(cell) : quoted(isFormula(cell) ? `'${cell}` : cell)).join(',')}\r\n`
}

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`
