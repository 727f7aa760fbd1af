/** The binary form of an ActiveSync query, from 12.1 on (MS-ASHTTP §2.2.1.1.1.1). */
import { isPlainLine } from '../plain-text.ts'
import { deviceIdFault, maxDeviceTypeCharacters, maxValueCharacters } from './limits.ts'

export type Base64Query = {
  readonly form: 'base64'
  /** `14.1` */
  readonly protocolVersion: string
  readonly command: string
  /** Windows language code. */
  readonly locale: number
  /** Text, or `hex:` and the digits where the phone sent other bytes. */
  readonly deviceId: string
  readonly policyKey: number | null
  readonly deviceType: string
  /** By name; `Options` as its flags with commas between. */
  readonly parameters: Readonly<Record<string, string>>
}

const commands: Readonly<Record<number, string>> = {
  0: 'Sync', 1: 'SendMail', 2: 'SmartForward', 3: 'SmartReply', 4: 'GetAttachment', 9: 'FolderSync', 10: 'FolderCreate', 11: 'FolderDelete',
  12: 'FolderUpdate', 13: 'MoveItems', 14: 'GetItemEstimate', 15: 'MeetingResponse', 16: 'Search', 17: 'Settings', 18: 'Ping',
  19: 'ItemOperations', 20: 'Provision', 21: 'ResolveRecipients', 22: 'ValidateCert', 23: 'Find',
}

const parameterNames: Readonly<Record<number, string>> = { 0: 'AttachmentName', 1: 'CollectionId', 3: 'ItemId', 4: 'LongId', 6: 'Occurrence', 7: 'Options', 8: 'User' }

const oldestVersion = 121

type Fault = { readonly error: string }
const isFault = (value: object): value is Fault => 'error' in value

/** Reads what is there, once, from front to back. Past the end it gives nothing more, and `short` says so. */
class Reader {
  readonly #bytes: Buffer
  #at = 0
  short = false
  constructor(bytes: Buffer) { this.#bytes = bytes }

  get done(): boolean { return this.short || this.#at >= this.#bytes.length }

  take(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    if (taken.length === length) return taken
    this.short = true
    return Buffer.alloc(length)
  }

  byte(): number { return this.take(1)[0]! }
}

/** @param bytes  bounded by the caller */
export function readBase64Query(bytes: Buffer): Base64Query | Fault {
  const reader = new Reader(bytes)
  const [version, code, locale] = [reader.byte(), reader.byte(), reader.take(2).readUInt16LE()]
  const deviceId = readDeviceId(reader)
  const policyKeyLength = reader.byte()
  if (!reader.short && policyKeyLength !== 0 && policyKeyLength !== 4) return { error: `policy key length ${policyKeyLength}` }
  const policyKey = policyKeyLength === 0 ? null : reader.take(4).readUInt32LE()
  const deviceType = readText(reader.take(reader.byte()), 'DeviceType')
  const parameters = readParameters(reader)
  if (reader.short) return { error: 'ends too early' }
  const command = commands[code]
  if (version < oldestVersion) return { error: `protocol version ${versionText(version)} has no such form` }
  if (command === undefined) return { error: `unknown command ${code}` }
  if (isFault(deviceId)) return deviceId
  if (isFault(deviceType)) return deviceType
  if (deviceType.text === '') return { error: 'DeviceType empty' }
  if (deviceType.text.length > maxDeviceTypeCharacters) return { error: `DeviceType longer than ${maxDeviceTypeCharacters}` }
  if ('fault' in parameters) return { error: parameters.fault }
  return { form: 'base64', protocolVersion: versionText(version), command, locale, deviceId: deviceId.text, policyKey, deviceType: deviceType.text, parameters: parameters.found }
}

const versionText = (version: number): string => `${Math.floor(version / 10)}.${version % 10}`

function readDeviceId(reader: Reader): { text: string } | Fault {
  const bytes = reader.take(reader.byte())
  const isText = bytes.every(byte => /[A-Za-z0-9]/.test(String.fromCharCode(byte)))
  const fault = deviceIdFault(isText ? bytes.toString('latin1') : 'x'.repeat(bytes.length))
  return fault === undefined ? { text: isText ? bytes.toString('latin1') : `hex:${bytes.toString('hex')}` } : { error: fault }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function readText(bytes: Buffer, name: string): { text: string } | Fault {
  try {
    const text = utf8.decode(bytes)
    return isPlainLine(text) ? { text } : { error: `${name} holds a control character` }
  } catch {
    return { error: `${name} is not UTF-8` }
  }
}

function readParameters(reader: Reader): { found: Record<string, string> } | { fault: string } {
  const found: Record<string, string> = {}
  while (!reader.done) {
    const [tag, bytes] = [reader.byte(), reader.take(reader.byte())]
    const name = parameterNames[tag]
    if (reader.short) break
    if (name === undefined) return { fault: `unknown parameter ${tag}` }
    if (Object.hasOwn(found, name)) return { fault: `duplicate ${name}` }
    const value = name === 'Options' ? readOptions(bytes) : readText(bytes, name)
    if (isFault(value)) return { fault: value.error }
    if (value.text.length > maxValueCharacters) return { fault: `${name} longer than ${maxValueCharacters}` }
    found[name] = value.text
  }
  return { found }
}

function readOptions(bytes: Buffer): { text: string } | Fault {
  const [bits] = bytes
  if (bits === undefined || bytes.length !== 1 || bits > 3) return { error: 'Options holds what is not known' }
  return { text: [...bits & 1 ? ['SaveInSent'] : [], ...bits & 2 ? ['AcceptMultiPart'] : []].join(',') }
}
