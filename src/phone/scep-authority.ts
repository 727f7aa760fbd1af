/** What Apple's SCEP client makes of GetCACaps and GetCACert (apple-oss-distributions/Security, SecSCEP.c and scep.c). */
import { createHash } from 'node:crypto'
import { CaError } from '../errors.ts'
import { parseSignedData } from '../formats/cms.ts'
import type { Cipher } from '../formats/enveloped-data.ts'
import { readBasicConstraints, readKeyUsage } from '../formats/extension-readers.ts'
import { parseCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import { chainOf } from './profile.ts'

/** How messages to this server are made. */
export type ScepCapabilities = {
  readonly cipher: Cipher
  readonly digest: 'sha1' | 'sha256' | 'sha512'
  readonly post: boolean
}

/**
 * Reads GetCACaps. Words are separated by a line feed and nothing else, and compared as they stand.
 *
 * @throws {CaError} unsupported-algorithm when no digest is offered: phones stop here since iOS 10
 */
export function parseCapabilities(text: string): ScepCapabilities {
  const words = new Set(text.split('\n'))
  const digest = words.has('SHA-512') ? 'sha512' : words.has('SHA-256') ? 'sha256' : words.has('SHA-1') ? 'sha1' : undefined
  if (digest === undefined) throw new CaError('unsupported-algorithm', 'CA does not have the required capability')
  // AES is AES-128 to this client; triple DES it uses even where it is not listed.
  return { cipher: words.has('AES') ? 'aes-128-cbc' : 'des-ede3-cbc', digest, post: words.has('POSTPKIOperation') }
}

/** Whom messages are encrypted to, who signs the replies, and whom GetCertInitial names as issuer. */
export type ScepAuthority = {
  readonly recipient: Certificate
  readonly replySigner: Certificate
  readonly issuer: Certificate
}

/**
 * Reads GetCACert. Only key usage tells the registration authority from the CAs.
 *
 * @param contentType   decides what the body is: one certificate, or a degenerate SignedData
 * @param caFingerprint digest of the certificate that the chain must end in
 * @throws {CaError} unsupported-media-type, malformed-scep-message when no certificate fits, unsupported-algorithm
 *   when the recipient's key is not RSA
 */
export function parseCaCertificates(contentType: string, body: Buffer, caFingerprint: Buffer | undefined): ScepAuthority {
  const authority = contentType === 'application/x-x509-ca-cert' ? singleAuthority(body, caFingerprint)
    : contentType === 'application/x-x509-ca-ra-cert' ? selectRegistrationAuthority(parseSignedData(body).certificates.map(parseCertificate), caFingerprint)
      : undefined
  if (authority === undefined) throw new CaError('unsupported-media-type', `GetCACert answered with ${contentType || 'no content type'}`)
  if (authority.recipient.publicKey.asymmetricKeyType !== 'rsa') throw new CaError('unsupported-algorithm', 'the recipient has no RSA key')
  return authority
}

function singleAuthority(body: Buffer, caFingerprint: Buffer | undefined): ScepAuthority {
  const certificate = parseCertificate(body)
  if (caFingerprint !== undefined) findAnchor([certificate], caFingerprint)
  return { recipient: certificate, replySigner: certificate, issuer: certificate }
}

/** Prefers a pair of certificates, one that signs and one that is encrypted to, over one that does both. */
function selectRegistrationAuthority(certificates: readonly Certificate[], caFingerprint: Buffer | undefined): ScepAuthority {
  const anchor = caFingerprint === undefined ? undefined : findAnchor(certificates, caFingerprint)
  const candidates = certificates.filter(certificate => chainEndsWell(certificate, certificates, anchor))
  const having = (signs: boolean, encrypts: boolean) => candidates.find(candidate => {
    const usage = readKeyUsage(candidate) ?? []
    return usage.includes('digitalSignature') === signs && usage.includes('keyEncipherment') === encrypts
  })
  const [both, replySigner, recipient] = [having(true, true), having(true, false), having(false, true)]
  if (replySigner !== undefined && recipient !== undefined) return { recipient, replySigner, issuer: replySigner }
  if (both !== undefined) return { recipient: both, replySigner: both, issuer: both }
  throw new CaError('malformed-scep-message', 'failed to find candidate RA certificates')
}

function findAnchor(certificates: readonly Certificate[], fingerprint: Buffer): Certificate {
  const digest = ({ 16: 'md5', 20: 'sha1', 28: 'sha224', 32: 'sha256', 48: 'sha384', 64: 'sha512' } as Record<number, string>)[fingerprint.length]
  if (digest === undefined) throw new CaError('unsupported-algorithm', 'CAFingerprint has the length of no digest')
  const anchor = certificates.find(({ raw }) => createHash(digest).update(raw).digest().equals(fingerprint))
  if (anchor === undefined) throw new CaError('malformed-scep-message', 'no certificate of the CA has the fingerprint')
  return anchor
}

/** The anchor must be the last of the chain: nothing above it counts any more. */
function chainEndsWell(certificate: Certificate, all: readonly Certificate[], anchor: Certificate | undefined): boolean {
  const chain = chainOf(certificate, all)
  if (anchor !== undefined) return chain.some(({ raw }) => raw.equals(anchor.raw))
  return chain.length === 1 || readBasicConstraints(chain.at(-1)!)?.ca === true
}
