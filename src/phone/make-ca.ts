/** A device CA for simulated phones, shaped like Apple's: RSA and SHA-1, and long past its dates. */
import { createPrivateKey, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CaError } from '../errors.ts'
import { authorityKeyIdentifier, basicConstraints, keyUsage, subjectKeyIdentifier } from '../formats/extensions.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { fromPem, toPem } from '../formats/pem.ts'
import { isIssuedBy, parseCertificate, signCertificate } from '../formats/x509.ts'
import type { Certificate } from '../formats/x509.ts'
import { keyToPem, newRsaKey, signerOfKey, subjectPublicKeyInfoOf } from './keys.ts'

/** What a simulated phone's built-in identity is issued by. */
export type DeviceCa = {
  readonly certificate: Certificate
  readonly privateKey: KeyObject
  /** DER: the device CA and the two above it, as phones send them after their own certificate */
  readonly chain: readonly Buffer[]
}

const files = { certificate: 'ca.pem', key: 'ca-key.pem', chain: 'ca-chain.pem' } as const

type Level = { commonName: string, bits: number, notBefore: string, notAfter: string }

// Lengths and dates are those of Apple's three, so that nothing can come to rest on a date that has passed long ago.
// The names are not: no reader should have to look twice to see which is which.
const levels: readonly Level[] = [
  { commonName: 'TEST Apple Root CA', bits: 2048, notBefore: '2006-04-25T21:40:36Z', notAfter: '2035-02-09T21:40:36Z' },
  { commonName: 'TEST Apple iPhone Certification Authority', bits: 2048, notBefore: '2007-04-12T17:43:28Z', notAfter: '2022-04-12T17:43:28Z' },
  { commonName: 'TEST Apple iPhone Device CA', bits: 1024, notBefore: '2007-04-16T22:54:46Z', notAfter: '2014-04-16T22:54:46Z' },
]

type Issued = { certificate: Certificate, privateKey: KeyObject }

/**
 * Writes a test device CA into `folder`: `ca.pem`, `ca-key.pem` (PKCS #8, mode 0600) and `ca-chain.pem`
 * (the device CA and the two above it, whose keys are thrown away).
 *
 * @throws {CaError} conflict when one of the files is there already; nothing is changed then
 */
export async function makeDeviceCa(folder: string): Promise<DeviceCa> {
  const existing = Object.values(files).find(name => existsSync(join(folder, name)))
  if (existing !== undefined) throw new CaError('conflict', `${join(folder, existing)} exists already`)
  const issued: Issued[] = []
  for (const level of levels) issued.unshift(await issueLevel(level, issued[0]))
  const [device] = issued as [Issued, ...Issued[]]
  const chain = issued.map(({ certificate }) => certificate.raw)
  await mkdir(folder, { recursive: true })
  await write(folder, files.key, keyToPem(device.privateKey), 0o600)
  await write(folder, files.chain, chain.map(der => toPem('CERTIFICATE', der)).join(''))
  await write(folder, files.certificate, toPem('CERTIFICATE', device.certificate.raw))
  return { ...device, chain }
}

async function issueLevel({ commonName, bits, notBefore, notAfter }: Level, issuer: Issued | undefined): Promise<Issued> {
  const privateKey = await newRsaKey(bits)
  const subjectPublicKeyInfo = subjectPublicKeyInfoOf(privateKey)
  const subject = serializeName([
    { type: oids.organizationName, value: 'Latchkey TEST' }, { type: oids.organizationalUnitName, value: 'Simulated iPhone' },
    { type: oids.commonName, value: commonName },
  ])
  const certificate = await signCertificate({
    serialNumber: serialNumberOf(randomBytes(10)), subject, subjectPublicKeyInfo,
    issuer: issuer?.certificate.subject.raw ?? subject,
    notBefore: new Date(notBefore), notAfter: new Date(notAfter),
    extensions: [
      keyUsage('digitalSignature', 'keyCertSign', 'cRLSign'), basicConstraints(true), subjectKeyIdentifier(subjectPublicKeyInfo),
      authorityKeyIdentifier(issuer?.certificate.subjectPublicKeyInfo ?? subjectPublicKeyInfo),
    ],
  }, signerOfKey(issuer?.privateKey ?? privateKey, 'sha1WithRSAEncryption'))
  return { certificate: parseCertificate(certificate), privateKey }
}

/** Positive, and of full length: Apple's device identities have ten octets. */
export function serialNumberOf(bytes: Buffer): string {
  const digits = Buffer.from(bytes)
  digits[0] = 0x40 | (digits[0]! & 0x3f)
  return digits.toString('hex')
}

// wx: whoever runs at the same time must not have a key replaced under its certificate.
async function write(folder: string, name: string, content: string, mode = 0o644): Promise<void> {
  await writeFile(join(folder, name), content, { flag: 'wx', mode })
}

/**
 * Reads what `makeDeviceCa` wrote.
 *
 * @throws {CaError} not-found, malformed-request, invalid-argument when the three files do not belong together
 */
export async function readDeviceCa(folder: string): Promise<DeviceCa> {
  const [certificatePem, keyPem, chainPem] = await Promise.all(
    [files.certificate, files.key, files.chain].map(name => readText(join(folder, name)))) as [string, string, string]
  const [der] = fromPem(certificatePem, 'CERTIFICATE')
  if (der === undefined) throw new CaError('malformed-request', `${files.certificate} holds no certificate`)
  const certificate = parseCertificate(der)
  const privateKey = readKey(keyPem, files.key)
  const chain = fromPem(chainPem, 'CERTIFICATE')
  const issuers = chain.slice(1).map(parseCertificate)
  const belongsTogether = subjectPublicKeyInfoOf(privateKey).equals(certificate.subjectPublicKeyInfo)
    && chain[0]?.equals(der) === true && issuers[0] !== undefined && isIssuedBy(certificate, issuers[0].publicKey)
  if (!belongsTogether) throw new CaError('invalid-argument', `the files in ${folder} do not belong together`)
  return { certificate, privateKey, chain }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    throw new CaError('not-found', `${path} cannot be read`, { cause: error })
  }
}

/** @throws {CaError} malformed-request */
export function readKey(pem: string, name: string): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new CaError('malformed-request', `${name} holds no private key`, { cause: error })
  }
}
