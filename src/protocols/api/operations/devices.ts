import { z } from 'zod'
import { osVersionOf } from '../../../devices/catalogue.ts'
import { contradictionsOf, inventoryFindings } from '../../../devices/inventory.ts'
import { knowledgeOf } from '../../../enrollment/decide-device.ts'
import { CaError } from '../../../errors.ts'
import type { Service } from '../../../http/service.ts'
import { decide, type Decision } from '../../../policy/decide.ts'
import { certificateStore } from '../../../store/certificates.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceOrders, deviceStore, waitingOrders, type DeviceListing } from '../../../store/devices.ts'
import { enrollmentReads } from '../../../store/enrollments.ts'
import { inventoryStore } from '../../../store/inventory.ts'
import { policyStore } from '../../../store/policy.ts'
import { loadPolicy } from '../../../store/policy-snapshot.ts'
import { searchDevices, searchText, type Place } from '../../../store/search.ts'
import {
  at, atOrNull, byId, cursorOf, email, id, instant, keyIn, pageInput, parseTimeKey, searchablePageOf, searchInput, searchIsAlone, sortedBy, sortedPage, sortInput, timeKey,
} from '../fields.ts'
import { operation } from '../operation.ts'
import { certificateFields, certificateView, viewOfCertificate } from './certificate-view.ts'
import { activeSyncOf, activeSyncView } from './device-activesync.ts'
import { decisionView, grade, viewOfDecision } from './decision-view.ts'
import { exemptionView, viewOfExemption } from './exemptions.ts'
import { inventoryEntryView, viewOfEntry } from './inventory.ts'
import { personIdOf } from './invitations.ts'

const deviceFields = {
  id, personId: id, personName: z.string(), personEmail: z.string(), udid: z.string(), serialNumber: z.string(),
  productType: z.string(), modelName: z.string().nullable(), build: z.string().nullable(), osVersion: z.string().nullable(),
  grade, test: z.boolean(), knownAt: instant, createdAt: instant,
  /** While it is, nothing is issued to it. */
  lockedOut: z.enum(['held', 'revoked']).nullable(),
  /** The newest attempt to enroll. */
  enrollment: z.strictObject({
    id: z.string(), invitationId: id, state: z.enum(['invited', 'allowed', 'refused', 'quarantined', 'profiled', 'issued']),
    decision: decisionView.nullable(), decidedAt: instant.nullable(),
  }).nullable(),
}
const deviceView = z.strictObject({
  ...deviceFields,
  /** The newest; what it opens now says its status. */
  certificate: z.strictObject({ serialNumber: z.string(), status: certificateFields.status, notAfter: instant }).nullable(),
})
const deviceDetail = z.strictObject({
  ...deviceFields,
  certificates: z.array(certificateView),
  exemptions: z.array(exemptionView),
  evidence: z.array(z.strictObject({ id, kind: z.string(), grade, test: z.boolean(), sha256: z.string(), receivedAt: instant })),
  activeSync: activeSyncView,
  /** What the inventory says under its serial number or its UDID, and what of it contradicts what is known of the device. */
  inventory: z.strictObject({ listed: z.array(inventoryEntryView), findings: z.array(z.enum(inventoryFindings)) }),
})

export type DeviceView = z.input<typeof deviceView>
export type DeviceDetail = z.input<typeof deviceDetail>

async function viewsOf(service: Service, devices: readonly DeviceListing[]): Promise<DeviceView[]> {
  const [newest, now] = [await certificateStore(service.db).newestOf(devices.map(device => device.id)), service.now()]
  const byDevice = new Map(newest.map(record => [record.deviceId, viewOfCertificate(service.authorities(), record, now)]))
  return devices.map(device => {
    const found = byDevice.get(device.id)
    return { ...viewOf(service, device), certificate: found === undefined ? null : { serialNumber: found.serialNumber, status: found.status, notAfter: found.notAfter } }
  })
}

/** Old phones say a build and no version; the builds of other systems are not in the table. */
const versionOf = (service: Service, { build, productType }: DeviceListing): string | null =>
  build !== null && /^(iPhone|iPad|iPod)/.test(productType) ? osVersionOf(service.catalogue(), build) ?? null : null

function viewOf(service: Service, d: DeviceListing): Omit<DeviceView, 'certificate'> {
  const { enrollment } = d
  return {
    id: d.id, personId: d.personId, personName: d.personName, personEmail: d.personEmail, udid: d.udid, serialNumber: d.serialNumber, productType: d.productType,
    modelName: service.catalogue().models.get(d.productType)?.name ?? null, build: d.build, osVersion: d.osVersion ?? versionOf(service, d), grade: d.grade, test: d.test,
    knownAt: at(d.knownAt), createdAt: at(d.createdAt), lockedOut: d.lockedOut,
    enrollment: enrollment === null ? null : {
      id: enrollment.id, invitationId: enrollment.invitationId, state: enrollment.state, decidedAt: atOrNull(enrollment.decidedAt),
      decision: enrollment.decision === null ? null : viewOfDecision(enrollment.decision),
    },
  }
}

