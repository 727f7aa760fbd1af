/**
 * The first ceremony: root, issuing CA and enrollment CA, with the root's own list signed years ahead so
 * that the root's key may leave. All of it is made before one transaction stores it, or none of it is.
 */
import { createPublicKey } from 'node:crypto'
import { CaError } from '../errors.ts'
import { authorityKeyIdentifier, crlNumber } from '../formats/extensions.ts'
import { parseCrl, signCrl, type CrlEntry } from '../formats/crl.ts'
import { parseCertificate, signCertificate, type Certificate, type CertificateFields } from '../formats/x509.ts'
import type { Addresses } from './addresses.ts'
import { issuerKey, type Authority, type AuthorityRole } from './authority.ts'
import { authorityName, days, issuingCa, selfSignedCa, validityFrom } from './certificate-profile.ts'
import { assertSignedAsAsked } from './conformance.ts'
import { sha256 } from './issue.ts'
import type { KeyAlgorithm, Keyring, SealedKey } from './keyring.ts'
import { assertCrl, type NewCrl } from './publish.ts'
import { newSerialNumber } from './serial-number.ts'

/** `crlNumber`: the last number that it used elsewhere. */
export type NewAuthority = { name: string, role: AuthorityRole, certificate: Buffer, key: SealedKey, parent: string | null, partitions: number, crlNumber?: number }

export type HierarchyStore = {
  /** True when an authority of this role exists; takes the lock that only one creator gets. */
  lockAndFind(role: AuthorityRole): Promise<boolean>
  /** How many there are of this role, and which one is active, under the same lock. */
  lockAndCount(role: AuthorityRole): Promise<{ count: number, activeId: number | undefined }>
  retire(role: AuthorityRole): Promise<void>
  addAuthority(authority: NewAuthority, now: Date): Promise<number>
  addCrl(authorityId: number, crlNumber: number, crls: NewCrl[]): Promise<void>
}

export type HierarchyDeps = {
  keyring: Keyring
  addresses: Addresses
  rootCrlUrl: string
  organization: string
  keyType: 'ec' | 'rsa'
  partitions: number
  transaction<T>(work: (tx: HierarchyStore) => Promise<T>): Promise<T>
}

const rootAlgorithm: Record<'ec' | 'rsa', KeyAlgorithm> = { ec: 'P-384', rsa: 'RSA-3072' }
const issuingAlgorithm: Record<'ec' | 'rsa', KeyAlgorithm> = { ec: 'P-256', rsa: 'RSA-2048' }

const rootValidityDays = 20 * 365
const issuingValidityDays = 10 * 365
export const rootCrlValidityDays = 5 * 365

/** Creates the hierarchy unless there is one. @returns true when it was created by this call */
export async function createHierarchy(deps: HierarchyDeps, now: Date): Promise<boolean> {
  const { keyring, organization, keyType } = deps
  const rootKey = await keyring.generate(rootAlgorithm[keyType])
  const root = await selfSigned(keyring, rootKey, `${organization} Root CA`, organization, rootValidityDays, 1, now)
  const issuing = await issuingUnder(deps, { name: 'root', certificate: root, key: rootKey }, 1, now)
  const enrollmentKey = await keyring.generate(issuingAlgorithm[keyType])
  const enrollment = await selfSigned(keyring, enrollmentKey, `${organization} Enrollment CA`, organization, issuingValidityDays, 0, now)
  const crl = await rootList(keyring, { certificate: root, key: rootKey }, 1, now)
  return await deps.transaction(async tx => {
    if (await tx.lockAndFind('root')) return false
    const rootId = await tx.addAuthority({ name: 'root', role: 'root', certificate: root.raw, key: rootKey, parent: null, partitions: 1 }, now)
    await tx.addAuthority({ name: 'issuing', role: 'issuing', certificate: issuing.certificate.raw, key: issuing.key, parent: 'root', partitions: deps.partitions }, now)
    await tx.addAuthority({ name: 'enrollment', role: 'enrollment', certificate: enrollment.raw, key: enrollmentKey, parent: null, partitions: 1 }, now)
    await tx.addCrl(rootId, 1, [crl])
    return true
  })
}

export const issuingName = (organization: string, generation: number): Buffer =>
  authorityName(organization, `${organization} Issuing CA ${generation}`)

