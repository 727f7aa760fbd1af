import { randomUUID } from 'node:crypto'
import type {
  DeviceRecord, EnrollmentReads, EnrollmentRecord, EnrollmentStore, EnrollmentWrites, InvitationRecord, GivenChallenge, IssuedCertificate, NewEnrollment, ScepPending,
} from '../enrollment/records.ts'
import { certificateStore } from './certificates.ts'
import { json, type Database, type Queryable } from './db.ts'
import { inventoryOf } from './inventory.ts'
import { loadPolicy } from './policy-snapshot.ts'
import { waitingStore } from './waiting.ts'

type Settings = { trustTestDevices: boolean }

const enrollmentOf = (row: any): EnrollmentRecord => ({
  id: row.id, invitationId: row.invitation_id, challengeSha256: row.challenge_sha256, challengeExpiresAt: row.challenge_expires_at,
  state: row.state, deviceId: row.device_id, decision: row.decision, decidedAt: row.decided_at, firstPostSha256: row.first_post_sha256,
  secondPostSha256: row.second_post_sha256, finalAnswer: row.final_answer, finalAnswerUntil: row.final_answer_until,
  lastError: row.last_error, lastErrorStep: row.last_error_step, createdAt: row.created_at,
})

const invitationOf = (row: any): InvitationRecord => ({
  id: row.id, templateName: row.template, template: row.template_body, keyOrigin: row.key_origin, devicesMax: row.devices_max,
  placesTaken: row.places_taken, expiresAt: row.expires_at, endedAt: row.ended_at,
  person: { id: row.person_id, name: row.person_name, email: row.person_email, userPrincipalName: row.user_principal_name, groups: row.groups, held: row.held },
})

const deviceOf = (row: any): DeviceRecord => ({
  id: row.id, personId: row.person_id, udid: row.udid, serialNumber: row.serial_number, productType: row.product_type, build: row.build, osVersion: row.os_version,
  grade: row.grade, test: row.test, knownAt: row.known_at, lockedOut: row.locked_out, inventory: row.inventory,
})

const issuedOf = (row: any): IssuedCertificate => ({
  authorityId: row.authority_id, serialNumber: row.serial_number, kind: row.kind, der: row.der, deviceId: row.device_id,
  enrollmentId: row.enrollment_id, invitationId: row.invitation_id, keyOrigin: row.key_origin, notBefore: row.not_before, notAfter: row.not_after, revoked: row.revoked,
})

const pendingOf = (row: any): ScepPending => ({
  purpose: row.purpose, transactionId: row.transaction_id, signerKeySha256: row.signer_key_sha256,
  request: row.request, createdAt: row.created_at, expiresAt: row.expires_at,
})

const invitationQuery = `
  select i.*, t.body as template_body, p.name as person_name, p.email as person_email, p.user_principal_name, p.groups, p.held_at is not null as held,
    (select count(*)::int from invitation_devices d where d.invitation_id = i.id) as places_taken
  from invitations i join people p on p.id = i.person_id join templates t on t.name = i.template`

const issuedQuery = `
  select c.*, exists (select 1 from revocations r where r.authority_id = c.authority_id and r.serial_number = c.serial_number and r.reason <> 8)
    or exists (select 1 from authorities a where a.id = c.authority_id and a.revoked_at is not null) as revoked
  from certificates c where c.state = 'issued' and `

/** Columns of `enrollments` that the story may change, by the field's name. */
const enrollmentColumns: Partial<Record<keyof EnrollmentRecord | 'evidenceId', string>> = {
  state: 'state', deviceId: 'device_id', evidenceId: 'evidence_id', decision: 'decision', decidedAt: 'decided_at', firstPostSha256: 'first_post_sha256',
  secondPostSha256: 'second_post_sha256', finalAnswer: 'final_answer', finalAnswerUntil: 'final_answer_until',
  lastError: 'last_error', lastErrorStep: 'last_error_step',
}

