/**
 * Values in and out of PostgreSQL, as text in both directions. Both engines use this table and not their
 * drivers' own, which differ (int8, bytea, timestamps, arrays), so that rows are equal on both.
 */
import { DatabaseError } from './db.ts'

/** A parameter in PostgreSQL's text format. Objects are refused: which json was meant is said with `json()`. */
export function parameter(value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`
  if (Array.isArray(value)) return `{${value.map(arrayElement).join(',')}}`
  throw new TypeError(`a ${typeof value} is no parameter; json goes through json()`)
}

function arrayElement(value: unknown): string {
  const text = parameter(value)
  if (text === null) return 'NULL'
  return Array.isArray(value) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`
}

type Parser = (text: string) => unknown

/** With the SQLSTATE that PostgreSQL gives for a value out of range of the same kind. */
const unreadable = (code: string, what: string): DatabaseError => new DatabaseError(`a row holds ${what}`, code, undefined)

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw unreadable('22003', 'a bigint beyond 2^53')
  return value
}

function parseBytea(text: string): Buffer {
  if (!text.startsWith('\\x')) throw unreadable('22P03', 'bytes in the escape format: set bytea_output to hex')
  return Buffer.from(text.slice(2), 'hex')
}

/** `2026-03-01 09:00:00.123456+00`; Date keeps milliseconds. */
function parseTimestamp(text: string): Date {
  const match = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)(:\d\d)?$/.exec(text)
  if (match === null) throw unreadable('22008', 'a timestamp that no Date can hold')
  return new Date(`${match[1]}T${match[2]}${match[3]}${match[4] ?? ':00'}`)
}

/** One-dimensional arrays: `{a,"b \"c\"",NULL}` (PostgreSQL manual, 8.15.6). */
export function parseArray(text: string, parse: Parser): unknown[] {
  const values: unknown[] = []
  const element = /(?:"((?:[^"\\]|\\.)*)"|([^",{}]+))([,}])/gys
  element.lastIndex = 1
  if (text === '{}') return values
  for (let match = element.exec(text); match !== null; match = element.exec(text)) {
    const [, quoted, plain, end] = match
    if (quoted !== undefined) values.push(parse(quoted.replace(/\\(.)/gs, '$1')))
    else values.push(plain === 'NULL' ? null : parse(plain!))
    if (end === '}' && element.lastIndex === text.length) return values
  }
  throw unreadable('2202E', 'an array of more than one dimension')
}

const asText: Parser = text => text
const scalars: [oid: number, arrayOid: number, parse: Parser][] = [
  [16, 1000, text => text === 't'], // bool
  [17, 1001, parseBytea], // bytea
  [20, 1016, parseInt8], // int8
  [21, 1005, Number], // int2
  [23, 1007, Number], // int4
  [25, 1009, asText], // text
  [26, 1028, Number], // oid
  [114, 199, text => JSON.parse(text)], // json
  [700, 1021, Number], // float4
  [701, 1022, Number], // float8
  [1042, 1014, asText], // bpchar
  [1043, 1015, asText], // varchar
  [1082, 1182, asText], // date
  [1114, 1115, asText], // timestamp without time zone: no instant, so no Date
  [1184, 1185, parseTimestamp], // timestamptz
  [1700, 1231, asText], // numeric
  [2950, 2951, asText], // uuid
  [3802, 3807, text => JSON.parse(text)], // jsonb
]

/** Type oid → parser of its text format. Types that are not here stay text. */
export const parsers: ReadonlyMap<number, Parser> = new Map(scalars.flatMap(([oid, arrayOid, parse]) => [
  [oid, parse] as const,
  [arrayOid, (text: string) => parseArray(text, parse)] as const,
]))
