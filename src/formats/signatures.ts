import { verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { Fields, nullValue, oid, readOid, sequence, tags } from './der.ts'
import type { Element } from './der.ts'
import { oids } from './oids.ts'

/** Signature algorithms by their names in RFC 5758, RFC 4055 and RFC 3279. */
export type SignatureAlgorithm =
  | 'ecdsa-with-SHA256' | 'ecdsa-with-SHA384' | 'ecdsa-with-SHA512'
  | 'sha256WithRSAEncryption' | 'sha384WithRSAEncryption' | 'sha512WithRSAEncryption' | 'sha1WithRSAEncryption'

/** Whoever holds a private key. ECDSA signatures are a DER Ecdsa-Sig-Value (RFC 3279 §2.2.3). */
export type Signer = {
  readonly algorithm: SignatureAlgorithm
  readonly publicKey: KeyObject
  sign(data: Buffer): Promise<Buffer>
}

type Parts = { readonly keyType: 'ec' | 'rsa', readonly digest: 'sha1' | 'sha256' | 'sha384' | 'sha512' }

/** What each algorithm is made of: the key type and digest by node:crypto's names. */
export const signatureAlgorithms: Readonly<Record<SignatureAlgorithm, Parts>> = {
  'ecdsa-with-SHA256': { keyType: 'ec', digest: 'sha256' },
  'ecdsa-with-SHA384': { keyType: 'ec', digest: 'sha384' },
  'ecdsa-with-SHA512': { keyType: 'ec', digest: 'sha512' },
  sha256WithRSAEncryption: { keyType: 'rsa', digest: 'sha256' },
  sha384WithRSAEncryption: { keyType: 'rsa', digest: 'sha384' },
  sha512WithRSAEncryption: { keyType: 'rsa', digest: 'sha512' },
  // Apple's device identities and old phones' messages; never written by an authority of ours.
  sha1WithRSAEncryption: { keyType: 'rsa', digest: 'sha1' },
}

const byOid = new Map(Object.keys(signatureAlgorithms).map(name => [oids[name as SignatureAlgorithm] as string, name as SignatureAlgorithm]))

/** AlgorithmIdentifier: NULL parameters for RSA (RFC 4055 §5), none for ECDSA (RFC 5758 §3.2). */
export function algorithmIdentifier(algorithm: SignatureAlgorithm): Buffer {
  const identifier = oid(oids[algorithm])
  return signatureAlgorithms[algorithm].keyType === 'rsa' ? sequence(identifier, nullValue) : sequence(identifier)
}

/** @throws {CaError} unsupported-algorithm, malformed-der */
export function parseSignatureAlgorithm(element: Element): SignatureAlgorithm {
  const fields = new Fields(element)
  const identifier = readOid(fields.next())
  const algorithm = byOid.get(identifier)
  if (algorithm === undefined) throw new CaError('unsupported-algorithm', `signature algorithm ${identifier} is not supported`)
  // RFC 4055 §5: absent parameters are to be accepted for RSA as well.
  if (signatureAlgorithms[algorithm].keyType === 'rsa' && fields.optional(tags.null)?.content.length) {
    throw new CaError('malformed-der', 'NULL has content')
  }
  fields.end()
  return algorithm
}

/** False for every kind of mismatch, a key of the wrong type included. */
export function verifySignature(algorithm: SignatureAlgorithm, publicKey: KeyObject, data: Buffer, signature: Buffer): boolean {
  const { keyType, digest } = signatureAlgorithms[algorithm]
  if (publicKey.asymmetricKeyType !== keyType) return false
  try {
    return verify(digest, data, publicKey, signature)
  } catch {
    // OpenSSL throws where the key is too small for the digest: no such signature can be good.
    return false
  }
}

/** The algorithm that fits a key's strength. @throws {CaError} unsupported-algorithm */
export function defaultAlgorithm(publicKey: KeyObject): SignatureAlgorithm {
  if (publicKey.asymmetricKeyType === 'rsa') return 'sha256WithRSAEncryption'
  switch (publicKey.asymmetricKeyDetails?.namedCurve) {
    case 'prime256v1': return 'ecdsa-with-SHA256'
    case 'secp384r1': return 'ecdsa-with-SHA384'
    case 'secp521r1': return 'ecdsa-with-SHA512'
    default: throw new CaError('unsupported-algorithm', 'keys are RSA, or EC on P-256, P-384 or P-521')
  }
}
