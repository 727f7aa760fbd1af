/** The identity that a phone brings from the factory. */
import { randomBytes, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { nullValue } from '../formats/der.ts'
import { authorityKeyIdentifier, basicConstraints, extendedKeyUsage, keyUsage, subjectKeyIdentifier } from '../formats/extensions.ts'
import type { Extension } from '../formats/extensions.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { parseCertificate, signCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import { newRsaKey, signerOfKey, subjectPublicKeyInfoOf } from './keys.ts'
import { serialNumberOf } from './make-ca.ts'
import type { DeviceCa } from './make-ca.ts'

/** A key and the certificate for it; `chain` is DER, nearest issuer first. */
export type PhoneIdentity = {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
  readonly chain: readonly Buffer[]
}

/** Apple's extension of the one-year identities; its content is NULL. */
const appleDeviceIdentity: Extension = { oid: '1.2.840.113635.100.6.10.4', critical: false, value: nullValue }
const yearInMs = 365 * 86_400_000

/**
 * Issues a device identity as Apple's activation does: RSA-1024, SHA-1, a UUID for a name, one year.
 *
 * @param now instant of the activation
 * @param key an RSA key made beforehand
 */
export async function issueDeviceIdentity(deviceCa: DeviceCa, now: Date, key?: KeyObject): Promise<PhoneIdentity> {
  const privateKey = key ?? await newRsaKey(1024)
  const subjectPublicKeyInfo = subjectPublicKeyInfoOf(privateKey)
  const notBefore = new Date(Math.floor(now.getTime() / 1000) * 1000)
  const certificate = await signCertificate({
    serialNumber: serialNumberOf(randomBytes(10)),
    issuer: deviceCa.certificate.subject.raw,
    subject: serializeName([{ type: oids.commonName, value: randomUUID().toUpperCase() }]),
    notBefore, notAfter: new Date(notBefore.getTime() + yearInMs),
    subjectPublicKeyInfo,
    extensions: [
      authorityKeyIdentifier(deviceCa.certificate.subjectPublicKeyInfo),
      subjectKeyIdentifier(subjectPublicKeyInfo),
      basicConstraints(false),
      keyUsage('digitalSignature', 'keyEncipherment'),
      { ...extendedKeyUsage(oids.serverAuth, oids.clientAuth), critical: true },
      appleDeviceIdentity,
    ],
  }, signerOfKey(deviceCa.privateKey, 'sha1WithRSAEncryption'))
  return { certificate: parseCertificate(certificate), privateKey, chain: deviceCa.chain }
}
