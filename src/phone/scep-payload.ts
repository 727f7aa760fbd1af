/** What a SCEP payload tells the phone to do (Apple schema com.apple.security.scep). */
import { CaError } from '../errors.ts'
import { keyUsage, subjectAltName } from '../formats/extensions.ts'
import type { Extension, GeneralName, KeyUsage } from '../formats/extensions.ts'
import type { NameAttribute } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { isDictionary } from '../formats/plist.ts'
import type { PlistDictionary, PlistValue } from '../formats/plist.ts'

export type ScepPayload = {
  readonly url: string
  /** goes along as `message` of GetCACaps and GetCACert */
  readonly caName: string
  readonly challenge: string | undefined
  readonly subject: readonly NameAttribute[]
  readonly keySizeBits: number
  readonly extensions: readonly Extension[]
  /** digest of the one certificate to trust; its length says which */
  readonly caFingerprint: Buffer | undefined
  /** how often to ask again while the answer is PENDING, and how many seconds apart */
  readonly retries: number
  readonly retryDelaySeconds: number
}

/** @throws {CaError} malformed-plist */
export function readScepPayload(payload: PlistDictionary): ScepPayload {
  const content = payload['PayloadContent']
  if (!isDictionary(content)) throw malformed('a SCEP payload has no dictionary of settings')
  const url = optional(content['URL'], isText, 'URL')
  if (url === undefined || url === '') throw malformed('a SCEP payload has no URL')
  return {
    url,
    caName: optional(content['Name'], isText, 'Name') ?? '',
    challenge: optional(content['Challenge'], isText, 'Challenge'),
    subject: readSubject(content['Subject'] ?? []),
    // Apple's own default, of which no server of today approves.
    keySizeBits: optional(content['Keysize'], isNumber, 'Keysize') ?? 1024,
    extensions: [...readKeyUsage(content['Key Usage']), ...readSubjectAltName(content['SubjectAltName'])],
    caFingerprint: optional(content['CAFingerprint'], isData, 'CAFingerprint'),
    retries: optional(content['Retries'], isNumber, 'Retries') ?? 3,
    retryDelaySeconds: optional(content['RetryDelay'], isNumber, 'RetryDelay') ?? 10,
  }
}

const malformed = (why: string): CaError => new CaError('malformed-plist', why)

const isText = (value: PlistValue): value is string => typeof value === 'string'
const isNumber = (value: PlistValue): value is number => typeof value === 'number' && value >= 0 && Number.isInteger(value)
const isData = (value: PlistValue): value is Buffer => Buffer.isBuffer(value)

function optional<T extends PlistValue>(value: PlistValue | undefined, is: (value: PlistValue) => value is T, name: string): T | undefined {
  if (value !== undefined && !is(value)) throw malformed(`${name} is of the wrong type`)
  return value
}

const shortNames: Readonly<Record<string, string>> = {
  C: oids.countryName, L: oids.localityName, ST: oids.stateOrProvinceName, O: oids.organizationName,
  OU: oids.organizationalUnitName, CN: oids.commonName,
}

/** An array of RDNs, each an array of pairs: `[[["O", "Example"]], [["CN", "ada"]]]`. */
function readSubject(value: PlistValue): NameAttribute[] {
  if (!Array.isArray(value)) throw malformed('Subject is no list')
  return value.flatMap(rdn => {
    if (!Array.isArray(rdn)) throw malformed('Subject is not a list of lists')
    return rdn.map(pair => {
      const [type, text] = Array.isArray(pair) ? pair : []
      if (typeof type !== 'string' || typeof text !== 'string') throw malformed('Subject holds something that is no pair')
      const dotted = Object.hasOwn(shortNames, type) ? shortNames[type]! : type
      if (!/^[0-2](?:\.\d{1,10}){1,20}$/.test(dotted)) throw malformed('Subject names an attribute that is not known')
      return { type: dotted, value: text }
    })
  })
}

function readKeyUsage(value: PlistValue | undefined): Extension[] {
  const bits = optional(value, isNumber, 'Key Usage') ?? 0
  const [first, ...more]: KeyUsage[] = [...(bits & 1) === 0 ? [] : ['digitalSignature' as const], ...(bits & 4) === 0 ? [] : ['keyEncipherment' as const]]
  return first === undefined ? [] : [keyUsage(first, ...more)]
}

function readSubjectAltName(value: PlistValue | undefined): Extension[] {
  if (value === undefined) return []
  if (!isDictionary(value)) throw malformed('SubjectAltName is no dictionary')
  const names = (['rfc822Name', 'dNSName', 'uniformResourceIdentifier'] as const).flatMap((type): GeneralName[] => {
    const texts = [value[type] ?? []].flat()
    if (!texts.every(isText)) throw malformed(`${type} is of the wrong type`)
    return texts.map(text => ({ type, value: text }))
  })
  return names.length === 0 ? [] : [subjectAltName(names)]
}
