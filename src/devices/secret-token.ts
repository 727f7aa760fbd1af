import { createHash, randomBytes } from 'node:crypto'

/** 144 random bits in 24 characters that need no escaping in an address, a header or a QR code. */
export const newSecretToken = (): string => randomBytes(18).toString('base64url')

/**
 * What is stored and looked up instead of the token. The lookup may take a different time for different
 * hashes: whoever can choose a token cannot choose its hash.
 */
export const tokenSha256 = (token: string): Buffer => createHash('sha256').update(token).digest()
