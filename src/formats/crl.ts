import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import {
  bitString, contextTag, explicit, Fields, integer, parseDer, readBitString, readSmallInteger, readTime, sequence, tags, time,
} from './der.ts'
import type { Element } from './der.ts'
import { readCrlEntries } from './crl-entry-reader.ts'
import type { ParsedCrlEntry } from './crl-entry-reader.ts'
import { serializeCrlEntries } from './crl-entry-writer.ts'
import type { CrlEntry } from './crl-entry-writer.ts'
import { parseExtensions } from './extension-readers.ts'
import { serializeExtension } from './extensions.ts'
import type { Extension } from './extensions.ts'
import { malformedAs } from './malformed-as.ts'
import { parseName } from './names.ts'
import type { Name } from './names.ts'
import { algorithmIdentifier, parseSignatureAlgorithm, verifySignature } from './signatures.ts'
import type { SignatureAlgorithm, Signer } from './signatures.ts'

export type { CrlEntry, ParsedCrlEntry }

/** A CRL to be signed. `issuer` is an encoded Name; entries are listed in the order given. */
export type CrlFields = {
  issuer: Buffer
  thisUpdate: Date
  nextUpdate: Date
  entries: Iterable<CrlEntry>
  extensions: readonly Extension[]
}

/** Version 2 (RFC 5280 §5.1). 100,000 entries take about as long as one RSA signature does. */
export async function signCrl(fields: CrlFields, signer: Signer): Promise<Buffer> {
  const algorithm = algorithmIdentifier(signer.algorithm)
  const entries = serializeCrlEntries(fields.entries)
  const tbs = sequence(
    integer(1), algorithm, fields.issuer, time(fields.thisUpdate), time(fields.nextUpdate),
    // RFC 5280 §5.1.2.6: absent, not empty, when nothing is revoked.
    ...entries.length === 0 ? [] : [sequence(entries)],
    ...fields.extensions.length === 0 ? [] : [explicit(0, sequence(...fields.extensions.map(serializeExtension)))],
  )
  return sequence(tbs, algorithm, bitString(await signer.sign(tbs)))
}

/** A certificate revocation list; buffers are views. Its signature has not been verified: see `verifyCrl`. */
export type Crl = {
  readonly raw: Buffer
  readonly tbs: Buffer
  readonly issuer: Name
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly extensions: Extension[]
  /** Read while walking. @throws {CaError} malformed-crl at the first entry that is damaged or cannot be honoured */
  readonly entries: () => Iterable<ParsedCrlEntry>
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Buffer
}

// About 1.3 million entries.
const maxCrlBytes = 64 * 1024 * 1024

/** @throws {CaError} malformed-crl, also without nextUpdate (RFC 5280 §5.1.2.5); unsupported-algorithm */
export function parseCrl(der: Buffer): Crl {
  if (der.length > maxCrlBytes) throw new CaError('malformed-crl', `CRL is larger than ${maxCrlBytes} bytes`)
  return malformedAs('malformed-crl', 'CRL', () => {
    const outer = new Fields(parseDer(der))
    const tbs = outer.next(tags.sequence)
    const algorithm = outer.next(tags.sequence)
    const signature = readBitString(outer.next())
    outer.end()
    const signatureAlgorithm = parseSignatureAlgorithm(algorithm)
    return { raw: der, tbs: tbs.raw, ...parseTbsCertList(tbs, algorithm), signatureAlgorithm, signature }
  })
}

function parseTbsCertList(tbs: Element, outerAlgorithm: Element): Pick<Crl, 'issuer' | 'thisUpdate' | 'nextUpdate' | 'extensions' | 'entries'> {
  const fields = new Fields(tbs)
  const version = fields.optional(tags.integer)
  if (version !== undefined && readSmallInteger(version) !== 1) throw new CaError('malformed-der', 'version is not 2')
  if (!fields.next().raw.equals(outerAlgorithm.raw)) throw new CaError('malformed-der', 'the two signature algorithms differ')
  const issuer = parseName(fields.next())
  const thisUpdate = readTime(fields.next())
  const nextUpdate = readTime(fields.next())
  const revoked = fields.optional(tags.sequence)
  const extensions = fields.optional(contextTag(0))
  fields.end()
  if (extensions !== undefined && version === undefined) throw new CaError('malformed-der', 'a version 1 CRL has no extensions')
  return {
    issuer, thisUpdate, nextUpdate,
    extensions: extensions === undefined ? [] : parseExtensions(parseDer(extensions.content)),
    entries: () => revoked === undefined ? [] : readCrlEntries(revoked.content),
  }
}

/** Whether this key signed the CRL; issuer, dates and numbers are not looked at. */
export function verifyCrl(crl: Crl, publicKey: KeyObject): boolean {
  return verifySignature(crl.signatureAlgorithm, publicKey, crl.tbs, crl.signature)
}
