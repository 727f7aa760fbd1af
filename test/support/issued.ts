/** Certificates issued directly, for tests of what happens to a certificate later. */
import { generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { bootstrapCertificate, days, deviceCertificate, validityFrom } from '../../src/certificates/certificate-profile.ts'
import { complete, prepare, type Prepared } from '../../src/certificates/issue.ts'
import { hold, release, revoke, type CertificateKey, type RevocationReason } from '../../src/certificates/revoke.ts'
import { evidenceOids } from '../../src/devices/evidence.ts'
import { toPem } from '../../src/formats/pem.ts'
import type { Certificate } from '../../src/formats/x509.ts'
import type { Decision } from '../../src/policy/decide.ts'
import { certificateStore, revocationStore } from '../../src/store/certificates.ts'
import { personStore } from '../../src/store/people.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import type { TestService } from './service.ts'

/** What a decision looks like that lets a phone have its certificate. */
export const allowed: Decision = {
  verdict: 'allow', code: 'allowed', because: { kind: 'approval', id: 'test', reason: 'a test' }, textForPerson: '', textForAdmin: '', approvalEndsAt: null,
  known: {
    productType: null, modelName: null, inCatalogue: true, build: null, osVersion: null, serialNumber: null, udid: null,
    inventoryAgrees: null, buildRanOnModel: null, modelEvidence: null, test: false,
  },
}

export type Issued = CertificateKey & {
  readonly deviceId: string
  readonly certificate: Certificate
  readonly pem: string
  readonly privateKey: KeyObject
  readonly privateKeyPem: string
}

export type IssueOptions = { deviceId?: string, validityDays?: number, email?: string, userPrincipalName?: string, name?: string, keyType?: 'ec' | 'rsa', policies?: string[] }

/** A person with a phone. @returns the device's id */
export async function newDevice({ db, now }: TestService, email = `${randomUUID()}@example.org`): Promise<string> {
  await personStore(db).add({ id: randomUUID(), name: 'Ada Lovelace', email, userPrincipalName: null, groups: [], language: null, createdAt: now() })
  const person = (await personStore(db).byEmail(email))!
  const id = randomUUID()
  await db.query(`insert into devices (id, person_id, udid, serial_number, product_type, grade, known_at, created_at)
    values ($1, $2, $3, 'SERIAL', 'iPhone14,5', 'signed', $4, $4)`, [id, person.id, id, now()])
  return id
}

/** Signed and stored, but not completed: a reservation. */
export async function prepareDevice(service: TestService, options: IssueOptions = {}): Promise<Issued & { prepared: Prepared }> {
  const { keyring, addresses, db } = service
  const email = options.email ?? `${randomUUID()}@example.org`
  const deviceId = options.deviceId ?? await newDevice(service, email)
  const { publicKey, privateKey } = options.keyType === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const authority = activeAuthority(service.authorities(), 'issuing')
  const { userPrincipalName } = options
  const prepared = await prepare({ keyring, addresses, reserve: async reservation => { await reservationStore(db).add([reservation]) } }, allowed, {
    authority, kind: 'device', subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
    holder: { deviceId, enrollmentId: null, invitationId: null, keyOrigin: 'device', grade: 'signed', test: false },
    validity: validityFrom(service.now(), days(options.validityDays ?? 365), authority.certificate.notAfter),
    profile: (subject, issuer) => deviceCertificate(subject, issuer, {
      deviceId, name: options.name ?? 'Ada Lovelace', email, policies: options.policies ?? [evidenceOids.signed], ...userPrincipalName === undefined ? {} : { userPrincipalName },
    }),
  }, service.now())
  return { ...issuedOf(prepared, deviceId, privateKey), prepared }
}

export async function issueDevice(service: TestService, options: IssueOptions = {}): Promise<Issued> {
  const issued = await prepareDevice(service, options)
  await complete(certificateStore(service.db), issued.prepared, allowed, null)
  return issued
}

/** The hour-long certificate of the enrollment CA, which opens nothing. */
export async function issueBootstrap(service: TestService): Promise<Issued> {
  const { keyring, addresses, db } = service
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const prepared = await prepare({ keyring, addresses, reserve: async reservation => { await reservationStore(db).add([reservation]) } }, allowed, {
    authority: activeAuthority(service.authorities(), 'enrollment'), kind: 'bootstrap',
    subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
    holder: { deviceId: null, enrollmentId: null, invitationId: null, keyOrigin: 'device', grade: null, test: false },
    validity: validityFrom(service.now(), 3_600_000), profile: (subject, issuer) => bootstrapCertificate(subject, issuer, 'enrollment-1'),
  }, service.now())
  await complete(certificateStore(db), prepared, allowed, null)
  return issuedOf(prepared, '', privateKey)
}

function issuedOf({ certificate, completion }: Prepared, deviceId: string, privateKey: KeyObject): Issued {
  return {
    deviceId, certificate, authorityId: completion.authorityId, serialNumber: completion.serialNumber, privateKey,
    pem: toPem('CERTIFICATE', certificate.raw), privateKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  }
}

const by = (key: CertificateKey) => ({ authorityId: key.authorityId, serialNumber: key.serialNumber, actor: 'ada', cause: '' })

export const revokeNow = ({ db, now }: TestService, key: CertificateKey, reason: Exclude<RevocationReason, 'certificateHold'> = 'unspecified'): Promise<boolean> =>
  db.transaction(async tx => await revoke(revocationStore(tx), { ...by(key), reason }, now()))

export const holdNow = ({ db, now }: TestService, key: CertificateKey): Promise<boolean> =>
  db.transaction(async tx => await hold(revocationStore(tx), by(key), now()))

export const releaseNow = ({ db, now }: TestService, key: CertificateKey): Promise<boolean> =>
  db.transaction(async tx => await release(revocationStore(tx), by(key), now()))
