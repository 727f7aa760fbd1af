/** PKCS #12 (RFC 7292), read as strictly as iOS imports it. Writing is in `pkcs12.ts`. */
import { createHmac, timingSafeEqual } from 'node:crypto'
import forge from 'node-forge'
import { CaError } from '../errors.ts'
import { onlyChild, readAttribute, readPlainAlgorithm } from './cms-common.ts'
import type { Attribute } from './cms-common.ts'
import {
  childrenOf, contextTag, expectTag, Fields, parseDer, primitiveContextTag, readOctetString, readOid, readSmallInteger, tags,
} from './der.ts'
import type { Element } from './der.ts'
import { malformedAs } from './malformed-as.ts'
import { oids } from './oids.ts'
import type { Pkcs12Scheme } from './pkcs12.ts'

export type Pkcs12Identity = {
  /** PrivateKeyInfo, DER */
  readonly privateKeyPkcs8: Buffer
  readonly certificate: Buffer
  /** the other certificates, in their order */
  readonly chain: readonly Buffer[]
}

const maxIterations = 100_000
const maxBytes = 256 * 1024
const macKeyId = 3

/**
 * Opens an identity.
 *
 * @param schemes what the reader knows: iOS up to 17 only `3des-sha1`
 * @throws {CaError} malformed-pkcs12 for everything: iOS, too, says of an algorithm it does not know that the
 *   password is wrong
 */
export function openPkcs12(bytes: Buffer, password: string, schemes: readonly Pkcs12Scheme[]): Pkcs12Identity {
  if (bytes.length > maxBytes) throw malformed(`more than ${maxBytes} bytes`)
  return malformedAs('malformed-pkcs12', 'PFX', () => {
    const pfx = new Fields(parseDer(bytes))
    if (readSmallInteger(pfx.next(tags.integer)) !== 3) throw malformed('version is not 3')
    const authenticatedSafe = readDataContent(pfx.next(tags.sequence))
    checkMac(pfx.next(tags.sequence), authenticatedSafe, password, schemes)
    pfx.end()
    const bags = childrenOf(parseDer(authenticatedSafe))
      .map(contentInfo => openSafe(contentInfo, password, schemes))
      .flatMap(safe => childrenOf(expectTag(parseDer(safe), tags.sequence))).map(readBag)
    return identityIn(bags, password, schemes)
  })
}

const malformed = (why: string): CaError => new CaError('malformed-pkcs12', why)

function readDataContent(element: Element): Buffer {
  const contentInfo = new Fields(element)
  if (readOid(contentInfo.next()) !== oids.data) throw malformed('content is not of type data')
  return readOctetString(onlyChild(contentInfo.next(contextTag(0))))
}

/** MacData (RFC 7292 §4): with it the password is known to be right before anything is decrypted. */
function checkMac(element: Element, content: Buffer, password: string, schemes: readonly Pkcs12Scheme[]): void {
  const macData = new Fields(element)
  const digestInfo = new Fields(macData.next(tags.sequence))
  const type = readPlainAlgorithm(digestInfo.next())
  const digest = type === oids.sha1 ? 'sha1' : type === oids.sha256 && schemes.includes('aes256-sha256') ? 'sha256' : undefined
  if (digest === undefined) throw malformed('the MAC is of a kind that is not read')
  const expected = readOctetString(digestInfo.next())
  const salt = forge.util.createBuffer(readOctetString(macData.next()).toString('latin1'))
  const iterations = macData.ended ? 1 : readIterations(macData.next())
  const key = forge.pkcs12.generateKey(password, salt, macKeyId, iterations, digest === 'sha1' ? 20 : 32, forge.md[digest].create())
  const mac = createHmac(digest, Buffer.from(key.getBytes(), 'latin1')).update(content).digest()
  if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) throw malformed('the password is wrong')
}

function readIterations(element: Element): number {
  const iterations = readSmallInteger(element)
  if (iterations > maxIterations) throw malformed(`more than ${maxIterations} iterations`)
  return iterations
}

function openSafe(contentInfo: Element, password: string, schemes: readonly Pkcs12Scheme[]): Buffer {
  const fields = new Fields(contentInfo)
  if (readOid(fields.next()) === oids.data) return readOctetString(onlyChild(fields.next(contextTag(0))))
  const encryptedData = new Fields(onlyChild(fields.next(contextTag(0))))
  encryptedData.next(tags.integer)
  const content = new Fields(encryptedData.next(tags.sequence))
  content.next(tags.oid)
  const algorithm = content.next(tags.sequence)
  return decrypt(algorithm, content.next(primitiveContextTag(0)).content, password, schemes)
}

