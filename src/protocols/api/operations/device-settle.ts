/** Somebody decides about a phone that waits: one that never got a certificate, or whose certificate a change of policy set aside. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { release, revoke } from '../../../certificates/revoke.ts'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import { change, type RecordChange } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { holdingsOf, type Holding } from '../../../http/waiting.ts'
import type { Decision } from '../../../policy/decide.ts'
import type { Exemption } from '../../../policy/rules.ts'
import { activeSyncStore } from '../../../store/activesync.ts'
import { lockRevocations, revocationStore } from '../../../store/certificates.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceStore, type DeviceListing } from '../../../store/devices.ts'
import { policyStore } from '../../../store/policy.ts'
import { policyChangeStore } from '../../../store/policy-changes.ts'
import { id, instantInput, reasonText } from '../fields.ts'
import { operation } from '../operation.ts'
import { decisionView, viewOfDecision } from './decision-view.ts'
import { decideAgain, findDevice } from './devices.ts'
import { exemptionView, viewOfExemption } from './exemptions.ts'

const dayMs = 86_400_000

const settleInput = z.strictObject({
  id,
  reason: reasonText,
  /** The last instant at which the decision holds; as long as a certificate lives where left out. No certificate outlives it. */
  until: instantInput.optional(),
})
const settleOutput = z.strictObject({
  /** null where policy lets the phone in anyway, and only a hold had to be released. */
  exemption: exemptionView.nullable(),
  decision: decisionView,
  /** Certificates that a change of policy held and that are good again, or that are revoked now. */
  released: z.int(), revoked: z.int(),
})

export const deviceApprove = operation({
  id: 'deviceApprove', method: 'post', path: '/devices/{id}/approve', role: 'operator',
  summary: 'Let a device out of quarantine, with an exemption for it and its invitation; what a change of policy held of it is released.',
  input: settleInput, output: settleOutput,
  run: async (service, actor, input) => await settle(service, actor, input, 'allow'),
})

export const deviceRefuse = operation({
  id: 'deviceRefuse', method: 'post', path: '/devices/{id}/refuse', role: 'operator',
  summary: 'Refuse a device in quarantine, with an exemption for it and its invitation; a certificate that a change of policy set aside is revoked.',
  input: settleInput.extend({
    /** What the person reads in place of our own sentence. */
    textForPerson: reasonText.optional(),
  }),
  output: settleOutput,
  run: async (service, actor, input) => await settle(service, actor, input, 'block'),
})

type Settling = z.output<typeof settleInput> & { textForPerson?: string | undefined }
type Verdict = 'allow' | 'block'
type Work = { tx: Queryable, record: RecordChange, actor: Actor, now: Date }

/** In quarantine is what the first message put there, and what a later change of policy makes wait. */
async function settle(service: Service, actor: Actor, input: Settling, verdict: Verdict): Promise<z.input<typeof settleOutput>> {
  const settled = await change(service, actor, async (tx, record, now) => {
    const work: Work = { tx, record, actor, now }
    await deviceStore(tx).lock(input.id)
    const device = await findDevice(tx, input.id)
    const [holding] = await holdingsOf(service, tx, [device.id], now)
    const invitationId = device.enrollment?.invitationId
    const before = invitationId === undefined ? undefined : await decideAgain(service, tx, device.id, invitationId, now)
    if (invitationId === undefined || before === undefined) throw new CaError('enrollment-state', 'this device is not in quarantine')
    assertMayBe(verdict, { device, before, held: holding?.held ?? [], actor })
    const exemption = verdict === 'allow' && before.verdict === 'allow' ? undefined : await putExemption(service, work, { input, verdict, invitationId, before })
    const decision = await decideAgain(service, tx, device.id, invitationId, now)
    await moveEnrollment(work, device, decision, verdict)
    const certificates = holding === undefined || verdict === 'block' && before.because.kind === 'exemption' ? { released: 0, revoked: 0 } : await moveCertificates(work, holding, input, verdict)
    await activeSyncStore(tx).settle(device.id, verdict === 'allow', 'quarantine', actor.name, now)
    await record(`device.${verdict === 'allow' ? 'approve' : 'refuse'}`, `device:${device.id}`, { exemption: exemption?.id ?? null, invitation: invitationId, until: exemption?.notAfter ?? null, reason: input.reason })
    return { exemption: exemption === undefined ? null : viewOfExemption(exemption), decision: viewOfDecision(decision), ...certificates }
  })
  if (settled.released + settled.revoked > 0) service.revocationChanged()
  return settled
}

