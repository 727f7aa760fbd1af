import { hash } from 'node:crypto'
import { CaError } from '../errors.ts'
import type { Decision } from '../policy/decide.ts'
import type { EvidenceGrade } from '../devices/evidence.ts'
import { signCertificate, type Certificate, type CertificateFields } from '../formats/x509.ts'
import type { Addresses } from './addresses.ts'
import type { Authority } from './authority.ts'
import { assertSignedAsAsked } from './conformance.ts'
import type { Keyring } from './keyring.ts'
import { newSerialNumber, partitionOf } from './serial-number.ts'
import type { Validity } from './certificate-profile.ts'

/** `agent` is the program beside a front end, `canary` what proves that it refuses. */
export type CertificateKind = 'device' | 'bootstrap' | 'signer' | 'agent' | 'canary'
export type KeyOrigin = 'device' | 'delivered'

/** Whom a certificate is for, as it stands in our records. */
export type Holder = {
  deviceId: string | null
  enrollmentId: string | null
  invitationId: string | null
  keyOrigin: KeyOrigin | null
  grade: EvidenceGrade | null
  test: boolean
}

/** What stands before anything is signed, and is enough to revoke it. */
export type Reservation = Taken & { deviceId: string | null, leaseUntil: Date }

type Taken = {
  authorityId: number
  serialNumber: Buffer
  kind: CertificateKind
  partition: number
  validity: Validity
  publicKeySha256: Buffer
  createdAt: Date
}

/** What takes the place of a reservation: a certificate that counts. */
export type Completion = Taken & Holder & Grounds & { der: Buffer, sha256: Buffer }

/** @property decision  null for what is no device's @property requestSha256  what makes a request the same request; the same one finds this certificate again */
export type Grounds = { decision: Decision | null, requestSha256: Buffer | null }

export type CompletionStore = {
  /** False when the reservation of one is gone, because its lease ended or its holder was revoked: then the transaction must not be committed. */
  complete(completions: readonly Completion[]): Promise<boolean>
}

export type IssueDeps = { keyring: Keyring, addresses: Addresses, reserve: (reservation: Reservation) => Promise<void> }

export type Order = {
  authority: Authority
  kind: CertificateKind
  holder: Holder
  subjectPublicKeyInfo: Buffer
  validity: Validity
  profile: (
    subject: { serialNumber: Buffer, subjectPublicKeyInfo: Buffer, validity: Validity },
    issuer: { authority: Authority, addresses: Addresses, partition: number },
  ) => CertificateFields
}

/** Signed, parsed back and found as asked, but not yet valid: nobody may see it before `complete`. */
export type Prepared = { certificate: Certificate, completion: Omit<Completion, keyof Grounds> }

/** Long enough for a slow signer; what still stands then was cut off by a crash. */
const leaseMs = 120_000

export const sha256 = (bytes: Uint8Array): Buffer => hash('sha256', bytes, 'buffer')

/**
 * Stores a serial number, signs under it, and checks what was signed. The decision is an argument because
 * there is no way to a certificate around it; it is made again inside the transaction that completes.
 *
 * @throws {CaError} blocked-by-policy, quarantined-by-policy, certificate-profile-violation
 */
export async function prepare(deps: IssueDeps, decision: Decision, order: Order, now: Date): Promise<Prepared> {
  assertAllowed(decision)
  return await sign(deps, order, now)
}

/** What is no device's, so that there is nothing to decide about: our own signers, agents and their canaries. */
export async function prepareOurs(deps: IssueDeps, order: Omit<Order, 'holder'> & { kind: 'signer' | 'agent' | 'canary' }, now: Date): Promise<Prepared> {
  return await sign(deps, { ...order, holder: nobody }, now)
}

const nobody: Holder = { deviceId: null, enrollmentId: null, invitationId: null, keyOrigin: null, grade: null, test: false }

async function sign(deps: IssueDeps, order: Order, now: Date): Promise<Prepared> {
  const { authority, kind, holder, subjectPublicKeyInfo, validity } = order
  const serialNumber = newSerialNumber()
  const partition = partitionOf(serialNumber, authority.partitions)
  const taken: Taken = { authorityId: authority.id, serialNumber, kind, partition, validity, publicKeySha256: sha256(subjectPublicKeyInfo), createdAt: now }
  await deps.reserve({ ...taken, deviceId: holder.deviceId, leaseUntil: new Date(now.getTime() + leaseMs) })
  const fields = order.profile({ serialNumber, subjectPublicKeyInfo, validity }, { authority, addresses: deps.addresses, partition })
  const der = await signCertificate(fields, deps.keyring.signer(authority.key))
  const certificate = assertSignedAsAsked(der, fields, authority.certificate.publicKey)
  return { certificate, completion: { ...taken, ...holder, der, sha256: sha256(der) } }
}

/**
 * Makes a prepared certificate valid, inside the caller's transaction, under the decision made there.
 *
 * @throws {CaError} decision-changed, or conflict when the lease has ended meanwhile
 */
export async function complete(tx: CompletionStore, prepared: Prepared, decision: Decision, requestSha256: Buffer | null): Promise<void> {
  assertAllowed(decision)
  await completeAs(tx, [prepared], { decision, requestSha256 })
}

/** What `prepareOurs` has prepared: all of it, or none. @throws {CaError} conflict, as `complete` */
export const completeOurs = async (tx: CompletionStore, ...prepared: readonly Prepared[]): Promise<void> => { await completeAs(tx, prepared, { decision: null, requestSha256: null }) }

async function completeAs(tx: CompletionStore, prepared: readonly Prepared[], grounds: Grounds): Promise<void> {
  if (!await tx.complete(prepared.map(({ completion }) => ({ ...completion, ...grounds })))) {
    throw new CaError('conflict', 'the reservation of this certificate has ended')
  }
}

export function assertAllowed(decision: Decision): void {
  if (decision.verdict === 'allow') return
  throw new CaError(decision.verdict === 'block' ? 'blocked-by-policy' : 'quarantined-by-policy', decision.textForAdmin)
}
