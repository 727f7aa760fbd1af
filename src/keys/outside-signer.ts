import { createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CaError } from '../errors.ts'
import { fromPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import type { Signer } from '../formats/signatures.ts'
import { signerOf } from './keyring.ts'

/**
 * A signer that an admin brings: a publicly trusted certificate, so that phones show configuration profiles as verified.
 *
 * @param certificateFile  PEM, the signer's certificate first, then its issuers
 * @throws {CaError} invalid-configuration
 */
export function loadOutsideSigner(certificateFile: string, keyFile: string): { signer: Signer, certificate: Buffer, chain: Buffer[] } {
  try {
    const [certificate, ...chain] = fromPem(readFileSync(certificateFile, 'utf8'), 'CERTIFICATE')
    const privateKey = createPrivateKey(readFileSync(keyFile))
    const signer = signerOf(privateKey)
    const spki = signer.publicKey.export({ type: 'spki', format: 'der' })
    if (certificate === undefined || !parseCertificate(certificate).subjectPublicKeyInfo.equals(spki)) throw new Error('the key is not the certificate’s')
    return { signer, certificate, chain }
  } catch (cause) {
    throw new CaError('invalid-configuration', 'LATCHKEY_PROFILE_SIGNER: certificate and key cannot be used together', { cause })
  }
}
