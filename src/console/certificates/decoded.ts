/** A certificate, field by field and extension by extension, with what each is for. */
import { gradeOfOid } from '../../devices/evidence.ts'
import type { Extension, GeneralName } from '../../formats/extensions.ts'
import {
  readAuthorityInfoAccess, readAuthorityKeyIdentifier, readBasicConstraints, readCertificatePolicies, readCrlDistributionPoints, readExtendedKeyUsage, readFreshestCrl,
  readKeyUsage, readSubjectAltName, readSubjectKeyIdentifier,
} from '../../formats/extension-readers.ts'
import { formatName } from '../../formats/names.ts'
import { oids } from '../../formats/oids.ts'
import type { Certificate } from '../../formats/x509.ts'

export type DecodedField = { name: string, values: string[], meaning: string }
export type DecodedExtension = DecodedField & { oid: string, critical: boolean }

const nameOfOid = (oid: string): string => Object.entries(oids).find(([, value]) => value === oid)?.[0] ?? oid
const pairs = (bytes: Buffer | undefined): string[] => bytes === undefined ? [] : [bytes.toString('hex').replaceAll(/(..)(?=.)/g, '$1:')]

export function decodedFields(certificate: Certificate): DecodedField[] {
  return [
    { name: 'Version', values: [`v${certificate.version}`], meaning: '' },
    { name: 'Serial number', values: [certificate.serialNumber], meaning: 'Lists and OCSP name the certificate by this, together with its issuer.' },
    { name: 'Issuer', values: [formatName(certificate.issuer)], meaning: 'Who signed it.' },
    { name: 'Subject', values: [formatName(certificate.subject)], meaning: 'Whom front ends see: the person, and the phone’s id here as serialNumber.' },
    { name: 'Not before', values: [certificate.notBefore.toISOString()], meaning: 'A few minutes back, for front ends whose clock runs behind.' },
    { name: 'Not after', values: [certificate.notAfter.toISOString()], meaning: 'The last second that counts.' },
    { name: 'Public key', values: [keyWords(certificate)], meaning: '' },
    { name: 'Signature', values: [certificate.signatureAlgorithm], meaning: '' },
  ]
}

function keyWords({ publicKey }: Certificate): string {
  const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails ?? {}
  return `${publicKey.asymmetricKeyType ?? 'unknown'}${namedCurve !== undefined ? `, ${namedCurve}` : ''}${modulusLength !== undefined ? `, ${modulusLength} bits` : ''}`
}

type Reader = (certificate: Certificate) => string[]
const known: Readonly<Record<string, [read: Reader, meaning: string]>> = {
  [oids.basicConstraints]: [c => [readBasicConstraints(c)?.ca === true ? 'a certificate authority' : 'no certificate authority'], 'Whether it may sign other certificates.'],
  [oids.keyUsage]: [c => readKeyUsage(c) ?? [], 'What its key may be used for.'],
  [oids.extKeyUsage]: [c => (readExtendedKeyUsage(c) ?? []).map(nameOfOid), 'Which protocols it is for; clientAuth is signing in over TLS.'],
  [oids.subjectAltName]: [c => (readSubjectAltName(c) ?? []).map(generalName), 'Other names of the same: address, sign-in name, the phone’s id.'],
  [oids.subjectKeyIdentifier]: [c => pairs(readSubjectKeyIdentifier(c)), 'Fingerprint of its key.'],
  [oids.authorityKeyIdentifier]: [c => pairs(readAuthorityKeyIdentifier(c)), 'Fingerprint of the key that signed it.'],
  [oids.cRLDistributionPoints]: [c => readCrlDistributionPoints(c) ?? [], 'Where the list stands that would name it once it is revoked.'],
  [oids.freshestCRL]: [c => readFreshestCrl(c) ?? [], 'Where the newest changes stand.'],
  [oids.authorityInfoAccess]: [c => accessWords(c), 'Where to ask for its status, and where its issuer’s certificate is.'],
  [oids.certificatePolicies]: [c => (readCertificatePolicies(c) ?? []).map(policyWords), 'How well the model was known when it was issued.'],
}

const accessWords: Reader = certificate => {
  const access = readAuthorityInfoAccess(certificate)
  return [...(access?.ocsp ?? []).map(url => `OCSP: ${url}`), ...(access?.caIssuers ?? []).map(url => `issuer: ${url}`)]
}

function policyWords(oid: string): string {
  const grade = gradeOfOid(oid)
  return grade === undefined ? nameOfOid(oid) : `${grade === 'test' ? 'a simulated phone' : `model ${grade}`} (${oid})`
}

function generalName(name: GeneralName): string {
  if (name.type === 'directoryName') return `directoryName: ${name.name.toString('hex')}`
  return name.type === 'other' ? `other: ${name.raw.toString('hex')}` : `${name.type}: ${name.value}`
}

export const decodedExtensions = (certificate: Certificate): DecodedExtension[] => certificate.extensions.map(extension => decoded(certificate, extension))

/** What we cannot read stands as its bytes: nothing is left out. */
function decoded(certificate: Certificate, { oid, critical, value }: Extension): DecodedExtension {
  const [read, meaning] = known[oid] ?? [() => [value.toString('hex')], '']
  return { name: nameOfOid(oid), oid, critical, values: read(certificate), meaning }
}
