/** Holds a configuration profile or a payload against Apple's own schema, as an unsupervised iPhone would read it. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { type PlistDictionary, type PlistValue, isDictionary } from '../../src/formats/plist.ts'

type Support = { introduced?: string, removed?: string, deprecated?: string, supervised?: boolean, allowmanualinstall?: boolean }

type Key = {
  key: string
  type: string
  subtype?: string
  presence?: 'required' | 'optional'
  format?: string
  range?: { min?: number, max?: number }
  rangelist?: (string | number | boolean)[]
  repetition?: { min?: number, max?: number }
  subkeys?: Key[]
  supportedOS?: { iOS?: Support }
}

type Schema = { payload: { payloadtype: string, supportedOS: { iOS: Support } }, payloadkeys: Key[] }

const schemas = new Map<string, Schema>()

function schemaOf(name: string): Schema {
  const known = schemas.get(name)
  if (known !== undefined) return known
  const schema = parse(readFileSync(new URL(`../data/apple-schema/${name}.yaml`, import.meta.url), 'utf8')) as Schema
  schemas.set(name, schema)
  return schema
}

/** Every way in which the payload is not what Apple documents; none when it is. */
export function payloadProblems(payload: PlistDictionary): string[] {
  const type = String(payload['PayloadType'])
  const { payload: about, payloadkeys } = schemaOf(type)
  const { allowmanualinstall, supervised } = about.supportedOS.iOS
  const problems = dictionaryProblems(payload, [...schemaOf('CommonPayloadKeys').payloadkeys, ...payloadkeys], type)
  if (allowmanualinstall !== true || supervised === true) problems.push(`${type}: cannot be installed by hand`)
  if (about.payloadtype !== type) problems.push(`${type}: schema is of ${about.payloadtype}`)
  return problems
}

/** The same for a whole configuration profile and every payload in it. */
export function profileProblems(profile: PlistDictionary): string[] {
  // PayloadContent "isn't needed" in an encrypted one, and the schema's wording of ConsentText, a level deeper than the
  // real thing, is read as its prose says: language → text.
  const keys = schemaOf('TopLevel').payloadkeys
    .filter(({ key }) => key !== 'PayloadContent' || profile['IsEncrypted'] !== true)
    .map(key => key.key === 'ConsentText' ? { ...key, subkeys: [{ key: 'ANY', type: '<string>' }] } : key)
  const payloads = Array.isArray(profile['PayloadContent']) ? profile['PayloadContent'] : []
  return [
    ...dictionaryProblems(profile, keys, 'profile'),
    ...payloads.flatMap(item => isDictionary(item) ? payloadProblems(item) : ['payload is not a dictionary']),
    ...duplicates(payloads, 'PayloadIdentifier'), ...duplicates(payloads, 'PayloadUUID'),
  ]
}

function duplicates(payloads: PlistValue[], key: string): string[] {
  const values = payloads.map(item => isDictionary(item) ? item[key] : undefined)
  return values.filter((value, index) => values.indexOf(value) < index).map(value => `two payloads with ${key} ${String(value)}`)
}

function dictionaryProblems(value: PlistDictionary, keys: Key[], path: string): string[] {
  const any = keys.find(({ key }) => key === 'ANY')
  const unknown = Object.keys(value).filter(name => any === undefined && !keys.some(({ key }) => key === name))
  const missing = keys.filter(({ key, presence }) => key !== 'ANY' && presence === 'required' && value[key] === undefined)
  return [
    ...unknown.map(name => `${path}.${name}: unknown key`),
    ...missing.map(({ key }) => `${path}.${key}: missing`),
    ...Object.entries(value).flatMap(([name, item]) => {
      const key = keys.find(candidate => candidate.key === name) ?? any
      return key === undefined ? [] : valueProblems(item, key, `${path}.${name}`)
    }),
  ]
}

function valueProblems(value: PlistValue, key: Key, path: string): string[] {
  if (!hasType(value, key.type)) return [`${path}: is not ${key.type}`]
  const problems = [...supportProblems(key.supportedOS?.iOS ?? {}, path), ...scalarProblems(value, key, path)]
  if (Array.isArray(value)) problems.push(...arrayProblems(value, key, path))
  else if (isDictionary(value) && key.subkeys !== undefined) problems.push(...dictionaryProblems(value, key.subkeys, path))
  return problems
}

function hasType(value: PlistValue, type: string): boolean {
  switch (type) {
    case '<any>': return true
    case '<string>': return typeof value === 'string'
    case '<boolean>': return typeof value === 'boolean'
    case '<integer>': return typeof value === 'number' && Number.isInteger(value)
    case '<real>': return typeof value === 'number'
    case '<data>': return Buffer.isBuffer(value)
    case '<date>': return value instanceof Date
    case '<array>': return Array.isArray(value)
    case '<dictionary>': return isDictionary(value)
    default: return false
  }
}

function supportProblems({ introduced, removed, deprecated, supervised }: Support, path: string): string[] {
  const problems: string[] = []
  if (introduced === 'n/a') problems.push(`${path}: is not for iOS`)
  if (removed !== undefined || deprecated !== undefined) problems.push(`${path}: iOS has left it behind`)
  if (supervised === true) problems.push(`${path}: needs supervision`)
  return problems
}

function scalarProblems(value: PlistValue, { format, range, rangelist, subtype }: Key, path: string): string[] {
  const problems: string[] = []
  if (rangelist !== undefined && !rangelist.includes(value as string)) problems.push(`${path}: is not one of ${rangelist.join(', ')}`)
  if (range !== undefined && !(Number(value) >= (range.min ?? -Infinity) && Number(value) <= (range.max ?? Infinity))) {
    problems.push(`${path}: is not between ${range.min} and ${range.max}`)
  }
  if (format !== undefined && !new RegExp(format).test(String(value))) problems.push(`${path}: does not match ${format}`)
  if (subtype === '<url>' && !URL.canParse(String(value))) problems.push(`${path}: is not a URL`)
  return problems
}

function arrayProblems(value: PlistValue[], { subkeys }: Key, path: string): string[] {
  const item = subkeys?.[0]
  if (item === undefined || subkeys?.length !== 1) return [`${path}: schema does not say what is in it`]
  const { min = 0, max = Infinity } = item.repetition ?? {}
  const problems = value.flatMap((entry, index) => valueProblems(entry, item, `${path}[${index}]`))
  return value.length >= min && value.length <= max ? problems : [...problems, `${path}: has ${value.length} items`]
}
