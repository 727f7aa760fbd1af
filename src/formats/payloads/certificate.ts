import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

export type CertificateFields = { certificate: Buffer, fileName?: string }

/** A self-signed certificate, DER (Apple schema com.apple.security.root). */
export const rootCertificatePayload = (header: PayloadHeader, fields: CertificateFields): PlistDictionary =>
  payload('com.apple.security.root', header, content(fields))

/** Any other certificate without its key, DER (Apple schema com.apple.security.pkcs1). */
export const certificatePayload = (header: PayloadHeader, fields: CertificateFields): PlistDictionary =>
  payload('com.apple.security.pkcs1', header, content(fields))

const content = ({ certificate, fileName }: CertificateFields): PlistDictionary => ({
  ...fileName !== undefined && { PayloadCertificateFileName: fileName },
  PayloadContent: certificate,
})
