/** A certificate of another CA under the root of a service, with the chain that proves it. */
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { days, deviceCertificate, validityFrom } from '../../src/certificates/certificate-profile.ts'
import { issuingUnder } from '../../src/certificates/hierarchy.ts'
import { newSerialNumber } from '../../src/certificates/serial-number.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate } from '../../src/formats/x509.ts'
import type { TestService } from './service.ts'
import type { Identity } from './tls-client.ts'

export async function foreignIdentity({ keyring, addresses, config, authorities, now }: TestService): Promise<Identity> {
  const root = activeAuthority(authorities(), 'root')
  const foreign = await issuingUnder({ keyring, addresses, rootCrlUrl: 'http://pki.example/root.crl', organization: 'Elsewhere', keyType: config.keyType }, root, 1, now())
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = { authority: { ...activeAuthority(authorities(), 'issuing'), certificate: foreign.certificate, key: foreign.key }, addresses, partition: 0 }
  const subject = { serialNumber: newSerialNumber(), subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }), validity: validityFrom(now(), days(30)) }
  const leaf = await signCertificate(deviceCertificate(subject, issuer, { deviceId: randomUUID(), name: 'x', email: 'x@example.org', policies: ['2.25.1'] }), keyring.signer(foreign.key))
  return {
    pem: toPem('CERTIFICATE', leaf) + toPem('CERTIFICATE', foreign.certificate.raw), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}
