/** What SignedData and EnvelopedData share (RFC 5652): ContentInfo, certificate references, attributes, digests. */
import { CaError } from '../errors.ts'
import { berToDer } from './ber.ts'
import type { BerLimits } from './ber.ts'
import { childrenOf, contextTag, expectTag, Fields, nullValue, oid, parseDer, readOid, sequence, setOf, tags } from './der.ts'
import type { Element } from './der.ts'
import { oids } from './oids.ts'

/** Attribute (RFC 5652 §5.3); `values` are DER encodings. */
export type Attribute = { readonly type: string, readonly values: readonly Buffer[] }

export type Digest = 'sha1' | 'sha256' | 'sha384' | 'sha512'

const digestOids: Record<Digest, string> = {
  sha1: oids.sha1, sha256: oids.sha256, sha384: oids.sha384, sha512: oids.sha512,
}

/** @throws {CaError} unsupported-algorithm when the digest is not among those allowed here */
export function digestOf(type: string, allowed: readonly Digest[]): Digest {
  const digest = allowed.find(name => digestOids[name] === type)
  if (digest === undefined) throw new CaError('unsupported-algorithm', `digest ${type} is not accepted here`)
  return digest
}

/** AlgorithmIdentifier with NULL parameters, as every phone and OpenSSL write it. */
export const digestAlgorithmIdentifier = (digest: Digest): Buffer => algorithmWithNull(digestOids[digest])
export const algorithmWithNull = (type: string): Buffer => sequence(oid(type), nullValue)

/** The OID of an AlgorithmIdentifier whose parameters are NULL or absent. */
export function readPlainAlgorithm(element: Element): string {
  const fields = new Fields(element)
  const type = readOid(fields.next())
  const parameters = fields.optional(tags.null)
  if (parameters !== undefined && parameters.content.length > 0) throw new CaError('malformed-der', 'NULL is not empty')
  fields.end()
  return type
}

/** The content of a ContentInfo, BER or DER, that must be of `type` (RFC 5652 §3). */
export function readContentInfo(bytes: Uint8Array, type: string, limits: Partial<BerLimits>): Element {
  const contentInfo = new Fields(parseDer(berToDer(bytes, limits)))
  const found = readOid(contentInfo.next())
  if (found !== type) throw new CaError('malformed-cms', `content type is ${found}, expected ${type}`)
  const content = onlyChild(contentInfo.next(contextTag(0)))
  contentInfo.end()
  return expectTag(content, tags.sequence)
}

export function onlyChild(element: Element): Element {
  const [child, ...more] = childrenOf(element)
  if (child === undefined || more.length > 0) throw new CaError('malformed-der', 'expected exactly one element')
  return child
}

/**
 * IssuerAndSerialNumber of a certificate, as DER (RFC 5652 §10.2.4). Reads no further than it must:
 * a bundle may hold certificates that nobody asks about.
 */
export function issuerAndSerialNumber(certificate: Uint8Array): Buffer {
  const tbs = new Fields(new Fields(parseDer(certificate)).next(tags.sequence))
  tbs.optional(contextTag(0))
  const serialNumber = tbs.next(tags.integer)
  tbs.next(tags.sequence)
  return sequence(tbs.next(tags.sequence).raw, serialNumber.raw)
}

export const serializeAttribute = ({ type, values }: Attribute): Buffer => sequence(oid(type), setOf(...values))

export function readAttribute(element: Element): Attribute {
  const fields = new Fields(element)
  const type = readOid(fields.next())
  const values = childrenOf(fields.next(tags.set)).map(value => value.raw)
  fields.end()
  return { type, values }
}
