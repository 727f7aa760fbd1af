import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import type { Exemption } from '../../../policy/rules.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceStore, type DeviceListing } from '../../../store/devices.ts'
import { invitationStore } from '../../../store/invitations.ts'
import { exemptionOrders, policyStore } from '../../../store/policy.ts'
import { at, byId, id, instant, instantInput, pageInput, pageOf, reasonText, sortedBy, sortedPage } from '../fields.ts'
import { operation } from '../operation.ts'
import { grade, verdict } from './decision-view.ts'

export const exemptionView = z.strictObject({
  id, deviceId: id, invitationId: id, verdict, evidence: grade, reason: z.string(), author: z.string(), notAfter: instant,
  textForPerson: z.string().nullable(),
})
export const viewOfExemption = (e: Exemption): z.input<typeof exemptionView> => ({ ...e, notAfter: at(e.notAfter), textForPerson: e.textForPerson ?? null })

export const exemptionList = operation({
  id: 'exemptionList', method: 'get', path: '/exemptions', role: 'auditor',
  summary: 'Exemptions in force, of all devices or of one, newest first.',
  input: z.strictObject({ device: id.optional(), ...pageInput }),
  output: pageOf(exemptionView),
  async run(service, _actor, { device: deviceId, limit, cursor }) {
    const rows = await policyStore(service.db).listExemptions(service.now(), { deviceId, sorted: sortedBy(exemptionOrders, '-created', cursor), limit: limit + 1 })
    return sortedPage(rows, limit, '-created', ({ sortKey: _, ...exemption }) => viewOfExemption(exemption))
  },
})

export const exemptionInput = {
  device: id, invitation: id, verdict,
  /** What the model must be known at for the exemption to open anything. */
  evidence: grade.default('signed'),
  until: instantInput,
  reason: reasonText,
  /** Shown to the person in place of our own sentence, unless the verdict is allow. */
  textForPerson: reasonText.optional(),
}
type ExemptionInput = z.output<z.ZodObject<typeof exemptionInput>>

export function newExemption(actor: Actor, { device, invitation, verdict: given, evidence, until, reason, textForPerson }: ExemptionInput, now: Date): Exemption {
  if (until <= now) throw new CaError('invalid-argument', 'the exemption would be over before it begins')
  return { id: randomUUID(), deviceId: device, invitationId: invitation, verdict: given, evidence, reason, author: actor.name, notAfter: until, textForPerson }
}

/** The device, when it can be decided about under this invitation. @throws {CaError} device-not-found, invitation-not-found */
export async function exemptable(db: Queryable, deviceId: string, invitationId: string): Promise<DeviceListing> {
  const device = await deviceStore(db).find(deviceId)
  if (device === undefined) throw new CaError('device-not-found', 'there is no device with this id')
  const invited = await invitationStore(db).find(invitationId)
  if (invited === undefined || invited.personId !== device.personId) throw new CaError('invitation-not-found', 'the device’s person has no invitation with this id')
  return device
}

export const exempt = operation({
  id: 'exempt', method: 'post', path: '/exemptions', role: 'admin', status: 201,
  summary: 'Decide about one device under one invitation, before all rules.',
  input: z.strictObject(exemptionInput),
  output: exemptionView,
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const exemption = newExemption(actor, input, now)
      await deviceStore(tx).lock(exemption.deviceId)
      await exemptable(tx, exemption.deviceId, exemption.invitationId)
      await policyStore(tx).addExemption(exemption, now)
      const { device, invitation, verdict: given, evidence, until, reason } = input
      await record('exemption.add', `device:${device}`, { exemption: exemption.id, invitation, verdict: given, evidence, until, reason })
      return viewOfExemption(exemption)
    })
  },
})

export const exemptionEnd = operation({
  id: 'exemptionEnd', method: 'delete', path: '/exemptions/{id}', role: 'admin',
  summary: 'End an exemption.',
  input: byId,
  output: exemptionView,
  async run(service, actor, input) {
    return await change(service, actor, async (tx, record, now) => {
      const exemption = await policyStore(tx).endExemption(input.id, now)
      if (exemption === undefined) throw new CaError('exemption-not-found', 'there is no exemption in force with this id')
      await record('exemption.end', `device:${exemption.deviceId}`, { exemption: exemption.id, verdict: exemption.verdict })
      return viewOfExemption(exemption)
    })
  },
})
