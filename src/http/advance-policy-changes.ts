/** The long work of a change of policy, slice by slice: whoever dies in between has lost one slice. */
import { hold, release, revoke, revocationReasons, type RevocationStore } from '../certificates/revoke.ts'
import { knowledgeOf } from '../enrollment/decide-device.ts'
import { CaError } from '../errors.ts'
import type { Decision, PolicySnapshot } from '../policy/decide.ts'
import { effectOn, onlyPhoneOf } from '../policy/preview.ts'
import { auditStore } from '../store/audit.ts'
import type { Queryable } from '../store/db.ts'
import { policyChangeStore, type Candidate, type EffectKey, type NewEffect, type Outcome, type PolicyChange } from '../store/policy-changes.ts'
import { revocationBatch } from '../store/revocation-batch.ts'
import { causeOfChange, waitingStore, type SetAside } from '../store/waiting.ts'
import { decideCandidate, policyFor } from './policy-for.ts'
import type { Service } from './service.ts'
import { reviewWaiting } from './waiting.ts'

const devicesPerSlice = 500
const certificatesPerSlice = 200

/**
 * Goes on with the oldest change that has something to do, at most so many slices.
 *
 * @returns whether there was nothing left to do
 */
export async function advancePolicyChanges(service: Service, slices = 20): Promise<boolean> {
  let opened = false
  let idle = false
  for (let slice = 0; slice < slices && !idle; slice++) {
    const done = await service.db.transaction(async tx => {
      const now = service.now()
      const change = await policyChangeStore(tx).underWay(now)
      if (change === undefined) return 'nothing'
      opened ||= change.state === 'undoing' || change.state === 'applying' && !restricts(change)
      switch (change.state) {
        case 'counting': return await count(service, tx, change, now)
        case 'applying': return await act(service, tx, change, now)
        default: return await takeBack(tx, change, now)
      }
    })
    if (done === 'revocations') service.revocationChanged()
    idle = done === 'nothing'
  }
  if (opened) await reviewWaiting(service)
  return idle
}

/** Whether it can only take from those who are in, so that nobody waits less for it. */
const restricts = ({ edit }: PolicyChange): boolean => edit.kind === 'withdraw' || edit.kind === 'add-rule' && edit.rule.verdict !== 'allow' || edit.kind === 'exempt' && edit.exemption.verdict !== 'allow'

type Done = 'nothing' | 'counted' | 'revocations'

async function count(service: Service, tx: Queryable, change: PolicyChange, now: Date): Promise<Done> {
  const store = policyChangeStore(tx)
  const only = onlyPhoneOf(change.edit)
  const candidates = only === undefined ? await store.candidates(change.checkedTo, now, devicesPerSlice) : await store.candidatesById([only], now)
  const policy = withoutIt(await policyFor(service, tx, candidates, now), change)
  await store.addEffects(change.id, candidates.flatMap(candidate => effectsOf(service, candidate, policy, change, now)))
  const last = candidates.at(-1)?.device.id ?? change.checkedTo
  await store.save(change.id, { ...change, checked: change.checked + candidates.length, checkedTo: last, state: candidates.length === devicesPerSlice ? 'counting' : change.appliedAt === null ? 'ready' : 'applying' })
  return 'counted'
}

/** A rule that was put in force unseen is counted behind itself. */
const withoutIt = (policy: PolicySnapshot, { edit, appliedAt }: PolicyChange): PolicySnapshot =>
  appliedAt === null || edit.kind !== 'add-rule' ? policy : { ...policy, rules: policy.rules.filter(({ id }) => id !== edit.rule.id) }

function effectsOf(service: Service, { device, invitation, certificates }: Candidate, policy: PolicySnapshot, { edit }: PolicyChange, now: Date): NewEffect[] {
  if (invitation === null) return []
  const good = certificates.filter(({ held }) => !held)
  // What somebody held is neither good nor gone: nothing starts or stops for it.
  if (good.length === 0 && certificates.length > 0) return []
  const own = { ...policy, exemptions: policy.exemptions.filter(exemption => exemption.deviceId === device.id) }
  const found = effectOn(knowledgeOf(service, device, invitation), good.length > 0, own, edit, now)
  if (found === undefined) return []
  const { effect, after, help } = found
  const row = { deviceId: device.id, invitationId: invitation.id, effect, verdict: after.verdict, help, why: after.textForAdmin, personText: after.textForPerson }
  return effect === 'starts' ? [{ ...row, serialNumber: Buffer.alloc(0), authorityId: null }] : good.map(({ serialNumber, authorityId }) => ({ ...row, serialNumber, authorityId }))
}

