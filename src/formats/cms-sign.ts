/** CMS SignedData (RFC 5652 §5), written. */
import { createHash } from 'node:crypto'
import type { BerEncoding } from './ber.ts'
import { chunkedOctetString, indefinite } from './ber.ts'
import { algorithmWithNull, digestAlgorithmIdentifier, issuerAndSerialNumber, serializeAttribute } from './cms-common.ts'
import type { Attribute, Digest } from './cms-common.ts'
import { contextTag, explicit, integer, octetString, oid, sequence, setOf, tags, time, tlv } from './der.ts'
import { oids } from './oids.ts'
import { algorithmIdentifier, signatureAlgorithms } from './signatures.ts'
import type { Signer } from './signatures.ts'

export type SignDataFields = {
  readonly content: Buffer
  readonly signer: Signer
  /** the signer's, DER */
  readonly certificate: Buffer
  /** sent along after the signer's, in this order */
  readonly extraCertificates?: readonly Buffer[]
  /** for a reader's eye; must be the digest of `signer.algorithm` */
  readonly digest?: Digest
  /** in addition to contentType and messageDigest */
  readonly signedAttributes?: readonly Attribute[]
  readonly signingTime?: Date
  /** `ber` streams with indefinite lengths, as phones do */
  readonly encoding?: BerEncoding
  /** names the signature rsaEncryption instead of, say, sha256WithRSAEncryption */
  readonly plainRsaOid?: boolean
  /** the signature is then made over the content itself */
  readonly withoutSignedAttributes?: boolean
}

/** A SignedData with one signer, the content inside it. Certificates keep their order: some readers take the first. */
export async function signData(fields: SignDataFields): Promise<Buffer> {
  const { content, signer, certificate, extraCertificates = [], encoding = 'der' } = fields
  const digest = signatureAlgorithms[signer.algorithm].digest
  if (fields.digest !== undefined && fields.digest !== digest) {
    throw new TypeError(`${signer.algorithm} does not sign a ${fields.digest} digest`)
  }
  if (fields.plainRsaOid === true && signer.publicKey.asymmetricKeyType !== 'rsa') throw new TypeError('rsaEncryption needs an RSA key')
  const certificates = tlv(contextTag(0), certificate, ...extraCertificates)
  const signerInfos = setOf(await signerInfoOf(fields, digest))
  return encoding === 'der'
    ? wrapDer(setOf(digestAlgorithmIdentifier(digest)), explicit(0, octetString(content)), certificates, signerInfos)
    : wrapBer(setOf(digestAlgorithmIdentifier(digest)), content, certificates, signerInfos)
}

/** A degenerate SignedData: certificates and no signer (RFC 8894 §3.4), in the order given. */
export function certsOnly(certificates: readonly Buffer[]): Buffer {
  return wrapDer(setOf(), Buffer.alloc(0), tlv(contextTag(0), ...certificates), setOf())
}

async function signerInfoOf(fields: SignDataFields, digest: Digest): Promise<Buffer> {
  const { signer, content, certificate, withoutSignedAttributes = false, plainRsaOid = false } = fields
  const attributes = withoutSignedAttributes ? undefined : attributesOf(fields, digest).map(serializeAttribute)
  return sequence(
    integer(1),
    issuerAndSerialNumber(certificate),
    digestAlgorithmIdentifier(digest),
    ...attributes === undefined ? [] : [tlv(contextTag(0), ...attributes.sort(Buffer.compare))],
    plainRsaOid ? algorithmWithNull(oids.rsaEncryption) : algorithmIdentifier(signer.algorithm),
    // Signed under the SET tag, sent under [0] (RFC 5652 §5.4).
    octetString(await signer.sign(attributes === undefined ? content : setOf(...attributes))),
  )
}

function attributesOf({ content, signingTime, signedAttributes = [] }: SignDataFields, digest: Digest): Attribute[] {
  return [
    { type: oids.contentType, values: [oid(oids.data)] },
    { type: oids.messageDigest, values: [octetString(createHash(digest).update(content).digest())] },
    ...signingTime === undefined ? [] : [{ type: oids.signingTime, values: [time(signingTime)] }],
    ...signedAttributes,
  ]
}

function wrapDer(digestAlgorithms: Buffer, content: Buffer, certificates: Buffer, signerInfos: Buffer): Buffer {
  const encapsulated = sequence(oid(oids.data), content)
  return sequence(oid(oids.signedData), explicit(0, sequence(integer(1), digestAlgorithms, encapsulated, certificates, signerInfos)))
}

function wrapBer(digestAlgorithms: Buffer, content: Buffer, certificates: Buffer, signerInfos: Buffer): Buffer {
  const encapsulated = indefinite(tags.sequence, oid(oids.data), indefinite(contextTag(0), chunkedOctetString(content)))
  const signedData = indefinite(tags.sequence, integer(1), digestAlgorithms, encapsulated, certificates, signerInfos)
  return indefinite(tags.sequence, oid(oids.signedData), indefinite(contextTag(0), signedData))
}
