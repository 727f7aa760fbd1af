import { CaError } from '../errors.ts'
import { childrenOf, expectTag, Fields, ia5String, oid, printableString, readOid, readString, sequence, setOf, tags, utf8String } from './der.ts'
import type { Element } from './der.ts'
import { oids } from './oids.ts'

/** @property type dotted object identifier */
export type NameAttribute = { type: string, value: string }

/** A distinguished name. `raw` is what is compared and copied; `attributes` is for reading. */
export type Name = { raw: Buffer, attributes: NameAttribute[] }

// Types that RFC 5280 appendix A.1 fixes; everything else is a DirectoryString, written as UTF8String.
const printableTypes: ReadonlySet<string> = new Set([oids.countryName, oids.serialNumber, oids.dnQualifier])
const ia5Types: ReadonlySet<string> = new Set([oids.emailAddress, oids.domainComponent])

const stringTags: ReadonlySet<number> = new Set([tags.utf8String, tags.printableString, tags.ia5String, tags.teletexString, tags.bmpString])

/**
 * One RDN for each attribute, in the order given.
 * @throws {CaError} invalid-argument when a value does not fit its attribute's string type
 */
export function serializeName(attributes: readonly NameAttribute[]): Buffer {
  return sequence(...attributes.map(({ type, value }) => setOf(sequence(oid(type), serializeValue(type, value)))))
}

function serializeValue(type: string, value: string): Buffer {
  if (printableTypes.has(type)) {
    if (!/^[A-Za-z0-9 '()+,\-./:=?]+$/.test(value)) throw new CaError('invalid-argument', `name attribute ${type} must be a PrintableString`)
    return printableString(value)
  }
  if (ia5Types.has(type)) {
    if (!/^[\x20-\x7e]+$/.test(value)) throw new CaError('invalid-argument', `name attribute ${type} must be ASCII`)
    return ia5String(value)
  }
  return utf8String(value)
}

/** @throws {CaError} malformed-der */
export function parseName(element: Element): Name {
  const attributes: NameAttribute[] = []
  for (const rdn of childrenOf(expectTag(element, tags.sequence))) {
    const members = childrenOf(expectTag(rdn, tags.set))
    if (members.length === 0) throw new CaError('malformed-der', 'relative distinguished name is empty')
    for (const member of members) attributes.push(parseAttribute(member))
  }
  return { raw: element.raw, attributes }
}

function parseAttribute(element: Element): NameAttribute {
  const fields = new Fields(element)
  const type = readOid(fields.next())
  const value = fields.next()
  fields.end()
  // RFC 4514 §2.4: what is no string is shown as '#' and the hexadecimal encoding.
  return { type, value: stringTags.has(value.tag) ? readString(value) : `#${value.raw.toString('hex')}` }
}

/** The first value of an attribute type, e.g. `findAttribute(subject, oids.commonName)`. */
export function findAttribute(name: Name, type: string): string | undefined {
  return name.attributes.find(attribute => attribute.type === type)?.value
}

const shortNames: ReadonlyMap<string, string> = new Map([
  [oids.commonName, 'CN'], [oids.organizationName, 'O'], [oids.organizationalUnitName, 'OU'], [oids.countryName, 'C'],
  [oids.localityName, 'L'], [oids.stateOrProvinceName, 'ST'], [oids.serialNumber, 'serialNumber'], [oids.surname, 'SN'],
  [oids.givenName, 'GN'], [oids.emailAddress, 'emailAddress'], [oids.userId, 'UID'], [oids.domainComponent, 'DC'],
])

/** For people, like RFC 4514: last attribute first, specials and control characters escaped. Not for comparing. */
export function formatName(name: Name): string {
  return name.attributes.map(({ type, value }) => `${shortNames.get(type) ?? type}=${escapeValue(value)}`).reverse().join(',')
}

function escapeValue(value: string): string {
  return value
    .replace(/[,+"\\<>;]/g, '\\$&')
    .replace(/^[# ]|(?<=.) $/g, '\\$&')
    .replace(/[\u0000-\u001f\u007f]/g, character => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
