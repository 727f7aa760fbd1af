/** Decides whether a revocation list may take the place of the one in force. Pure. */
import { createHash } from 'node:crypto'
import { CaError } from '../errors.ts'
import { parseCrl, verifyCrl, type Crl } from '../formats/crl.ts'
import { readCrlNumber, readIssuingDistributionPoint } from '../formats/extension-readers.ts'
import { fromCrlNumber } from '../formats/list-number.ts'
import { oids } from '../formats/oids.ts'
import type { Certificate } from '../formats/x509.ts'
import { SerialNumbers } from './serial-numbers.ts'
import type { ListName } from './trust.ts'

/** What is remembered of a list beyond its bytes. `change`: every revocation up to that number is in it. */
export type ListMark = { readonly crlNumber: bigint, readonly sha256: string, readonly thisUpdate: Date, readonly change: number }
export type VerifiedList = ListMark & ListName & { readonly nextUpdate: Date, readonly serialNumbers: SerialNumbers }

export type ListFault =
  | 'oversize' | 'malformed' | 'wrong-issuer' | 'bad-signature' | 'wrong-scope'
  | 'rolled-back' | 'same-number-other-content' | 'not-newer' | 'from-the-future' | 'expired' | 'change-went-back'

export type ListVerdict =
  | { readonly outcome: 'verified', readonly list: VerifiedList }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'refused', readonly fault: ListFault, readonly detail: string }

export type ListQuestion = {
  readonly name: ListName
  readonly issuer: Certificate
  /** The newest of this name that was ever accepted. */
  readonly floor: ListMark | undefined
  /** Whether the one that `floor` describes is at hand: then the same again is no news. */
  readonly loaded: boolean
  /** Time as the service has it. */
  readonly now: Date
}

export const maxListBytes = 64 * 1024 * 1024
const aheadMs = 5 * 60_000
// freshestCRL stands in complete lists alone, and never makes one of them a delta.
const known = new Set<string>([oids.authorityKeyIdentifier, oids.cRLNumber, oids.issuingDistributionPoint, oids.freshestCRL])

export function verifyList(der: Buffer, question: ListQuestion): ListVerdict {
  if (der.length > maxListBytes) return refused('oversize', `more than ${maxListBytes} bytes`)
  const sha256 = createHash('sha256').update(der).digest('hex')
  try {
    const crl = parseCrl(der)
    return signedBy(crl, question.issuer) ?? scopeFault(crl, question.name) ?? inOrder(crl, sha256, question)
  } catch (error) {
    // What parsers throw; a defect of ours must not look like a list that somebody damaged.
    if (error instanceof CaError) return refused('malformed', error.message)
    throw error
  }
}

function inOrder(crl: Crl, sha256: string, question: ListQuestion): ListVerdict {
  const number = readCrlNumber(crl)
  if (number === undefined) return refused('malformed', 'it has no number')
  // The root counts no changes, and may have signed its list years ahead, outside the service.
  const { crlNumber, change } = question.name.partition === null ? { crlNumber: number, change: 0n } : fromCrlNumber(number)
  const mark = { crlNumber, sha256, thisUpdate: crl.thisUpdate, change: Number(change) }
  return orderFault(crl, mark, question) ?? accepted(crl, mark, question)
}

function accepted(crl: Crl, mark: ListMark, { name }: ListQuestion): ListVerdict {
  const serialNumbers = SerialNumbers.of(function* () { for (const { serialNumber } of crl.entries()) yield serialNumber }())
  return { outcome: 'verified', list: { ...name, ...mark, nextUpdate: crl.nextUpdate, serialNumbers } }
}

function signedBy(crl: Crl, issuer: Certificate): ListVerdict | undefined {
  if (!crl.issuer.raw.equals(issuer.subject.raw)) return refused('wrong-issuer', 'another CA is named in it')
  return verifyCrl(crl, issuer.publicKey) ? undefined : refused('bad-signature', 'its issuer did not sign it')
}

/** A partition says which one it is in its critical extension; a complete list has none, and a delta is never taken. */
function scopeFault(crl: Crl, { authority, partition }: ListName): ListVerdict | undefined {
  const strange = crl.extensions.find(({ oid, critical }) => oid === oids.deltaCRLIndicator || critical && !known.has(oid))
  if (strange !== undefined) return refused('wrong-scope', `extension ${strange.oid} narrows it`)
  const point = readIssuingDistributionPoint(crl)
  if (partition === null) return point === undefined ? undefined : refused('wrong-scope', 'it is not complete')
  const path = `/crl/${authority}/${partition}.crl`
  const named = point?.urls.some(url => URL.parse(url)?.pathname.endsWith(path)) ?? false
  return named && point?.otherLimits === false && !point.onlyContainsUserCerts ? undefined : refused('wrong-scope', `it is not partition ${partition} of ${authority}`)
}

function orderFault(crl: Crl, { crlNumber, sha256, change }: ListMark, { floor, loaded, now }: ListQuestion): ListVerdict | undefined {
  if (crl.nextUpdate <= now) return refused('expired', `it ended at ${crl.nextUpdate.toISOString()}`)
  if (crl.thisUpdate.getTime() > now.getTime() + aheadMs) return refused('from-the-future', `it begins at ${crl.thisUpdate.toISOString()}`)
  if (floor === undefined) return undefined
  if (crlNumber < floor.crlNumber) return refused('rolled-back', `number ${crlNumber} comes before ${floor.crlNumber}`)
  if (crlNumber === floor.crlNumber) {
    if (sha256 !== floor.sha256) return refused('same-number-other-content', `number ${crlNumber} was another list`)
    return loaded ? { outcome: 'unchanged' } : undefined
  }
  if (crl.thisUpdate <= floor.thisUpdate) return refused('not-newer', `it is of ${crl.thisUpdate.toISOString()}, and so is the one before it, or later`)
  return change < floor.change ? refused('change-went-back', `it covers change ${change}, the one before it ${floor.change}`) : undefined
}

const refused = (fault: ListFault, detail: string): ListVerdict => ({ outcome: 'refused', fault, detail })
