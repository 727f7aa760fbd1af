import { z } from 'zod'
import { removeFromCrl, revocationReasons } from '../../../certificates/revoke.ts'
import { CaError } from '../../../errors.ts'
import { deviceStoryRecords, findEvidence, type DeviceStoryRecords } from '../../../store/device-story.ts'
import { deviceStore } from '../../../store/devices.ts'
import { at, byId, id, instant } from '../fields.ts'
import { operation } from '../operation.ts'
import { grade } from './decision-view.ts'

const kinds = [
  'invited', 'introduced', 'allowed', 'quarantined', 'refused', 'introduced-again', 'stuck', 'approved-by-admin', 'refused-by-admin', 'exempted', 'exemption-ended',
  'certificate-issued', 'certificate-used', 'locked-out', 'let-in-again', 'certificate-held', 'certificate-released', 'certificate-revoked', 'certificate-superseded', 'certificate-ended',
  'contradicted', 'claims-accepted',
] as const

const storyEvent = z.strictObject({
  at: instant, kind: z.enum(kinds),
  /** Who did it, or which front end saw it; null for the phone, and for what time did. */
  by: z.string().nullable(),
  /** What was found, decided or written down with it; empty where there is no more to say. */
  text: z.string(),
  /** Stable, for a decision or an error. */
  code: z.string().nullable(),
  grade: grade.nullable(), test: z.boolean(),
  invitation: id.nullable(), evidence: id.nullable(), certificate: z.string().nullable(),
})
export type StoryEvent = z.input<typeof storyEvent>

type Told = Omit<StoryEvent, 'at'> & { at: Date }
const told = (kind: StoryEvent['kind'], instantOfIt: Date, more: Partial<Omit<StoryEvent, 'at' | 'kind'>> = {}): Told =>
  ({ at: instantOfIt, kind, by: null, text: '', code: null, grade: null, test: false, invitation: null, evidence: null, certificate: null, ...more })

/** What happened to a device, newest first. */
export function storyOf(records: DeviceStoryRecords, now: Date): StoryEvent[] {
  const events = [...invitationsIn(records), ...messagesIn(records), ...decisionsIn(records), ...certificatesIn(records, now), ...contradictionsOf(records), ...changesIn(records)]
  return events.map((event, index) => ({ event, index }))
    // Of one instant, what caused comes below what it led to.
    .sort((a, b) => b.event.at.getTime() - a.event.at.getTime() || kinds.indexOf(b.event.kind) - kinds.indexOf(a.event.kind) || a.index - b.index)
    .map(({ event }) => ({ ...event, at: at(event.at) }))
}

function invitationsIn({ enrollments }: DeviceStoryRecords): Told[] {
  const invitations = new Map(enrollments.map(enrollment => [enrollment.invitationId, enrollment]))
  return [...invitations.values()].map(({ invitationId, invitedAt, invitedBy }) => told('invited', invitedAt, { by: invitedBy, invitation: invitationId }))
}

const messagesIn = ({ evidence }: DeviceStoryRecords): Told[] => evidence.map(({ id: evidenceId, kind, grade: known, test, attributes, receivedAt }) => told(kind === 'ota-second-post' ? 'introduced-again' : 'introduced', receivedAt, {
  evidence: evidenceId, grade: known, test, code: kind,
  text: [attributes['productType'], attributes['build']].filter(Boolean).join(', '),
}))

const verdictKinds = { allow: 'allowed', quarantine: 'quarantined', block: 'refused' } as const

function decisionsIn({ enrollments }: DeviceStoryRecords): Told[] {
  return enrollments.flatMap(({ decision, decidedAt, lastError, lastErrorStep, updatedAt, invitationId }) => [
    ...decision === null || decidedAt === null ? []
      : [told(verdictKinds[decision.verdict], decidedAt, { text: decision.textForAdmin, code: decision.code, grade: decision.known.modelEvidence, invitation: invitationId })],
    ...lastError === null ? [] : [told('stuck', updatedAt, { text: lastErrorStep ?? '', code: lastError, invitation: invitationId })],
  ])
}

