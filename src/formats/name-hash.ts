/** The name under which OpenSSL finds a CA's files in a folder (X509_NAME_hash_ex(3), openssl-rehash(1)). */
import { createHash } from 'node:crypto'
import { childrenOf, parseDer, readString, sequence, setOf, tags, utf8String } from './der.ts'
import type { Element } from './der.ts'

const texts: ReadonlySet<number> = new Set([tags.utf8String, tags.printableString, tags.ia5String, tags.teletexString, tags.bmpString])

/**
 * @param name  an encoded Name
 * @returns eight digits, lower-case hex
 * @throws {CaError} malformed-der
 */
export function nameHash(name: Buffer): string {
  const canonical = childrenOf(parseDer(name)).map(rdn => setOf(...childrenOf(rdn).map(canonicalAttribute)))
  return createHash('sha1').update(Buffer.concat(canonical)).digest().readUInt32LE(0).toString(16).padStart(8, '0')
}

function canonicalAttribute(attribute: Element): Buffer {
  const [type, value] = childrenOf(attribute)
  if (value === undefined || !texts.has(value.tag)) return attribute.raw
  // As names are compared there: white space counts once and not at the ends, and of letters only those of ASCII have no case.
  const text = readString(value).replace(/^[\t-\r ]+|[\t-\r ]+$/g, '').replace(/[\t-\r ]+/g, ' ').replace(/[A-Z]+/g, letters => letters.toLowerCase())
  return sequence(type!.raw, utf8String(text))
}
