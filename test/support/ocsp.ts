/** OCSP as a client speaks it, for one certificate. */
import { createHash } from 'node:crypto'
import { childrenOf, contextTag, integer, nullValue, octetString, oid, parseDer, primitiveContextTag, readOctetString, sequence } from '../../src/formats/der.ts'
import { oids } from '../../src/formats/oids.ts'
import { publicKeyBits } from '../../src/formats/public-key.ts'
import type { Certificate } from '../../src/formats/x509.ts'

export function ocspRequestFor({ subject, subjectPublicKeyInfo }: Certificate, serialNumber: Buffer): Buffer {
  const digest = (bytes: Buffer): Buffer => octetString(createHash('sha1').update(bytes).digest())
  const certId = sequence(sequence(oid(oids.sha1), nullValue), digest(subject.raw), digest(publicKeyBits(subjectPublicKeyInfo)), integer(serialNumber))
  return sequence(sequence(sequence(sequence(certId))))
}

/** certStatus, or `none` where nothing is signed. Signatures are for others to check. */
export function ocspStatusIn(response: Buffer): 'good' | 'revoked' | 'unknown' | 'none' {
  const [, bytes] = childrenOf(parseDer(response))
  if (bytes === undefined) return 'none'
  const [, basic] = childrenOf(childrenOf(bytes)[0]!)
  const [responseData] = childrenOf(parseDer(readOctetString(basic!)))
  const [single] = childrenOf(childrenOf(responseData!)[2]!)
  const { tag } = childrenOf(single!)[1]!
  return tag === primitiveContextTag(0) ? 'good' : tag === contextTag(1) ? 'revoked' : 'unknown'
}
