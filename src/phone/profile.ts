/** Configuration profiles as a phone takes them: signature, encryption, payloads. */
import { CaError } from '../errors.ts'
import { parseSignedData, signerOf, verifyContent } from '../formats/cms.ts'
import { openEnvelope, parseEnvelopedData } from '../formats/enveloped-data.ts'
import { isDictionary, parsePlist } from '../formats/plist.ts'
import type { PlistDictionary, PlistValue } from '../formats/plist.ts'
import { isIssuedBy, parseCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import type { PhoneIdentity } from './device-identity.ts'
import { decryptWithKey } from './keys.ts'

/** What Settings shows: `not-signed` in red, `not-verified` for a signer whose chain the phone does not trust. */
export type SignatureState = 'verified' | 'not-verified' | 'not-signed'

export type OpenedProfile = {
  readonly signature: SignatureState
  readonly signer: Certificate | undefined
  readonly profile: PlistDictionary
}

const limits = { maxBytes: 4 * 1024 * 1024, maxDepth: 32 }

/**
 * Reads a configuration profile. A signature that does not hold is refused; one by a signer nobody knows is not.
 *
 * @param trusted DER of the certificates a chain may end in
 * @throws {CaError} malformed-plist, and those of `parseSignedData` and `verifyContent`
 */
export function openProfile(bytes: Buffer, trusted: readonly Buffer[] = []): OpenedProfile {
  if (bytes[0] !== 0x30) return { signature: 'not-signed', signer: undefined, profile: readDictionary(bytes) }
  const message = parseSignedData(bytes, limits)
  const content = verifyContent(message, { digests: ['sha256', 'sha384', 'sha512'], allowEcdsa: true })
  const signer = signerOf(message).certificate
  const chains = endsIn(signer, message.certificates.map(parseCertificate), trusted)
  return { signature: chains ? 'verified' : 'not-verified', signer, profile: readDictionary(content) }
}

function readDictionary(bytes: Buffer): PlistDictionary {
  const value = parsePlist(bytes, { maxBytes: limits.maxBytes })
  if (!isDictionary(value)) throw new CaError('malformed-plist', 'a configuration profile is a dictionary')
  return value
}

/** Whether the chain of `certificate`, made of `others`, meets one that is trusted. */
function endsIn(certificate: Certificate, others: readonly Certificate[], trusted: readonly Buffer[]): boolean {
  const anchors = trusted.map(parseCertificate)
  for (const link of chainOf(certificate, [...others, ...anchors])) {
    if (trusted.some(der => der.equals(link.raw))) return true
  }
  return false
}

/** `certificate` and its issuers among `candidates`, up to a self-signed one or as far as they go. */
export function chainOf(certificate: Certificate, candidates: readonly Certificate[]): Certificate[] {
  const chain = [certificate]
  for (let last = certificate; chain.length <= candidates.length; ) {
    if (last.subject.raw.equals(last.issuer.raw)) break
    const issuer = candidates.find(candidate => candidate.subject.raw.equals(last.issuer.raw) && isIssuedBy(last, candidate.publicKey))
    if (issuer === undefined) break
    chain.push(issuer)
    last = issuer
  }
  return chain
}

/**
 * Opens what was encrypted to the phone (Apple, TopLevel: EncryptedPayloadContent). One in the clear comes back as it is.
 *
 * @throws {CaError} unsupported-algorithm, malformed-scep-message when it is not for this identity, malformed-plist
 */
export async function decryptProfile(profile: PlistDictionary, identity: PhoneIdentity): Promise<PlistDictionary> {
  const { EncryptedPayloadContent: encrypted, IsEncrypted: _, ...rest } = profile
  if (encrypted === undefined) return profile
  if (!Buffer.isBuffer(encrypted)) throw malformed('EncryptedPayloadContent is not data')
  const content = await openEnvelope(parseEnvelopedData(encrypted, limits), identity.certificate, decryptWithKey(identity.privateKey))
  return { ...rest, PayloadContent: parsePlist(content, { maxBytes: limits.maxBytes }) }
}

const malformed = (why: string): CaError => new CaError('malformed-plist', why)

/** @throws {CaError} malformed-plist (on a phone: MCOTAProfilesErrorDomain 24003) */
export function payloadsIn(profile: PlistDictionary): PlistDictionary[] {
  const content = profile['PayloadContent']
  if (profile['PayloadType'] !== 'Configuration' || !Array.isArray(content) || !content.every(isDictionary)) {
    throw malformed('this is no configuration profile')
  }
  return content
}

export const payloadTypes = {
  scep: 'com.apple.security.scep', pkcs12: 'com.apple.security.pkcs12', acme: 'com.apple.security.acme',
  root: 'com.apple.security.root', certificate: 'com.apple.security.pkcs1',
} as const

/**
 * The one payload that yields an identity.
 *
 * @throws {CaError} malformed-plist unless there is exactly one (on a phone: MCOTAProfilesErrorDomain 24002)
 */
export function identityPayloadIn(payloads: readonly PlistDictionary[]): PlistDictionary {
  const identityTypes: readonly PlistValue[] = [payloadTypes.scep, payloadTypes.pkcs12, payloadTypes.acme]
  const [payload, ...more] = payloads.filter(({ PayloadType: type }) => type !== undefined && identityTypes.includes(type))
  if (payload === undefined || more.length > 0) throw malformed('there must be exactly one payload with an identity')
  return payload
}

/** The certificates that the payloads install, roots included. */
export function certificatesIn(payloads: readonly PlistDictionary[]): Certificate[] {
  const types: readonly PlistValue[] = [payloadTypes.root, payloadTypes.certificate]
  return payloads.filter(({ PayloadType: type }) => type !== undefined && types.includes(type)).map(({ PayloadContent: der }) => {
    if (!Buffer.isBuffer(der)) throw malformed('a certificate payload holds no data')
    return parseCertificate(der)
  })
}
