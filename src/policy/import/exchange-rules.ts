/** One device access rule of Exchange as conditions of a rule here, or the reason why it cannot be one. */
import { judgeClaim, type ClaimFinding } from '../../devices/activesync-claim.ts'
import { familyOf, type Catalogue } from '../../devices/catalogue.ts'
import type { AccessRule } from '../../formats/exchange/inventory.ts'
import { spellDeviceModel, spellBuild } from '../../formats/activesync/spell.ts'
import { parseDeviceModel, parseDeviceOs, parseUserAgent, type ActiveSyncClaim } from '../../formats/activesync/user-agent.ts'
import type { Conditions } from '../rules.ts'

/** Why a rule is not carried over, or what it never did. Stable. */
export type RuleProblem =
  | 'not-an-apple-device' | 'wildcard-matches-nothing' | 'never-matches' | 'spelling-never-sent' | 'unknown-model' | 'unknown-build' | 'impossible-pair'
  | 'header-of-another-client' | 'names-a-family' | 'outdone-by-quarantine'

export type Translated =
  | { readonly conditions: Pick<Conditions, 'productType' | 'family' | 'build'>, readonly problem?: { readonly code: RuleProblem, readonly text: string } }
  | { readonly conditions: null, readonly problem: { readonly code: RuleProblem, readonly text: string } }

export const nameOf = ({ queryString, characteristic }: AccessRule): string => `${queryString} (${characteristic})`

const families: Readonly<Record<string, string>> = { iphone: 'iPhone', ipad: 'iPad', ipod: 'iPod touch' }
const familyNamed = (text: string): string | undefined => Object.hasOwn(families, text.toLowerCase()) ? families[text.toLowerCase()] : undefined
const lost = (code: RuleProblem, text: string): Translated => ({ conditions: null, problem: { code, text } })

export function translateRule(catalogue: Catalogue, rule: AccessRule): Translated {
  const { characteristic, queryString } = rule
  if (characteristic === 'XMSWLHeader') return lost('header-of-another-client', 'It asks for the X-MS-WL header, which Apple’s Mail does not send.')
  if (/[*?]/.test(queryString)) return lost('wildcard-matches-nothing', 'Exchange compares the whole text and knows no wildcards, so it never applied to any phone.')
  switch (characteristic) {
    case 'DeviceType': return ofType(queryString)
    case 'DeviceModel': return ofModel(catalogue, queryString)
    case 'DeviceOS': return ofOs(catalogue, queryString)
    case 'UserAgent': return ofUserAgent(catalogue, queryString)
  }
}

function ofType(text: string): Translated {
  const family = familyNamed(text)
  return family === undefined ? lost('not-an-apple-device', 'It is about devices that Latchkey does not enroll.') : { conditions: { family } }
}

function ofModel(catalogue: Catalogue, text: string): Translated {
  const family = familyNamed(text)
  if (family !== undefined) {
    return { conditions: { family }, problem: { code: 'names-a-family', text: 'This names a family and no model. Exchange shows it where a phone did not say its model; a phone that did was never touched by the rule.' } }
  }
  const productType = parseDeviceModel(text)
  if (productType === undefined) {
    return /^(iPhone|iPad|iPod)/i.test(text)
      ? lost('never-matches', 'No phone calls itself this: a genuine one writes its identifier with a C in place of the comma, like iPhone14C5. The rule never applied to any.')
      : lost('not-an-apple-device', 'It is about devices that Latchkey does not enroll.')
  }
  return catalogue.models.has(productType) ? { conditions: { productType } } : lost('unknown-model', `There is no ${productType} in the catalogue: it was made up, or is newer than the catalogue.`)
}

function ofOs(catalogue: Catalogue, text: string): Translated {
  const claim = parseDeviceOs(text)
  if (claim !== undefined) return judged(catalogue, claim, {})
  return /^(iPhone OS|iOS|iPadOS)\b/i.test(text)
    ? lost('never-matches', 'Phones say the build as well, like iOS 6.1 10B142, and Exchange compares the whole text: the rule never applied to any.')
    : lost('not-an-apple-device', 'It is about a system that Latchkey does not enroll.')
}

function ofUserAgent(catalogue: Catalogue, text: string): Translated {
  const claim = parseUserAgent(text)
  if (claim === undefined) return /iPhone|iPad|iPod/i.test(text) ? lost('never-matches', 'No Apple device sends this as its User-Agent, and Exchange compares the whole text.') : lost('not-an-apple-device', 'It is about another client than Apple’s Mail.')
  if (text.startsWith('Apple-') && spelledBy(claim) !== text) return lost('spelling-never-sent', `Phones write this ${spelledBy(claim)}, without zeros before the number; Exchange compares the whole text, so the rule never applied to any.`)
  const family = claim.productType === null && claim.family !== null ? familyNamed(claim.family) ?? familyOf(`${claim.family}1,1`) : undefined
  return judged(catalogue, claim, { ...claim.productType === null ? {} : { productType: claim.productType }, ...family === undefined ? {} : { family } })
}

const spelledBy = ({ productType, family, build }: ActiveSyncClaim): string =>
  `Apple-${productType === null ? family ?? '(null)' : spellDeviceModel(productType)}/${build === null ? '' : spellBuild(build)}`

const problems: Readonly<Record<Exclude<ClaimFinding, 'not-activesync'>, string>> = {
  'unknown-model': 'There is no such model in the catalogue: it was made up, or is newer than the catalogue.',
  'unknown-build': 'There is no such build in the catalogue, so no phone that is known ever said this.',
  'impossible-pair': 'The build never ran on the model, or is of another version: no phone ever said this.',
}

function judged(catalogue: Catalogue, claim: ActiveSyncClaim, conditions: Pick<Conditions, 'productType' | 'family'>): Translated {
  const { finding } = judgeClaim(catalogue, claim)
  if (finding !== null && finding !== 'not-activesync') return lost(finding, problems[finding])
  return { conditions: { ...conditions, ...claim.build === null ? {} : { build: claim.build } } }
}
