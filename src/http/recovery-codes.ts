import { randomBytes } from 'node:crypto'
import { tokenSha256 } from '../devices/secret-token.ts'

// Crockford's alphabet: nothing in it is mistaken for something else when read from paper.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** Ten codes of 80 bits, `ab12-cd34-ef56-gh78`: long enough that a plain hash of them cannot be searched. */
export const newRecoveryCodes = (): string[] => Array.from({ length: 10 }, () =>
  [...randomBytes(16)].map(byte => alphabet[byte & 31]).join('').replace(/(.{4})(?=.)/g, '$1-'))

/** Of a code as typed: case, spaces and hyphens do not matter, nor what looks alike. */
export const recoveryCodeSha256 = (typed: string): Buffer =>
  tokenSha256(typed.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1').slice(0, 64))
