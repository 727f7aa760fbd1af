/** Where a simulated phone keeps what it has installed, for other programs to use. */
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { CaError } from '../errors.ts'
import { fromPem, toPem } from '../formats/pem.ts'
import { serializePlist } from '../formats/plist.ts'
import type { PlistDictionary } from '../formats/plist.ts'
import { parseCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import { keyToPem } from './keys.ts'
import { readKey } from './make-ca.ts'
import { openProfile } from './profile.ts'

const files = {
  profile: 'profile.mobileconfig', signedProfile: 'profile.signed.mobileconfig',
  certificate: 'cert.pem', chain: 'chain.pem', key: 'key.pem',
} as const

/**
 * `profile.mobileconfig` is the configuration profile after its signature was checked and its payloads were
 * decrypted; `profile.signed.mobileconfig` the same as it was received. Both may hold secrets.
 */
export async function writeProfile(folder: string, profile: PlistDictionary, received: Buffer): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  await write(folder, files.profile, serializePlist(profile), 0o600)
  await write(folder, files.signedProfile, received, 0o600)
}

/** An identity as it is installed; `chain` is the issuing CA, then the root. */
export type InstalledIdentity = {
  readonly certificate: Certificate
  readonly chain: readonly Certificate[]
  readonly privateKey: KeyObject
}

export async function writeIdentity(folder: string, { certificate, chain, privateKey }: InstalledIdentity): Promise<void> {
  await write(folder, files.key, keyToPem(privateKey), 0o600)
  await write(folder, files.chain, chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join(''), 0o644)
  await write(folder, files.certificate, toPem('CERTIFICATE', certificate.raw), 0o644)
}

/** @throws {CaError} not-found, malformed-request */
export async function readIdentity(folder: string): Promise<InstalledIdentity & { readonly profile: PlistDictionary }> {
  const [profile, certificate, chain, key] = await Promise.all(
    [files.profile, files.certificate, files.chain, files.key].map(name => read(folder, name))) as [Buffer, Buffer, Buffer, Buffer]
  const [der] = fromPem(certificate.toString('latin1'), 'CERTIFICATE')
  if (der === undefined) throw new CaError('malformed-request', `${files.certificate} holds no certificate`)
  return {
    profile: openProfile(profile).profile,
    certificate: parseCertificate(der),
    chain: fromPem(chain.toString('latin1'), 'CERTIFICATE').map(parseCertificate),
    privateKey: readKey(key.toString('latin1'), files.key),
  }
}

async function read(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name))
  } catch (error) {
    throw new CaError('not-found', `${join(folder, name)} cannot be read`, { cause: error })
  }
}

async function write(folder: string, name: string, content: string | Buffer, mode: number): Promise<void> {
  const path = join(folder, name)
  await rm(path, { force: true })
  await writeFile(path, content, { mode })
  // The process's umask has no say in who may read these.
  await chmod(path, mode)
}
