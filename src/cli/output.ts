/** What commands print: tables for people, JSON for programs, and an exit code for scripts. */
import type { ErrorCode } from '../errors.ts'

export const exitCodes = { done: 0, failed: 1, usage: 2, refused: 3, quarantined: 4, notFound: 5 } as const

/** @param code  of a refusal; undefined for a defect */
export function exitCodeOf(code: ErrorCode | undefined): number {
  switch (code) {
    case 'invalid-argument': return exitCodes.usage
    case 'blocked-by-policy': return exitCodes.refused
    case 'quarantined-by-policy': return exitCodes.quarantined
    case 'device-model-unknown': return exitCodes.notFound
    default: return code?.endsWith('not-found') === true ? exitCodes.notFound : exitCodes.failed
  }
}

/** Phones and people write names; none of them may write to the terminal. */
export const printable = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')

export type Cell = string | number | boolean | null | undefined
const cellText = (cell: Cell): string => cell === null || cell === undefined || cell === '' ? '-' : cell === true ? 'yes' : cell === false ? 'no' : printable(String(cell))

/** Columns of one width each, two spaces apart. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return 'none\n'
  const lines = [header.map(title => title.toUpperCase()), ...rows.map(row => row.map(cellText))]
  const widths = header.map((_, column) => Math.max(...lines.map(line => width(line[column] ?? ''))))
  return lines.map(line => `${line.map((cell, column) => cell + ' '.repeat(widths[column]! - width(cell))).join('  ').trimEnd()}\n`).join('')
}

/** Names and values of one thing, below each other. */
export function fields(entries: readonly (readonly [name: string, value: Cell])[]): string {
  const widest = Math.max(...entries.map(([name]) => name.length))
  return entries.map(([name, value]) => `${name.padEnd(widest)}  ${cellText(value)}\n`).join('')
}

/** Characters as terminals count them: combining marks take no column. */
const width = (text: string): number => [...new Intl.Segmenter().segment(text)].length

/** `2026-03-01 09:00`, in UTC; enough for people. */
export const when = (instant: string | null | undefined): string | null =>
  instant === null || instant === undefined ? null : `${instant.slice(0, 10)} ${instant.slice(11, 16)}Z`

/** The beginning of a long text; `--json` has it all. */
export const cut = (text: string, length = 120): string => text.length <= length ? text : `${text.slice(0, length - 1)}…`
