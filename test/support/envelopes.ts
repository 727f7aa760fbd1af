/** CMS EnvelopedData put together by hand, so that every part of it can be wrong. */
import { constants, createCipheriv, publicEncrypt, randomBytes } from 'node:crypto'
import { issuerAndSerialNumber } from '../../src/formats/cms-common.ts'
import { explicit, implicit, integer, nullValue, octetString, oid, sequence, setOf } from '../../src/formats/der.ts'
import { oids } from '../../src/formats/oids.ts'
import type { Certificate } from '../../src/formats/x509.ts'

export type EnvelopeParts = {
  recipient: Certificate
  /** encrypted with AES-128, padded or, where it is told so, not */
  content?: Buffer
  padded?: boolean
  contentKey?: Buffer
  iv?: Buffer
  encryptedKey?: Buffer
  encryptedContent?: Buffer
  /** dotted OIDs */
  cipher?: string
  keyEncryption?: string
}

export function envelopeOf(parts: EnvelopeParts): Buffer {
  const { recipient, content = Buffer.alloc(0), contentKey = randomBytes(16), iv = randomBytes(16), cipher = oids['aes128-CBC'], keyEncryption = oids.rsaEncryption } = parts
  const encryptedKey = parts.encryptedKey ?? publicEncrypt({ key: recipient.publicKey, padding: constants.RSA_PKCS1_PADDING }, contentKey)
  const encryptedContent = parts.encryptedContent ?? encrypt(content, contentKey, iv, parts.padded ?? true)
  const recipientInfo = sequence(
    integer(0), issuerAndSerialNumber(recipient.raw), sequence(oid(keyEncryption), nullValue), octetString(encryptedKey),
  )
  return sequence(oid(oids.envelopedData), explicit(0, sequence(
    integer(0), setOf(recipientInfo), sequence(oid(oids.data), sequence(oid(cipher), octetString(iv)), implicit(0, encryptedContent)),
  )))
}

function encrypt(content: Buffer, key: Buffer, iv: Buffer, padded: boolean): Buffer {
  const cipher = createCipheriv('aes-128-cbc', key.subarray(0, 16), iv).setAutoPadding(padded)
  return Buffer.concat([cipher.update(content), cipher.final()])
}