const devicePage = searchablePageOf(deviceView)

export const deviceList = operation({
  id: 'deviceList', method: 'get', path: '/devices', role: 'auditor',
  summary: 'Devices, newest first or in the order that is asked for; or only those that wait in quarantine, or that a search finds.',
  input: z.strictObject({
    person: email.optional(), quarantined: z.stringbool().optional(), search: searchInput,
    /** `waiting` is for those in quarantine, the others for all. */
    sort: sortInput({ ...deviceOrders, ...waitingOrders }).optional(), ...pageInput,
  }).refine(...searchIsAlone(['person', 'quarantined', 'sort']))
    .refine(({ quarantined, sort }) => sort === undefined || (quarantined === true) === /^-?waiting$/.test(sort), { path: ['sort'], error: 'of those in quarantine is waiting, and of no others' }),
  output: devicePage,
  async run(service, _actor, { person, quarantined = false, search, sort = quarantined ? '-waiting' : '-created', limit, cursor }) {
    if (search !== undefined) return await searched(service, search, keyIn(cursor, parseTimeKey), limit)
    const sorted = sortedBy({ ...deviceOrders, ...waitingOrders }, sort, cursor)
    const personId = person === undefined ? undefined : await personIdOf(service.db, person)
    const store = deviceStore(service.db)
    const rows = await (quarantined ? store.waiting : store.list)({ personId, sorted, limit: limit + 1 })
    const { next } = sortedPage(rows, limit, sort, row => row)
    return { items: await viewsOf(service, rows.slice(0, limit)), next, lookedBackTo: null }
  },
})

async function searched(service: Service, search: string, before: Place<string> | undefined, limit: number): Promise<z.input<typeof devicePage>> {
  const text = await searchText(service.db, search, service.catalogue().models.values())
  if (text === undefined) return { items: [], next: null, lookedBackTo: null }
  const { ids, next, lookedBackTo } = await searchDevices(service.db, text, before, limit)
  const rows = await deviceStore(service.db).byIds(ids)
  return { items: await viewsOf(service, rows), next: next === undefined ? null : cursorOf(timeKey(next)), lookedBackTo: atOrNull(lookedBackTo ?? null) }
}

export const deviceShow = operation({
  id: 'deviceShow', method: 'get', path: '/devices/{id}', role: 'auditor',
  summary: 'One device, with its certificates, exemptions and the evidence that is kept.',
  input: byId,
  output: deviceDetail,
  async run(service, _actor, input) {
    const device = await findDevice(service.db, input.id)
    const now = service.now()
    const certificates = await certificateStore(service.db).list({ deviceId: device.id, limit: 50 })
    const evidence = await deviceStore(service.db).evidence(device.id, 50)
    return {
      ...viewOf(service, device),
      certificates: certificates.map(certificate => viewOfCertificate(service.authorities(), certificate, now)),
      exemptions: (await policyStore(service.db).exemptions(now, device.id)).map(viewOfExemption),
      evidence: evidence.map(({ sha256, receivedAt, ...rest }) => ({ ...rest, sha256: sha256.toString('hex'), receivedAt: at(receivedAt) })),
      activeSync: await activeSyncOf(service.db, device.id),
      inventory: await inventoryAbout(service.db, device),
    }
  },
})

async function inventoryAbout(db: Queryable, device: DeviceListing): Promise<DeviceDetail['inventory']> {
  const listed = await inventoryStore(db).of(device)
  return { listed: listed.map(viewOfEntry), findings: contradictionsOf(listed, device, device.personEmail) }
}

export async function findDevice(db: Queryable, deviceId: string): Promise<DeviceListing> {
  const device = await deviceStore(db).find(deviceId)
  if (device === undefined) throw new CaError('device-not-found', 'there is no device with this id')
  return device
}

export const deviceExplain = operation({
  id: 'deviceExplain', method: 'get', path: '/devices/{id}/decision', role: 'auditor',
  summary: 'Decide about a device as policy stands now, with all that is known of it. Nothing is changed.',
  input: byId,
  output: decisionView,
  async run(service, _actor, input) {
    const { id: deviceId, enrollment } = await findDevice(service.db, input.id)
    if (enrollment === null) throw new CaError('enrollment-not-found', 'this device has no enrollment to decide about')
    return viewOfDecision(await decideAgain(service, service.db, deviceId, enrollment.invitationId, service.now()))
  },
})

export async function decideAgain(service: Service, tx: Queryable, deviceId: string, invitationId: string, now: Date): Promise<Decision> {
  const trustTestDevices = service.config.testDeviceCa !== undefined
  const reads = enrollmentReads(tx, { trustTestDevices })
  const device = (await reads.device(deviceId))!
  const invitation = (await reads.invitation(invitationId))!
  return decide(knowledgeOf(service, device, invitation), await loadPolicy(tx, { deviceId, now, trustTestDevices }), now)
}
