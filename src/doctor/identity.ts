/** Keys that a trial makes, and forgets when it ends. */
import { createPublicKey, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { signCertificationRequest } from '../formats/certification-request.ts'
import { authorityKeyIdentifier, basicConstraints, extendedKeyUsage, keyUsage, subjectKeyIdentifier } from '../formats/extensions.ts'
import { readSubjectKeyIdentifier } from '../formats/extension-readers.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { toPem } from '../formats/pem.ts'
import type { Signer } from '../formats/signatures.ts'
import { signCertificate, type Certificate } from '../formats/x509.ts'
import type { Identity } from './ask.ts'

export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
export const keyPem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string

const spkiOf = (key: KeyObject): Buffer => createPublicKey(key).export({ type: 'spki', format: 'der' })
const signerOf = (key: KeyObject): Signer => ({ algorithm: 'ecdsa-with-SHA256', publicKey: createPublicKey(key), sign: async data => sign('sha256', data, key) })
const canary = serializeName([{ type: oids.commonName, value: 'Latchkey canary' }])

/** DER. The name is decided by the service. */
export const certificationRequest = async (key: KeyObject): Promise<Buffer> =>
  await signCertificationRequest({ subject: canary, subjectPublicKeyInfo: spkiOf(key) }, signerOf(key))

/**
 * What anybody can make: a certificate of a CA that has the name of the issuing one, and even its key identifier, but
 * another key; and one of a CA that nobody has heard of, which servers forgive that only want to see a certificate.
 */
export async function selfMadeIdentities(issuing: Certificate, now: Date): Promise<Identity[]> {
  const stranger = serializeName([{ type: oids.commonName, value: 'A CA that anybody can make' }])
  return [
    await selfMade({ name: issuing.subject.raw, parent: issuing.issuer.raw, keyId: readSubjectKeyIdentifier(issuing) ?? issuing.subjectPublicKeyInfo }, now),
    await selfMade({ name: stranger, parent: stranger, keyId: undefined }, now),
  ]
}

async function selfMade({ name, parent, keyId }: { name: Buffer, parent: Buffer, keyId: Buffer | undefined }, now: Date): Promise<Identity> {
  const [caKey, key] = [newKey(), newKey()]
  const validity = { notBefore: new Date(now.getTime() - 300_000), notAfter: new Date(now.getTime() + 3_600_000) }
  const serialNumber = newSerialNumber()
  const ca = await signCertificate({
    serialNumber: newSerialNumber(), issuer: parent, subject: name, ...validity, subjectPublicKeyInfo: spkiOf(caKey),
    extensions: [basicConstraints(true, 0), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(spkiOf(caKey))],
  }, signerOf(caKey))
  const leaf = await signCertificate({
    serialNumber, issuer: name, subject: canary, ...validity, subjectPublicKeyInfo: spkiOf(key),
    extensions: [basicConstraints(false), keyUsage('digitalSignature'), extendedKeyUsage(oids.clientAuth), subjectKeyIdentifier(spkiOf(key)), authorityKeyIdentifier(keyId ?? spkiOf(caKey))],
  }, signerOf(caKey))
  return { pem: toPem('CERTIFICATE', leaf) + toPem('CERTIFICATE', ca), key: keyPem(key), serialNumber }
}

function newSerialNumber(): string {
  const bytes = randomBytes(16)
  bytes[0] = 0x40 | (bytes[0]! & 0x3f)
  return bytes.toString('hex')
}
