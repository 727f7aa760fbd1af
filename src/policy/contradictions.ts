/**
 * Where an ActiveSync request contradicts the certificate it came with. A claim is never evidence, so nothing here lets
 * anybody in; but of two stories that cannot both be true one is a lie, or a mistake that somebody should see.
 */
import { judgeClaim, mayBeNewer } from '../devices/activesync-claim.ts'
import { serialNumberIn, userOf } from '../devices/activesync-words.ts'
import type { Catalogue } from '../devices/catalogue.ts'
import type { ActiveSyncQuery } from '../formats/activesync/query.ts'
import { parseUserAgent, type ActiveSyncClaim } from '../formats/activesync/user-agent.ts'
import { decide } from './decide.ts'
import { knownDevice, type KnownDevice, type PolicySnapshot } from './decision.ts'
import { verdicts } from './rules.ts'

export const contradictionFindings = [
  /** Strings that cannot be: made up, wherever they came from. */
  'unknown-model', 'unknown-build', 'impossible-pair', 'malformed-query',
  /** Strings that can be, and not of this phone. */
  'other-model', 'other-serial-number', 'other-user', 'second-device-id',
  'os-below-rule',
] as const
export type ContradictionFinding = typeof contradictionFindings[number]

/** @property claimed  what the request says, as it is compared; @property sentence  for the admin */
export type Contradiction = { readonly finding: ContradictionFinding, readonly claimed: string, readonly sentence: string }

/** What is null was not said. */
export type ActiveSyncRequest = { readonly userAgent: string | null, readonly query: ActiveSyncQuery | { readonly error: string } | null }

/** Whose certificate it is, from our own records. @property deviceId  the one with which it was first used */
export type CertificateHolder = { readonly known: KnownDevice, readonly email: string, readonly userPrincipalName: string | null, readonly deviceId: string | null }

type World = { readonly catalogue: Catalogue, readonly policy: PolicySnapshot, readonly now: Date }

export function contradictionsIn({ userAgent, query }: ActiveSyncRequest, holder: CertificateHolder, world: World): Contradiction[] {
  // What is no User-Agent of Apple's claims nothing that could be held against the phone; clients may leave it out as well.
  const claim = userAgent === null ? undefined : parseUserAgent(userAgent)
  return [
    ...claim === undefined ? [] : inClaim(userAgent!, claim, holder, world),
    ...query === null ? [] : 'error' in query
      ? [{ finding: 'malformed-query', claimed: query.error, sentence: `A request has a query that a mail server must not act on: ${query.error}.` } as const]
      : inQuery(query, holder),
  ]
}

function inClaim(userAgent: string, claim: ActiveSyncClaim, { known }: CertificateHolder, { catalogue, policy, now }: World): Contradiction[] {
  const productType = known.productType?.value ?? ''
  const says = `A request calls itself ${userAgent}`
  const judged = judgeClaim(catalogue, claim)
  // A model or build that came after the catalogue is no lie of the phone.
  const isExcused = judged.finding === 'unknown-model' && claim.productType === productType || judged.finding === 'unknown-build' && mayBeNewer(catalogue, claim.build!)
  if (judged.finding !== null && judged.finding !== 'not-activesync' && !isExcused) return [{ finding: judged.finding, claimed: userAgent, sentence: `${says}: ${impossible[judged.finding]}.` }]
  const isOther = claim.productType !== null ? claim.productType !== productType : claim.family !== null && claim.family !== familyIn(productType)
  if (isOther) return [{ finding: 'other-model', claimed: userAgent, sentence: `${says}, and the certificate was issued to ${productType}.` }]
  const below = judged.osVersion === null ? undefined : belowRule(known, claim.build, judged.osVersion, { catalogue, policy, now })
  return below === undefined ? [] : [{ finding: 'os-below-rule', claimed: userAgent, sentence: `${says}, which is ${judged.osVersion}. By your rules: ${below}` }]
}

const impossible = { 'unknown-model': 'there is no such model', 'unknown-build': 'there never was such a build', 'impossible-pair': 'no device says this' } as const

const familyIn = (productType: string): string => /^[A-Za-z]*/.exec(productType)![0]

/**
 * What would be decided were the claim true, where that is worse than for a newer system or for the one on record.
 * It counts only to the phone's disadvantage: a claim of a newer system changes nothing.
 */
function belowRule(known: KnownDevice, build: string | null, osVersion: string, { catalogue, policy, now }: World): string | undefined {
  const grade = { grade: known.productType?.grade ?? 'claimed', ...known.productType?.test === undefined ? {} : { test: known.productType.test } } as const
  // Held phones are refused before anybody asks for their version.
  const device = { ...known, lockedOut: undefined }
  const asClaimed = knownDevice(catalogue, { ...device, build: build === null ? undefined : { value: build, ...grade }, osVersion: { value: osVersion, ...grade } })
  const onNewest = knownDevice(catalogue, { ...device, build: undefined, osVersion: { value: '999', ...grade } })
  const [claimed, newest, recorded] = [asClaimed, onNewest, device].map(each => decide(each, policy, now))
  const rank = ({ verdict }: { verdict: typeof verdicts[number] }): number => verdicts.indexOf(verdict)
  return rank(claimed!) > Math.min(rank(newest!), rank(recorded!)) ? claimed!.textForAdmin : undefined
}

/** As iPhones, iPads and iPods write it. */
const deviceTypes = ['iPhone', 'iPad', 'iPod']

function inQuery(query: ActiveSyncQuery, { known, email, userPrincipalName, deviceId }: CertificateHolder): Contradiction[] {
  const found: Contradiction[] = []
  const user = userOf(query)
  if (user !== null && !isUser(user, [email, ...userPrincipalName === null ? [] : [userPrincipalName]])) {
    found.push({ finding: 'other-user', claimed: user, sentence: `A request is for the mailbox of ${user}, and the certificate belongs to ${email}.` })
  }
  const family = familyIn(known.productType?.value ?? '')
  if (query.deviceType !== null && deviceTypes.includes(family) && query.deviceType !== family) {
    found.push({ finding: 'other-model', claimed: query.deviceType, sentence: `A request says that it comes from a device of the type ${query.deviceType}, and the certificate was issued to ${known.productType!.value}.` })
  }
  if (query.deviceId === null) return found
  const serialNumber = serialNumberIn(query.deviceId)
  if (serialNumber !== undefined && known.serialNumber !== undefined && serialNumber !== known.serialNumber.value.toUpperCase()) {
    found.push({ finding: 'other-serial-number', claimed: query.deviceId, sentence: `A request names a device with the serial number ${serialNumber}, and the certificate was issued to ${known.serialNumber.value}.` })
  } else if (deviceId !== null && query.deviceId !== deviceId) {
    found.push({ finding: 'second-device-id', claimed: query.deviceId, sentence: `A request names the device ${query.deviceId}, and this certificate was first used by ${deviceId}. Two devices have the same key, or the phone was restored.` })
  }
  return found
}

/** An address, a user principal name, or the part before the @ of one of them, also behind a domain: `CONTOSO\ann`. */
function isUser(said: string, names: readonly string[]): boolean {
  const user = said.toLowerCase().replace(/^[^\\@]*\\/, '')
  return names.map(name => name.toLowerCase()).some(name => user === name || user === name.slice(0, name.lastIndexOf('@')))
}
