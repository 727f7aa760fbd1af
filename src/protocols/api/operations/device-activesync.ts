import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import { change } from '../../../http/change.ts'
import { contradictionFindings } from '../../../policy/contradictions.ts'
import { activeSyncStore, gateActions } from '../../../store/activesync.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceStore } from '../../../store/devices.ts'
import { at, atOrNull, id, instant, reasonText } from '../fields.ts'
import { operation } from '../operation.ts'

/** What a device claimed at front ends over ActiveSync. None of it is evidence. */
export const activeSyncView = z.strictObject({
  /** The DeviceId with which each certificate was first used. */
  deviceIds: z.array(z.strictObject({ certificate: z.string(), deviceId: z.string(), firstSeenAt: instant })),
  /** Where requests contradicted the certificate, newest first. `settledAt`: somebody looked at it, and `accepted` it or not. */
  findings: z.array(z.strictObject({
    finding: z.enum(contradictionFindings), claimed: z.string(), sentence: z.string(), certificate: z.string(), frontEnd: z.string(), action: z.enum(gateActions),
    foundAt: instant, settledAt: instant.nullable(), settledBy: z.string().nullable(), accepted: z.boolean(),
  })),
})

export async function activeSyncOf(db: Queryable, deviceId: string): Promise<z.input<typeof activeSyncView>> {
  const store = activeSyncStore(db)
  return {
    deviceIds: (await store.deviceIds(deviceId)).map(({ serialNumber, claimedId, firstSeenAt }) => ({ certificate: serialNumber.toString('hex'), deviceId: claimedId, firstSeenAt: at(firstSeenAt) })),
    findings: (await store.findings(deviceId)).map(({ serialNumber, foundAt, settledAt, ...rest }) => ({ ...rest, certificate: serialNumber.toString('hex'), foundAt: at(foundAt), settledAt: atOrNull(settledAt) })),
  }
}

export const deviceAcceptClaims = operation({
  id: 'deviceAcceptClaims', method: 'post', path: '/devices/{id}/activesync/accept', role: 'operator',
  summary: 'Accept what a device’s ActiveSync requests claimed against its certificate: said again, it is no finding any more.',
  input: z.strictObject({ id, reason: reasonText }),
  output: z.strictObject({ accepted: z.int() }),
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      await deviceStore(tx).lock(input.id)
      const device = await deviceStore(tx).find(input.id)
      if (device === undefined) throw new CaError('device-not-found', 'there is no device with this id')
      // Who accepts there decides about the phone as well.
      if (device.enrollment?.state === 'quarantined') throw new CaError('enrollment-state', 'this device waits in quarantine: approve or refuse it')
      const accepted = await activeSyncStore(tx).settle(input.id, true, null, actor.name, now)
      if (accepted > 0) await record('device.accept-claims', `device:${input.id}`, { accepted, reason: input.reason })
      return { accepted }
    })
  },
})
