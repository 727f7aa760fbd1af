import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** Without a password the owner is asked for it when installing. */
export type Pkcs12Fields = { data: Buffer, password?: string, fileName?: string }

/**
 * An identity with its key (Apple schema com.apple.security.pkcs12). A configuration profile that holds one must be
 * encrypted to its device: the password beside it hides nothing.
 */
export function pkcs12Payload(header: PayloadHeader, fields: Pkcs12Fields): PlistDictionary {
  return payload('com.apple.security.pkcs12', header, {
    ...fields.fileName !== undefined && { PayloadCertificateFileName: fields.fileName },
    PayloadContent: fields.data,
    ...fields.password !== undefined && { Password: fields.password },
  })
}
