import { randomBytes, timingSafeEqual } from 'node:crypto'
import { sha256 } from '../certificates/issue.ts'
import type { Keyring } from '../certificates/keyring.ts'
import type { ScepPurpose } from './records.ts'

/** 192 random bits in letters, digits, `-` and `_`. */
export const newChallenge = (): string => randomBytes(24).toString('base64url')

/** 128 random bits: the name of an enrollment, and the way to its read-only page. */
export const newEnrollmentId = (): string => randomBytes(16).toString('base64url')

/** What stands in an address may be anything, NUL included, which a database does not take. */
export const isEnrollmentId = (text: string): boolean => /^[A-Za-z0-9_-]{22}$/.test(text)

/** Compares a secret that was sent with the hash of the one we gave, in constant time. */
export const matchesHash = (secret: string, hash: Buffer): boolean => timingSafeEqual(sha256(Buffer.from(secret, 'utf8')), hash)

/**
 * The SCEP challenge of one enrollment. It is computed and not stored, so that a message repeated by the phone gets
 * the same answer and yet the database holds hashes only. Letters and digits: Apple then encodes it as PrintableString.
 */
export const scepChallenge = (keyring: Keyring, purpose: ScepPurpose, enrollmentId: string): string =>
  keyring.secret(`scep challenge ${purpose}`, enrollmentId).subarray(0, 20).toString('hex').toUpperCase()

/** UUIDs of the configuration profiles of one enrollment: new for each, the same when one is built again. */
export function uuidOf(keyring: Keyring, enrollmentId: string, name: string): string {
  const bytes = keyring.secret('payload uuid', `${enrollmentId} ${name}`).subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x80 // version 8: by a rule of our own (RFC 9562 §5.8)
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').toUpperCase().replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
