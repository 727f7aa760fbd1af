/** Certificate and CRL extensions as they are written (RFC 5280 §4.2, §5.2). Reading is in `extension-readers.ts`. */
import { createHash } from 'node:crypto'
import { CaError } from '../errors.ts'
import { boolean, contextTag, explicit, ia5String, implicit, integer, namedBits, nullValue, octetString, oid, sequence, tlv, utf8String } from './der.ts'
import { oids } from './oids.ts'
import { publicKeyBits } from './public-key.ts'

/** @property oid dotted; @property value content of extnValue: the DER of the extension itself */
export type Extension = { oid: string, critical: boolean, value: Buffer }

/** The bits of KeyUsage in their order (RFC 5280 §4.2.1.3). */
export const keyUsageBits = [
  'digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement',
  'keyCertSign', 'cRLSign', 'encipherOnly', 'decipherOnly',
] as const
export type KeyUsage = typeof keyUsageBits[number]

/**
 * A name in SubjectAltName. `userPrincipalName` is Microsoft's otherName; `name` is the DER of a Name;
 * `other` is any form not listed, kept whole so that nothing read is lost.
 */
export type GeneralName =
  | { type: 'rfc822Name' | 'dNSName' | 'uniformResourceIdentifier', value: string }
  | { type: 'userPrincipalName', value: string }
  | { type: 'directoryName', name: Buffer }
  | { type: 'other', raw: Buffer }

export function serializeExtension({ oid: type, critical, value }: Extension): Buffer {
  return critical ? sequence(oid(type), boolean(true), octetString(value)) : sequence(oid(type), octetString(value))
}

const plain = (type: string, value: Buffer): Extension => ({ oid: type, critical: false, value })
const critical = (type: string, value: Buffer): Extension => ({ oid: type, critical: true, value })

export function basicConstraints(ca: boolean, pathLenConstraint?: number): Extension {
  if (!ca) return critical(oids.basicConstraints, sequence())
  return critical(oids.basicConstraints, sequence(boolean(true), ...pathLenConstraint === undefined ? [] : [integer(pathLenConstraint)]))
}

export const keyUsage = (...usages: [KeyUsage, ...KeyUsage[]]): Extension =>
  critical(oids.keyUsage, namedBits(...usages.map(usage => keyUsageBits.indexOf(usage))))

/** @param purposes dotted object identifiers */
export const extendedKeyUsage = (...purposes: string[]): Extension => plain(oids.extKeyUsage, sequence(...purposes.map(oid)))

/** SHA-1 of the subjectPublicKey bits (RFC 5280 §4.2.1.2 (1)): an identifier, nothing rests on its strength. */
export const keyIdentifier = (subjectPublicKeyInfo: Buffer): Buffer =>
  createHash('sha1').update(publicKeyBits(subjectPublicKeyInfo)).digest()

export const subjectKeyIdentifier = (subjectPublicKeyInfo: Buffer): Extension =>
  plain(oids.subjectKeyIdentifier, octetString(keyIdentifier(subjectPublicKeyInfo)))

/**
 * @param issuer the issuer's SubjectPublicKeyInfo, or the octets of its subjectKeyIdentifier: a CA that was
 *   brought along may have chosen those in another way
 */
export function authorityKeyIdentifier(issuer: Buffer): Extension {
  // No SubjectPublicKeyInfo we accept is this short, and no usual digest this long.
  const identifier = issuer.length > 64 && issuer[0] === 0x30 ? keyIdentifier(issuer) : issuer
  return plain(oids.authorityKeyIdentifier, sequence(implicit(0, identifier)))
}

export const subjectAltName = (names: readonly GeneralName[]): Extension =>
  plain(oids.subjectAltName, sequence(...names.map(serializeGeneralName)))

export function serializeGeneralName(name: GeneralName): Buffer {
  switch (name.type) {
    case 'rfc822Name': return implicit(1, ascii(name.value))
    case 'dNSName': return implicit(2, ascii(name.value))
    case 'uniformResourceIdentifier': return uri(name.value)
    case 'directoryName': return explicit(4, name.name)
    case 'userPrincipalName': return tlv(contextTag(0), oid(oids.userPrincipalName), explicit(0, utf8String(name.value)))
    case 'other': return name.raw
  }
}

/** @throws {CaError} invalid-argument: an IA5String that silently lost bits would name somebody else */
function ascii(text: string): Buffer {
  if (!/^[\x21-\x7e]+$/.test(text)) throw new CaError('invalid-argument', 'a name in a certificate must be ASCII without spaces')
  return ia5String(text).subarray(-text.length)
}

const uri = (url: string): Buffer => implicit(6, ascii(url))

/** DistributionPointName: several names mean the same CRL at several addresses (RFC 5280 §4.2.1.13). */
const fullName = (urls: readonly string[]): Buffer => explicit(0, explicit(0, ...urls.map(uri)))

export const crlDistributionPoints = (urls: readonly string[]): Extension =>
  plain(oids.cRLDistributionPoints, sequence(sequence(fullName(urls))))

/** In a complete CRL: where its delta CRL is (RFC 5280 §5.2.6). */
export const freshestCrl = (url: string): Extension => plain(oids.freshestCRL, sequence(sequence(fullName([url]))))

export function authorityInfoAccess(addresses: { ocsp?: string, caIssuers?: string }): Extension {
  const descriptions: Buffer[] = []
  if (addresses.ocsp !== undefined) descriptions.push(sequence(oid(oids.ocsp), uri(addresses.ocsp)))
  if (addresses.caIssuers !== undefined) descriptions.push(sequence(oid(oids.caIssuers), uri(addresses.caIssuers)))
  return plain(oids.authorityInfoAccess, sequence(...descriptions))
}

/** @param policies dotted object identifiers */
export const certificatePolicies = (policies: readonly string[]): Extension =>
  plain(oids.certificatePolicies, sequence(...policies.map(policy => sequence(oid(policy)))))

/** A responder whose own revocation clients need not ask about (RFC 6960 §4.2.2.2.1). */
export const ocspNoCheck = (): Extension => plain(oids.ocspNoCheck, nullValue)

export const crlNumber = (number: bigint): Extension => plain(oids.cRLNumber, integer(number))
export const deltaCrlIndicator = (baseCrlNumber: bigint): Extension => critical(oids.deltaCRLIndicator, integer(baseCrlNumber))

/** The addresses must equal, byte for byte, those in the certificates that the CRL covers (RFC 5280 §6.3.3 (b)). */
export function issuingDistributionPoint(scope: { urls?: readonly string[], onlyContainsUserCerts?: boolean }): Extension {
  const parts: Buffer[] = []
  if (scope.urls !== undefined) parts.push(fullName(scope.urls))
  if (scope.onlyContainsUserCerts === true) parts.push(implicit(1, Buffer.from([0xff])))
  return critical(oids.issuingDistributionPoint, sequence(...parts))
}
