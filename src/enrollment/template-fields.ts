/** The parts of a template. Every object is strict: a misspelt key is refused, not ignored. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { CaError } from '../errors.ts'
import { mailDays } from '../formats/payloads/exchange.ts'
import { ikev2Algorithms, ikev2CertificateTypes } from '../formats/payloads/ikev2.ts'
import { fromPem } from '../formats/pem.ts'
import { isWritableText } from '../formats/plist.ts'
import { parseCertificate } from '../formats/x509.ts'

/** Text of several lines that an XML document can hold. */
export const longText = (maxLength: number) =>
  z.string().min(1).max(maxLength).refine(isWritableText, 'holds a character that XML cannot')

export const line = (maxLength: number) => longText(maxLength).regex(/^[^\t\r\n]*$/, 'must be one line')

const domainName = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/i

export const hostName = z.string().max(253)
  .refine(text => domainName.test(text) || isIP(text) !== 0, 'must be a host name or an IP address, without scheme and port')

/** Reverse-DNS, as in `com.example.phones`. */
export const reverseDomainName = z.string().max(128).regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/i, 'must look like com.example.phones')

/** A name on a server certificate; `*` stands for anything, but not for everything. */
const serverName = z.string().max(253).regex(/^(?=.*[a-z0-9])[a-z0-9*.-]+$/i, 'must be a server name, with * where it may vary')

const webAddress = z.string().max(2048).refine(isWebAddress, 'must be an http or https address without a password')

function isWebAddress(text: string): boolean {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

export const exchange = z.strictObject({
  /** What the account is called on the phone. The organization's name where left out. */
  name: line(100).exactOptional(),
  host: hostName,
  mailDays: z.literal(mailDays).exactOptional(),
  preventMove: z.boolean().exactOptional(),
  preventAppSheet: z.boolean().exactOptional(),
})

export const wifi = z.strictObject({
  ssid: line(32).refine(text => Buffer.byteLength(text) <= 32, 'must not be longer than 32 bytes'),
  encryption: z.enum(['WPA2', 'WPA3']).exactOptional(),
  hidden: z.boolean().exactOptional(),
  autoJoin: z.boolean().exactOptional(),
  /** Names the RADIUS server may have. */
  trustedServerNames: z.array(serverName).min(1).max(20),
  /** Names of `trustedCertificates` that vouch for the RADIUS server; our own root where left out. */
  anchors: z.array(z.string()).min(1).max(10).exactOptional(),
  tlsMaximumVersion: z.enum(['1.2', '1.3']).exactOptional(),
})

const securityAssociation = z.strictObject({
  encryption: z.enum(ikev2Algorithms.encryption).exactOptional(),
  integrity: z.enum(ikev2Algorithms.integrity).exactOptional(),
  group: z.literal(ikev2Algorithms.group).exactOptional(),
  lifetimeMinutes: z.int().min(10).max(1440).exactOptional(),
})

export const ikev2 = z.strictObject({
  /** What the connection is called on the phone. The organization's name where left out. */
  name: line(100).exactOptional(),
  server: hostName,
  /** What the server calls itself; `server` where left out. */
  remoteIdentifier: line(253).exactOptional(),
  certificateType: z.enum(ikev2CertificateTypes).exactOptional(),
  serverCertificateIssuerCommonName: line(64).exactOptional(),
  serverCertificateCommonName: line(64).exactOptional(),
  onDemand: z.boolean().exactOptional(),
  securityAssociation: securityAssociation.exactOptional(),
}).refine(vpn => vpn.certificateType === undefined || vpn.serverCertificateIssuerCommonName !== undefined, {
  path: ['serverCertificateIssuerCommonName'],
  error: 'is needed where certificateType is given',
})

/** Ranges are Apple's. */
export const passcode = z.strictObject({
  minLength: z.int().min(0).max(16).exactOptional(),
  minComplexCharacters: z.int().min(0).max(4).exactOptional(),
  requireAlphanumeric: z.boolean().exactOptional(),
  allowSimple: z.boolean().exactOptional(),
  maxAgeDays: z.int().min(0).max(730).exactOptional(),
  history: z.int().min(1).max(50).exactOptional(),
  maxInactivityMinutes: z.int().min(0).max(15).exactOptional(),
  maxGracePeriodMinutes: z.int().min(0).max(240).exactOptional(),
  maxFailedAttempts: z.int().min(2).max(11).exactOptional(),
})

const pngSignature = Buffer.from('89504e470d0a1a0a', 'hex')

/** Base64 of a PNG, at most 128 KiB of text. */
const icon = z.base64().max(128 * 1024)
  .refine(text => Buffer.from(text.slice(0, 12), 'base64').subarray(0, 8).equals(pngSignature), 'must be a PNG')

export const webClip = z.strictObject({ label: line(100), url: webAddress, icon: icon.exactOptional() })

export const trustedCertificate = z.strictObject({
  name: line(64),
  pem: z.string().max(16 * 1024).refine(isCertificatePem, 'must be one certificate in PEM'),
})

function isCertificatePem(text: string): boolean {
  try {
    const [der, ...more] = fromPem(text, 'CERTIFICATE')
    return der !== undefined && more.length === 0 && parseCertificate(der).version > 0
  } catch (error) {
    if (error instanceof CaError) return false
    throw error
  }
}
