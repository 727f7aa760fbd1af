/**
 * Whether the conditions of a rule hold for a device, with "cannot say" as an answer of its own.
 *
 * Two values would not do. To an allow rule, what is not known must count as no; to a block rule it
 * must not, or a phone would slip past "block what is older than 17.4" by keeping its version to itself.
 */
import { familyOf } from '../devices/catalogue.ts'
import type { DeviceModel } from '../devices/catalogue.ts'
import { atLeast, worthOf } from '../devices/evidence.ts'
import type { EvidenceGrade, Fact } from '../devices/evidence.ts'
import { compareOsVersions, parseOsVersion } from '../formats/os-version.ts'
import { matchesWildcard } from '../formats/wildcard.ts'
import type { KnownDevice } from './decision.ts'
import type { Conditions, Verdict } from './rules.ts'

/** `weak`: the fact is there, but not known well enough to rest this verdict on. */
export type Answer = 'yes' | 'no' | 'weak' | 'missing'
export type Finding = { readonly condition: keyof Conditions, readonly answer: Answer }

/** An answer, and the grade of the fact it comes from; no grade for what our own records say. */
type Raw = { readonly answer: 'yes' | 'no' | 'missing', readonly grade?: EvidenceGrade | undefined }

export type Trust = { readonly trustTestDevices: boolean }

const missing: Raw = { answer: 'missing' }
const whether = (holds: boolean, grade?: EvidenceGrade): Raw => ({ answer: holds ? 'yes' : 'no', grade })

/** The catalogue's row, unless it is that of another model than the device says. */
export const modelOf = (known: KnownDevice): DeviceModel | undefined =>
  known.model !== undefined && known.model.identifier === known.productType?.value ? known.model : undefined

/** What the model is worth now, or undefined when the device named none. */
export const modelEvidence = (known: KnownDevice, trust: Trust): EvidenceGrade | undefined =>
  known.productType === undefined ? undefined : worthOf(known.productType, trust.trustTestDevices)

/**
 * Answers every condition that is given.
 *
 * @param least  what an allow asks of the facts it rests on; block and quarantine need no more than `listed`
 */
export function examine(conditions: Conditions, known: KnownDevice, verdict: Verdict, least: EvidenceGrade, trust: Trust): Finding[] {
  return (Object.keys(conditions) as (keyof Conditions)[])
    .filter(condition => conditions[condition] !== undefined)
    .map(condition => ({ condition, answer: weigh(answerTo(condition, conditions, known, trust), verdict, least) }))
}

/** `matches` only when all is known and holds; `undetermined` when nothing speaks against it and something is not known. */
export function outcomeOf(findings: readonly Finding[]): 'matches' | 'fails' | 'undetermined' {
  if (findings.some(finding => finding.answer === 'no')) return 'fails'
  return findings.every(finding => finding.answer === 'yes') ? 'matches' : 'undetermined'
}

/** Whether the fact is good enough for the answer it gives to count. */
function weigh({ answer, grade }: Raw, verdict: Verdict, least: EvidenceGrade): Answer {
  if (answer === 'missing' || grade === undefined) return answer
  switch (verdict) {
    // A claim can cost, never gain: against an allow any no will do, for it only what is proven.
    case 'allow': return answer === 'no' || atLeast(grade, least) ? answer : 'weak'
    // A claim may put a phone into quarantine; it may not keep one out of it.
    case 'quarantine': return answer === 'yes' || grade !== 'claimed' ? answer : 'weak'
    case 'block': return grade !== 'claimed' ? answer : 'weak'
  }
}

function answerTo(condition: keyof Conditions, wanted: Conditions, known: KnownDevice, trust: Trust): Raw {
  const model = modelOf(known)
  switch (condition) {
    case 'productType': return fits(wanted.productType!, known.productType, trust)
    case 'build': return fits(wanted.build!, known.build, trust)
    case 'family': return equals(wanted.family!, model?.family ?? familyOf(known.productType?.value ?? ''), known, trust)
    case 'storageEncryption': return equals(wanted.storageEncryption!, model?.hardwareEncryption, known, trust)
    case 'dataProtection': return equals(wanted.dataProtection!, model?.dataProtection, known, trust)
    case 'secureEnclave': return equals(wanted.secureEnclave!, model?.secureEnclave, known, trust)
    case 'canAttest': return equals(wanted.canAttest!, model?.managedDeviceAttestation, known, trust)
    case 'osVersion': return inRange(wanted.osVersion!, known.osVersion, trust)
    case 'evidence': {
      const grade = modelEvidence(known, trust)
      return grade === undefined ? missing : whether(atLeast(grade, wanted.evidence!))
    }
    case 'person': return known.person === undefined ? missing : whether(known.person.id === wanted.person)
    case 'group': return known.person === undefined ? missing : whether(known.person.groups.includes(wanted.group!))
  }
}

function fits(pattern: string, fact: Fact<string> | undefined, { trustTestDevices }: Trust): Raw {
  return fact === undefined ? missing : whether(matchesWildcard(pattern, fact.value), worthOf(fact, trustTestDevices))
}

/** What the catalogue says of a model is as good as our knowledge of the model. */
function equals<T extends string | boolean>(wanted: T, found: T | null | undefined, known: KnownDevice, trust: Trust): Raw {
  return found === undefined || found === null ? missing : whether(found === wanted, modelEvidence(known, trust))
}

function inRange(range: NonNullable<Conditions['osVersion']>, fact: Fact<string> | undefined, { trustTestDevices }: Trust): Raw {
  const version = fact === undefined ? undefined : parseOsVersion(fact.value)
  if (fact === undefined || version === undefined) return missing
  const oldEnough = range.below === undefined || compareOsVersions(version, parseOsVersion(range.below)!) < 0
  const newEnough = range.from === undefined || compareOsVersions(version, parseOsVersion(range.from)!) >= 0
  return whether(oldEnough && newEnough, worthOf(fact, trustTestDevices))
}
