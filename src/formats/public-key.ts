import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { Fields, parseDer, readBitString, readOid, tags } from './der.ts'
import { oids } from './oids.ts'

/** `namedCurve` as OpenSSL says it, by the curve's OID (RFC 5480 §2.1.1.1). */
const curves: ReadonlyMap<string, string> = new Map([
  [oids.secp256r1, 'prime256v1'], [oids.secp384r1, 'secp384r1'], [oids.secp521r1, 'secp521r1'],
])

const maxModulusBits = 8192
const maxExponentBits = 64n

const unsupported = (why: string): CaError => new CaError('unsupported-algorithm', why)

/**
 * Reads a SubjectPublicKeyInfo (RFC 5280 §4.1.2.7): RSA, or EC on P-256, P-384 or P-521.
 * Strength is the caller's business; what would only cost time is refused here.
 *
 * @throws {CaError} unsupported-algorithm for anything else, damaged keys included
 */
export function parsePublicKey(subjectPublicKeyInfo: Buffer): KeyObject {
  checkAlgorithm(subjectPublicKeyInfo)
  const key = importKey(subjectPublicKeyInfo)
  const { modulusLength = 0, publicExponent = 3n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength > maxModulusBits) throw unsupported(`RSA keys of more than ${maxModulusBits} bits are not accepted`)
  // An even exponent, or 1, is no RSA; a huge one makes every verification slow.
  if (publicExponent < 3n || publicExponent % 2n === 0n || publicExponent >> maxExponentBits > 0n) {
    throw unsupported('RSA public exponent is not accepted')
  }
  return key
}

/** Whether a SubjectPublicKeyInfo says that its key is one of RSA. @throws {CaError} malformed-der */
export const isRsaKey = (subjectPublicKeyInfo: Buffer): boolean => readOid(algorithmOf(subjectPublicKeyInfo).next()) === oids.rsaEncryption

const algorithmOf = (subjectPublicKeyInfo: Buffer): Fields => new Fields(new Fields(parseDer(subjectPublicKeyInfo)).next())

// Before OpenSSL sees the key: explicit curve parameters have been a way to keep it busy.
function checkAlgorithm(subjectPublicKeyInfo: Buffer): void {
  const algorithm = algorithmOf(subjectPublicKeyInfo)
  const type = readOid(algorithm.next())
  if (type === oids.ecPublicKey) {
    const parameters = algorithm.next()
    if (parameters.tag !== tags.oid || !curves.has(readOid(parameters))) throw unsupported('curve is not P-256, P-384 or P-521')
  } else if (type !== oids.rsaEncryption) {
    throw unsupported(`public key algorithm ${type} is not supported`)
  }
}

function importKey(subjectPublicKeyInfo: Buffer): KeyObject {
  try {
    return createPublicKey({ key: subjectPublicKeyInfo, format: 'der', type: 'spki' })
  } catch (error) {
    throw new CaError('unsupported-algorithm', 'public key cannot be read', { cause: error })
  }
}

/** The subjectPublicKey bits of a SubjectPublicKeyInfo, without the unused-bits octet. */
export function publicKeyBits(subjectPublicKeyInfo: Buffer): Buffer {
  const fields = new Fields(parseDer(subjectPublicKeyInfo))
  fields.next(tags.sequence)
  return readBitString(fields.next())
}
