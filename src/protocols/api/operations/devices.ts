import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { osVersionOf } from '../../../devices/catalogue.ts'
import { knowledgeOf } from '../../../enrollment/decide-device.ts'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { decide, type Decision } from '../../../policy/decide.ts'
import type { Exemption } from '../../../policy/rules.ts'
import { activeSyncStore } from '../../../store/activesync.ts'
import { certificateStore } from '../../../store/certificates.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceOrders, deviceStore, waitingOrders, type DeviceListing } from '../../../store/devices.ts'
import { enrollmentReads } from '../../../store/enrollments.ts'
import { loadPolicy, policyStore } from '../../../store/policy.ts'
import { searchDevices, searchText, type Place } from '../../../store/search.ts'
import {
  at, atOrNull, byId, cursorOf, email, id, instant, instantInput, keyIn, pageInput, parseTimeKey, reasonText, searchablePageOf, searchInput, searchIsAlone, sortedBy, sortedPage, sortInput, timeKey,
} from '../fields.ts'
import { operation } from '../operation.ts'
import { certificateFields, certificateView, viewOfCertificate } from './certificate-view.ts'
import { activeSyncOf, activeSyncView } from './device-activesync.ts'
import { decisionView, grade, viewOfDecision } from './decision-view.ts'
import { exemptionView, viewOfExemption } from './exemptions.ts'
import { personIdOf } from './invitations.ts'

const dayMs = 86_400_000

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
    }
  },
})

async function findDevice(db: Queryable, deviceId: string): Promise<DeviceListing> {
  const device = await deviceStore(db).find(deviceId)
  if (device === undefined) throw new CaError('device-not-found', 'there is no device with this id')
  return device
}

const settleInput = z.strictObject({
  id,
  reason: reasonText,
  /** The last instant at which the decision holds; as long as a certificate lives where left out. No certificate outlives it. */
  until: instantInput.optional(),
})
const settleOutput = z.strictObject({ exemption: exemptionView, decision: decisionView })

export const deviceApprove = operation({
  id: 'deviceApprove', method: 'post', path: '/devices/{id}/approve', role: 'operator',
  summary: 'Let a device out of quarantine, with an exemption for it and its invitation.',
  input: settleInput, output: settleOutput,
  run: async (service, actor, input) => await settle(service, actor, input, 'allow'),
})

export const deviceRefuse = operation({
  id: 'deviceRefuse', method: 'post', path: '/devices/{id}/refuse', role: 'operator',
  summary: 'Refuse a device in quarantine, with an exemption for it and its invitation.',
  input: settleInput.extend({
    /** What the person reads in place of our own sentence. */
    textForPerson: reasonText.optional(),
  }),
  output: settleOutput,
  run: async (service, actor, input) => await settle(service, actor, input, 'block'),
})

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

/** In quarantine is what the first message put there, and what a later change of policy makes wait. */
async function settle(service: Service, actor: Actor, input: z.output<typeof settleInput> & { textForPerson?: string | undefined }, verdict: 'allow' | 'block'): Promise<z.input<typeof settleOutput>> {
  return await change(service, actor, async (tx, record, now) => {
    await deviceStore(tx).lock(input.id)
    const { id: deviceId, enrollment } = await findDevice(tx, input.id)
    const before = enrollment === null ? undefined : await decideAgain(service, tx, deviceId, enrollment.invitationId, now)
    if (enrollment === null || before === undefined || (enrollment.state !== 'quarantined' && before.verdict !== 'quarantine')) {
      throw new CaError('enrollment-state', 'this device is not in quarantine')
    }
    // An exemption goes before every rule, so it must not reach past what somebody has blocked since.
    if (verdict === 'allow' && before.verdict !== 'quarantine') throw new CaError('enrollment-state', `this device no longer waits: ${before.textForAdmin}`)
    const until = endOf(service, actor, input.until, now)
    const exemption: Exemption = {
      // No more evidence is asked for than what was there when somebody looked.
      id: randomUUID(), deviceId, invitationId: enrollment.invitationId, verdict, evidence: before.known.modelEvidence ?? 'claimed',
      reason: input.reason, author: actor.name, notAfter: until, textForPerson: input.textForPerson,
    }
    for (const earlier of await policyStore(tx).exemptions(now, deviceId)) {
      // A block stands until it is ended by itself, which takes an admin.
      if (earlier.invitationId === exemption.invitationId && earlier.verdict !== 'block') await policyStore(tx).endExemption(earlier.id, now)
    }
    await policyStore(tx).addExemption(exemption, now)
    const decision = await decideAgain(service, tx, deviceId, enrollment.invitationId, now)
    // An approved one stays where it is, and its page says so: the phone downloads anew. One that has its certificate goes on with it.
    const approved = verdict === 'allow' && await deviceStore(tx).hasCertificateOf(enrollment.id) ? 'issued' : enrollment.state
    const state = verdict === 'allow' || enrollment.state === 'issued' ? approved : 'refused'
    await activeSyncStore(tx).settle(deviceId, verdict === 'allow', 'quarantine', actor.name, now)
    if (!await deviceStore(tx).settle(enrollment.id, enrollment.state, state, decision, now)) throw new CaError('enrollment-state', 'the device has moved on meanwhile: look again')
    await record(`device.${verdict === 'allow' ? 'approve' : 'refuse'}`, `device:${deviceId}`, { exemption: exemption.id, invitation: exemption.invitationId, until, reason: input.reason })
    return { exemption: viewOfExemption(exemption), decision: viewOfDecision(decision) }
  })
}

/** Whoever decides about one phone decides for one certificate; what lasts longer is policy, and an admin's. */
function endOf(service: Service, actor: Actor, asked: Date | undefined, now: Date): Date {
  const { certificateDays } = service.config
  const longest = new Date(now.getTime() + certificateDays * dayMs)
  const until = asked ?? longest
  if (until <= now) throw new CaError('invalid-argument', 'the decision would be over before it begins')
  if (until > longest && actor.role !== 'admin') throw new CaError('invalid-argument', `an operator decides for ${certificateDays} days at most`)
  return until
}

async function decideAgain(service: Service, tx: Queryable, deviceId: string, invitationId: string, now: Date): Promise<Decision> {
  const trustTestDevices = service.config.testDeviceCa !== undefined
  const reads = enrollmentReads(tx, { trustTestDevices })
  const device = (await reads.device(deviceId))!
  const invitation = (await reads.invitation(invitationId))!
  return decide(knowledgeOf(service, device, invitation), await loadPolicy(tx, { deviceId, now, trustTestDevices }), now)
}
