/**
 * What extensions say. Each reader takes whatever carries extensions (a certificate, a request, a CRL) and
 * answers `undefined` when the extension is absent. A damaged one throws `malformed-der`.
 */
import { CaError } from '../errors.ts'
import {
  childrenOf, contextTag, Fields, parseDer, primitiveContextTag, readBoolean, readIntegerBytes, readNamedBits, readOctetString,
  readOid, readSmallInteger, readString, tags,
} from './der.ts'
import type { Element } from './der.ts'
import { keyUsageBits } from './extensions.ts'
import type { Extension, GeneralName, KeyUsage } from './extensions.ts'
import { oids } from './oids.ts'

export type Extended = { readonly extensions: readonly Extension[] }

/** The extension of that type, if it is there. */
export function extension(holder: Extended, oid: string): Extension | undefined {
  return holder.extensions.find(candidate => candidate.oid === oid)
}

function read<T>(holder: Extended, oid: string, reader: (element: Element) => T): T | undefined {
  const found = extension(holder, oid)
  return found === undefined ? undefined : reader(parseDer(found.value))
}

const sequenceOf = <T>(element: Element, reader: (child: Element) => T): T[] => {
  if (element.tag !== tags.sequence) throw new CaError('malformed-der', 'expected a sequence')
  return childrenOf(element).map(reader)
}

/**
 * Reads `Extensions`. The same type twice is refused (RFC 5280 §4.2): two readers could each believe another one.
 * @throws {CaError} malformed-der
 */
export function parseExtensions(element: Element): Extension[] {
  const seen = new Set<string>()
  return sequenceOf(element, child => {
    const fields = new Fields(child)
    const oid = readOid(fields.next())
    if (seen.has(oid)) throw new CaError('malformed-der', `extension ${oid} appears twice`)
    seen.add(oid)
    const flag = fields.optional(tags.boolean)
    const value = readOctetString(fields.next())
    fields.end()
    return { oid, critical: flag !== undefined && readBoolean(flag), value }
  })
}

export function readBasicConstraints(holder: Extended): { ca: boolean, pathLenConstraint: number | undefined } | undefined {
  return read(holder, oids.basicConstraints, element => {
    const fields = new Fields(element)
    const ca = fields.optional(tags.boolean)
    const pathLen = fields.optional(tags.integer)
    fields.end()
    return { ca: ca !== undefined && readBoolean(ca), pathLenConstraint: pathLen && readSmallInteger(pathLen) }
  })
}

/** In the order of RFC 5280 §4.2.1.3. */
export function readKeyUsage(holder: Extended): KeyUsage[] | undefined {
  return read(holder, oids.keyUsage, element =>
    readNamedBits(element).map(bit => keyUsageBits[bit]).filter(usage => usage !== undefined))
}

export const readExtendedKeyUsage = (holder: Extended): string[] | undefined =>
  read(holder, oids.extKeyUsage, element => sequenceOf(element, readOid))

export const readSubjectAltName = (holder: Extended): GeneralName[] | undefined =>
  read(holder, oids.subjectAltName, element => sequenceOf(element, readGeneralName))

function readGeneralName(element: Element): GeneralName {
  switch (element.tag) {
    case primitiveContextTag(1): return { type: 'rfc822Name', value: element.content.toString('latin1') }
    case primitiveContextTag(2): return { type: 'dNSName', value: element.content.toString('latin1') }
    case primitiveContextTag(6): return { type: 'uniformResourceIdentifier', value: element.content.toString('latin1') }
    case contextTag(4): return { type: 'directoryName', name: parseDer(element.content).raw }
    case contextTag(0): return readOtherName(element)
    default: return { type: 'other', raw: element.raw }
  }
}

function readOtherName(element: Element): GeneralName {
  const fields = new Fields(element, contextTag(0))
  if (readOid(fields.next()) !== oids.userPrincipalName) return { type: 'other', raw: element.raw }
  const value = readString(parseDer(fields.next(contextTag(0)).content))
  fields.end()
  return { type: 'userPrincipalName', value }
}

/** The URIs of all distribution points, in order. */
export const readCrlDistributionPoints = (holder: Extended): string[] | undefined =>
  read(holder, oids.cRLDistributionPoints, readPoints)

export const readFreshestCrl = (holder: Extended): string[] | undefined => read(holder, oids.freshestCRL, readPoints)

function readPoints(element: Element): string[] {
  return sequenceOf(element, point => {
    const name = new Fields(point).optional(contextTag(0))
    return name === undefined ? [] : readPointName(name)
  }).flat()
}

function readPointName(element: Element): string[] {
  const name = parseDer(element.content)
  if (name.tag !== contextTag(0)) return [] // nameRelativeToCRLIssuer: nothing of ours uses it
  return childrenOf(name).filter(({ tag }) => tag === primitiveContextTag(6)).map(({ content }) => content.toString('latin1'))
}

export function readAuthorityInfoAccess(holder: Extended): { ocsp: string[], caIssuers: string[] } | undefined {
  return read(holder, oids.authorityInfoAccess, element => {
    const addresses = { ocsp: [] as string[], caIssuers: [] as string[] }
    for (const description of sequenceOf(element, child => new Fields(child))) {
      const method = readOid(description.next())
      const { tag, content } = description.next()
      if (tag !== primitiveContextTag(6)) continue
      if (method === oids.ocsp) addresses.ocsp.push(content.toString('latin1'))
      if (method === oids.caIssuers) addresses.caIssuers.push(content.toString('latin1'))
    }
    return addresses
  })
}

export const readCertificatePolicies = (holder: Extended): string[] | undefined =>
  read(holder, oids.certificatePolicies, element => sequenceOf(element, policy => readOid(new Fields(policy).next())))

/** The identifier's octets. */
export const readSubjectKeyIdentifier = (holder: Extended): Buffer | undefined =>
  read(holder, oids.subjectKeyIdentifier, readOctetString)

/** The octets of keyIdentifier; undefined also where the extension names its issuer in another way. */
export const readAuthorityKeyIdentifier = (holder: Extended): Buffer | undefined =>
  read(holder, oids.authorityKeyIdentifier, element => new Fields(element).optional(primitiveContextTag(0))?.content)

export const readCrlNumber = (holder: Extended): bigint | undefined => read(holder, oids.cRLNumber, readNumber)

/** The number of the complete CRL that a delta CRL starts from. */
export const readDeltaCrlIndicator = (holder: Extended): bigint | undefined => read(holder, oids.deltaCRLIndicator, readNumber)

/** A CRL number has at most 20 octets (RFC 5280 §5.2.3). */
function readNumber(element: Element): bigint {
  const content = readIntegerBytes(element)
  if (content.length > 20 || content[0]! >= 0x80) throw new CaError('malformed-der', 'CRL number is out of range')
  return BigInt(`0x${content.toString('hex')}`)
}

export type IssuingDistributionPoint = { urls: string[], onlyContainsUserCerts: boolean, otherLimits: boolean }

/** `otherLimits`: the CRL is limited (CA certificates, some reasons) or indirect, in ways that nothing of ours is. */
export function readIssuingDistributionPoint(holder: Extended): IssuingDistributionPoint | undefined {
  return read(holder, oids.issuingDistributionPoint, element => {
    const fields = new Fields(element)
    const name = fields.optional(contextTag(0))
    const userOnly = fields.optional(primitiveContextTag(1))
    return {
      urls: name === undefined ? [] : readPointName(name),
      onlyContainsUserCerts: userOnly !== undefined && userOnly.content[0] === 0xff,
      otherLimits: !fields.ended,
    }
  })
}