const causeOf = (change: PolicyChange): string => causeOfChange(change.id)

async function act(service: Service, tx: Queryable, change: PolicyChange, now: Date): Promise<Done> {
  const store = policyChangeStore(tx)
  const due = await store.due(change.id, certificatesPerSlice)
  if (due.length < certificatesPerSlice) await store.save(change.id, { ...change, state: 'applied' })
  if (due.length === 0) return 'counted'
  const candidates = await store.candidatesById(due.map(({ deviceId }) => deviceId), now)
  const policy = await policyFor(service, tx, candidates, now)
  const decisions = new Map(candidates.map(candidate => [candidate.device.id, decideCandidate(service, candidate, policy, now)]))
  const revocations = await revocationBatch(tx, due)
  const settled: Settled[] = []
  // Updated in time, exempted meanwhile: decided again at the moment when it counts.
  for (const key of due) settled.push({ ...key, outcome: decisions.get(key.deviceId)?.verdict === 'allow' ? 'passed-over' : await stop(revocations, change, key, now) })
  await revocations.write()
  await settle(tx, change, settled, change.appliedBy, now)
  await waitingStore(tx).setAside(setAside(settled, decisions), now)
  return 'revocations'
}

/** For whom somebody has to decide: what is held, and what is left though policy would look at it first. */
const setAside = (settled: readonly Settled[], decisions: ReadonlyMap<string, Decision | undefined>): SetAside[] => settled.flatMap(({ deviceId, outcome }) => {
  const decision = decisions.get(deviceId)
  return decision !== undefined && (outcome === 'held' || outcome === 'left' && decision.verdict === 'quarantine') ? [{ deviceId, decision }] : []
})

async function stop(revocations: RevocationStore, change: PolicyChange, key: EffectKey, now: Date): Promise<Outcome> {
  if (change.action === 'leave') return 'left'
  const order = { authorityId: key.authorityId, serialNumber: key.serialNumber, actor: change.appliedBy ?? 'latchkey', cause: causeOf(change) }
  try {
    const changed = change.action === 'revoke' ? await revoke(revocations, { ...order, reason: 'privilegeWithdrawn' }, now) : await hold(revocations, order, now)
    return !changed ? 'passed-over' : change.action === 'revoke' ? 'revoked' : 'held'
  } catch (error) {
    if (error instanceof CaError && error.code === 'certificate-already-revoked') return 'passed-over'
    throw error
  }
}

async function takeBack(tx: Queryable, change: PolicyChange, now: Date): Promise<Done> {
  const store = policyChangeStore(tx)
  const held = await store.held(change.id, certificatesPerSlice)
  if (held.length < certificatesPerSlice) await store.save(change.id, { ...change, state: 'undone' })
  if (held.length === 0) return 'counted'
  const revocations = await revocationBatch(tx, held)
  // A lock-out since then found the certificate held already; it must not be undone by this.
  const candidates = await store.candidatesById(held.map(({ deviceId }) => deviceId), now)
  const lockedOut = new Set(candidates.filter(({ device, invitation }) => device.lockedOut !== null || invitation?.person.held === true).map(({ device }) => device.id))
  const settled: Settled[] = []
  for (const key of held) {
    const before = (await revocations.lock(key))?.revocation
    // Released and held again by somebody, or revoked: that was not us.
    const ours = before?.reason === revocationReasons.certificateHold && before.cause === causeOf(change)
    const order = { authorityId: key.authorityId, serialNumber: key.serialNumber, actor: change.undoneBy ?? 'latchkey', cause: `${causeOf(change)} taken back` }
    settled.push({ ...key, outcome: ours && !lockedOut.has(key.deviceId) && await release(revocations, order, now) ? 'released' : 'passed-over' })
  }
  await revocations.write()
  await settle(tx, change, settled, change.undoneBy, now)
  return 'revocations'
}

type Settled = EffectKey & { outcome: Outcome }
const actions = { held: 'certificate.hold', revoked: 'certificate.revoke', released: 'certificate.release' } as const

/** What became of a slice, and the record of it: by the hundred, because a change reaches thousands. */
async function settle(tx: Queryable, change: PolicyChange, settled: readonly Settled[], actor: string | null, now: Date): Promise<void> {
  await policyChangeStore(tx).settle(change.id, settled)
  await auditStore(tx).addAll(settled.flatMap(({ serialNumber, outcome }) => outcome === 'passed-over' || outcome === 'left' ? [] : [{
    at: now, actor: actor ?? 'latchkey', source: change.source, action: actions[outcome], subject: `certificate:${serialNumber.toString('hex')}`, detail: { cause: causeOf(change) },
  }]))
}
