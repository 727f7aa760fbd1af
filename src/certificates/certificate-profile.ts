/**
 * What our certificates look like: one function per kind, each from facts to fields.
 * README.md in this folder says the same in MUST and SHOULD; a test holds every line of it.
 */
import {
  authorityInfoAccess, authorityKeyIdentifier, basicConstraints, certificatePolicies, crlDistributionPoints,
  extendedKeyUsage, keyUsage, ocspNoCheck, subjectAltName, subjectKeyIdentifier, type Extension, type GeneralName,
} from '../formats/extensions.ts'
import { agentDoorName } from '../formats/agent-door-name.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { isRsaKey } from '../formats/public-key.ts'
import type { Certificate, CertificateFields } from '../formats/x509.ts'
import type { Addresses } from './addresses.ts'
import { issuerKey, type Authority } from './authority.ts'

/** Both ends included, whole seconds (RFC 5280 §4.1.2.5). */
export type Validity = { notBefore: Date, notAfter: Date }

/** A public key (SPKI DER) and the number that was stored before anything is signed. */
type Subject = { serialNumber: Buffer, subjectPublicKeyInfo: Buffer, validity: Validity }
type Issuer = { authority: Authority, addresses: Addresses, partition: number }

const daysInMs = 86_400_000
/** A front end's clock may run behind ours. */
const backdateMs = 300_000

/** A validity of n days ends one second short of n × 24 h, because both ends count. */
export function validityFrom(now: Date, durationMs: number, latest?: Date): Validity {
  const notBefore = new Date(Math.floor(now.getTime() / 1000) * 1000 - backdateMs)
  const longest = new Date(notBefore.getTime() + backdateMs + durationMs - 1000)
  if (latest === undefined || latest >= longest) return { notBefore, notAfter: longest }
  // Rounded down: what the certificate rests on may end within a second, and it must not outlive that.
  return { notBefore, notAfter: new Date(Math.floor(latest.getTime() / 1000) * 1000) }
}

export const days = (count: number): number => count * daysInMs

const fields = (subject: Subject, issuer: Buffer, name: Buffer, extensions: Extension[]): CertificateFields => ({
  serialNumber: subject.serialNumber.toString('hex'), issuer, subject: name, ...subject.validity,
  subjectPublicKeyInfo: subject.subjectPublicKeyInfo, extensions,
})

export const authorityName = (organization: string, commonName: string): Buffer =>
  serializeName([{ type: oids.organizationName, value: organization }, { type: oids.commonName, value: commonName }])

/** A self-signed CA: the root, and the enrollment CA that stands outside it. */
export function selfSignedCa(subject: Subject, name: Buffer, pathLength: number): CertificateFields {
  return fields(subject, name, name, [
    basicConstraints(true, pathLength),
    keyUsage('keyCertSign', 'cRLSign'),
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
  ])
}

/** The issuing CA. It carries keyCertSign and cRLSign only: with digitalSignature, SCEP clients take it for the RA. */
export function issuingCa(subject: Subject, name: Buffer, root: { certificate: Certificate }, rootUrls: { crl: string, certificate: string }): CertificateFields {
  return fields(subject, root.certificate.subject.raw, name, [
    basicConstraints(true, 0),
    keyUsage('keyCertSign', 'cRLSign'),
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
    authorityKeyIdentifier(issuerKey(root.certificate)),
    crlDistributionPoints([rootUrls.crl]),
    authorityInfoAccess({ caIssuers: rootUrls.certificate }),
  ])
}

function endEntity(subject: Subject, issuer: Issuer, name: Buffer, usage: Extension[]): CertificateFields {
  const { authority, addresses, partition } = issuer
  return fields(subject, authority.certificate.subject.raw, name, [
    basicConstraints(false),
    ...usage,
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
    authorityKeyIdentifier(issuerKey(authority.certificate)),
    crlDistributionPoints([addresses.partitionCrl(authority.name, partition)]),
    authorityInfoAccess(authority.role === 'issuing'
      ? { ocsp: addresses.ocsp(authority.name), caIssuers: addresses.certificate(authority.name) }
      : { caIssuers: addresses.certificate(authority.name) }),
  ])
}

/** RSA keys may also be asked to transport keys (TLS 1.2 RSA suites, S/MIME); EC keys only sign. */
const signingUsage = (spki: Buffer): Extension =>
  isRsaKey(spki) ? keyUsage('digitalSignature', 'keyEncipherment') : keyUsage('digitalSignature')

export type DeviceSubject = {
  deviceId: string
  name: string
  email: string
  userPrincipalName?: string
  /** certificate-policy OIDs: the grade of the model's evidence, and the mark of a simulated phone; none where they are not wanted */
  policies: string[]
}

