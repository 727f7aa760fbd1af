/**
 * The blocks of a PowerShell configuration as Microsoft365DSC exports it: `EXOActiveSyncDeviceAccessRule "name" { Key = "value"; }`.
 * Read as text and never run: strings, truth values and lists of them; what is computed ($ConfigurationData…) is left out.
 */
import { CaError } from '../../errors.ts'
import type { ExportRow, ExportValue } from './row.ts'

type Reader = { readonly text: string, at: number }

// A comment without its end goes on to that of the file.
const skipped = /(?:\s+|#[^\n]*|<#[\s\S]*?(?:#>|$))+/y
const name = /[A-Za-z_]\w*/y
const maxResources = 100_000

/** All resources of Exchange Online in the text; none when it is no configuration. */
export function readDscResources(text: string): ExportRow[] {
  if (!/^[ \t]*EXO[A-Za-z]+[ \t]+["'\w]/m.test(text)) return []
  const reader: Reader = { text, at: 0 }
  const found: ExportRow[] = []
  while (reader.at < text.length) {
    skip(reader)
    const word = take(reader, name)
    if (word === undefined) {
      if (reader.text[reader.at] === '"' || reader.text[reader.at] === '\'') readString(reader)
      else reader.at++
      continue
    }
    if (!word.startsWith('EXO')) continue
    const values = readResource(reader)
    if (values !== undefined) found.push({ kind: word, values })
    if (found.length > maxResources) throw broken(reader, `more than ${maxResources} resources`)
  }
  return found
}

const broken = ({ text, at }: Reader, what: string): CaError => new CaError('malformed-exchange-export', `line ${text.slice(0, at).split('\n').length}: ${what}`)

function take(reader: Reader, shape: RegExp): string | undefined {
  shape.lastIndex = reader.at
  const match = shape.exec(reader.text)?.[0]
  if (match !== undefined) reader.at += match.length
  return match
}

const skip = (reader: Reader): void => void take(reader, skipped)

/** @returns undefined when what follows the word is not the body of a resource */
function readResource(reader: Reader): Map<string, ExportValue> | undefined {
  skip(reader)
  const isNamed = reader.text[reader.at] === '"' || reader.text[reader.at] === '\'' ? readString(reader) : take(reader, name)
  skip(reader)
  if (isNamed === undefined || reader.text[reader.at] !== '{') return undefined
  reader.at++
  const values = new Map<string, ExportValue>()
  for (;;) {
    skip(reader)
    if (take(reader, /;/y) !== undefined) continue
    if (take(reader, /\}/y) !== undefined) return values
    const key = take(reader, name)
    skip(reader)
    if (key === undefined || take(reader, /=/y) === undefined) throw broken(reader, 'a name and a value are missing in the block')
    skip(reader)
    values.set(key.toLowerCase(), readValue(reader))
  }
}

function readValue(reader: Reader): ExportValue {
  const sign = reader.text[reader.at]
  if (sign === '"' || sign === '\'') return readString(reader)
  if (take(reader, /@\(/y) !== undefined) return readList(reader)
  const word = take(reader, /\$?[\w.:\[\]'-]+/y)
  if (word === undefined) throw broken(reader, 'a value that is not read')
  if (/^\$(true|false)$/i.test(word)) return word.toLowerCase() === '$true'
  skip(reader)
  if (reader.text[reader.at] === '{') skipBody(reader)
  return word.startsWith('$') ? null : word
}

function readList(reader: Reader): string[] {
  const items: string[] = []
  for (;;) {
    skip(reader)
    if (take(reader, /,/y) !== undefined) continue
    if (take(reader, /\)/y) !== undefined) return items
    const value = readValue(reader)
    if (typeof value === 'string') items.push(value)
  }
}

/** A value that is itself a block: of no concern here. */
function skipBody(reader: Reader): void {
  let depth = 0
  do {
    const sign = reader.text[reader.at]
    if (sign === undefined) throw broken(reader, 'a block has no end')
    if (sign === '"' || sign === '\'') {
      readString(reader)
      continue
    }
    depth += sign === '{' ? 1 : sign === '}' ? -1 : 0
    reader.at++
  } while (depth > 0)
}

const double = /"((?:[^"`]|`[\s\S]|"")*)"/y
const single = /'((?:[^']|'')*)'/y
const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', 0: '\0' }

function readString(reader: Reader): string {
  const isDouble = reader.text[reader.at] === '"'
  const whole = take(reader, isDouble ? double : single)
  if (whole === undefined) throw broken(reader, 'a text has no end')
  const inner = whole.slice(1, -1)
  return isDouble ? inner.replaceAll(/`([\s\S])|""/g, (_, sign?: string) => sign === undefined ? '"' : escapes[sign] ?? sign) : inner.replaceAll('\'\'', '\'')
}
