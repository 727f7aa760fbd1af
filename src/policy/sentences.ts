/** Rules as sentences that a person can read and say: `Block iPhones on iOS below 17.4`. */
import type { Conditions, Verdict } from './rules.ts'
import { atLeastWords, osName } from './words.ts'

const verbs: Readonly<Record<Verdict, string>> = { allow: 'Allow', quarantine: 'Set aside', block: 'Block' }
const plurals: Readonly<Record<string, string>> = {
  'iPhone': 'iPhones', 'iPad': 'iPads', 'iPod touch': 'iPod touches', 'Mac': 'Macs', 'Apple Watch': 'Apple Watches', 'Apple TV': 'Apple TVs', 'Apple Vision': 'Apple Visions',
}

export function ruleSentence({ verdict, conditions }: { verdict: Verdict, conditions: Conditions }): string {
  const { productType, family, osVersion, build, evidence, person, group } = conditions
  const parts = [
    `${verbs[verdict]} ${subject(productType, family)}`,
    capability(conditions.storageEncryption, 'storage encryption'),
    capability(conditions.dataProtection, 'Data Protection'),
    capability(conditions.secureEnclave, 'a Secure Enclave'),
    conditions.canAttest === undefined ? undefined : conditions.canAttest ? 'that can attest' : 'that cannot attest',
    osVersion === undefined ? undefined : `on ${range(osVersion, family)}`,
    build === undefined ? undefined : `on build ${build}`,
    evidence === undefined ? undefined : `whose model is known as ${atLeastWords(evidence)}`,
    person === undefined ? undefined : `of ${person}`,
    group === undefined ? undefined : `of people in the group ${group}`,
  ]
  return parts.filter(part => part !== undefined).join(' ')
}

function subject(productType: string | undefined, family: string | undefined): string {
  const plural = family === undefined ? undefined : plurals[family] ?? family
  if (productType === undefined || productType === '*') return plural ?? 'every phone'
  const named = /[*?]/.test(productType) ? `models like ${productType}` : productType
  return plural === undefined ? named : `${plural} named ${productType}`
}

const capability = (wanted: boolean | undefined, what: string): string | undefined => wanted === undefined ? undefined : `${wanted ? 'with' : 'without'} ${what}`

function range({ from, below }: NonNullable<Conditions['osVersion']>, family: string | undefined): string {
  const name = osName(family, from ?? below ?? '')
  if (from === undefined) return `${name} below ${below}`
  return below === undefined ? `${name} ${from} or newer` : `${name} ${from} or newer, but below ${below}`
}
