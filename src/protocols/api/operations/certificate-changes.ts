import { z } from 'zod'
import { authorityById } from '../../../certificates/authority.ts'
import { abandon } from '../../../certificates/abandon.ts'
import type { CertificateKind } from '../../../certificates/issue.ts'
import { hold, release, revoke, type CertificateKey, type RevocationReason } from '../../../certificates/revoke.ts'
import { CaError } from '../../../errors.ts'
import type { Actor } from '../../../http/actor.ts'
import { change } from '../../../http/change.ts'
import type { Service } from '../../../http/service.ts'
import { certificateStore, revocationStore, type CertificateRecord } from '../../../store/certificates.ts'
import type { Queryable } from '../../../store/db.ts'
import { feedStore } from '../../../store/feed.ts'
import { deviceStore } from '../../../store/devices.ts'
import { reservationStore } from '../../../store/reservations.ts'
import { email, text } from '../fields.ts'
import { personIdOf } from './invitations.ts'
import { moveGates } from './lock-out.ts'

/** A serial number (16 octets) or a SHA-256 fingerprint, in hex; colons are passed over. */
const hexName = z.string().max(120).transform(name => name.replaceAll(':', '').toLowerCase())
  .refine(name => /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/.test(name), 'must be a serial number (32 hex digits) or a SHA-256 fingerprint (64)')

/** Which certificates are meant: one, all of a person, or all of a device (its id, or its UDID). */
export const targetFields = {
  certificate: hexName.optional(),
  person: email.optional(),
  device: text(128).optional(),
}
export type Target = { certificate?: string | undefined, person?: string | undefined, device?: string | undefined }

export const targetIsOne: [check: (input: Target) => boolean, params: { path: string[], error: string }] = [
  input => [input.certificate, input.person, input.device].filter(given => given !== undefined).length === 1,
  { path: ['certificate', 'person', 'device'], error: 'needs exactly one of them' },
]

export type Verb = { verb: 'revoke', reason: Exclude<RevocationReason, 'certificateHold'>, cause: string } | { verb: 'hold' | 'release', cause: string }
export type Outcome = {
  changed: { serialNumber: string, authority: string }[], unchanged: number, invitationsEnded: number, lockedOut: string[], letInAgain: string[]
  change: number | null
}
type Whom = { personId: string } | { deviceIds: readonly string[] } | undefined

/**
 * Revokes, holds or releases. With a person or a device it passes over what cannot be changed any more;
 * with one certificate it refuses. A device, or a held person, is also locked out of whatever would bring
 * another certificate, until it is released.
 */
export async function changeRevocation(service: Service, actor: Actor, target: Target, verb: Verb): Promise<Outcome> {
  let ended = false
  const outcome = await change(service, actor, async (tx, record, now): Promise<Outcome> => {
    const whom = await whomOf(tx, target)
    const gates = await moveGates(tx, record, actor, whom, verb, now)
    const changed: Outcome['changed'] = []
    // Bootstrap identities go too; they open nothing and stand in no list, so nobody is told of them.
    let unchanged = 0
    for (const serialNumber of verb.verb === 'release' ? [] : await endReservations(tx, whom, now)) {
      ended = true
      await record('certificate.revoke', `certificate:${serialNumber}`, { reason: 'cessationOfOperation', cause: verb.cause, person: target.person ?? null, device: target.device ?? null })
    }
    const keys = await keysOf(tx, target, whom, now)
    for (const key of keys) {
      const done = await apply(tx, key, actor, verb, now, target.certificate === undefined)
      if (key.kind !== 'device') continue
      if (!done) { unchanged++; continue }
      const serialNumber = key.serialNumber.toString('hex')
      changed.push({ serialNumber, authority: authorityById(service.authorities(), key.authorityId).name })
      const { verb: action, ...detail } = verb
      await record(`certificate.${action}`, `certificate:${serialNumber}`, { ...detail, person: target.person ?? null, device: target.device ?? null })
    }
    // Under the lock that gave them, so it is the newest of ours.
    return { changed, unchanged, ...gates, change: changed.length === 0 ? null : await feedStore(tx).newestChange() }
  })
  if (ended || outcome.changed.length > 0) service.revocationChanged()
  return outcome
}

async function whomOf(tx: Queryable, target: Target): Promise<Whom> {
  if (target.person !== undefined) return { personId: await personIdOf(tx, target.person) }
  return target.device === undefined ? undefined : { deviceIds: await devicesNamed(tx, target.device) }
}

async function keysOf(tx: Queryable, target: Target, whom: Whom, now: Date): Promise<(CertificateKey & { kind: CertificateKind })[]> {
  if (whom === undefined) return [await findCertificate(tx, target.certificate!)]
  const keys: (CertificateKey & { kind: CertificateKind })[] = []
  for (const one of each(whom)) keys.push(...await certificateStore(tx).inForceOf(one, now))
  return keys
}

/** What is being made is neither held nor kept for later. What was completed while its row was waited for is one of their certificates by then. @returns the serial numbers */
async function endReservations(tx: Queryable, whom: Whom, now: Date): Promise<string[]> {
  const ended: string[] = []
  for (const one of each(whom)) {
    for (const key of await reservationStore(tx).of(one)) {
      if (await abandon({ ...revocationStore(tx), ...reservationStore(tx) }, key, now)) ended.push(key.serialNumber.toString('hex'))
    }
  }
  return ended
}

const each = (whom: Whom): ({ personId: string } | { deviceId: string })[] =>
  whom === undefined ? [] : 'personId' in whom ? [whom] : whom.deviceIds.map(deviceId => ({ deviceId }))

async function devicesNamed(tx: Queryable, name: string): Promise<string[]> {
  const isId = z.uuid().safeParse(name).success
  const found = isId && await deviceStore(tx).find(name) !== undefined ? [name.toLowerCase()] : await deviceStore(tx).byUdid(name)
  if (found.length === 0) throw new CaError('device-not-found', 'there is no device with this id or UDID')
  return found
}

async function apply(tx: Queryable, key: CertificateKey, actor: Actor, verb: Verb, now: Date, lenient: boolean): Promise<boolean> {
  const store = revocationStore(tx)
  const order = { authorityId: key.authorityId, serialNumber: key.serialNumber, actor: actor.name, cause: verb.cause }
  try {
    switch (verb.verb) {
      case 'revoke': return await revoke(store, { ...order, reason: verb.reason }, now)
      case 'hold': return await hold(store, order, now)
      case 'release': return await release(store, order, now)
    }
  } catch (error) {
    // Nothing was written: the domain refuses before it writes.
    if (lenient && error instanceof CaError && (error.code === 'certificate-already-revoked' || error.code === 'certificate-not-held')) return false
    throw error
  }
}

/** The certificate of a phone by that serial number or fingerprint; our own signers, agents and canaries are not for this door. @throws {CaError} certificate-not-found */
export async function findCertificate(db: Queryable, name: string): Promise<CertificateRecord> {
  const bytes = Buffer.from(name, 'hex')
  const found = bytes.length === 16 ? await certificateStore(db).bySerialNumber(bytes) : await certificateStore(db).bySha256(bytes)
  if (found === undefined || ['signer', 'agent', 'canary'].includes(found.kind)) throw new CaError('certificate-not-found', 'there is no certificate with this serial number or fingerprint')
  return found
}
