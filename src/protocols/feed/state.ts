import { authorityById, type Authorities } from '../../certificates/authority.ts'
import type { Service } from '../../http/service.ts'
import { crlFileStore, type CrlHead } from '../../store/crls.ts'
import { feedStore, type RevokedChange } from '../../store/feed.ts'

/** A refusal that came after the lists, as agents read it. `partition` says which list will answer for it. */
export type RevokedEvent = { authority: string, partition: number, serialNumber: string, change: number, hold: boolean }
/** A list in force. `change`: every change up to it is in the list; what counts is the same number, signed, in the list. */
export type ListEvent = { authority: string, scope: 'complete' | 'partition', partition: number, crlNumber: number, change: number, sha256: string }

/** More than these are not told one by one: the lists are taken first. */
export const mostReplayed = 10_000

/** The lists that front ends load: the root's, and every partition of the issuing CAs, of one moment. */
export async function listsInForce(service: Service): Promise<ListEvent[]> {
  const authorities = service.authorities()
  const now = service.now()
  const living = authorities.all.filter(({ certificate }) => now <= certificate.notAfter)
  const heads = await crlFileStore(service.db).bundleHeads({
    complete: living.filter(({ role }) => role === 'root').map(({ id }) => id), partitions: living.filter(({ role }) => role === 'issuing').map(({ id }) => id),
  })
  return heads.map(head => listEvent(authorities, head))
}

const listEvent = (authorities: Authorities, { authorityId, scope, partition, crlNumber, changeNumber, sha256 }: CrlHead): ListEvent => ({
  authority: authorityById(authorities, authorityId).name, scope: scope === 'partition' ? 'partition' : 'complete', partition, crlNumber,
  change: changeNumber, sha256: sha256.toString('hex'),
})

/** Refusals of the issuing CAs, oldest first. */
export async function revokedBetween(service: Service, after: number, upTo: number): Promise<RevokedEvent[]> {
  const authorities = service.authorities()
  const issuing = authorities.all.filter(({ role }) => role === 'issuing').map(({ id }) => id)
  return (await feedStore(service.db).revokedBetween(issuing, after, upTo)).map(change => revokedEvent(authorities, change))
}

const revokedEvent = (authorities: Authorities, { authorityId, partition, serialNumber, change, hold }: RevokedChange): RevokedEvent =>
  ({ authority: authorityById(authorities, authorityId).name, partition, serialNumber: serialNumber.toString('hex'), change, hold })

/**
 * Where an agent that has everything up to `after` goes on: the refusals since, or, where those are too many, since the
 * lists, which hold the others.
 */
export async function replay(service: Service, after: number | undefined): Promise<{ change: number, reset: boolean, lists: ListEvent[], revoked: RevokedEvent[] }> {
  const change = await feedStore(service.db).newestChange()
  const lists = await listsInForce(service)
  const listed = Math.min(change, ...lists.filter(({ scope }) => scope === 'partition').map(list => list.change))
  // A number that is not given yet is of another time of this database: a backup was taken back.
  const known = after !== undefined && after <= change ? after : listed
  const reset = known !== after || change - known > mostReplayed
  const from = change - known > mostReplayed ? listed : known
  return { change, reset, lists, revoked: await revokedBetween(service, from, change) }
}
