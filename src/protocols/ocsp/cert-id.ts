import { createHash, timingSafeEqual } from 'node:crypto'
import type { Authority } from '../../certificates/authority.ts'
import type { CertId } from '../../formats/ocsp.ts'
import { oids } from '../../formats/oids.ts'
import { publicKeyBits } from '../../formats/public-key.ts'

/** RFC 9919 §3.1.1 asks for SHA-256; most clients still send SHA-1, which here only names an issuer. */
const hashes: Readonly<Record<string, 'sha1' | 'sha256'>> = { [oids.sha1]: 'sha1', [oids.sha256]: 'sha256' }

/** Whether the CertID names this authority, in a hash that we serve (RFC 6960 §4.1.1). */
export function namesAuthority(certId: CertId, { certificate }: Authority): boolean {
  const hash = hashes[certId.hashAlgorithm]
  if (hash === undefined) return false
  return matches(certId.issuerNameHash, hash, certificate.subject.raw)
    && matches(certId.issuerKeyHash, hash, publicKeyBits(certificate.subjectPublicKeyInfo))
}

function matches(digest: Buffer, hash: string, of: Buffer): boolean {
  const expected = createHash(hash).update(of).digest()
  return digest.length === expected.length && timingSafeEqual(digest, expected)
}
