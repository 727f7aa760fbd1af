/** Models, versions and conditions as phrases; `explain.ts` makes sentences of them. */
import { compareOsVersions, parseOsVersion } from '../formats/os-version.ts'
import { modelOf } from './conditions.ts'
import type { KnownDevice } from './decision.ts'
import type { Conditions, Verdict } from './rules.ts'

/** Text that a phone wrote, fit to stand in a sentence: one line, no controls or direction marks, not long. */
export function quoted(text: string): string {
  const clean = text.replace(/[^\x20-\x7e\u00a1-\u024f]/g, '?')
  return clean.length > 40 ? `${clean.slice(0, 39)}…` : clean
}

/** `iPhone 13 (iPhone14,5)`, or the bare product type where the catalogue has no name. */
export function modelName(known: KnownDevice): string {
  const said = known.productType === undefined ? 'an unnamed model' : quoted(known.productType.value)
  const model = modelOf(known)
  return model === undefined ? said : `${model.name} (${said})`
}

/** The system's name at that version: iPhone OS until 3, iPadOS from 13 on iPads. */
export function osName(family: string | undefined, version: string): string {
  const major = parseOsVersion(version)?.numbers[0] ?? 0
  if (family === 'iPad' && major >= 13) return 'iPadOS'
  if (family === 'Apple Watch') return 'watchOS'
  if (family === 'Apple TV') return 'tvOS'
  if (family === 'Apple Vision') return 'visionOS'
  if (family === 'Mac') return 'macOS'
  return major > 0 && major < 4 ? 'iPhone OS' : 'iOS'
}

/** `iOS 16.7.2`, or undefined when the version is not known. */
export function osOf(known: KnownDevice): string | undefined {
  const version = known.osVersion?.value
  return version === undefined ? undefined : `${osName(modelOf(known)?.family, version)} ${quoted(version)}`
}

/** The conditions as a phrase to stand in quotation marks: `iPad, without storage encryption, iOS older than 17.4`. */
export function describeConditions(conditions: Conditions): string {
  const { productType, family, osVersion, build, evidence, person, group } = conditions
  const phrases = [
    productType,
    family,
    has(conditions.storageEncryption, 'storage encryption'),
    has(conditions.dataProtection, 'Data Protection'),
    has(conditions.secureEnclave, 'a Secure Enclave'),
    conditions.canAttest === undefined ? undefined : conditions.canAttest ? 'able to attest' : 'unable to attest',
    osVersion === undefined ? undefined : describeRange(osVersion, family),
    build === undefined ? undefined : `build ${build}`,
    evidence === undefined ? undefined : atLeastWords(evidence),
    person === undefined ? undefined : `person ${person}`,
    group === undefined ? undefined : `group ${group}`,
  ]
  return phrases.filter(phrase => phrase !== undefined).join(', ')
}

const has = (wanted: boolean | undefined, what: string): string | undefined =>
  wanted === undefined ? undefined : wanted ? `with ${what}` : `without ${what}`

export const atLeastWords = (grade: string): string => grade === 'attested' ? 'attested' : `${grade} or better`

function describeRange({ from, below }: NonNullable<Conditions['osVersion']>, family?: string): string {
  const name = osName(family, from ?? below ?? '')
  if (from === undefined) return `${name} older than ${below}`
  return below === undefined ? `${name} ${from} or newer` : `${name} ${from} or newer but older than ${below}`
}

/**
 * What a rule about versions asks for, when it is about nothing else that this device could change:
 * `iOS 17.4 or newer`, out of a block below 17.4 as out of an allow from 17.4.
 */
export function requiredVersion(verdict: Verdict, conditions: Conditions, known: KnownDevice): { version: string, words: string } | undefined {
  const range = conditions.osVersion
  if (range === undefined) return undefined
  const version = verdict === 'allow' ? range.from : range.from === undefined ? range.below : undefined
  const found = known.osVersion === undefined ? undefined : parseOsVersion(known.osVersion.value)
  if (version === undefined || found === undefined || compareOsVersions(found, parseOsVersion(version)!) >= 0) return undefined
  return { version, words: `${osName(modelOf(known)?.family, version)} ${version} or newer` }
}

/** Whether the model's last version is older than the one asked for, so that no update will help. */
export function cannotReach(known: KnownDevice, version: string): boolean {
  const model = modelOf(known)
  if (model === undefined || model.maxOSOpen !== false) return false
  const last = parseOsVersion(/[\d.]+$/.exec(model.maxOS ?? '')?.[0] ?? '')
  return last !== undefined && compareOsVersions(last, parseOsVersion(version)!) < 0
}

export const dayOf = (instant: Date): string => instant.toISOString().slice(0, 10)

/** What stands in the quotation marks after "your rule": for a rule about versions alone, what it asks for. */
export function ruleWords(verdict: Verdict, conditions: Conditions, known: KnownDevice): string {
  const required = requiredVersion(verdict, conditions, known)
  const onlyVersion = Object.entries(conditions).filter(([, value]) => value !== undefined).length === 1
  return required !== undefined && (onlyVersion || verdict === 'allow') ? required.words : describeConditions(conditions)
}
