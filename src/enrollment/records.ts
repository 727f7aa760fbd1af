/** What the story of an enrollment reads and writes. `store/` fits these types. */
import type { CompletionStore } from '../certificates/issue.ts'
import type { KeyOrigin } from '../certificates/issue.ts'
import type { EvidenceGrade } from '../devices/evidence.ts'
import type { InventoryEntry } from '../devices/inventory.ts'
import type { Decision, LockOut, PolicySnapshot } from '../policy/decide.ts'
import type { Template } from './template.ts'

export type EnrollmentState = 'invited' | 'allowed' | 'refused' | 'quarantined' | 'profiled' | 'issued'

export type Person = { id: string, name: string, email: string, userPrincipalName: string | null, groups: string[], held: boolean }

export type InvitationRecord = {
  id: string
  person: Person
  templateName: string
  template: Template
  keyOrigin: KeyOrigin
  devicesMax: number
  placesTaken: number
  expiresAt: Date
  endedAt: Date | null
}

export type DeviceRecord = {
  id: string
  personId: string
  udid: string
  serialNumber: string
  productType: string
  build: string | null
  osVersion: string | null
  grade: EvidenceGrade
  test: boolean
  /** when the newest evidence came */
  knownAt: Date
  /** reported lost or retired, or held: nothing is issued to it until somebody lets it in again */
  lockedOut: LockOut | null
  /** what the inventory says under its serial number or its UDID */
  inventory: readonly InventoryEntry[]
}

export type EnrollmentRecord = {
  id: string
  invitationId: string
  challengeSha256: Buffer
  challengeExpiresAt: Date
  state: EnrollmentState
  deviceId: string | null
  decision: Decision | null
  decidedAt: Date | null
  firstPostSha256: Buffer | null
  secondPostSha256: Buffer | null
  finalAnswer: Buffer | null
  finalAnswerUntil: Date | null
  lastError: string | null
  lastErrorStep: EnrollmentStep | null
  createdAt: Date
}

export type EnrollmentStep = 'first-post' | 'bootstrap-scep' | 'second-post' | 'device-scep'

export type ScepPurpose = 'bootstrap' | 'device'
export type ScepChallenge = { challengeSha256: Buffer, enrollmentId: string, purpose: ScepPurpose, expiresAt: Date, consumedAt: Date | null }

export type NewChallenge = Omit<ScepChallenge, 'consumedAt'>
/** And to whom: the device that its enrollment has found. */
export type GivenChallenge = ScepChallenge & { deviceId: string | null, invitationId: string }

export type ScepPending = { purpose: ScepPurpose, transactionId: string, signerKeySha256: Buffer, request: Buffer, createdAt: Date, expiresAt: Date }

export type NewEnrollment = Pick<EnrollmentRecord, 'id' | 'invitationId' | 'challengeSha256' | 'challengeExpiresAt' | 'createdAt'>

export type NewEvidence = {
  id: string, deviceId: string, kind: 'ota-first-post' | 'ota-second-post', grade: EvidenceGrade, test: boolean
  attributes: Record<string, string>, raw: Buffer, receivedAt: Date
}

/** A certificate found again, by the request it answers or by its own bytes. */
export type IssuedCertificate = {
  authorityId: number, serialNumber: Buffer, kind: 'device' | 'bootstrap' | 'signer', der: Buffer, deviceId: string | null
  enrollmentId: string | null, invitationId: string | null, keyOrigin: KeyOrigin | null, notBefore: Date, notAfter: Date, revoked: boolean
}

export type EnrollmentReads = {
  enrollment(id: string): Promise<EnrollmentRecord | undefined>
  /** What the first message of this enrollment said; the device's record may have changed since. */
  firstAttributes(enrollmentId: string): Promise<Record<string, string> | undefined>
  invitation(id: string): Promise<InvitationRecord | undefined>
  invitationByToken(tokenSha256: Buffer): Promise<InvitationRecord | undefined>
  device(id: string): Promise<DeviceRecord | undefined>
  hasPlace(invitationId: string, deviceId: string): Promise<boolean>
  policy(about: { deviceId: string | null, now: Date }): Promise<PolicySnapshot>
  certificateByRequest(requestSha256: Buffer): Promise<IssuedCertificate | undefined>
  certificateBySha256(sha256: Buffer): Promise<IssuedCertificate | undefined>
  bootstrapCertificate(enrollmentId: string): Promise<IssuedCertificate | undefined>
  /** Device certificates of this device begun after `since`, whatever became of them. */
  certificatesMade(deviceId: string, since: Date): Promise<number>
  challenge(challengeSha256: Buffer): Promise<GivenChallenge | undefined>
  pending(purpose: ScepPurpose, transactionId: string, signerKeySha256: Buffer): Promise<ScepPending | undefined>
}

export type EnrollmentWrites = EnrollmentReads & CompletionStore & {
  /** The row under its lock, until the transaction ends. */
  lockEnrollment(id: string): Promise<EnrollmentRecord>
  /** The invitation's row under its lock: places are counted one at a time. */
  lockInvitation(id: string): Promise<InvitationRecord>
  /** The device's row under its lock: what is issued to it, and what revokes all it has, happen one after the other. */
  lockDevice(id: string): Promise<DeviceRecord>
  saveEnrollment(id: string, change: Partial<EnrollmentRecord> & { evidenceId?: string }, now: Date): Promise<void>
  /** The device of this person with this UDID, made or brought up to date. */
  putDevice(device: Omit<DeviceRecord, 'id' | 'lockedOut' | 'inventory'>, now: Date): Promise<DeviceRecord>
  addEvidence(evidence: NewEvidence): Promise<void>
  takePlace(invitationId: string, deviceId: string, now: Date): Promise<void>
  addChallenge(challenge: NewChallenge): Promise<void>
  /** True when this call consumed it: unexpired when it came, and never consumed before. */
  consumeChallenge(challengeSha256: Buffer, now: Date, cameAt: Date): Promise<boolean>
  /** The newest request of a transaction counts; the same one again keeps its time. */
  putPending(pending: ScepPending): Promise<void>
  /** Somebody has to decide about a phone that is in. */
  setAside(deviceId: string, decision: Decision, now: Date): Promise<void>
  audit(entry: { at: Date, actor: string, action: string, subject: string, detail?: Record<string, unknown> }): Promise<void>
}

export type EnrollmentStore = EnrollmentReads & {
  addEnrollment(enrollment: NewEnrollment): Promise<void>
  /** What `work` reads in one go travels together. */
  together<T>(work: (reads: EnrollmentReads) => Promise<T>): Promise<T>
  transaction<T>(work: (tx: EnrollmentWrites) => Promise<T>): Promise<T>
}