/** What the story of an enrollment reads, also inside a transaction of others. */
export function enrollmentReads(db: Queryable, settings: Settings): EnrollmentReads {
  const one = async <T>(of: (row: any) => T, text: string, params: unknown[]): Promise<T | undefined> => {
    const [row] = await db.query(text, params)
    return row === undefined ? undefined : of(row)
  }
  return {
    enrollment: async id => await one(enrollmentOf, 'select * from enrollments where id = $1', [id]),
    firstAttributes: async id => await one((row): Record<string, string> => row.attributes,
      'select v.attributes from enrollments e join evidence v on v.id = e.evidence_id where e.id = $1', [id]),
    invitation: async id => await one(invitationOf, `${invitationQuery} where i.id = $1`, [id]),
    invitationByToken: async sha256 => await one(invitationOf, `${invitationQuery} where i.token_sha256 = $1`, [sha256]),
    device: async id => await one(deviceOf, `select *, ${inventoryOf('devices')} from devices where id = $1`, [id]),
    hasPlace: async (invitationId, deviceId) =>
      (await db.query('select 1 from invitation_devices where invitation_id = $1 and device_id = $2', [invitationId, deviceId])).length > 0,
    policy: async about => await loadPolicy(db, { ...about, trustTestDevices: settings.trustTestDevices }),
    certificateByRequest: async sha256 => await one(issuedOf, `${issuedQuery} c.request_sha256 = $1`, [sha256]),
    certificateBySha256: async sha256 => await one(issuedOf, `${issuedQuery} c.sha256 = $1`, [sha256]),
    bootstrapCertificate: async enrollmentId =>
      await one(issuedOf, `${issuedQuery} c.enrollment_id = $1 and c.kind = 'bootstrap' order by c.created_at desc limit 1`, [enrollmentId]),
    certificatesMade: async (deviceId, since) => (await db.query<{ count: number }>(
      `select (select count(*) from certificates where device_id = $1 and kind = 'device' and created_at > $2)::int
        + (select count(*) from reservations where device_id = $1 and kind = 'device')::int as count`, [deviceId, since]))[0]!.count,
    challenge: async sha256 => await one((row): GivenChallenge => ({
      challengeSha256: row.challenge_sha256, enrollmentId: row.enrollment_id, purpose: row.purpose, expiresAt: row.expires_at, consumedAt: row.consumed_at,
      deviceId: row.device_id, invitationId: row.invitation_id,
    }), `select c.*, e.device_id, e.invitation_id from scep_challenges c join enrollments e on e.id = c.enrollment_id where c.challenge_sha256 = $1`, [sha256]),
    pending: async (purpose, transactionId, signerKeySha256) =>
      await one(pendingOf, 'select * from scep_pending where purpose = $1 and transaction_id = $2 and signer_key_sha256 = $3', [purpose, transactionId, signerKeySha256]),
  }
}

async function addEnrollment(db: Queryable, e: NewEnrollment): Promise<void> {
  await db.query(`insert into enrollments (id, invitation_id, challenge_sha256, challenge_expires_at, state, created_at, updated_at)
    values ($1, $2, $3, $4, 'invited', $5, $5)`, [e.id, e.invitationId, e.challengeSha256, e.challengeExpiresAt, e.createdAt])
}

/**
 * Locks are `for no key update`: they keep out each other, but not a row that refers to the locked one. A certificate
 * refers to three of them at once, and would deadlock with whoever holds one and wants the next.
 */
