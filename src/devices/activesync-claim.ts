/** What the catalogue says of an ActiveSync string. It finds lies and says nothing for the truth: a claim that fits is still a claim. */
import { parseBuild } from '../formats/build-number.ts'
import { parseUserAgent, type ActiveSyncClaim } from '../formats/activesync/user-agent.ts'
import { buildOf, osVersionOf, ranOn, type Catalogue } from './catalogue.ts'

export const claimFindings = ['unknown-model', 'unknown-build', 'impossible-pair', 'not-activesync'] as const
export type ClaimFinding = typeof claimFindings[number]

/**
 * @property model  product type, where the string names one. @property build  null where the catalogue does not have it
 * @property osVersion  the catalogue's, of the build; else what the string says itself
 */
export type JudgedClaim = { readonly model: string | null, readonly build: string | null, readonly osVersion: string | null, readonly finding: ClaimFinding | null }

export function judgeUserAgent(catalogue: Catalogue, text: string): JudgedClaim {
  const claim = parseUserAgent(text)
  return claim === undefined ? { model: null, build: null, osVersion: null, finding: 'not-activesync' } : judgeClaim(catalogue, claim)
}

export function judgeClaim(catalogue: Catalogue, claim: ActiveSyncClaim): JudgedClaim {
  const { productType, build, osVersion } = claim
  const known = build !== null && isCharted(claim.family) && buildOf(catalogue, build) !== undefined
  return {
    model: productType,
    build: known ? build : null,
    osVersion: (known ? osVersionOf(catalogue, build) : undefined) ?? osVersion,
    finding: findingOf(catalogue, claim),
  }
}

/** Builds of other systems than these are not in the table, so nobody can say anything about them. */
const isCharted = (family: string | null): boolean => family === null || ['iPhone', 'iPad', 'iPod'].includes(family)

function findingOf(catalogue: Catalogue, { family, productType, build, osVersion }: ActiveSyncClaim): ClaimFinding | null {
  if (productType !== null && !catalogue.models.has(productType)) return 'unknown-model'
  if (family !== null && ![...catalogue.models.keys()].some(identifier => isOfFamily(identifier, family))) return 'unknown-model'
  if (build === null || !isCharted(family)) return null
  const row = buildOf(catalogue, build)
  if (row === undefined) return 'unknown-build'
  if (productType !== null && ranOn(catalogue, build, productType) === false) return 'impossible-pair'
  if (family !== null && row.productTypes.length > 0 && !row.productTypes.some(identifier => isOfFamily(identifier, family))) return 'impossible-pair'
  return osVersion === null || row.version === null || isVersionOf(osVersion, row.version) ? null : 'impossible-pair'
}

const isOfFamily = (identifier: string, family: string): boolean => identifier.startsWith(family) && /^\d/.test(identifier.slice(family.length))

/** Old systems leave the third number out: 6.1 for 6.1.1. What the catalogue calls `26.4 beta 3` says 26.4 of itself. */
const isVersionOf = (said: string, version: string): boolean => {
  const numbers = version.split(' ', 1)[0]!
  return said === numbers || numbers.startsWith(`${said}.`) || said === `${numbers}.0`
}

/** Seeds carry large numbers, `20A5283p`. */
const firstSeedNumber = 5000

/**
 * Whether a build that the catalogue does not have may have come after the catalogue: a phone that was updated last
 * night is no liar. Within a major version letters and numbers only grow, so what lies below the newest never was.
 */
export function mayBeNewer(catalogue: Catalogue, build: string): boolean {
  const asked = parseBuild(build)
  if (asked === undefined || buildOf(catalogue, build) !== undefined) return false
  const released = [...catalogue.builds.keys()].map(text => parseBuild(text)!).filter(({ major, number }) => major >= asked.major && number < firstSeedNumber)
  const ofMajor = released.filter(({ major }) => major === asked.major)
  // Of a major version that is not there at all, only one past the newest can still have come.
  if (ofMajor.length === 0) return released.length === 0
  const letter = ofMajor.reduce((newest, other) => other.letter > newest ? other.letter : newest, 'A')
  if (asked.letter !== letter) return asked.letter > letter
  const isSeed = asked.number >= firstSeedNumber
  return isSeed ? released.length === ofMajor.length : ofMajor.every(other => other.letter !== letter || other.number < asked.number)
}
