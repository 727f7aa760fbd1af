import type { EvidenceGrade } from '../devices/evidence.ts'
import type { EnrollmentState, EnrollmentStep } from '../enrollment/records.ts'
import type { Decision } from '../policy/decide.ts'
import { activeSyncStore, type FindingRecord } from './activesync.ts'
import type { AuditRecord } from './audit.ts'
import type { Queryable } from './db.ts'

/** What is on record of the life of one device. */
export type DeviceStoryRecords = {
  enrollments: {
    id: string, invitationId: string, invitedAt: Date, invitedBy: string, state: EnrollmentState, decision: Decision | null, decidedAt: Date | null
    lastError: string | null, lastErrorStep: EnrollmentStep | null, updatedAt: Date
  }[]
  evidence: { id: string, kind: string, grade: EvidenceGrade, test: boolean, attributes: Record<string, string>, receivedAt: Date }[]
  certificates: {
    serialNumber: Buffer, createdAt: Date, notAfter: Date, firstUsedAt: Date | null
    revokedAt: Date | null, reason: number | null, actor: string | null, cause: string | null
  }[]
  /** Where its requests at front ends contradicted its certificate. */
  findings: FindingRecord[]
  /** Changes that people and the service made to the device and its certificates. */
  changes: AuditRecord[]
}

/** The newest of everything: a phone that enrolls a thousand times does not make a page without end. */
const mostOfAKind = 50

export async function deviceStoryRecords(db: Queryable, deviceId: string): Promise<DeviceStoryRecords> {
  const certificates = await db.query<DeviceStoryRecords['certificates'][number]>(`
    select c.serial_number as "serialNumber", c.created_at as "createdAt", c.not_after as "notAfter", c.first_used_at as "firstUsedAt",
      r.revoked_at as "revokedAt", r.reason, r.actor, r.cause
    from certificates c left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
    where c.device_id = $1 and c.kind = 'device' and c.state = 'issued' order by c.created_at desc limit ${mostOfAKind}`, [deviceId])
  const subjects = [`device:${deviceId}`, ...certificates.map(certificate => `certificate:${certificate.serialNumber.toString('hex')}`)]
  return {
    certificates,
    enrollments: await db.query(`
      select e.id, e.invitation_id as "invitationId", i.created_at as "invitedAt", i.created_by as "invitedBy", e.state, e.decision, e.decided_at as "decidedAt",
        e.last_error as "lastError", e.last_error_step as "lastErrorStep", e.updated_at as "updatedAt"
      from enrollments e join invitations i on i.id = e.invitation_id
      where e.device_id = $1 order by e.created_at desc limit ${mostOfAKind}`, [deviceId]),
    evidence: await db.query(`select id, kind, grade, test, attributes, received_at as "receivedAt" from evidence
      where device_id = $1 order by received_at desc limit ${mostOfAKind}`, [deviceId]),
    findings: await activeSyncStore(db).findings(deviceId),
    changes: await db.query(`select id, at, actor, source, action, subject, detail from audit
      where subject = any($1::text[]) order by id desc limit ${4 * mostOfAKind}`, [subjects]),
  }
}

export type EvidenceRecord = { id: string, deviceId: string, kind: string, grade: EvidenceGrade, test: boolean, attributes: Record<string, string>, raw: Buffer, sha256: Buffer, receivedAt: Date }

export async function findEvidence(db: Queryable, deviceId: string, id: string): Promise<EvidenceRecord | undefined> {
  return (await db.query<EvidenceRecord>(`select id, device_id as "deviceId", kind, grade, test, attributes, raw, raw_sha256 as sha256, received_at as "receivedAt"
    from evidence where id = $1 and device_id = $2`, [id, deviceId]))[0]
}
