import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

export type PasscodeFields = {
  minLength?: number
  minComplexCharacters?: number
  requireAlphanumeric?: boolean
  allowSimple?: boolean
  maxAgeDays?: number
  history?: number
  maxInactivityMinutes?: number
  maxGracePeriodMinutes?: number
  /** One more and iOS erases the device. */
  maxFailedAttempts?: number
}

/** What `maxFailedAttempts` is where it is left out, as Apple's schema says. */
export const defaultMaxFailedAttempts = 11

const keys = {
  minLength: 'minLength',
  minComplexCharacters: 'minComplexChars',
  requireAlphanumeric: 'requireAlphanumeric',
  allowSimple: 'allowSimple',
  maxAgeDays: 'maxPINAgeInDays',
  history: 'pinHistory',
  maxInactivityMinutes: 'maxInactivity',
  maxGracePeriodMinutes: 'maxGracePeriod',
  maxFailedAttempts: 'maxFailedAttempts',
} satisfies Record<keyof PasscodeFields, string>

/** A passcode, and rules for it (Apple schema com.apple.mobiledevice.passwordpolicy). */
export function passcodePayload(header: PayloadHeader, fields: PasscodeFields): PlistDictionary {
  const content: PlistDictionary = { forcePIN: true }
  for (const [field, key] of Object.entries(keys)) {
    const value = fields[field as keyof PasscodeFields]
    if (value !== undefined) content[key] = value
  }
  return payload('com.apple.mobiledevice.passwordpolicy', header, content)
}
