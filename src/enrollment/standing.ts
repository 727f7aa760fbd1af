/** What issuing to a phone rests on, read in one go. */
import { days } from '../certificates/certificate-profile.ts'
import type { Decision } from '../policy/decide.ts'
import { decideOn } from './decide-device.ts'
import type { EnrollmentDeps } from './deps.ts'
import type { DeviceRecord, EnrollmentReads, EnrollmentWrites, InvitationRecord } from './records.ts'

/** @property hasPlace  whether the device has one in the invitation */
export type Standing = { device: DeviceRecord, invitation: InvitationRecord, decision: Decision, hasPlace: boolean }
/** Before anything is prepared. @property madeWithinDay  device certificates that the device was given within the last day */
export type Outlook = Standing & { madeWithinDay: number }

type Deps = Pick<EnrollmentDeps, 'catalogue'>
type Ids = { deviceId: string, invitationId: string }

export async function outlookFor(deps: Deps, reads: EnrollmentReads, ids: Ids, now: Date): Promise<Outlook> {
  const [standing, madeWithinDay] = await Promise.all([
    standingOf(deps, reads, [reads.invitation(ids.invitationId), reads.device(ids.deviceId)], ids, now),
    reads.certificatesMade(ids.deviceId, new Date(now.getTime() - days(1))),
  ])
  return { ...standing, madeWithinDay }
}

/** Under the locks of both rows: a revocation of the whole device, or of the person, has happened or will see what is issued. */
export async function lockStanding(deps: Deps, tx: EnrollmentWrites, ids: Ids, now: Date): Promise<Standing> {
  return await standingOf(deps, tx, [tx.lockInvitation(ids.invitationId), tx.lockDevice(ids.deviceId)], ids, now)
}

type Rows = [Promise<InvitationRecord | undefined>, Promise<DeviceRecord | undefined>]

async function standingOf(deps: Deps, reads: EnrollmentReads, rows: Rows, { deviceId, invitationId }: Ids, now: Date): Promise<Standing> {
  const [invitation, device, policy, hasPlace] = await Promise.all([...rows, reads.policy({ deviceId, now }), reads.hasPlace(invitationId, deviceId)])
  return { invitation: invitation!, device: device!, decision: decideOn(deps, device!, invitation!, policy, now), hasPlace }
}
