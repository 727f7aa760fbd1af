/**
 * The two signed messages of Over-the-Air enrollment (Apple, "Over-the-Air Profile Delivery and Configuration"),
 * in the encodings that phones use.
 */
import { CaError } from '../errors.ts'
import type { BerEncoding } from '../formats/ber.ts'
import { signData } from '../formats/cms-sign.ts'
import { isDictionary, serializePlist } from '../formats/plist.ts'
import type { PlistDictionary, PlistValue } from '../formats/plist.ts'
import type { PhoneIdentity } from './device-identity.ts'
import { requestFollowing } from './http.ts'
import type { HttpRequest } from './http.ts'
import { signerOfKey } from './keys.ts'
import { EnrollmentEnded } from './outcome.ts'
import type { Stage } from './outcome.ts'
import { profileContentType, refusalOf } from './pages.ts'

/** What a phone says of itself. */
export type PhoneDescription = {
  /** hardware identifier, e.g. `iPhone14,5` */
  readonly product: string
  /** build of the system, e.g. `20A362`; not its version */
  readonly build: string
  readonly serial: string
  readonly udid: string
  /** version of the system, e.g. `17.1`; only phones from iOS 17 on say it */
  readonly osVersion?: string
}

/** The request inside a `Profile Service` profile. */
export type ProfileServiceRequest = {
  readonly url: string
  readonly challenge: string | Buffer | undefined
  readonly deviceAttributes: readonly string[]
}

/** @throws {CaError} malformed-plist where a phone shows MCProfileErrorDomain 1002 or 1003 */
export function readProfileService(profile: PlistDictionary): ProfileServiceRequest {
  const content = profile['PayloadContent']
  if (profile['PayloadType'] !== 'Profile Service' || !isDictionary(content)) throw malformed('this is no profile service')
  const { URL: url, Challenge: challenge, DeviceAttributes: attributes = [] } = content
  if (typeof url !== 'string' || url === '') throw malformed('URL is missing')
  if (challenge !== undefined && typeof challenge !== 'string' && !Buffer.isBuffer(challenge)) throw malformed('Challenge is neither text nor data')
  if (!Array.isArray(attributes) || !attributes.every(name => typeof name === 'string')) throw malformed('DeviceAttributes is no list of names')
  return { url, challenge, deviceAttributes: attributes }
}

const malformed = (why: string): CaError => new CaError('malformed-plist', why)

/**
 * What the phone answers to the names it was asked for. Those it does not know, or has no value for, are left out:
 * a phone without mobile radio sends no IMEI.
 */
export function attributesFor(phone: PhoneDescription, wanted: readonly string[]): PlistDictionary {
  const known: Record<string, PlistValue | undefined> = {
    UDID: phone.udid, SERIAL: phone.serial, PRODUCT: phone.product, VERSION: phone.build, LANGUAGE: 'en-US',
    OS_VERSION: phone.osVersion, SOFTWARE_UPDATE_DEVICE_ID: phone.osVersion === undefined ? undefined : phone.product,
  }
  const said = wanted.map(name => [name, Object.hasOwn(known, name) ? known[name] : undefined] as const)
  return Object.fromEntries(said.filter((entry): entry is [string, PlistValue] => entry[1] !== undefined))
}

/** Both messages are signed alike but for the identity; the second has no CHALLENGE. */
export type SignedAttributesFields = {
  readonly attributes: PlistDictionary
  /** only in the first message */
  readonly challenge?: string | Buffer
  readonly identity: PhoneIdentity
  /** phones use SHA-1 throughout */
  readonly digest?: 'sha1' | 'sha256'
  readonly encoding?: BerEncoding
  readonly now: Date
}

/** SignedData over the property list, with signed attributes and the whole chain of the signer. */
export function signAttributes(fields: SignedAttributesFields): Promise<Buffer> {
  const { attributes, challenge, identity, digest = 'sha1', encoding = 'ber', now } = fields
  const dictionary = challenge === undefined ? attributes : { ...attributes, CHALLENGE: challenge }
  // Apple writes the keys of a dictionary in alphabetical order.
  const sorted = Object.fromEntries(Object.entries(dictionary).sort(([a], [b]) => a < b ? -1 : 1))
  return signData({
    content: serializePlist(sorted), encoding, signingTime: now,
    signer: signerOfKey(identity.privateKey, `${digest}WithRSAEncryption`),
    certificate: identity.certificate.raw, extraCertificates: identity.chain,
  })
}

export type PostOptions = { readonly timeoutMs?: number, readonly body?: ReadableStream<Uint8Array> }

/**
 * Posts a signed message and waits for a configuration profile. Redirects are followed, but only a 301 is remembered:
 * where no configuration profile comes of it, Safari opens there.
 *
 * @throws {EnrollmentEnded} when anything else comes back
 */
export async function postSigned(url: string, message: Buffer, at: Stage, options: PostOptions = {}): Promise<Buffer> {
  const sent: HttpRequest = {
    method: 'POST', contentType: 'application/pkcs7-signature', userAgent: 'Profile/1.0', body: options.body ?? message,
    ...options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs },
  }
  const { answer, movedTo } = await requestFollowing(url, sent)
  if (answer.status === 200 && answer.contentType === profileContentType) return answer.body
  const refusal = refusalOf(answer, at)
  // After 302, 303 and 307 the owner sees "Invalid Profile" and nothing else.
  throw new EnrollmentEnded(movedTo === undefined ? refusal : { ...refusal, page: movedTo })
}
