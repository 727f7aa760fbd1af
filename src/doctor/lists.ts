/** Revocation lists: those that the service publishes, and those in the file that a front end loads. */
import { CaError } from '../errors.ts'
import { parseCrl, verifyCrl, type Crl } from '../formats/crl.ts'
import { readCrlNumber, readDeltaCrlIndicator, readIssuingDistributionPoint } from '../formats/extension-readers.ts'
import { fromCrlNumber } from '../formats/list-number.ts'
import { found, fine, type Finding, type Result } from './findings.ts'
import { findingOf, type Begun, type Ca, type PublishedList } from './trial.ts'

type Judged = { readonly begun: Begun, readonly now: Date }

const dayMs = 86_400_000
/** A list that its issuer renews has always more than half of its time left; those that are signed for years, a month. */
const leastLeft = (thisUpdate: Date, nextUpdate: Date): number => Math.min((nextUpdate.getTime() - thisUpdate.getTime()) / 2, 30 * dayMs)
/** For so long a newer list may not have arrived yet. */
const arrivesWithinMs = 60_000

const nameOf = ({ authority, partition }: Pick<PublishedList, 'authority' | 'partition'>): string => partition === null ? `the list of ${authority}` : `partition ${partition} of ${authority}`
const until = (instant: Date): string => instant.toISOString().replace(/:\d\d\.\d+Z$/, 'Z')

export function publishedLists({ begun, now }: Judged): Result {
  const probe = 'lists of the service'
  const findings = begun.lists.flatMap(list => endOf({ begun, now }, nameOf(list), list.thisUpdate, list.nextUpdate))
  const [first] = [...begun.lists].sort((a, b) => a.nextUpdate.getTime() - b.nextUpdate.getTime())
  return findings.length > 0 ? found(probe, 'not all of them last', ...findings) : fine(probe, `${begun.lists.length}, until ${first === undefined ? 'never' : until(first.nextUpdate)}`)
}

function endOf(trial: Judged, what: string, thisUpdate: Date, nextUpdate: Date): Finding[] {
  const left = nextUpdate.getTime() - trial.now.getTime()
  if (left <= 0) return [findingOf(trial, 'list-ended', 'outage', `${what} ended at ${until(nextUpdate)}: with it everybody is refused`)]
  if (left >= leastLeft(thisUpdate, nextUpdate)) return []
  return [findingOf(trial, 'list-ends-soon', 'outage', `${what} ends at ${until(nextUpdate)}, and was to be replaced long before: from then on everybody is refused`)]
}

/** @param text  PEM, what the front end loads */
export function listsInBundle(trial: Judged, text: string): Result {
  const probe = 'lists in the bundle'
  const { lists, damaged } = readBundle(text, trial.begun.trusted)
  const findings = [
    ...damaged.map(what => findingOf(trial, 'bundle-damaged', 'outage', what)),
    ...lists.flatMap(list => faultsOf(trial, list)), ...missingFrom(trial, lists),
  ]
  return findings.length > 0 ? found(probe, 'not as they should be', ...findings) : fine(probe, `${lists.length}, all that are needed`)
}

type Listed = { readonly crl: Crl, readonly ca: Ca, readonly partition: number | null, readonly isDelta: boolean }

function readBundle(text: string, trusted: readonly Ca[]): { lists: Listed[], damaged: string[] } {
  const [lists, damaged]: [Listed[], string[]] = [[], []]
  const blocks = text.split('-----BEGIN X509 CRL-----').slice(1)
  for (const [index, block] of blocks.entries()) {
    const which = `list ${index + 1} of ${blocks.length} in the file`
    const crl = crlIn(block)
    const ca = crl === undefined ? undefined : trusted.find(({ certificate }) => certificate.subject.raw.equals(crl.issuer.raw))
    if (crl === undefined) damaged.push(`${which} cannot be read`)
    // Lists of others are no matter of ours.
    else if (ca !== undefined && !verifyCrl(crl, ca.certificate.publicKey)) damaged.push(`${which} was not signed by ${ca.name}, whose name it has`)
    else if (ca !== undefined) lists.push({ crl, ca, partition: partitionOf(crl, ca.name), isDelta: readDeltaCrlIndicator(crl) !== undefined })
  }
  return { lists, damaged }
}

function crlIn(block: string): Crl | undefined {
  const [base64, ...rest] = block.split('-----END X509 CRL-----')
  if (rest.length === 0) return undefined
  try {
    return parseCrl(Buffer.from(base64!, 'base64'))
  } catch (error) {
    if (error instanceof CaError) return undefined
    throw error
  }
}

function partitionOf(crl: Crl, authority: string): number | null {
  const urls = readIssuingDistributionPoint(crl)?.urls ?? []
  const named = urls.map(url => new RegExp(`/crl/${authority}/(\\d{1,4})\\.crl$`).exec(url)?.[1]).find(number => number !== undefined)
  return named === undefined ? null : Number(named)
}

function faultsOf(trial: Judged, { crl, ca, partition, isDelta }: Listed): Finding[] {
  if (isDelta) return [findingOf(trial, 'delta-in-bundle', 'hole', `a delta of ${ca.name} is in the file: who is revoked on the list that it hides gets in`)]
  if (partition === null && ca.role === 'issuing') {
    return [findingOf(trial, 'complete-list-in-bundle', 'hole', `the complete list of ${ca.name} is in the file beside its partitions: an older one hides what is only in them`)]
  }
  const what = `${nameOf({ authority: ca.name, partition })} in the file`
  const newest = trial.begun.lists.find(list => list.authority === ca.name && list.partition === partition)
  const raw = readCrlNumber(crl) ?? 0n
  const number = Number(partition === null ? raw : fromCrlNumber(raw).crlNumber)
  const isBehind = newest !== undefined && number < newest.crlNumber && trial.now.getTime() - newest.thisUpdate.getTime() > arrivesWithinMs
  return [
    ...endOf(trial, what, crl.thisUpdate, crl.nextUpdate),
    ...isBehind ? [findingOf(trial, 'list-behind', 'risk', `${what} has number ${number}; ${newest.crlNumber} was published at ${until(newest.thisUpdate)}`)] : [],
  ]
}

function missingFrom(trial: Judged, lists: readonly Listed[]): Finding[] {
  const isThere = (wanted: PublishedList): boolean => lists.some(({ ca, partition, isDelta }) => !isDelta && ca.name === wanted.authority && partition === wanted.partition)
  return trial.begun.lists.filter(wanted => wanted.needed && !isThere(wanted)).map(wanted => wanted.partition === null
    ? findingOf(trial, 'root-list-missing', 'outage', `${nameOf(wanted)}, the root, is not in the file: everybody is refused`)
    : findingOf(trial, 'partition-list-missing', 'outage', `${nameOf(wanted)} is not in the file: those whose certificates belong to it are refused`))
}
