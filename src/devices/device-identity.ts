import { createHash, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CaError } from '../errors.ts'
import { readBasicConstraints } from '../formats/extension-readers.ts'
import { fromPem } from '../formats/pem.ts'
import { isIssuedBy, parseCertificate, type Certificate } from '../formats/x509.ts'

/** A CA whose device identities we believe, by its key. `test`: of simulated phones. */
export type DeviceAnchor = { name: string, subject: Buffer, publicKey: KeyObject, test: boolean }

/**
 * "Apple iPhone Device CA" by its key. A chain to Apple's root is not enough: Apple signs many other things.
 * Its own dates (it ended in 2014) are ignored, as Apple says to (Over-the-Air Profile Delivery, Profile Service).
 */
export function appleDeviceAnchor(): DeviceAnchor {
  return anchorOf(readFileSync(new URL('../../certs/apple-iphone-device-ca.pem', import.meta.url), 'utf8'), 'Apple iPhone Device CA', false)
}

export const testDeviceAnchor = (pem: string): DeviceAnchor => anchorOf(pem, 'test device CA', true)

function anchorOf(pem: string, name: string, test: boolean): DeviceAnchor {
  const [der] = fromPem(pem, 'CERTIFICATE')
  if (der === undefined) throw new CaError('invalid-configuration', `${name}: there is no certificate in the file`)
  const certificate = parseCertificate(der)
  return { name, subject: certificate.subject.raw, publicKey: createPublicKey({ key: certificate.subjectPublicKeyInfo, format: 'der', type: 'spki' }), test }
}

/** SHA-256 of device certificates whose private keys are public. */
const deniedFingerprints: ReadonlySet<string> = new Set(
  readFileSync(new URL('./data/denied-device-identities.txt', import.meta.url), 'utf8')
    .split('\n').map(line => line.replace(/#.*/, '').trim().toLowerCase()).filter(line => line !== ''),
)

/**
 * Checks that a certificate is a device identity that one of the anchors issued. Validity dates are ignored.
 *
 * @returns the anchor that issued it
 * @throws {CaError} device-issuer-unknown, device-identity-denied, device-certificate-invalid
 */
export function verifyDeviceIdentity(certificate: Certificate, anchors: readonly DeviceAnchor[]): DeviceAnchor {
  const anchor = anchors.find(candidate => candidate.subject.equals(certificate.issuer.raw) && issuedBy(certificate, candidate))
  if (anchor === undefined) throw new CaError('device-issuer-unknown', 'the signer’s certificate was not issued by a device CA we trust')
  if (deniedFingerprints.has(createHash('sha256').update(certificate.raw).digest('hex'))) {
    throw new CaError('device-identity-denied', 'this device identity is on the list of those whose private key is public')
  }
  if (readBasicConstraints(certificate)?.ca === true) {
    throw new CaError('device-certificate-invalid', 'the signer’s certificate is a CA')
  }
  return anchor
}

function issuedBy(certificate: Certificate, anchor: DeviceAnchor): boolean {
  try {
    return isIssuedBy(certificate, anchor.publicKey)
  } catch (error) {
    if (error instanceof CaError) return false
    throw error
  }
}