type Bag = { readonly type: string, readonly value: Element, readonly attributes: readonly Attribute[] }

function readBag(element: Element): Bag {
  const fields = new Fields(element)
  const type = readOid(fields.next())
  const value = onlyChild(fields.next(contextTag(0)))
  const attributes = fields.optional(tags.set)
  return { type, value, attributes: attributes === undefined ? [] : childrenOf(attributes).map(readAttribute) }
}

/** Exactly one key; its certificate is the one with the same localKeyId. */
function identityIn(bags: readonly Bag[], password: string, schemes: readonly Pkcs12Scheme[]): Pkcs12Identity {
  const [key, ...more] = bags.filter(bag => bag.type === oids.pkcs8ShroudedKeyBag)
  if (key === undefined || more.length > 0) throw malformed('there must be exactly one key')
  const certificates = bags.filter(bag => bag.type === oids.certBag)
  const own = certificates.find(bag => localKeyId(key) !== undefined && localKeyId(bag) === localKeyId(key))
  if (own === undefined) throw malformed('no certificate belongs to the key')
  const encrypted = new Fields(key.value)
  const algorithm = encrypted.next(tags.sequence)
  return {
    privateKeyPkcs8: decrypt(algorithm, readOctetString(encrypted.next()), password, schemes),
    certificate: readCertBag(own), chain: certificates.filter(bag => bag !== own).map(readCertBag),
  }
}

const localKeyId = ({ attributes }: Bag): string | undefined =>
  attributes.find(({ type }) => type === oids.localKeyId)?.values[0]?.toString('hex')

function readCertBag({ value }: Bag): Buffer {
  const fields = new Fields(value)
  if (readOid(fields.next()) !== oids.x509Certificate) throw malformed('a certificate is not of type X.509')
  return readOctetString(onlyChild(fields.next(contextTag(0))))
}

/** forge derives the key and deciphers; what it is given has passed our own eyes first. */
function decrypt(algorithm: Element, encrypted: Buffer, password: string, schemes: readonly Pkcs12Scheme[]): Buffer {
  const fields = new Fields(algorithm)
  const type = readOid(fields.next())
  const parameters = fields.next(tags.sequence)
  if (schemeOf(type, parameters, schemes) === undefined) throw malformed('the encryption is of a kind that is not read')
  const cipher = pbe.getCipher(type, forge.asn1.fromDer(parameters.raw.toString('latin1')), password)
  cipher.update(forge.util.createBuffer(encrypted.toString('latin1')))
  if (!cipher.finish()) throw malformed('the content cannot be decrypted')
  return Buffer.from(cipher.output.getBytes(), 'latin1')
}

/** Public in forge, and missing in the types that describe it. */
const { pbe } = forge.pki as unknown as {
  pbe: { getCipher(type: string, parameters: forge.asn1.Asn1, password: string): forge.cipher.BlockCipher }
}

function schemeOf(type: string, parameters: Element, schemes: readonly Pkcs12Scheme[]): Pkcs12Scheme | undefined {
  const fields = new Fields(parameters)
  if (type === oids['pbeWithSHAAnd3-KeyTripleDES-CBC']) {
    fields.next(tags.octetString)
    readIterations(fields.next())
    return schemes.find(scheme => scheme === '3des-sha1')
  }
  if (type !== oids.PBES2) return undefined
  const [derivation, encryption] = [new Fields(fields.next()), new Fields(fields.next())]
  if (readOid(derivation.next()) !== oids.PBKDF2 || readOid(encryption.next()) !== oids['aes256-CBC']) return undefined
  const pbkdf2 = new Fields(derivation.next())
  pbkdf2.next(tags.octetString)
  readIterations(pbkdf2.next())
  pbkdf2.optional(tags.integer)
  const prf = pbkdf2.optional(tags.sequence)
  // Left out, the PRF is HMAC with SHA-1 (RFC 8018 appendix A.2).
  return prf !== undefined && readPlainAlgorithm(prf) === oids.hmacWithSHA256 ? schemes.find(scheme => scheme === 'aes256-sha256') : undefined
}
