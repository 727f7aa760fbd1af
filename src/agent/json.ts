/** Values of a JSON text that somebody else wrote, read by name. */
import { CaError } from '../errors.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** @throws {CaError} malformed-request */
export function parseJson(text: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new CaError('malformed-request', 'an answer is not JSON', { cause })
  }
  return objectOf(value, 'an answer')
}

export function objectOf(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(what, 'an object')
  return value as JsonObject
}

export function listOf(object: JsonObject, name: string): JsonObject[] {
  const value = object[name]
  if (!Array.isArray(value)) throw wrong(name, 'a list')
  return value.map(item => objectOf(item, name))
}

export function textOf(object: JsonObject, name: string, pattern = /^[^\0]{0,65536}$/s): string {
  const value = object[name]
  if (typeof value !== 'string' || !pattern.test(value)) throw wrong(name, 'a text of its form')
  return value
}

/** A whole number from `least` to 2^53. */
export function countOf(object: JsonObject, name: string, least = 0): number {
  const value = object[name]
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least) throw wrong(name, 'a whole number')
  return value
}

export function flagOf(object: JsonObject, name: string): boolean {
  const value = object[name]
  if (typeof value !== 'boolean') throw wrong(name, 'true or false')
  return value
}

export function instantOf(object: JsonObject, name: string): Date {
  const instant = new Date(textOf(object, name, /^\d{4}-\d\d-\d\dT[\d:.]{5,15}Z$/))
  if (Number.isNaN(instant.getTime())) throw wrong(name, 'an instant')
  return instant
}

const wrong = (what: string, wanted: string): CaError => new CaError('malformed-request', `${what} is not ${wanted}`)
