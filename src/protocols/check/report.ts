/** Writes down what the gate found, and sets the phone aside where its front end says so. */
import { randomUUID } from 'node:crypto'
import { decideDevice } from '../../enrollment/decide-device.ts'
import { change } from '../../http/change.ts'
import type { Service } from '../../http/service.ts'
import type { Contradiction } from '../../policy/contradictions.ts'
import { activeSyncStore, type GateAction } from '../../store/activesync.ts'
import { deviceStore } from '../../store/devices.ts'
import type { Queryable } from '../../store/db.ts'
import { enrollmentReads } from '../../store/enrollments.ts'
import { policyStore } from '../../store/policy.ts'

type Where = { serialNumber: Buffer, frontEnd: string, action: GateAction }
export type Report = (deviceId: string, found: Contradiction, where: Where) => Promise<boolean>

/** So many in a minute: a rule that every phone contradicts is no reason to write without end. */
const mostInAMinute = 200

/** @returns a function that answers false when too much was written lately: the next request says it again */
export function reporter(service: Service): Report {
  let minute = 0
  let written = 0
  return async (deviceId, found, where) => {
    const current = Math.floor(service.now().getTime() / 60_000)
    if (current !== minute) [minute, written] = [current, 0]
    if (++written > mostInAMinute) {
      if (written === mostInAMinute + 1) service.log('warn', 'activesync-findings-dropped', { frontEnd: where.frontEnd })
      return false
    }
    await write(service, deviceId, found, where)
    return true
  }
}

async function write(service: Service, deviceId: string, found: Contradiction, where: Where): Promise<void> {
  await change(service, { name: 'latchkey', source: `front-end ${where.frontEnd}` }, async (tx, record, now) => {
    await deviceStore(tx).lock(deviceId)
    if (!await activeSyncStore(tx).add(deviceId, found, where, now)) return
    service.log('warn', 'activesync-contradiction', { frontEnd: where.frontEnd, device: deviceId, finding: found.finding, action: where.action })
    if (where.action !== 'quarantine') return
    const until = await setAside(service, tx, deviceId, found, now)
    if (until !== undefined) await record('device.set-aside', `device:${deviceId}`, { finding: found.finding, reason: found.sentence, until })
  })
}

/**
 * An exemption that only restricts, so that everything that decides about this phone knows of it; approving the phone
 * ends it. @returns when it ends; undefined when there is nothing to set aside, or somebody decided otherwise
 */
async function setAside(service: Service, tx: Queryable, deviceId: string, found: Contradiction, now: Date): Promise<Date | undefined> {
  const device = (await deviceStore(tx).find(deviceId))!
  const { enrollment } = device
  if (enrollment === null || enrollment.state !== 'issued') return undefined
  const { invitationId } = enrollment
  const notAfter = new Date(now.getTime() + service.config.certificateDays * 86_400_000)
  await policyStore(tx).addExemption({ id: randomUUID(), deviceId, invitationId, verdict: 'quarantine', evidence: 'claimed', reason: found.sentence, author: 'latchkey', notAfter }, now)
  const reads = enrollmentReads(tx, { trustTestDevices: service.config.testDeviceCa !== undefined })
  const decision = await decideDevice(service, reads, (await reads.device(deviceId))!, (await reads.invitation(invitationId))!, now)
  if (decision.verdict === 'quarantine') await deviceStore(tx).setAside(enrollment.id, decision, now)
  return notAfter
}
