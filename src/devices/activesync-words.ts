/** ActiveSync strings in sentences: what they claim, and what is wrong with it. */
import { parseBuild } from '../formats/build-number.ts'
import { parseQuery, type ActiveSyncQuery } from '../formats/activesync/query.ts'
import { parseDeviceModel, parseDeviceOs, parseUserAgent, type ActiveSyncClaim } from '../formats/activesync/user-agent.ts'
import { judgeClaim, judgeUserAgent, mayBeNewer, type JudgedClaim } from './activesync-claim.ts'
import { osVersionOf, type Catalogue } from './catalogue.ts'

/** What was asked about, and in which place of a request or a list of Exchange it was found. */
export type ActiveSyncInput = { readonly kind: 'user-agent' | 'device-model' | 'device-os', readonly text: string }

/** Of a string that cannot be read nothing is claimed. */
export type ExplainedClaim = JudgedClaim & { readonly input: string, readonly sentences: readonly string[] }
export type ExplainedQuery =
  | { readonly input: string, readonly error: string, readonly sentences: readonly string[] }
  | { readonly input: string, readonly query: ActiveSyncQuery, readonly sentences: readonly string[] }

const worthNothing = 'That proves nothing: any program can send this text.'

export function explainClaim(catalogue: Catalogue, { kind, text }: ActiveSyncInput): ExplainedClaim {
  const claim = claimIn(kind, text)
  const judged = claim === undefined ? judgeUserAgent(catalogue, '') : judgeClaim(catalogue, claim)
  return { input: text, ...judged, sentences: claim === undefined ? [notReadable[kind]] : [claimed(catalogue, claim, judged), found(catalogue, claim, judged)] }
}

function claimIn(kind: ActiveSyncInput['kind'], text: string): ActiveSyncClaim | undefined {
  if (kind === 'user-agent') return parseUserAgent(text)
  if (kind === 'device-os') return parseDeviceOs(text)
  const productType = parseDeviceModel(text)
  return productType === undefined ? undefined : { family: /^[A-Za-z]+/.exec(productType)![0], productType, build: null, osVersion: null }
}

const notReadable: Readonly<Record<ActiveSyncInput['kind'], string>> = {
  'user-agent': 'This is not a User-Agent that an Apple device sends over ActiveSync. A genuine one looks like Apple-iPhone14C5/2001.362.',
  'device-model': 'This is not a DeviceModel that an Apple device sends. A genuine one looks like iPhone14C5.',
  'device-os': 'This is not a DeviceOS that an Apple device sends. A genuine one looks like iOS 16.0 20A362.',
}

function claimed(catalogue: Catalogue, { family, productType, build, osVersion }: ActiveSyncClaim, judged: JudgedClaim): string {
  const name = productType === null ? undefined : catalogue.models.get(productType)?.name
  const device = name !== undefined ? `${article(name)} (${productType})` : productType ?? (family === null ? 'a device that it does not name' : `${article(family)} of a model that it does not name`)
  const version = judged.osVersion ?? osVersion
  return build === null ? `It claims to be ${device}.` : `It claims to be ${device} on ${version === null ? 'a version that is not known' : version}, build ${build}.`
}

const article = (name: string): string => `${/^[AEIOUaeiou]/.test(name) ? 'an' : 'a'} ${name}`

function found(catalogue: Catalogue, { family, productType, build, osVersion }: ActiveSyncClaim, { finding }: JudgedClaim): string {
  const name = productType ?? family
  switch (finding) {
    case 'unknown-model': return `There is no ${name} in the catalogue: it was made up, or is newer than the catalogue.`
    case 'unknown-build': return mayBeNewer(catalogue, build!)
      ? `The catalogue does not have build ${build}. It may have come after the catalogue, or be made up.`
      : `There never was a build ${build}: the catalogue has builds before and after it, and not this one.`
    case 'impossible-pair': {
      const version = osVersionOf(catalogue, build!)
      if (osVersion !== null && version !== undefined && judgeClaim(catalogue, { family, productType, build, osVersion: null }).finding === null) {
        return `Build ${build} is ${version}, and not ${osVersion}: no device says this.`
      }
      return `Build ${build}${version === undefined ? '' : ` (${version})`} never ran on ${article(name!)}: no device says this.`
    }
    default: return `The catalogue has nothing against it. ${build !== null && parseBuild(build)!.major < 8 && productType === null ? 'Before version 4 no model was sent. ' : ''}${worthNothing}`
  }
}

/** @param text  what stands after `?`, or the address with it */
export function explainQuery(text: string): ExplainedQuery {
  const query = parseQuery(text.replace(/^[^?&=]{0,256}\?/, ''))
  if ('error' in query) return { input: text, error: query.error, sentences: [`This is not a query that an ActiveSync server should act on: ${query.error}.`] }
  return { input: text, query, sentences: queryWords(query) }
}

function queryWords(query: ActiveSyncQuery): string[] {
  const user = userOf(query)
  const version = query.form === 'base64' ? `, version ${query.protocolVersion}` : ''
  const deviceId = query.deviceId === null ? 'a device that it does not name' : `the device ${query.deviceId}`
  return [
    `${query.command ?? 'No command'}${version}, from ${deviceId}${query.deviceType === null ? '' : `, which calls itself ${query.deviceType}`}.`,
    user === null ? 'It names no user.' : `It names the user ${user}.`,
    ...query.deviceId !== null && serialNumberIn(query.deviceId) !== undefined ? [`A DeviceId of this form is Appl and a serial number, here ${serialNumberIn(query.deviceId)}.`] : [],
    worthNothing,
  ]
}

export const userOf = (query: ActiveSyncQuery): string | null => query.form === 'plain' ? query.user : query.parameters['User'] ?? null

/** Old systems made their DeviceId of `Appl` and the serial number; later ones are 26 characters that mean nothing. */
export const serialNumberIn = (deviceId: string): string | undefined => /^Appl([A-Z0-9]{11,12})$/.exec(deviceId)?.[1]

/** The fields of a query as they are printed: the locale as four hexadecimal digits. */
export function queryFields(query: ActiveSyncQuery): Record<string, unknown> {
  const { form: _, ...fields } = query
  return 'locale' in fields ? { ...fields, locale: `0x${fields.locale.toString(16).padStart(4, '0')}` } : fields
}
