import { knowledgeOf } from '../enrollment/decide-device.ts'
import { decide, type Decision, type PolicySnapshot } from '../policy/decide.ts'
import type { Queryable } from '../store/db.ts'
import { loadPolicy } from '../store/policy-snapshot.ts'
import { policyChangeStore, type Candidate } from '../store/policy-changes.ts'
import type { Service } from './service.ts'

/** Policy as it stands, with the exemptions of all of these phones; `ownPolicy` is that of one. */
export async function policyFor(service: Pick<Service, 'config'>, tx: Queryable, candidates: readonly Candidate[], now: Date): Promise<PolicySnapshot> {
  const policy = await loadPolicy(tx, { deviceId: null, now, trustTestDevices: service.config.testDeviceCa !== undefined })
  return { ...policy, exemptions: await policyChangeStore(tx).exemptionsOf(candidates.map(({ device }) => device.id), now) }
}

/** @returns undefined for a phone that came by no invitation */
export function decideCandidate(service: Pick<Service, 'catalogue'>, { device, invitation }: Candidate, policy: PolicySnapshot, now: Date): Decision | undefined {
  if (invitation === null) return undefined
  const own = { ...policy, exemptions: policy.exemptions.filter(({ deviceId }) => deviceId === device.id) }
  return decide(knowledgeOf(service, device, invitation), own, now)
}
