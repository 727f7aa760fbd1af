/**
 * The query of an ActiveSync request. Strict: what two readers could read differently (a name twice, both forms at
 * once) is refused, because the server behind the gate is the other reader.
 */
import { isPlainLine } from '../plain-text.ts'
import { readBase64Query, type Base64Query } from './base64-query.ts'
import { deviceIdFault, maxDeviceTypeCharacters, maxValueCharacters } from './limits.ts'

/** Null for what was not said. */
export type PlainQuery = { readonly form: 'plain', readonly command: string | null, readonly user: string | null, readonly deviceId: string | null, readonly deviceType: string | null }
export type ActiveSyncQuery = PlainQuery | Base64Query

/** Longer than any genuine one. */
const maxCharacters = 2048
const maxParameters = 32

/** As MS-ASHTTP spells them; clients may spell them in any case. */
const names = ['Cmd', 'User', 'DeviceId', 'DeviceType', 'AttachmentName', 'CollectionId', 'CollectionName', 'ItemId', 'LongId', 'Occurrence', 'ParentId', 'SaveInSent']
const nameOf = new Map(names.map(name => [name.toLowerCase(), name]))

/**
 * @param text  what stands after `?`, as it was sent
 * @returns what is wrong with it as `error`
 */
export function parseQuery(text: string): ActiveSyncQuery | { readonly error: string } {
  if (text === '') return { error: 'empty' }
  if (text.length > maxCharacters) return { error: `longer than ${maxCharacters}` }
  const parts = text.split('&')
  if (parts.length > maxParameters) return { error: `more than ${maxParameters} parameters` }
  const isNamed = (part: string): boolean => nameOf.has(part.split('=', 1)[0]!.toLowerCase()) && part.includes('=')
  if (!parts.some(isNamed) && parts.length === 1) return readBase64(text)
  return parts.some(part => !part.includes('=') || !isNamed(part) && decodeBase64(part) !== undefined && part.length > 16)
    ? { error: 'both forms at once' }
    : readPlain(parts)
}

function readBase64(text: string): Base64Query | { error: string } {
  const bytes = decodeBase64(text.replace(/%(2b|2f|3d)/gi, escaped => decodeURIComponent(escaped)))
  return bytes === undefined ? { error: 'neither of the two forms' } : readBase64Query(bytes)
}

function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}

function readPlain(parts: readonly string[]): PlainQuery | { error: string } {
  const found = new Map<string, string>()
  for (const part of parts) {
    const at = part.indexOf('=')
    const [spelled, value] = [percentDecoded(part.slice(0, at)), percentDecoded(part.slice(at + 1))]
    if (spelled === undefined || value === undefined) return { error: 'not percent-encoded UTF-8' }
    const name = nameOf.get(spelled.toLowerCase()) ?? spelled
    if (!/^[A-Za-z]{1,32}$/.test(name)) return { error: 'a parameter has no name' }
    if (found.has(name)) return { error: `duplicate ${name}` }
    if (!isPlainLine(value)) return { error: `${name} holds a control character` }
    if (value.length > maxValueCharacters) return { error: `${name} longer than ${maxValueCharacters}` }
    found.set(name, value)
  }
  return ofParameters(found)
}

function ofParameters(found: ReadonlyMap<string, string>): PlainQuery | { error: string } {
  const [command, user, deviceId, deviceType] = ['Cmd', 'User', 'DeviceId', 'DeviceType'].map(name => found.get(name))
  const fault = deviceId === undefined ? undefined : deviceIdFault(deviceId)
  if (fault !== undefined) return { error: fault }
  if (command !== undefined && !/^[A-Za-z]{1,32}$/.test(command)) return { error: 'Cmd is not a word' }
  if (deviceType !== undefined && deviceType.length > maxDeviceTypeCharacters) return { error: `DeviceType longer than ${maxDeviceTypeCharacters}` }
  for (const [name, value] of [['User', user], ['DeviceType', deviceType]] as const) if (value === '') return { error: `${name} empty` }
  return { form: 'plain', command: command ?? null, user: user ?? null, deviceId: deviceId ?? null, deviceType: deviceType ?? null }
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
