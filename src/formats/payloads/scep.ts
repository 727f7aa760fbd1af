import type { PlistDictionary } from '../plist.ts'
import { type PayloadHeader, payload } from './payload.ts'

/** Object identifier, dotted or one of Apple's short names (C, L, ST, O, OU, CN), and its value. */
export type SubjectAttribute = readonly [type: string, value: string]

/**
 * `caName` comes back as the message of GetCACert. `caFingerprint` is the SHA-256 of the DER of a certificate
 * that GetCACert answers with, and becomes the device's only anchor for it.
 */
export type ScepFields = {
  url: string
  caName: string
  challenge: string
  caFingerprint: Buffer
  subject: readonly SubjectAttribute[]
  keySizeBits?: 2048 | 4096
  /** How often, and how many seconds apart, the device asks again when the answer is PENDING. */
  retries?: number
  retryDelaySeconds?: number
}

/** An identity whose key is born on the device (Apple schema com.apple.security.scep). */
export function scepPayload(header: PayloadHeader, fields: ScepFields): PlistDictionary {
  return payload('com.apple.security.scep', header, {
    PayloadContent: {
      URL: fields.url,
      Name: fields.caName,
      Subject: fields.subject.map(attribute => [[...attribute]]),
      Challenge: fields.challenge,
      // Left out, Apple's default would be 1024.
      Keysize: fields.keySizeBits ?? 2048,
      'Key Type': 'RSA',
      // 1 signs, 4 encrypts: the second is for the EnvelopedData that is sent to this identity.
      'Key Usage': 5,
      CAFingerprint: fields.caFingerprint,
      Retries: fields.retries ?? 3,
      RetryDelay: fields.retryDelaySeconds ?? 10,
      // Left out, the key could leave the device in a backup.
      KeyIsExtractable: false,
    },
  })
}
