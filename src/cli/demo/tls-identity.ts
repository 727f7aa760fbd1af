import { generateKeyPairSync } from 'node:crypto'
import { basicConstraints, subjectAltName } from '../../formats/extensions.ts'
import { serializeName } from '../../formats/names.ts'
import { oids } from '../../formats/oids.ts'
import { toPem } from '../../formats/pem.ts'
import { signCertificate } from '../../formats/x509.ts'
import { signerOf } from '../../keys/keyring.ts'

/** A self-signed certificate for `localhost`, for the hour that the demonstration's front end lives. */
export async function localhostIdentity(now: Date): Promise<{ certificate: string, key: string }> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = serializeName([{ type: oids.commonName, value: 'localhost' }])
  const seconds = Math.floor(now.getTime() / 1000) * 1000
  const der = await signCertificate({
    serialNumber: '4d', issuer: name, subject: name, notBefore: new Date(seconds - 60_000), notAfter: new Date(seconds + 3_600_000),
    subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
    extensions: [basicConstraints(false), subjectAltName([{ type: 'dNSName', value: 'localhost' }])],
  }, signerOf(privateKey))
  return { certificate: toPem('CERTIFICATE', der), key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}
