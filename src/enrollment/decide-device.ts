import { knownDevice, withInventory, type KnownDevice } from '../policy/decision.ts'
import { decide, type Decision, type PolicySnapshot } from '../policy/decide.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { DeviceRecord, EnrollmentReads, InvitationRecord } from './records.ts'

/** What we know of a device, each fact at the grade of its evidence. */
export function knowledgeOf(deps: Pick<EnrollmentDeps, 'catalogue'>, device: DeviceRecord, invitation: { readonly id: string, readonly person: { readonly email: string, readonly groups: readonly string[], readonly held: boolean } }): KnownDevice {
  const { grade, test } = device
  const fact = (value: string) => ({ value, grade, test })
  return knownDevice(deps.catalogue(), withInventory({
    deviceId: device.id,
    invitationId: invitation.id,
    productType: fact(device.productType),
    build: device.build === null ? undefined : fact(device.build),
    osVersion: device.osVersion === null ? undefined : fact(device.osVersion),
    serialNumber: fact(device.serialNumber),
    udid: fact(device.udid),
    person: { id: invitation.person.email.toLowerCase(), groups: invitation.person.groups },
    lockedOut: device.lockedOut ?? (invitation.person.held ? 'person-held' : undefined),
  }, device.inventory))
}

/** Decides about a device as policy stands in `reads`: inside a transaction, as that transaction sees it. */
export async function decideDevice(deps: Pick<EnrollmentDeps, 'catalogue'>, reads: Pick<EnrollmentReads, 'policy'>, device: DeviceRecord, invitation: InvitationRecord, now: Date): Promise<Decision> {
  return decideOn(deps, device, invitation, await reads.policy({ deviceId: device.id, now }), now)
}

export const decideOn = (deps: Pick<EnrollmentDeps, 'catalogue'>, device: DeviceRecord, invitation: InvitationRecord, policy: PolicySnapshot, now: Date): Decision =>
  decide(knowledgeOf(deps, device, invitation), policy, now)
