/**
 * Publishing certificate revocation lists. It happens in one place and under one lock (the authority's row),
 * so numbers and thisUpdate only grow, whatever number of instances are running.
 */
import { createPublicKey, type KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import {
  authorityKeyIdentifier, crlNumber, deltaCrlIndicator, freshestCrl, issuingDistributionPoint, type Extension,
} from '../formats/extensions.ts'
import { crlEntriesOf, type CrlEntries } from '../formats/crl-entry-writer.ts'
import { parseCrl, signCrl, verifyCrl } from '../formats/crl.ts'
import { toCrlNumber } from '../formats/list-number.ts'
import type { Signer } from '../formats/signatures.ts'
import type { Addresses } from './addresses.ts'
import { issuerKey, type Authority } from './authority.ts'
import type { Keyring } from './keyring.ts'
import { sha256 } from './issue.ts'

export type CrlScope = 'complete' | 'delta' | 'partition'

/** A published list without its bytes. `changeNumber`: every change up to it is in the list. */
export type PublishedCrl = { scope: CrlScope, partition: number, crlNumber: number, thisUpdate: Date, nextUpdate: Date, changeNumber: number }
export type NewCrl = PublishedCrl & { baseCrlNumber: number | null, entries: number, der: Buffer, sha256: Buffer }

export type Listed = { since?: number, partition?: number }

export type PublicationStore = {
  /** Locks the authority's row until the transaction ends. */
  lock(authorityId: number): Promise<{ partitions: number, crlNumber: number }>
  /** Whether a partition has an address that none of its lists carries yet. */
  hasNewAddress(authorityId: number): Promise<boolean>
  changeNumber(): Promise<number>
  latest(authorityId: number): Promise<PublishedCrl[]>
  /** Partitions with a change after `changeNumber`. */
  changedPartitions(authorityId: number, changeNumber: number): Promise<number[]>
  /** Whether a certificate was released after `changeNumber`. */
  hasRelease(authorityId: number, changeNumber: number): Promise<boolean>
  /** In the order of serial numbers. */
  entries(authorityId: number, listed: Listed): Promise<CrlEntries>
  crlAddresses(authorityId: number, partition: number): Promise<string[]>
  add(authorityId: number, crlNumber: number, crls: NewCrl[]): Promise<void>
  /** Takes off the lists what has stood on one issued after its certificate expired (RFC 5280 §3.3), and releases. */
  settle(authorityId: number, before: { thisUpdate: Date, changeNumber: number } | undefined): Promise<void>
  prune(authorityId: number): Promise<void>
}

export type CrlPeriods = { nextUpdateMs: number, fullEveryMs: number }

export type PublishDeps = {
  keyring: Keyring
  addresses: Addresses
  periods: CrlPeriods
  /** A repeatable-read transaction: every list of one publication shows the same moment. */
  transaction<T>(work: (tx: PublicationStore) => Promise<T>): Promise<T>
}

/** `too-soon`: a list of this second exists, and thisUpdate must grow; ask again in the next. */
export type PublishResult = 'published' | 'nothing-new' | 'too-soon'

/**
 * Publishes what has changed: the partitions concerned and a delta; and, when the period of the complete
 * list has passed or `full` asks for it, every list.
 */
export async function publish(deps: PublishDeps, authority: Authority, now: Date, full = false): Promise<PublishResult> {
  const signer = deps.keyring.signer(authority.key)
  return await deps.transaction(async tx => {
    const { partitions, crlNumber: lastNumber } = await tx.lock(authority.id)
    const latest = await tx.latest(authority.id)
    const changeNumber = await tx.changeNumber()
    const newAddress = await tx.hasNewAddress(authority.id)
    const plan = planPublication(latest, { partitions, changeNumber, newAddress, now, full, fullEveryMs: deps.periods.fullEveryMs })
    if (typeof plan === 'string') return plan
    if (plan.full) await tx.settle(authority.id, oldest(latest))
    // A refusal that was released before any list named it is lifted by all partitions together, for agents believe no
    // word about which one a certificate is of.
    const all = plan.full || await tx.hasRelease(authority.id, plan.since)
    const wanted = all ? range(partitions) : await tx.changedPartitions(authority.id, plan.since)
    if (!plan.full && wanted.length === 0) return 'nothing-new'
    const context = { deps, tx, authority, signer, latest, number: lastNumber + 1, changeNumber, thisUpdate: plan.thisUpdate }
    const crls: NewCrl[] = []
    for (const partition of wanted) crls.push(await partitionList(context, partition))
    if (plan.full) crls.push(await completeList(context))
    crls.push(await deltaList(context, plan.full))
    await tx.add(authority.id, lastNumber + 1, crls)
    await tx.prune(authority.id)
    return 'published'
  })
}

type Situation = { partitions: number, changeNumber: number, newAddress: boolean, now: Date, full: boolean, fullEveryMs: number }

/** Decides what has to be published. Pure. */
export function planPublication(latest: PublishedCrl[], situation: Situation): { full: boolean, since: number, thisUpdate: Date } | 'nothing-new' | 'too-soon' {
  const thisUpdate = new Date(Math.floor(situation.now.getTime() / 1000) * 1000)
  const newest = latest.reduce((most, crl) => Math.max(most, crl.thisUpdate.getTime()), 0)
  const since = latest.reduce((most, crl) => Math.max(most, crl.changeNumber), 0)
  const complete = latest.find(crl => crl.scope === 'complete')
  const published = latest.filter(crl => crl.scope === 'partition').length
  // Certificates may carry a new address at once, and no list covers them until one names it.
  const full = situation.full || complete === undefined || published < situation.partitions || situation.newAddress
    || situation.now.getTime() - complete.thisUpdate.getTime() >= situation.fullEveryMs
  if (!full && situation.changeNumber === since) return 'nothing-new'
  if (thisUpdate.getTime() <= newest) return 'too-soon'
  return { full, since, thisUpdate }
}

/** The moment and change that every list published so far covers. */
function oldest(latest: PublishedCrl[]): { thisUpdate: Date, changeNumber: number } | undefined {
  const lists = latest.filter(crl => crl.scope !== 'delta')
  if (lists.length === 0) return undefined
  return {
    thisUpdate: new Date(Math.min(...lists.map(crl => crl.thisUpdate.getTime()))),
    changeNumber: Math.min(...lists.map(crl => crl.changeNumber)),
  }
}

type Context = {
  deps: PublishDeps, tx: PublicationStore, authority: Authority, signer: Signer, latest: PublishedCrl[]
  number: number, changeNumber: number, thisUpdate: Date
}

/** A partition's critical IDP lists every address ever written for it: old certificates keep their own (RFC 5280 §6.3.3 b). */
async function partitionList(context: Context, partition: number): Promise<NewCrl> {
  const urls = await context.tx.crlAddresses(context.authority.id, partition)
  // With no name in it the scope would be wrong for every certificate there is.
  if (urls.length === 0) throw new CaError('crl-not-published', `partition ${partition} has no address on record`)
  const entries = await context.tx.entries(context.authority.id, { partition })
  return await list(context, { scope: 'partition', partition, baseCrlNumber: null }, entries, [issuingDistributionPoint({ urls })])
}

async function completeList(context: Context): Promise<NewCrl> {
  const entries = await context.tx.entries(context.authority.id, {})
  const url = context.deps.addresses.deltaCrl(context.authority.name)
  return await list(context, { scope: 'complete', partition: 0, baseCrlNumber: null }, entries, [freshestCrl(url)])
}

/** A delta published with a complete list has that list as its base and is empty (RFC 5280 §5.2.4). */
async function deltaList(context: Context, full: boolean): Promise<NewCrl> {
  const base = full ? { crlNumber: context.number, changeNumber: context.changeNumber } : context.latest.find(crl => crl.scope === 'complete')
  if (base === undefined) throw new CaError('crl-not-published', 'a delta needs a complete list')
  const entries = full ? crlEntriesOf([]) : await context.tx.entries(context.authority.id, { since: base.changeNumber })
  return await list(context, { scope: 'delta', partition: 0, baseCrlNumber: base.crlNumber }, entries, [deltaCrlIndicator(numberOf(base))])
}

async function list(context: Context, what: Pick<NewCrl, 'scope' | 'partition' | 'baseCrlNumber'>, entries: CrlEntries, extensions: Extension[]): Promise<NewCrl> {
  const { authority, signer, thisUpdate, number } = context
  const nextUpdate = new Date(thisUpdate.getTime() + context.deps.periods.nextUpdateMs)
  const der = await signCrl({
    issuer: authority.certificate.subject.raw, thisUpdate, nextUpdate, entries,
    extensions: [authorityKeyIdentifier(issuerKey(authority.certificate)), crlNumber(numberOf({ crlNumber: number, changeNumber: context.changeNumber })), ...extensions],
  }, signer)
  assertCrl(der, createPublicKey({ key: authority.key.publicKey, format: 'der', type: 'spki' }), { thisUpdate, nextUpdate, entries: entries.length })
  return { ...what, crlNumber: number, thisUpdate, nextUpdate, changeNumber: context.changeNumber, entries: entries.length, der, sha256: sha256(der) }
}

const numberOf = ({ crlNumber, changeNumber }: Pick<PublishedCrl, 'crlNumber' | 'changeNumber'>): bigint => toCrlNumber({ crlNumber: BigInt(crlNumber), change: BigInt(changeNumber) })

/** Reads a list back before anybody gets it. @throws {CaError} certificate-profile-violation */
export function assertCrl(der: Buffer, key: KeyObject, asked: { thisUpdate: Date, nextUpdate: Date, entries: number }): void {
  const crl = parseCrl(der)
  const same = crl.thisUpdate.getTime() === asked.thisUpdate.getTime() && crl.nextUpdate?.getTime() === asked.nextUpdate.getTime()
  if (!same || crl.countEntries() !== asked.entries || !verifyCrl(crl, key)) {
    throw new CaError('certificate-profile-violation', 'the signed list differs from what was asked')
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index)
