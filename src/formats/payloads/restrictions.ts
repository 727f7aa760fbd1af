import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** The one restriction that works on a phone nobody supervises (Apple schema com.apple.applicationaccess). */
export const restrictionsPayload = (header: PayloadHeader, fields: { forceEncryptedBackup: boolean }): PlistDictionary =>
  payload('com.apple.applicationaccess', header, { forceEncryptedBackup: fields.forceEncryptedBackup })
