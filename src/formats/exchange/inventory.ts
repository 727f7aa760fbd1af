/** Rows of an export as what they are: device access rules, settings of the organization, mailbox policies, phones. */
import { CaError } from '../../errors.ts'
import type { ExportRow, ExportValue } from './row.ts'

export const accessLevels = ['Allow', 'Block', 'Quarantine'] as const
export type AccessLevel = typeof accessLevels[number]
export const characteristics = ['DeviceType', 'DeviceModel', 'DeviceOS', 'UserAgent', 'XMSWLHeader'] as const
export type Characteristic = typeof characteristics[number]

export type AccessRule = { readonly characteristic: Characteristic, readonly queryString: string, readonly accessLevel: AccessLevel }
export type OrganizationSettings = { readonly defaultAccessLevel: AccessLevel, readonly userMailInsert: string | null, readonly hasAdminMail: boolean }
export type MailboxPolicy = { readonly name: string, readonly allowNonProvisionable: boolean | null, readonly requireEncryption: boolean | null }
export type MailboxExemptions = { readonly mailbox: string, readonly allowed: readonly string[], readonly blocked: readonly string[] }
export type MobileDevice = {
  /** `email` where the export has a column for it: Exchange's own have the name only. */
  readonly deviceId: string, readonly user: string | null, readonly email: string | null
  readonly deviceType: string | null, readonly deviceModel: string | null, readonly deviceOs: string | null, readonly userAgent: string | null
  readonly accessState: string | null, readonly accessStateReason: string | null
}

export type ExchangeInventory = {
  readonly rules: readonly AccessRule[]
  readonly settings: OrganizationSettings | undefined
  readonly policies: readonly MailboxPolicy[]
  readonly exemptions: readonly MailboxExemptions[]
  readonly devices: readonly MobileDevice[]
  /** Rows that are none of these. */
  readonly passedOver: number
}

type Values = ExportRow['values']

const oneText = (values: Values, ...names: string[]): string | null => {
  const value = names.map(name => values.get(name)).find(found => typeof found === 'string')
  return typeof value === 'string' ? value.slice(0, 1000) : null
}
const truth = (value: ExportValue | undefined): boolean | null => typeof value === 'boolean' ? value : typeof value === 'string' && /^(true|false)$/i.test(value) ? /^true$/i.test(value) : null
const texts = (value: ExportValue | undefined): string[] => typeof value === 'string' ? value.split(/[,;\s]+/).filter(text => /^[A-Za-z0-9]{1,64}$/.test(text)) : Array.isArray(value) ? [...value] : []

/** @throws {CaError} malformed-exchange-export for a level or characteristic that Exchange does not have, and when no row is any of these */
export function sortExport(rows: readonly ExportRow[]): ExchangeInventory {
  const rules: AccessRule[] = []
  const settings: OrganizationSettings[] = []
  const policies: MailboxPolicy[] = []
  const exemptions: MailboxExemptions[] = []
  const devices: MobileDevice[] = []
  let passedOver = 0
  for (const { values } of rows) {
    if (/^absent$/i.test(String(values.get('ensure') ?? ''))) continue
    if (values.has('querystring') && values.has('characteristic')) rules.push(ruleOf(values))
    else if (values.has('defaultaccesslevel')) settings.push(settingsOf(values))
    else if (values.has('allownonprovisionabledevices')) policies.push(policyOf(values))
    else if (values.has('activesyncalloweddeviceids') || values.has('activesyncblockeddeviceids')) exemptions.push(exemptionsOf(values))
    else if (values.has('deviceid')) devices.push(deviceOf(values))
    else passedOver++
  }
  if (passedOver === rows.length) throw new CaError('malformed-exchange-export', 'nothing in it is a device access rule, a setting of the organization, a mailbox policy or a phone')
  if (new Set(settings.map(({ defaultAccessLevel }) => defaultAccessLevel)).size > 1) throw new CaError('malformed-exchange-export', 'the settings of the organization are there twice, and disagree')
  return { rules, settings: settings[0], policies, exemptions, devices, passedOver }
}

function oneOf<T extends string>(values: Values, name: string, known: readonly T[]): T {
  const text = oneText(values, name) ?? ''
  const found = known.find(candidate => candidate.toLowerCase() === text.toLowerCase())
  if (found !== undefined) return found
  // ConvertTo-Json of Windows PowerShell writes the number of a level, and which number is which is nowhere promised.
  const hint = /^\d+$/.test(text) ? '; export as CSV, which writes the word' : ''
  throw new CaError('malformed-exchange-export', `${name} is ${text === '' ? 'missing' : `'${text.slice(0, 40)}'`}, and not one of ${known.join(', ')}${hint}`)
}

const ruleOf = (values: Values): AccessRule => ({
  characteristic: oneOf(values, 'characteristic', characteristics), accessLevel: oneOf(values, 'accesslevel', accessLevels),
  queryString: oneText(values, 'querystring') ?? '',
})

function settingsOf(values: Values): OrganizationSettings {
  const admins = values.get('adminmailrecipients')
  return {
    defaultAccessLevel: oneOf(values, 'defaultaccesslevel', accessLevels), userMailInsert: oneText(values, 'usermailinsert'),
    hasAdminMail: (Array.isArray(admins) && admins.length > 0) || typeof admins === 'string',
  }
}

const policyOf = (values: Values): MailboxPolicy => ({
  name: oneText(values, 'name', 'identity') ?? 'unnamed', allowNonProvisionable: truth(values.get('allownonprovisionabledevices')),
  requireEncryption: truth(values.get('requiredeviceencryption') ?? values.get('deviceencryptionenabled')),
})

const exemptionsOf = (values: Values): MailboxExemptions => ({
  mailbox: oneText(values, 'primarysmtpaddress', 'identity', 'name') ?? 'unnamed',
  allowed: texts(values.get('activesyncalloweddeviceids')), blocked: texts(values.get('activesyncblockeddeviceids')),
})

/** What admins add with Select-Object, and what other reports of phones have. */
const mailColumns = ['primarysmtpaddress', 'windowsemailaddress', 'emailaddress', 'email', 'useremail', 'mailbox', 'userprincipalname'] as const
const mailAddress = /^[^\s@\\/]{1,64}@[A-Za-z0-9.-]{1,180}$/

const deviceOf = (values: Values): MobileDevice => ({
  deviceId: oneText(values, 'deviceid') ?? '', user: oneText(values, 'userdisplayname', 'user', 'identity'),
  email: [...mailColumns, 'user', 'identity'].map(name => oneText(values, name)).find(text => text !== null && mailAddress.test(text))?.toLowerCase() ?? null,
  deviceType: oneText(values, 'devicetype'), deviceModel: oneText(values, 'devicemodel'), deviceOs: oneText(values, 'deviceos'),
  userAgent: oneText(values, 'deviceuseragent', 'useragent'),
  accessState: oneText(values, 'deviceaccessstate'), accessStateReason: oneText(values, 'deviceaccessstatereason'),
})
