import { CaError } from '../errors.ts'
import { isDictionary, isWritableText, parsePlist } from '../formats/plist.ts'

/** What a phone wrote about itself in Over-the-Air enrollment. Every attribute but these is left unread. */
export type DeviceAttributes = {
  /** as the phone spells it: 40 hex digits, or 8 and 16 with a hyphen */
  udid: string
  serialNumber: string
  /** `iPhone14,5` */
  productType: string
  /** the build, `20A362`; VERSION is not the version */
  build: string | undefined
  /** `17.4`; phones say it from iOS 17 on */
  osVersion: string | undefined
  challenge: string | undefined
}

const longest = 128

/**
 * Reads the property list of an Over-the-Air message (Apple, Profile Service). IMEI and MEID are not asked for,
 * and dropped where they come all the same.
 *
 * @throws {CaError} malformed-plist, device-attributes-missing
 */
export function parseDeviceAttributes(content: Buffer): DeviceAttributes {
  const plist = parsePlist(content)
  if (!isDictionary(plist)) throw new CaError('malformed-plist', 'the message is not a dictionary')
  const text = (name: string): string | undefined => {
    const value = plist[name]
    if (value === undefined || value === '') return undefined
    if (typeof value !== 'string' || value.length > longest || !isWritableText(value)) {
      throw new CaError('malformed-plist', `${name} is not a short text`)
    }
    return value
  }
  const required = (name: string): string => {
    const value = text(name)
    if (value === undefined) throw new CaError('device-attributes-missing', `the phone did not say its ${name}`)
    return value
  }
  return { udid: required('UDID'), serialNumber: required('SERIAL'), productType: required('PRODUCT'), build: text('VERSION'), osVersion: text('OS_VERSION'), challenge: text('CHALLENGE') }
}
