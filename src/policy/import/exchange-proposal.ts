/**
 * Exchange's order is: a rule that blocks, one that quarantines, one that allows, then the default of the organization. Ours is
 * the same but for the end, which is always block: what the default let in has to be approved, what it set aside needs rules.
 */
import type { Catalogue } from '../../devices/catalogue.ts'
import type { AccessLevel, AccessRule } from '../../formats/exchange/inventory.ts'
import { compareProductTypes } from '../../formats/product-type.ts'
import type { Verdict } from '../rules.ts'
import { nameOf, translateRule, type RuleProblem, type Translated } from './exchange-rules.ts'
import type { Proposal, ProposedRule } from './proposal.ts'

export type Carried = { readonly rule: string, readonly accessLevel: AccessLevel, readonly conditions: NonNullable<Translated['conditions']> }
/** `illusion`: the rule never applied to any phone, so nothing is lost with it. */
export type NotCarried = { readonly rule: string, readonly accessLevel: AccessLevel, readonly code: RuleProblem, readonly kind: 'illusion' | 'not-carried-over', readonly text: string }
export type ExchangeProposal = {
  readonly proposal: Proposal
  readonly carried: readonly Carried[]
  readonly notCarried: readonly NotCarried[]
  /** Carried over, and something else than it looks like. */
  readonly doubtful: readonly NotCarried[]
}

const lostRules: ReadonlySet<RuleProblem> = new Set(['not-an-apple-device', 'header-of-another-client', 'outdone-by-quarantine'])

const portable = new Set(['iPhone', 'iPad', 'iPod touch'])
export const portableModels = (catalogue: Catalogue): string[] =>
  [...catalogue.models.values()].filter(({ family }) => portable.has(family)).map(({ identifier }) => identifier).sort(compareProductTypes)

export const verdictFor: Readonly<Record<AccessLevel, Verdict>> = { Allow: 'allow', Block: 'block', Quarantine: 'quarantine' }

export function proposeForExchange(catalogue: Catalogue, rules: readonly AccessRule[], byDefault: AccessLevel, textForPerson: string | undefined): ExchangeProposal {
  const translated = rules.map(rule => ({ rule, translated: translateRule(catalogue, rule) }))
  const about = ({ rule, translated: { problem } }: typeof translated[number]): NotCarried => ({ rule: nameOf(rule), accessLevel: rule.accessLevel, kind: lostRules.has(problem!.code) ? 'not-carried-over' : 'illusion', ...problem! })
  const carried = translated.flatMap(({ rule, translated: { conditions } }): Carried[] => conditions === null ? [] : [{ rule: nameOf(rule), accessLevel: rule.accessLevel, conditions }])
  const allowed = allowedModels(catalogue, carried, byDefault)
  const asides = byDefault === 'Quarantine' ? setAside(catalogue, allowed) : []
  // An allow for a build alone cannot get past a rule that sets its model aside, as it could in Exchange.
  const [kept, outdone] = partition(carried, ({ accessLevel, conditions }) => accessLevel !== 'Allow' || conditions.build === undefined || byDefault !== 'Quarantine')
  return {
    proposal: {
      approvals: allowed.length === 0 ? [] : [{ models: allowed, leastEvidence: 'signed', reason: `as Exchange: ${byDefault === 'Allow' ? 'allowed by default' : 'rules that allow'}` }],
      rules: [...kept.flatMap(one => ruleFor(one, byDefault, textForPerson)), ...asides.map(conditions => withText({ verdict: 'quarantine', conditions, reason: 'as Exchange: quarantined by default' }, textForPerson))],
    },
    carried: kept,
    notCarried: [
      ...translated.filter(one => one.translated.conditions === null).map(about),
      ...outdone.map(({ rule, accessLevel }) => ({ rule, accessLevel, code: 'outdone-by-quarantine' as const, kind: 'not-carried-over' as const, text: 'Whatever is not allowed goes into quarantine here by a rule about the model, and the most restrictive rule wins: allow the model, or approve such phones one by one.' })),
    ],
    doubtful: translated.filter(({ translated: { conditions, problem } }) => conditions !== null && problem !== undefined).map(about),
  }
}

const partition = <T>(items: readonly T[], holds: (item: T) => boolean): [T[], T[]] => [items.filter(holds), items.filter(item => !holds(item))]

/** Models that are let in at every build that no other rule is about. */
function allowedModels(catalogue: Catalogue, carried: readonly Carried[], byDefault: AccessLevel): string[] {
  if (byDefault === 'Allow') return portableModels(catalogue)
  const whole = carried.filter(({ accessLevel, conditions }) => accessLevel === 'Allow' && conditions.build === undefined)
  return portableModels(catalogue).filter(identifier => whole.some(({ conditions: { productType, family } }) => productType === identifier || family === catalogue.models.get(identifier)!.family))
}

function ruleFor({ rule, accessLevel, conditions }: Carried, byDefault: AccessLevel, textForPerson: string | undefined): ProposedRule[] {
  // Whole models are approved, and by default all are; what is allowed at a build needs to say at which evidence.
  if (accessLevel === 'Allow' && (conditions.build === undefined || byDefault === 'Allow')) return []
  const reason = `as Exchange: ${rule}`
  if (accessLevel === 'Allow') return [{ verdict: 'allow', conditions: { ...conditions, evidence: 'signed' }, reason }]
  return [withText({ verdict: verdictFor[accessLevel], conditions, reason }, accessLevel === 'Quarantine' ? textForPerson : undefined)]
}

const withText = (rule: ProposedRule, textForPerson: string | undefined): ProposedRule => textForPerson === undefined ? rule : { ...rule, textForPerson }

/** Rules for all models that are not allowed: by family where none of it is. */
function setAside(catalogue: Catalogue, allowed: readonly string[]): ProposedRule['conditions'][] {
  const isAllowed = new Set(allowed)
  if (allowed.length === 0) return [{ productType: '*' }]
  return [...Map.groupBy(portableModels(catalogue), identifier => catalogue.models.get(identifier)!.family)].flatMap(([family, identifiers]): ProposedRule['conditions'][] => {
    const others = identifiers.filter(identifier => !isAllowed.has(identifier))
    return others.length === identifiers.length ? [{ family }] : others.map(productType => ({ productType }))
  })
}
