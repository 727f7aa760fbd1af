import { createHash, timingSafeEqual } from 'node:crypto'
import type { Authority } from '../../certificates/authority.ts'
import type { CertId } from '../../formats/ocsp.ts'
import { oids } from '../../formats/oids.ts'
import { publicKeyBits } from '../../formats/public-key.ts'

/** RFC 9919 §3.1.1 asks for SHA-256; most clients still send SHA-1, which here only names an issuer. */
const hashes: Readonly<Record<string, 'sha1' | 'sha256'>> = { [oids.sha1]: 'sha1', [oids.sha256]: 'sha256' }

/** Whether the CertID names this authority, in a hash that we serve (RFC 6960 §4.1.1). */
export function namesAuthority(certId: CertId, authority: Authority): boolean {
  const hash = hashes[certId.hashAlgorithm]
  if (hash === undefined) return false
  const { name, key } = digestsOf(authority)[hash]
  return isSame(certId.issuerNameHash, name) && isSame(certId.issuerKeyHash, key)
}

const isSame = (digest: Buffer, expected: Buffer): boolean => digest.length === expected.length && timingSafeEqual(digest, expected)

type Digests = { name: Buffer, key: Buffer }
const known = new WeakMap<Authority, Record<'sha1' | 'sha256', Digests>>()

function digestsOf(authority: Authority): Record<'sha1' | 'sha256', Digests> {
  const before = known.get(authority)
  if (before !== undefined) return before
  const { subject, subjectPublicKeyInfo } = authority.certificate
  const digests = (hash: string): Digests => {
    const of = (bytes: Buffer): Buffer => createHash(hash).update(bytes).digest()
    return { name: of(subject.raw), key: of(publicKeyBits(subjectPublicKeyInfo)) }
  }
  const both = { sha1: digests('sha1'), sha256: digests('sha256') }
  known.set(authority, both)
  return both
}