/** A phone's client certificate. Everything in it comes from our records, nothing from the request. */
export function deviceCertificate(subject: Subject, issuer: Issuer, device: DeviceSubject): CertificateFields {
  const names: GeneralName[] = [
    { type: 'rfc822Name', value: device.email },
    ...(device.userPrincipalName === undefined ? [] : [{ type: 'userPrincipalName', value: device.userPrincipalName } as const]),
    { type: 'uniformResourceIdentifier', value: `urn:uuid:${device.deviceId}` },
  ]
  // ub-common-name (RFC 5280 appendix A.1): some readers refuse a longer one. Whole characters, never half of one.
  const commonName = [...device.name].slice(0, 64).join('')
  const name = serializeName([{ type: oids.commonName, value: commonName }, { type: oids.serialNumber, value: device.deviceId }])
  return endEntity(subject, issuer, name, [
    signingUsage(subject.subjectPublicKeyInfo),
    extendedKeyUsage(oids.clientAuth),
    subjectAltName(names),
    ...device.policies.length === 0 ? [] : [certificatePolicies(device.policies)],
  ])
}

/**
 * The hour-long certificate with which a phone finishes Over-the-Air enrollment. Its only purpose is S/MIME
 * (it signs one message and one is encrypted to it), so that it opens nothing even where its CA were trusted.
 */
export function bootstrapCertificate(subject: Subject, issuer: Issuer, enrollmentId: string): CertificateFields {
  const name = serializeName([{ type: oids.organizationalUnitName, value: 'bootstrap' }, { type: oids.commonName, value: enrollmentId }])
  return endEntity(subject, issuer, name, [
    keyUsage('digitalSignature', 'keyEncipherment'),
    extendedKeyUsage(oids.emailProtection),
  ])
}

/** SCEP's registration authority: RSA, one certificate that both signs and decrypts, so clients have no choice to get wrong. */
export function scepRegistrationAuthority(subject: Subject, issuer: Issuer, name: Buffer): CertificateFields {
  return endEntity(subject, issuer, name, [keyUsage('digitalSignature', 'keyEncipherment')])
}

/** A delegated OCSP responder (RFC 6960 §4.2.2.2): never checked for revocation itself, so it is short-lived. */
export function ocspResponder(subject: Subject, issuer: Issuer, name: Buffer): CertificateFields {
  const { authority } = issuer
  return fields(subject, authority.certificate.subject.raw, name, [
    basicConstraints(false),
    keyUsage('digitalSignature'),
    extendedKeyUsage(oids.ocspSigning),
    ocspNoCheck(),
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
    authorityKeyIdentifier(issuerKey(authority.certificate)),
  ])
}

/** Signs configuration profiles. */
export function profileSigner(subject: Subject, issuer: Issuer, name: Buffer): CertificateFields {
  return endEntity(subject, issuer, name, [keyUsage('digitalSignature'), extendedKeyUsage(oids.emailProtection)])
}

/** The program beside a front end. Only the service asks about it, and looks into its own records: no CRLDP, no AIA. */
export function agentCertificate(subject: Subject, { authority }: Issuer, frontEnd: string): CertificateFields {
  const name = serializeName([{ type: oids.organizationalUnitName, value: 'agent' }, { type: oids.commonName, value: frontEnd }])
  return fields(subject, authority.certificate.subject.raw, name, [
    basicConstraints(false),
    keyUsage('digitalSignature'),
    extendedKeyUsage(oids.clientAuth),
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
    authorityKeyIdentifier(issuerKey(authority.certificate)),
  ])
}

/** The service's own side of mutual TLS with agents, whose certificates are for clients only. */
export function agentDoorCertificate(subject: Subject, { authority }: Issuer): CertificateFields {
  return fields(subject, authority.certificate.subject.raw, serializeName([{ type: oids.commonName, value: agentDoorName }]), [
    basicConstraints(false),
    signingUsage(subject.subjectPublicKeyInfo),
    extendedKeyUsage(oids.serverAuth),
    subjectAltName([{ type: 'dNSName', value: agentDoorName }]),
    subjectKeyIdentifier(subject.subjectPublicKeyInfo),
    authorityKeyIdentifier(issuerKey(authority.certificate)),
  ])
}

export const canaryCommonName = 'Latchkey canary'

/** What an agent shows to its own front end to see what is refused: like a phone's, for nobody. */
export function canaryCertificate(subject: Subject, issuer: Issuer, frontEnd: string): CertificateFields {
  const name = serializeName([{ type: oids.organizationalUnitName, value: frontEnd }, { type: oids.commonName, value: canaryCommonName }])
  return endEntity(subject, issuer, name, [signingUsage(subject.subjectPublicKeyInfo), extendedKeyUsage(oids.clientAuth)])
}
