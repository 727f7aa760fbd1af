/** The dictionaries around Apple's payloads: a configuration profile, an encrypted one, and a profile service. */
import type { PlistDictionary } from './plist.ts'

/** `identifier` is reverse-DNS and stays the same for updates; `uuid` is new for every document. */
export type ProfileHeader = { identifier: string, uuid: string, displayName: string, organization: string, description?: string }

export type ConfigurationProfileHeader = ProfileHeader & {
  /** Shown in a dialog that the owner must agree to before anything is installed. */
  consentText?: string
  /** When iOS removes the configuration profile, and every account in it, by itself. */
  removalDate?: Date
}

function header(type: string, fields: ProfileHeader): PlistDictionary {
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: fields.identifier,
    PayloadUUID: fields.uuid,
    PayloadDisplayName: fields.displayName,
    PayloadOrganization: fields.organization,
    ...fields.description !== undefined && { PayloadDescription: fields.description },
  }
}

function configurationHeader(fields: ConfigurationProfileHeader): PlistDictionary {
  return {
    ...header('Configuration', fields),
    // 1 is iPhone, iPad and iPod touch: spares the owner the question which of their devices is meant.
    TargetDeviceType: 1,
    ...fields.consentText !== undefined && { ConsentText: { default: fields.consentText } },
    ...fields.removalDate !== undefined && { RemovalDate: fields.removalDate },
  }
}

/** A configuration profile that anyone can read (Apple schema TopLevel). Sign it last. */
export function configurationProfile(fields: ConfigurationProfileHeader & { payloads: PlistDictionary[] }): PlistDictionary {
  return { ...configurationHeader(fields), PayloadContent: fields.payloads }
}

/**
 * A configuration profile that one device can read.
 *
 * @param fields.encryptedPayloadContent CMS EnvelopedData (DER) over the property list of the array of payloads,
 *   encrypted to the identity with which the device signed its request
 */
export function encryptedConfigurationProfile(fields: ConfigurationProfileHeader & { encryptedPayloadContent: Buffer }): PlistDictionary {
  return { ...configurationHeader(fields), IsEncrypted: true, EncryptedPayloadContent: fields.encryptedPayloadContent }
}

/** What a device may be asked about itself. IMEI and MEID are left out on purpose. */
export type DeviceAttribute = 'UDID' | 'SERIAL' | 'PRODUCT' | 'VERSION' | 'OS_VERSION' | 'SUPPLEMENTAL_BUILD_VERSION'
  | 'SUPPLEMENTAL_OS_VERSION_EXTRA' | 'SOFTWARE_UPDATE_DEVICE_ID' | 'LANGUAGE'

export type ProfileServiceFields = ProfileHeader & { url: string, challenge: string, deviceAttributes: readonly DeviceAttribute[] }

/**
 * The first document of Over-the-Air enrollment (Apple, "Over-the-Air Profile Delivery and Configuration"):
 * it asks the device to post its attributes and the challenge, signed, to `url`.
 */
export function profileService(fields: ProfileServiceFields): PlistDictionary {
  return {
    ...header('Profile Service', fields),
    // A dictionary here, where a configuration profile has an array.
    PayloadContent: { URL: fields.url, DeviceAttributes: [...fields.deviceAttributes], Challenge: fields.challenge },
  }
}
