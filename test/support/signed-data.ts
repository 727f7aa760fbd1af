/** CMS SignedData put together by hand, so that every part of it can be wrong. */
import { createHash } from 'node:crypto'
import { contextTag, explicit, Fields, integer, nullValue, octetString, oid, parseDer, sequence, setOf, tags, tlv } from '../../src/formats/der.ts'
import { issuerAndSerialNumber } from '../../src/formats/cms-common.ts'
import { oids } from '../../src/formats/oids.ts'
import { newAuthority, newSigner, issueTestCertificate, testSerialNumber } from './signers.ts'
import type { KeyKind, TestAuthority, TestSigner } from './signers.ts'
import type { SignatureAlgorithm, Signer } from '../../src/formats/signatures.ts'

export type Identity = { readonly signer: TestSigner, readonly certificate: Buffer, readonly authority: TestAuthority }

/** A key with a certificate from a CA of its own: what a phone has before it meets us. */
export async function newIdentity(name: string, kind: KeyKind = 'rsa2048', algorithm?: SignatureAlgorithm): Promise<Identity> {
  const authority = await newAuthority(`${name} CA`, undefined, 'rsa2048')
  const signer = newSigner(kind, algorithm)
  return { signer, certificate: await issueTestCertificate(authority, testSerialNumber(name), signer), authority }
}

export const attribute = (type: string, ...values: Buffer[]): Buffer => sequence(oid(type), setOf(...values))
export const contentType = (type: string = oids.data): Buffer => attribute(oids.contentType, oid(type))
export const messageDigest = (content: Buffer, digest = 'sha256'): Buffer =>
  attribute(oids.messageDigest, octetString(createHash(digest).update(content).digest()))

export type SignerInfoParts = {
  identity: { readonly signer: Signer, readonly certificate: Buffer }
  /** signed as they are, under one SET tag; none means a signature over `content` */
  attributes?: Buffer[]
  content?: Buffer
  sid?: Buffer
  digestOid?: string
  signatureOid?: string
  signature?: Buffer
}

/** A SignerInfo whose signature holds for the attributes given, right or wrong. */
export async function signerInfo(parts: SignerInfoParts): Promise<Buffer> {
  const { identity: { signer, certificate }, attributes, content = Buffer.alloc(0), digestOid = oids.sha256 } = parts
  const signed = attributes === undefined ? content : setOf(...attributes)
  return sequence(
    integer(1), parts.sid ?? issuerAndSerialNumber(certificate), sequence(oid(digestOid), nullValue),
    ...attributes === undefined ? [] : [tlv(contextTag(0), ...attributes.sort(Buffer.compare))],
    sequence(oid(parts.signatureOid ?? oids.rsaEncryption), nullValue),
    octetString(parts.signature ?? await signer.sign(signed)),
  )
}

export type SignedDataParts = { content?: Buffer, contentType?: string, certificates: Buffer[], signerInfos: Buffer[] }

export function signedData({ content, contentType: type = oids.data, certificates, signerInfos }: SignedDataParts): Buffer {
  const encapsulated = sequence(oid(type), content === undefined ? Buffer.alloc(0) : explicit(0, octetString(content)))
  const digestAlgorithms = setOf(sequence(oid(oids.sha256), nullValue))
  return sequence(oid(oids.signedData), explicit(0, sequence(
    integer(1), digestAlgorithms, encapsulated, tlv(contextTag(0), ...certificates), tlv(tags.set, ...signerInfos),
  )))
}

/** The same message around another content; signatures stay as they are. */
export function withContent(der: Buffer, content: Buffer): Buffer {
  const outer = new Fields(parseDer(der))
  outer.next()
  const fields = new Fields(parseDer(outer.next().content))
  const [version, digestAlgorithms] = [fields.next(), fields.next()]
  fields.next()
  const rest: Buffer[] = []
  while (!fields.ended) rest.push(fields.next().raw)
  return sequence(oid(oids.signedData), explicit(0, sequence(
    version.raw, digestAlgorithms.raw, sequence(oid(oids.data), explicit(0, octetString(content))), ...rest,
  )))
}
