/** What policy blocks, as device access rules of Exchange: a second fence behind the first, made of what phones say of themselves. */
import type { Catalogue } from '../../devices/catalogue.ts'
import { knownUserAgents, type KnownUserAgent } from '../../devices/known-user-agents.ts'
import { spellDeviceModel } from '../../formats/activesync/spell.ts'
import type { AccessRule } from '../../formats/exchange/inventory.ts'
import { isWildcard, matchesWildcard } from '../../formats/wildcard.ts'
import { decide } from '../decide.ts'
import { knownDevice, type PolicySnapshot } from '../decision.ts'

export type BlockedModel = { readonly productType: string, readonly whole: boolean, readonly builds: readonly KnownUserAgent[] }

/** Texts of genuine phones by model. */
export function textsByModel(catalogue: Catalogue): ReadonlyMap<string, readonly KnownUserAgent[]> {
  const all = knownUserAgents(catalogue).filter(known => known.genuine).flatMap(known => known.productTypes.map(productType => ({ productType, known })))
  return new Map([...Map.groupBy(all, ({ productType }) => productType)].map(([productType, of]) => [productType, of.map(({ known }) => known)]))
}

/** Which builds of a model are blocked however well all is known. Rules about people are left aside: Exchange has none of ours. */
export function blockedBuilds(catalogue: Catalogue, policy: PolicySnapshot, productType: string, texts: readonly KnownUserAgent[], now: Date): BlockedModel {
  const about: PolicySnapshot = {
    ...policy, requireInventory: false, exemptions: [],
    approvals: policy.approvals.filter(({ pattern }) => matchesWildcard(pattern, productType)),
    rules: policy.rules.filter(({ conditions: { productType: named, person, group } }) => person === undefined && group === undefined && (named === undefined || isWildcard(named) || named === productType)),
  }
  const fact = (value: string): { value: string, grade: 'attested' } => ({ value, grade: 'attested' })
  const builds = texts.filter(({ build }) => decide(knownDevice(catalogue, { productType: fact(productType), build: fact(build) }), about, now).verdict === 'block')
  return { productType, whole: builds.length === texts.length, builds }
}

export type ExchangeFence = { readonly rules: readonly AccessRule[], readonly worth: readonly { readonly code: FenceLimit, readonly text: string }[] }
export type FenceLimit = 'self-reported' | 'exact-match' | 'default-decides' | 'personal-allow-wins' | 'known-today' | 'builds-left-out' | 'models-not-told-apart'

/** More rules about builds than anybody would look after. */
export const maxBuildRules = 2000

/** Whole models by DeviceModel, single builds by the User-Agent that a phone of the model sends at that build. */
export function exchangeFence(blocked: readonly BlockedModel[], catalogueVersion: string): ExchangeFence {
  const block = (characteristic: AccessRule['characteristic'], queryString: string): AccessRule => ({ characteristic, queryString, accessLevel: 'Block' })
  const models = blocked.filter(({ whole }) => whole).map(({ productType }) => block('DeviceModel', spellDeviceModel(productType)))
  const admitted = new Set(blocked.filter(({ whole }) => !whole).map(({ productType }) => productType))
  const refused = new Set(blocked.flatMap(({ productType, builds }) => builds.map(({ userAgent }) => `${productType} ${userAgent}`)))
  const candidates = [...new Map(blocked.filter(({ whole }) => !whole).flatMap(({ builds }) => builds).map(known => [known.userAgent, known])).values()]
  // Systems before iOS 4 name no model: a text that another model sends too, and may, cannot be blocked.
  const shared = candidates.filter(({ userAgent, productTypes }) => productTypes.some(productType => admitted.has(productType) && !refused.has(`${productType} ${userAgent}`)))
  const texts = candidates.filter(known => !shared.includes(known)).map(({ userAgent }) => block('UserAgent', userAgent))
  const isTooMany = texts.length > maxBuildRules
  return {
    rules: isTooMany ? models : [...models, ...texts],
    worth: [
      { code: 'self-reported', text: 'Exchange compares what a phone says of itself and checks none of it: this keeps out who does not lie. It is a fence behind the gate, never the gate.' },
      { code: 'exact-match', text: 'Each rule fits one exact text. Another spelling passes, and so does a phone that says nothing where it is asked.' },
      { code: 'default-decides', text: 'What no rule names is decided by DefaultAccessLevel; with Allow, what is not in this list gets in.' },
      { code: 'personal-allow-wins', text: 'A device that is allowed personally (ActiveSyncAllowedDeviceIDs) gets past these rules.' },
      { code: 'known-today', text: `Made from the policy of this moment and the models and builds of the catalogue of ${catalogueVersion}. Make it anew after either changes, and remove rules that are no longer in it.` },
      ...isTooMany ? [{ code: 'builds-left-out' as const, text: `${texts.length} rules about single builds were left out: only whole models are named.` }] : [],
      ...shared.length === 0 ? [] : [{ code: 'models-not-told-apart' as const, text: `${shared.length} texts of blocked phones are also those of phones that may in, and were left out.` }],
    ],
  }
}
