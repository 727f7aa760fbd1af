import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { authorityKeyIdentifier, basicConstraints, keyUsage, subjectKeyIdentifier } from '../../src/formats/extensions.ts'
import type { Extension } from '../../src/formats/extensions.ts'
import { serializeName } from '../../src/formats/names.ts'
import { oids } from '../../src/formats/oids.ts'
import { defaultAlgorithm, signatureAlgorithms } from '../../src/formats/signatures.ts'
import type { SignatureAlgorithm, Signer } from '../../src/formats/signatures.ts'
import { signCertificate } from '../../src/formats/x509.ts'

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'rsa1024' | 'rsa2048' | 'rsa4104'

/** A fresh key that signs, with its SubjectPublicKeyInfo. */
export type TestSigner = Signer & { readonly subjectPublicKeyInfo: Buffer, readonly privateKey: KeyObject }

export function newSigner(kind: KeyKind = 'P-256', algorithm?: SignatureAlgorithm): TestSigner {
  const { publicKey, privateKey } = kind.startsWith('rsa')
    ? generateKeyPairSync('rsa', { modulusLength: Number(kind.slice(3)) })
    : generateKeyPairSync('ec', { namedCurve: kind })
  const chosen = algorithm ?? defaultAlgorithm(publicKey)
  return {
    algorithm: chosen, publicKey, privateKey,
    subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
    sign: async data => sign(signatureAlgorithms[chosen].digest, data, privateKey),
  }
}

export const commonName = (value: string): Buffer => serializeName([{ type: oids.commonName, value }])

export type TestAuthority = { readonly name: Buffer, readonly certificate: Buffer, readonly signer: TestSigner }

/** Wide enough for every clock a test may use; the programs that check have the real one. */
export const testValidity = { notBefore: new Date('2020-01-01T00:00:00Z'), notAfter: new Date('2049-12-31T23:59:59Z') }

/** A CA under `parent`, or a self-signed one. */
export async function newAuthority(cn: string, parent?: TestAuthority, kind: KeyKind = 'P-256'): Promise<TestAuthority> {
  const signer = newSigner(kind)
  const name = commonName(cn)
  const certificate = await signCertificate({
    serialNumber: testSerialNumber(cn), issuer: parent?.name ?? name, subject: name, ...testValidity,
    subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
    extensions: [
      basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(signer.subjectPublicKeyInfo),
      authorityKeyIdentifier((parent?.signer ?? signer).subjectPublicKeyInfo),
    ],
  }, parent?.signer ?? signer)
  return { name, certificate, signer }
}

/** An end-entity certificate with the extensions every one has, and those given. */
export function issueTestCertificate(authority: TestAuthority, serialNumber: string, subject: TestSigner, extensions: Extension[] = [], other: { subject?: Buffer, notAfter?: Date } = {}): Promise<Buffer> {
  return signCertificate({
    serialNumber, issuer: authority.name, subject: commonName(serialNumber), ...testValidity, ...other,
    subjectPublicKeyInfo: subject.subjectPublicKeyInfo,
    extensions: [
      basicConstraints(false), subjectKeyIdentifier(subject.subjectPublicKeyInfo),
      authorityKeyIdentifier(authority.signer.subjectPublicKeyInfo), ...extensions,
    ],
  }, authority.signer)
}

/** 16 octets in the shape the product uses, the same for the same name. */
export function testSerialNumber(name: string): string {
  const bytes = createHash('sha256').update(name).digest().subarray(0, 16)
  bytes[0] = 0x40 | (bytes[0]! & 0x3f)
  return bytes.toString('hex')
}