/** @throws {CaError} enrollment-state, forbidden */
function assertMayBe(verdict: Verdict, { device: { enrollment }, before, held, actor }: { device: DeviceListing, before: Decision, held: Holding['held'], actor: Actor }): void {
  if (enrollment?.state !== 'quarantined' && before.verdict !== 'quarantine') throw new CaError('enrollment-state', 'this device is not in quarantine')
  if (verdict === 'block' || before.verdict === 'quarantine') return
  // An exemption goes before every rule, so it must not reach past what somebody has blocked since.
  if (held.length === 0) throw new CaError('enrollment-state', `this device no longer waits: ${before.textForAdmin}`)
  if (before.verdict === 'block' && (actor.role !== 'admin' || lockedOut.has(before.code))) throw new CaError('forbidden', `policy refuses this device, and only an admin decides past that: ${before.textForAdmin}`)
}
/** A phone or person on hold is released where that was done. */
const lockedOut: ReadonlySet<string> = new Set(['person-held', 'device-held', 'device-revoked'])

async function putExemption(service: Service, { tx, actor, now }: Work, { input, verdict, invitationId, before }: { input: Settling, verdict: Verdict, invitationId: string, before: Decision }): Promise<Exemption> {
  const exemption: Exemption = {
    // No more evidence is asked for than what was there when somebody looked.
    id: randomUUID(), deviceId: input.id, invitationId, verdict, evidence: before.known.modelEvidence ?? 'claimed',
    reason: input.reason, author: actor.name, notAfter: endOf(service, actor, input.until, now), textForPerson: input.textForPerson,
  }
  for (const earlier of await policyStore(tx).exemptions(now, input.id)) {
    // A block stands until it is ended by itself, which takes an admin.
    if (earlier.invitationId === invitationId && (earlier.verdict !== 'block' || actor.role === 'admin' && verdict === 'allow')) await policyStore(tx).endExemption(earlier.id, now)
  }
  await policyStore(tx).addExemption(exemption, now)
  return exemption
}

async function moveEnrollment({ tx, now }: Work, { enrollment }: DeviceListing, decision: Decision, verdict: Verdict): Promise<void> {
  if (enrollment === null) return
  // An approved one stays where it is, and its page says so: the phone downloads anew. One that has its certificate goes on with it.
  const approved = verdict === 'allow' && await deviceStore(tx).hasCertificateOf(enrollment.id) ? 'issued' : enrollment.state
  const state = verdict === 'allow' || enrollment.state === 'issued' ? approved : 'refused'
  if (!await deviceStore(tx).settle(enrollment.id, enrollment.state, state, decision, now)) throw new CaError('enrollment-state', 'the device has moved on meanwhile: look again')
}

/** A yes releases what policy held; a no revokes all that the phone could use. Whom an exemption set aside (by what was claimed at a front end) that front end goes on refusing. */
async function moveCertificates({ tx, record, actor, now }: Work, { candidate, held }: Holding, { reason }: Settling, verdict: Verdict): Promise<{ released: number, revoked: number }> {
  const counts = { released: 0, revoked: 0 }
  const keys = verdict === 'allow' ? held : candidate.certificates
  // In the order in which a change that is under way takes them.
  for (const changeId of new Set(held.map(key => key.changeId))) await policyChangeStore(tx).lock(changeId)
  if (keys.length > 0) await lockRevocations(tx)
  for (const key of keys) {
    const order = { authorityId: key.authorityId, serialNumber: key.serialNumber, actor: actor.name, cause: `decided about the phone: ${reason}` }
    const done = verdict === 'allow' ? await release(revocationStore(tx), order, now) : await revoke(revocationStore(tx), { ...order, reason: 'privilegeWithdrawn' }, now)
    if (!done) continue
    counts[verdict === 'allow' ? 'released' : 'revoked']++
    await record(`certificate.${verdict === 'allow' ? 'release' : 'revoke'}`, `certificate:${key.serialNumber.toString('hex')}`, { cause: order.cause })
  }
  for (const { changeId, ...key } of held) await policyChangeStore(tx).settle(changeId, [{ ...key, outcome: verdict === 'allow' ? 'released' : 'revoked' }])
  return counts
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