function certificatesIn({ certificates, changes }: DeviceStoryRecords, now: Date): Told[] {
  const toldOf = new Set(changes.filter(change => changeKinds[change.action] !== undefined).map(change => change.subject))
  return certificates.flatMap(({ serialNumber, createdAt, notAfter, firstUsedAt, revokedAt, reason, actor, cause }) => {
    const certificate = serialNumber.toString('hex')
    const ends = reason === null || reason === removeFromCrl
    // What the schedule supersedes stands in no record of changes.
    const unrecorded = !ends && revokedAt !== null && !toldOf.has(`certificate:${certificate}`)
    const kind = reason === revocationReasons.superseded ? 'certificate-superseded' : reason === revocationReasons.certificateHold ? 'certificate-held' : 'certificate-revoked'
    return [
      told('certificate-issued', createdAt, { certificate }),
      ...firstUsedAt === null ? [] : [told('certificate-used', firstUsedAt, { certificate })],
      ...unrecorded ? [told(kind, revokedAt, { certificate, by: actor, text: cause ?? '' })] : [],
      ...ends && notAfter < now ? [told('certificate-ended', notAfter, { certificate })] : [],
    ]
  })
}

const consequences = { observe: '', quarantine: ' The phone was set aside.', refuse: ' The request was refused.' } as const

const contradictionsOf = ({ findings }: DeviceStoryRecords): Told[] => findings.map(({ foundAt, sentence, action, finding, frontEnd, serialNumber }) =>
  told('contradicted', foundAt, { text: sentence + consequences[action], code: finding, by: frontEnd, certificate: serialNumber.toString('hex') }))

const changeKinds: Readonly<Record<string, StoryEvent['kind']>> = {
  'device.approve': 'approved-by-admin', 'device.refuse': 'refused-by-admin', 'exemption.add': 'exempted', 'exemption.end': 'exemption-ended',
  'device.hold': 'locked-out', 'device.revoke': 'locked-out', 'device.release': 'let-in-again',
  'certificate.hold': 'certificate-held', 'certificate.release': 'certificate-released', 'certificate.revoke': 'certificate-revoked',
  'certificate.supersede': 'certificate-superseded', 'device.accept-claims': 'claims-accepted',
}

function changesIn({ changes }: DeviceStoryRecords): Told[] {
  return changes.flatMap(({ at: made, actor, action, subject, detail }) => {
    const kind = changeKinds[action]
    if (kind === undefined) return []
    const text = [detail['reason'], detail['cause']].filter(part => typeof part === 'string' && part !== '').join(': ')
    return [told(kind, made, { by: actor, text, certificate: subject.startsWith('certificate:') ? subject.slice('certificate:'.length) : null })]
  })
}

export const deviceStory = operation({
  id: 'deviceStory', method: 'get', path: '/devices/{id}/story', role: 'auditor',
  summary: 'What happened to a device, newest first: invited, introduced, decided, issued, used, revoked. At most the last fifty of a kind.',
  input: byId,
  output: z.strictObject({ items: z.array(storyEvent) }),
  async run(service, _actor, input) {
    if (await deviceStore(service.db).find(input.id) === undefined) throw new CaError('device-not-found', 'there is no device with this id')
    return { items: storyOf(await deviceStoryRecords(service.db, input.id), service.now()) }
  },
})

export const evidenceShow = operation({
  id: 'evidenceShow', method: 'get', path: '/devices/{id}/evidence/{evidence}', role: 'auditor',
  summary: 'One piece of evidence as it arrived: a CMS message that anybody can check again.',
  input: z.strictObject({ id, evidence: id }),
  output: z.strictObject({
    id, kind: z.string(), grade, test: z.boolean(), attributes: z.record(z.string(), z.string()), sha256: z.string(), receivedAt: instant,
    /** The message, in base64. */
    raw: z.string(),
  }),
  async run(service, _actor, input) {
    const found = await findEvidence(service.db, input.id, input.evidence)
    if (found === undefined) throw new CaError('evidence-not-found', 'this device has no evidence with this id')
    const { deviceId: _, raw, sha256, receivedAt, ...rest } = found
    return { ...rest, raw: raw.toString('base64'), sha256: sha256.toString('hex'), receivedAt: at(receivedAt) }
  },
})
