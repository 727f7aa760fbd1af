/**
 * What an ActiveSync client says of itself in its User-Agent, DeviceModel and DeviceOS. All of it is text that any
 * program can send: a claim, never evidence.
 */
import { parseBuild } from '../build-number.ts'
import { parseProductType } from '../product-type.ts'

/** @property family  `iPhone`; null where the string names none. @property osVersion  where the string says it itself */
export type ActiveSyncClaim = {
  readonly family: string | null
  readonly productType: string | null
  readonly build: string | null
  readonly osVersion: string | null
}

/** Longer than any genuine one. */
const maxCharacters = 128

/**
 * `Apple-iPhone3C1/807.4`, `Apple-iPhone/705.18` (before 4.0 no model was sent), `Apple-(null)/704.11` (a genuine
 * oddity), and what the account daemon of the same phones sends: `iOS/11.2.6 (15D100) dataaccessd/1.0`.
 *
 * @returns undefined when no Apple client writes it like this; whether what it names exists is the catalogue's to say
 */
export function parseUserAgent(text: string): ActiveSyncClaim | undefined {
  if (text.length > maxCharacters) return undefined
  const mail = /^Apple-(\(null\)|[A-Za-z0-9]+)\/(\d{3,4}\.\d{1,12})$/.exec(text)
  return mail === null ? parseDaemon(text) : parseMail(mail[1]!, mail[2]!)
}

function parseMail(device: string, version: string): ActiveSyncClaim | undefined {
  const build = buildOfVersion(version)
  if (build === undefined) return undefined
  if (device === '(null)') return { family: null, productType: null, build, osVersion: null }
  if (/^[A-Za-z]{1,24}$/.test(device)) return { family: device, productType: null, build, osVersion: null }
  const productType = parseDeviceModel(device)
  return productType === undefined ? undefined : { family: parseProductType(productType)!.family, productType, build, osVersion: null }
}

function parseDaemon(text: string): ActiveSyncClaim | undefined {
  const match = /^(?:iOS|iPadOS)\/(\d{1,3}(?:\.\d{1,4}){0,3}) \(([0-9A-Za-z]{1,16})\) dataaccessd\/\d{1,4}(?:\.\d{1,4}){0,3}$/.exec(text)
  const build = match?.[2]
  return match === null || build === undefined || parseBuild(build) === undefined ? undefined : { family: null, productType: null, build, osVersion: match[1]! }
}

/** DeviceModel: a product type with its comma written as C, `iPhone4C1`. @returns `iPhone4,1` */
export function parseDeviceModel(text: string): string | undefined {
  const match = /^([A-Za-z]{1,24}\d{1,3})C(\d{1,3})$/.exec(text)
  const productType = `${match?.[1]},${match?.[2]}`
  return match === null || parseProductType(productType) === undefined ? undefined : productType
}

/** DeviceOS: `iOS 6.1 10B145`. Old systems leave the third number of the version out, so the build is what counts. */
export function parseDeviceOs(text: string): ActiveSyncClaim | undefined {
  const match = /^(?:iPhone OS|iOS|iPadOS) (\d{1,3}(?:\.\d{1,4}){0,3}) ([0-9A-Za-z]{1,16})$/.exec(text)
  return match === null || parseBuild(match[2]!) === undefined ? undefined : { family: null, productType: null, build: match[2]!, osVersion: match[1]! }
}

const letterOf = (position: string): string | undefined => /^(0[1-9]|1\d|2[0-6])$/.test(position) ? String.fromCharCode(64 + Number(position)) : undefined

/**
 * `705.18` and `705.018` are 7E18, `508.01100001` is 5H11a: the capital letter as two digits, and a small one at the end
 * as 000 and two digits. Apple's guide fills the number up to three digits, phones do not; both are read.
 */
function buildOfVersion(version: string): string | undefined {
  const [train = '', rest = ''] = version.split('.')
  const letter = letterOf(train.slice(-2))
  const seed = /^(\d{1,7})000(\d\d)$/.exec(rest)
  const suffix = seed === null ? '' : letterOf(seed[2]!)?.toLowerCase()
  const number = seed?.[1] ?? rest
  if (letter === undefined || suffix === undefined || number.length > 7) return undefined
  if (number.startsWith('0') && number.length !== 3) return undefined
  const build = `${train.slice(0, -2)}${letter}${Number(number)}${suffix}`
  return parseBuild(build) === undefined ? undefined : build
}
