import { assertRole, type Actor } from '../../../http/actor.ts'
import type { RecordChange } from '../../../http/change.ts'
import type { Queryable } from '../../../store/db.ts'
import { deviceStore } from '../../../store/devices.ts'
import { invitationStore } from '../../../store/invitations.ts'
import { personStore } from '../../../store/people.ts'

type Whom = { personId: string } | { deviceIds: readonly string[] } | undefined
type Verb = { verb: 'revoke' | 'hold' | 'release', cause: string }
/** `device:…` and `person:…` that this call locked out, or let in again. */
type Gates = { invitationsEnded: number, lockedOut: string[], letInAgain: string[] }

/**
 * What would bring another certificate is closed, or opened, with those that are there. Everything is locked in the order
 * in which an enrollment locks it: its invitation, then its device. So what is under way has issued, and its
 * certificate is found by whoever looks after this; or it comes to see the gate closed.
 *
 * @throws {CaError} forbidden when a device that was revoked is let in by somebody who is no admin
 */
export async function moveGates(tx: Queryable, record: RecordChange, actor: Actor, whom: Whom, verb: Verb, now: Date): Promise<Gates> {
  if (whom === undefined) return { invitationsEnded: 0, lockedOut: [], letInAgain: [] }
  return 'personId' in whom ? await moveGatesOfPerson(tx, record, whom.personId, verb, now) : await moveGatesOfDevices(tx, record, actor, whom.deviceIds, verb, now)
}

async function moveGatesOfPerson(tx: Queryable, record: RecordChange, personId: string, { verb, cause }: Verb, now: Date): Promise<Gates> {
  const { email } = (await personStore(tx).find(personId))!
  const subject = `person:${personId}`
  await invitationStore(tx).lockAllOf(personId)
  const invitationsEnded = verb === 'revoke' ? await invitationStore(tx).endAllOf(personId, now) : 0
  if (invitationsEnded > 0) await record('invitation.end', subject, { count: invitationsEnded, cause })
  const held = verb === 'hold' && await personStore(tx).hold(personId, now)
  const released = verb === 'release' && await personStore(tx).release(personId)
  if (held || released) await record(`person.${verb}`, subject, { cause })
  await deviceStore(tx).lockAllOf(personId)
  // Their certificates are released with all others, and a phone that has one must be able to renew it.
  const devices = verb === 'release' ? await deviceStore(tx).letInHeldOf(personId) : []
  for (const id of devices) await record('device.release', `device:${id}`, { cause })
  const person = `person:${email}`
  return { invitationsEnded, lockedOut: held ? [person] : [], letInAgain: [...released ? [person] : [], ...devices.map(id => `device:${id}`)] }
}

async function moveGatesOfDevices(tx: Queryable, record: RecordChange, actor: Actor, deviceIds: readonly string[], { verb, cause }: Verb, now: Date): Promise<Gates> {
  const gates: Gates = { invitationsEnded: 0, lockedOut: [], letInAgain: [] }
  for (const id of verb === 'revoke' ? deviceIds : []) {
    // Their links stand in the mail of a phone that somebody else may hold.
    const count = await invitationStore(tx).endAllWith(id, now)
    if (count > 0) await record('invitation.end', `device:${id}`, { count, cause })
    gates.invitationsEnded += count
  }
  for (const id of deviceIds) {
    await deviceStore(tx).lock(id)
    const moved = verb === 'release' ? await letIn(tx, actor, id) : await deviceStore(tx).lockOut(id, verb === 'hold' ? 'held' : 'revoked')
    if (!moved) continue
    await record(`device.${verb}`, `device:${id}`, { cause })
    gates[verb === 'release' ? 'letInAgain' : 'lockedOut'].push(`device:${id}`)
  }
  return gates
}

async function letIn(tx: Queryable, actor: Actor, deviceId: string): Promise<boolean> {
  const before = await deviceStore(tx).letIn(deviceId)
  if (before === 'revoked') assertRole(actor, 'admin')
  return before !== null
}
