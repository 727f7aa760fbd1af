import type { KeyObject } from 'node:crypto'

/** In the form that openssl and Go's programs read without being asked for more. */
export const pemOfKey = (key: KeyObject): string =>
  key.export({ format: 'pem', type: key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs1' }) as string