/** A new issuing CA under a root. `generation` tells apart the names of successive ones. */
export async function issuingUnder(deps: Pick<HierarchyDeps, 'keyring' | 'addresses' | 'rootCrlUrl' | 'organization' | 'keyType'>, root: { name: string, certificate: Certificate, key: SealedKey }, generation: number, now: Date): Promise<{ certificate: Certificate, key: SealedKey }> {
  const key = await deps.keyring.generate(issuingAlgorithm[deps.keyType])
  const name = issuingName(deps.organization, generation)
  const validity = validityFrom(now, days(issuingValidityDays), root.certificate.notAfter)
  const fields = issuingCa({ serialNumber: newSerialNumber(), subjectPublicKeyInfo: key.publicKey, validity }, name, root,
    { crl: deps.rootCrlUrl, certificate: deps.addresses.certificate(root.name) })
  return { certificate: await signAndCheck(deps.keyring, fields, root.key), key }
}

export type AgentAuthorityDeps = Pick<HierarchyDeps, 'keyring' | 'organization' | 'keyType'> & {
  transaction<T>(work: (tx: Pick<HierarchyStore, 'lockAndCount' | 'addAuthority' | 'retire'>) => Promise<T>): Promise<T>
}

/**
 * The CA of agents. It publishes no lists: only the service asks about its certificates, and knows.
 *
 * @param before  the one that it follows, which issues no more from then on
 * @returns true when it was made by this call
 */
export async function createAgentAuthority(deps: AgentAuthorityDeps, now: Date, before?: Authority): Promise<boolean> {
  const { keyring, organization } = deps
  const key = await keyring.generate(issuingAlgorithm[deps.keyType])
  return await deps.transaction(async tx => {
    const { count, activeId } = await tx.lockAndCount('agent')
    if (activeId !== before?.id) return false
    const generation = count === 0 ? '' : ` ${count + 1}`
    const certificate = await selfSigned(keyring, key, `${organization} Agent CA${generation}`, organization, issuingValidityDays, 0, now)
    await tx.retire('agent')
    await tx.addAuthority({ name: `agents${generation.replace(' ', '-')}`, role: 'agent', certificate: certificate.raw, key, parent: null, partitions: 1 }, now)
    return true
  })
}

async function selfSigned(keyring: Keyring, key: SealedKey, commonName: string, organization: string, validityDays: number, pathLength: number, now: Date): Promise<Certificate> {
  const subject = { serialNumber: newSerialNumber(), subjectPublicKeyInfo: key.publicKey, validity: validityFrom(now, days(validityDays)) }
  return await signAndCheck(keyring, selfSignedCa(subject, authorityName(organization, commonName), pathLength), key)
}

async function signAndCheck(keyring: Keyring, fields: CertificateFields, issuerKey: SealedKey): Promise<Certificate> {
  const der = await signCertificate(fields, keyring.signer(issuerKey))
  return assertSignedAsAsked(der, fields, createPublicKey({ key: issuerKey.publicKey, format: 'der', type: 'spki' }))
}

/**
 * The root's own list: signed years ahead, because front ends refuse everybody when it is missing or has ended.
 *
 * @param revoked  issuing CAs that are taken back
 * @throws {CaError} key-unavailable when the root's key was taken away
 */
export async function rootList(keyring: Keyring, root: Pick<Authority, 'certificate' | 'key'>, number: number, now: Date, revoked: readonly CrlEntry[] = []): Promise<NewCrl> {
  const thisUpdate = new Date(Math.floor(now.getTime() / 1000) * 1000)
  const ahead = thisUpdate.getTime() + days(rootCrlValidityDays)
  const nextUpdate = new Date(Math.min(ahead, root.certificate.notAfter.getTime()))
  if (nextUpdate <= thisUpdate) throw new CaError('certificate-expired', 'the root certificate has ended')
  const der = await signCrl({
    issuer: root.certificate.subject.raw, thisUpdate, nextUpdate, entries: revoked,
    extensions: [authorityKeyIdentifier(issuerKey(root.certificate)), crlNumber(BigInt(number))],
  }, keyring.signer(root.key))
  assertCrl(der, createPublicKey({ key: root.key.publicKey, format: 'der', type: 'spki' }), { thisUpdate, nextUpdate, entries: revoked.length })
  return { scope: 'complete', partition: 0, crlNumber: number, baseCrlNumber: null, thisUpdate, nextUpdate, changeNumber: 0, entries: revoked.length, der, sha256: sha256(der) }
}

/** What a list of the root names: it stays on every one that follows. */
export const entriesOfList = (der: Buffer): CrlEntry[] => [...parseCrl(der).entries()]
  .map(({ serialNumber, revocationDate, reason }) => ({ serialNumber: Buffer.from(serialNumber, 'hex'), revocationDate, reason }))

/** Reads a certificate that an admin brings. @throws {CaError} authority-import-invalid */
export function parseCaCertificate(der: Buffer): Certificate {
  try {
    return parseCertificate(der)
  } catch (cause) {
    throw new CaError('authority-import-invalid', 'the certificate cannot be read', { cause })
  }
}
