import { createCipheriv, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { integer, nullValue, octetString, oid, sequence } from './der.ts'
import { oids } from './oids.ts'

const derive = promisify(pbkdf2)

/** As OWASP's cheat sheet on storing passwords asks of PBKDF2 with SHA-256; Node's own export makes 2048. */
const iterations = 600_000

/**
 * EncryptedPrivateKeyInfo (RFC 5958 §3) under a passphrase that people keep: PBES2 (RFC 8018 §6.2) of PBKDF2 with
 * HMAC-SHA-256 and AES-256-CBC.
 *
 * @param privateKeyInfo  PKCS#8, DER
 */
export async function encryptPrivateKeyInfo(privateKeyInfo: Buffer, passphrase: string): Promise<Buffer> {
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const cipher = createCipheriv('aes-256-cbc', await derive(Buffer.from(passphrase, 'utf8'), salt, iterations, 32, 'sha256'), iv)
  const encrypted = Buffer.concat([cipher.update(privateKeyInfo), cipher.final()])
  const derivation = sequence(oid(oids.PBKDF2), sequence(octetString(salt), integer(iterations), sequence(oid(oids.hmacWithSHA256), nullValue)))
  const encryption = sequence(oid(oids['aes256-CBC']), octetString(iv))
  return sequence(sequence(oid(oids.PBES2), sequence(derivation, encryption)), octetString(encrypted))
}
