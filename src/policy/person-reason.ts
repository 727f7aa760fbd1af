/** Why a device may or may not in, as facts for the person who holds it. Pages put them into words in the reader's language. */
import { modelOf } from './conditions.ts'
import type { Capability, DecisionCode, KnownDevice, PersonReason, RulePhrase, Ruling } from './decision.ts'
import type { Conditions } from './rules.ts'
import { cannotReach, osName, quoted, requiredVersion } from './words.ts'

/** How one language says it. */
export type PersonWords = {
  /** What was found, and why it counts. */
  readonly why: (reason: PersonReason) => string
  /** What would help, where something would. */
  readonly help: (reason: PersonReason) => string | undefined
  /** The rule that decided, unless `why` says it already. */
  readonly rule: (reason: PersonReason) => string | undefined
}

/** Outcomes that the rule itself is about, so that its author's words fit. */
const speaksForRule: readonly DecisionCode[] = ['blocked-by-rule', 'quarantined-by-rule', 'conditions-not-met', 'facts-missing']

export function personReason(ruling: Ruling, known: KnownDevice): PersonReason {
  const { verdict, code } = ruling
  const rule = speaksForRule.includes(code) ? ruling.rule : undefined
  const ownWords = rule?.textForPerson ?? (verdict === 'allow' ? undefined : ruling.exemption?.textForPerson)
  const reason = {
    verdict, code, model: modelOf(known)?.name ?? null, said: known.productType === undefined ? null : quoted(known.productType.value),
    ...ownWords === undefined ? {} : { ownWords },
  }
  if (rule === undefined) return reason
  const required = requiredVersion(rule.verdict, rule.conditions, known)
  const lacks = rule.verdict === 'block' ? lackOf(rule.conditions) : undefined
  return {
    ...reason,
    ...required === undefined ? {} : { needs: { found: osAt(known, known.osVersion?.value ?? ''), version: osAt(known, required.version), reachable: !cannotReach(known, required.version) } },
    ...lacks === undefined ? {} : { lacks },
    rule: phrasesOf(rule.conditions),
  }
}

const osAt = (known: KnownDevice, version: string): string => `${osName(modelOf(known)?.family, version)} ${quoted(version)}`

const capabilities = { storageEncryption: 'storage-encryption', dataProtection: 'data-protection', secureEnclave: 'secure-enclave', canAttest: 'attestation' } as const
const capabilityNames = Object.keys(capabilities) as (keyof typeof capabilities)[]

/** What the hardware of a blocked model cannot do, where the rule is about that. */
function lackOf(conditions: Conditions): Capability | undefined {
  const name = capabilityNames.find(name => conditions[name] === false)
  return name === undefined ? undefined : capabilities[name]
}

function phrasesOf(conditions: Conditions): RulePhrase[] {
  const { productType, family, osVersion, build } = conditions
  return [
    ...productType === undefined ? [] : [{ kind: 'model', pattern: productType } as const],
    ...family === undefined ? [] : [{ kind: 'family', family } as const],
    ...capabilityNames.filter(name => conditions[name] !== undefined)
      .map(name => ({ kind: conditions[name] === true ? 'with' : 'without', what: capabilities[name] }) as const),
    ...osVersion === undefined ? [] : [{
      kind: 'os', name: osName(family, osVersion.from ?? osVersion.below ?? ''),
      ...osVersion.from === undefined ? {} : { from: osVersion.from }, ...osVersion.below === undefined ? {} : { below: osVersion.below },
    } as const],
    ...build === undefined ? [] : [{ kind: 'build', build } as const],
  ]
}

/** `iPhone 13 (iPhone14,5)`, the bare product type, or undefined where the device named none. */
export function namedModel({ model, said }: PersonReason): string | undefined {
  if (said === null) return undefined
  return model === null ? said : `${model} (${said})`
}
