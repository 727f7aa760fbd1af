import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** Days of mail that Apple's client can keep; 0 is all of it. */
export const mailDays = [0, 1, 3, 7, 14, 31] as const

export type ExchangeFields = {
  host: string
  emailAddress: string
  userName: string
  /** PayloadUUID of the identity in the same configuration profile. */
  identityUuid: string
  mailDays?: typeof mailDays[number]
  preventMove?: boolean
  preventAppSheet?: boolean
}

/** An Exchange ActiveSync account that proves itself with a certificate (Apple schema com.apple.eas.account). */
export function exchangePayload(header: PayloadHeader, fields: ExchangeFields): PlistDictionary {
  return payload('com.apple.eas.account', header, {
    Host: fields.host,
    // Left out, Apple's default would be clear text.
    SSL: true,
    EmailAddress: fields.emailAddress,
    UserName: fields.userName,
    PayloadCertificateUUID: fields.identityUuid,
    ...fields.mailDays !== undefined && { MailNumberOfPastDaysToSync: fields.mailDays },
    ...fields.preventMove !== undefined && { PreventMove: fields.preventMove },
    ...fields.preventAppSheet !== undefined && { PreventAppSheet: fields.preventAppSheet },
  })
}
