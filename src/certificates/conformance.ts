import type { KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { serializeExtension } from '../formats/extensions.ts'
import { isIssuedBy, parseCertificate, type Certificate, type CertificateFields } from '../formats/x509.ts'

/**
 * Parses back what was signed and compares it with what was asked, before anybody gets it: a defect in our
 * encoder, or a signer that answered with another key, stops here.
 *
 * @throws {CaError} certificate-profile-violation naming the field
 */
export function assertSignedAsAsked(der: Buffer, asked: CertificateFields, issuerKey: KeyObject): Certificate {
  const certificate = parseCertificate(der)
  const differs = (field: string): never => {
    throw new CaError('certificate-profile-violation', `the signed certificate differs from its profile in ${field}`)
  }
  if (certificate.version !== 3) differs('version')
  if (certificate.serialNumber !== asked.serialNumber) differs('serialNumber')
  if (!certificate.issuer.raw.equals(asked.issuer)) differs('issuer')
  if (!certificate.subject.raw.equals(asked.subject)) differs('subject')
  if (certificate.notBefore.getTime() !== asked.notBefore.getTime()) differs('notBefore')
  if (certificate.notAfter.getTime() !== asked.notAfter.getTime()) differs('notAfter')
  if (certificate.notAfter <= certificate.notBefore) differs('validity')
  if (!certificate.subjectPublicKeyInfo.equals(asked.subjectPublicKeyInfo)) differs('subjectPublicKeyInfo')
  if (!sameExtensions(certificate, asked)) differs('extensions')
  if (!isIssuedBy(certificate, issuerKey)) differs('signature')
  return certificate
}

function sameExtensions(certificate: Certificate, asked: CertificateFields): boolean {
  return certificate.extensions.length === asked.extensions.length
    && certificate.extensions.every((extension, index) => serializeExtension(extension).equals(serializeExtension(asked.extensions[index]!)))
}