function writes(tx: Queryable, settings: Settings): EnrollmentWrites {
  const read = enrollmentReads(tx, settings)
  return {
    ...read,
    complete: certificateStore(tx).complete,
    async lockEnrollment(id) {
      const [row] = await tx.query('select * from enrollments where id = $1 for no key update', [id])
      if (row === undefined) throw new Error('an enrollment went away while it was under way')
      return enrollmentOf(row)
    },
    async lockInvitation(id) {
      // The statement after the lock's sees who was waited for.
      const [, invitation] = await Promise.all([tx.query('select 1 from invitations where id = $1 for no key update', [id]), read.invitation(id)])
      if (invitation === undefined) throw new Error('an invitation went away while it was in use')
      return invitation
    },
    async lockDevice(id) {
      const [row] = await tx.query(`select *, ${inventoryOf('devices')} from devices where id = $1 for no key update`, [id])
      if (row === undefined) throw new Error('a device went away while it was in use')
      return deviceOf(row)
    },
    async saveEnrollment(id, change, now) {
      const fields = Object.entries(change).filter(([name]) => enrollmentColumns[name as keyof typeof enrollmentColumns] !== undefined)
      const sets = fields.map(([name], index) => `${enrollmentColumns[name as keyof typeof enrollmentColumns]} = $${index + 3}`)
      const values = fields.map(([name, value]) => name === 'decision' && value !== null ? json(value) : value)
      await tx.query(`update enrollments set ${['updated_at = $2', ...sets].join(', ')} where id = $1`, [id, now, ...values])
    },
    async putDevice(d, now) {
      const [row] = await tx.query(`
        insert into devices (id, person_id, udid, serial_number, product_type, build, os_version, grade, test, known_at, created_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        on conflict (person_id, udid) do update set serial_number = excluded.serial_number, product_type = excluded.product_type,
          build = excluded.build, os_version = excluded.os_version, grade = excluded.grade, test = excluded.test, known_at = excluded.known_at
        returning *, ${inventoryOf('devices')}`, [randomUUID(), d.personId, d.udid, d.serialNumber, d.productType, d.build, d.osVersion, d.grade, d.test, d.knownAt, now])
      return deviceOf(row)
    },
    async addEvidence(e) {
      await tx.query(`insert into evidence (id, device_id, kind, grade, test, attributes, raw, raw_sha256, received_at)
        values ($1, $2, $3, $4, $5, $6, $7::bytea, sha256($7::bytea), $8)`, [e.id, e.deviceId, e.kind, e.grade, e.test, json(e.attributes), e.raw, e.receivedAt])
    },
    async takePlace(invitationId, deviceId, now) {
      await tx.query('insert into invitation_devices (invitation_id, device_id, taken_at) values ($1, $2, $3) on conflict do nothing', [invitationId, deviceId, now])
    },
    async addChallenge(c) {
      await tx.query(`insert into scep_challenges (challenge_sha256, enrollment_id, purpose, expires_at) values ($1, $2, $3, $4)
        on conflict (challenge_sha256) do nothing`, [c.challengeSha256, c.enrollmentId, c.purpose, c.expiresAt])
    },
    consumeChallenge: async (sha256, now, cameAt) =>
      (await tx.query('update scep_challenges set consumed_at = $2 where challenge_sha256 = $1 and consumed_at is null and expires_at > $3 returning 1', [sha256, now, cameAt])).length === 1,
    async putPending(p) {
      await tx.query(`insert into scep_pending (purpose, transaction_id, signer_key_sha256, request, created_at, expires_at)
        values ($1, $2, $3, $4, $5, $6)
        on conflict (purpose, transaction_id, signer_key_sha256) do update
          set request = excluded.request, created_at = excluded.created_at, expires_at = excluded.expires_at
          where scep_pending.request <> excluded.request or scep_pending.expires_at < excluded.created_at`,
      [p.purpose, p.transactionId, p.signerKeySha256, p.request, p.createdAt, p.expiresAt])
    },
    setAside: async (deviceId, decision, now) => await waitingStore(tx).setAside([{ deviceId, decision }], now),
    async audit(entry) {
      await tx.query('insert into audit (at, actor, source, action, subject, detail) values ($1, $2, $3, $4, $5, $6)',
        [entry.at, entry.actor, 'enrollment', entry.action, entry.subject, json(entry.detail ?? {})])
    },
  }
}

/** @param settings.trustTestDevices  whether simulated phones count, which every decision has to know */
export const enrollmentStore = (db: Database, settings: Settings): EnrollmentStore => ({
  ...enrollmentReads(db, settings),
  addEnrollment: async enrollment => { await addEnrollment(db, enrollment) },
  together: async work => await db.together(async reads => await work(enrollmentReads(reads, settings))),
  transaction: async work => await db.transaction(async tx => await work(writes(tx, settings))),
})
