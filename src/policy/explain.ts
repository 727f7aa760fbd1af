/** Decisions as sentences: what was found and what was asked for. */
import { doesNotProve, worthOf } from '../devices/evidence.ts'
import type { Trust } from './conditions.ts'
import { endOf, stoppedAt } from './approvals.ts'
import type { DecisionCode, KnownDevice, PersonReason, Ruling } from './decision.ts'
import type { Rule } from './rules.ts'
import { personWordsEn } from './person-words-en.ts'
import { atLeastWords, dayOf, describeConditions, modelName, osOf, quoted, requiredVersion, ruleWords } from './words.ts'

const heads = { allow: 'Allowed', quarantine: 'Quarantined', block: 'Blocked' } as const

/**
 * For the admin: `Blocked because iOS 16.7.2 is older than your rule 'iOS 17.4 or newer'.`, then the
 * author's reason, how good the evidence is, and what does not fit together.
 */
export function textForAdmin(ruling: Ruling, known: KnownDevice, trust: Trust): string {
  const { verdict, exemption, rule, approval } = ruling
  const sentences = [ruling.code === 'allowed' || ruling.code === 'allowed-by-exemption'
    ? `${heads[verdict]} by ${grantWords(ruling)}.`
    : `${heads[verdict]} because ${reasonFor(ruling, known)}.`]
  // What an approval or allow rule was for does not explain why it did not apply.
  const spoke = verdict === 'allow' || ruling.code.includes('-by-') || ruling.code === 'facts-missing' && verdict === 'quarantine'
  const reason = (exemption ?? rule ?? approval)?.reason
  if (spoke && reason !== undefined) sentences.push(`Reason given: ${asSentence(reason)}`)
  if (verdict !== 'block') sentences.push(...factsInWords(known, trust))
  sentences.push(...warnings(known, trust))
  return sentences.join(' ')
}

function grantWords({ exemption, rule, approval }: Ruling): string {
  if (exemption !== undefined) return `a personal exemption, which ends on ${dayOf(exemption.notAfter)}`
  if (approval === undefined) return `your rule '${describeConditions(rule!.conditions)}'`
  const end = endOf(approval)
  return `the approval of ${approval.pattern}, which ${end === null ? 'has no end' : `ends on ${dayOf(end)}`}`
}

/** Why, as the rest of a sentence that begins "Blocked because". */
export function reasonFor(ruling: Ruling, known: KnownDevice): string {
  const name = modelName(known)
  const reasons: Readonly<Record<DecisionCode, () => string>> = {
    'allowed': () => `${name} is approved`,
    'allowed-by-exemption': () => 'this device has a personal exemption',
    'device-revoked': () => 'this device was revoked, and stays out until an admin lets it in again with `latchkey cert release --device`',
    'device-held': () => 'this device is on hold until `latchkey cert release --device`',
    'person-held': () => 'its owner is on hold until `latchkey cert release --person`',
    'quarantined-by-exemption': () => 'this device was set aside personally',
    'blocked-by-exemption': () => 'this device was blocked personally',
    'quarantined-by-rule': () => ruleReason(ruling.rule!, known),
    'blocked-by-rule': () => ruleReason(ruling.rule!, known),
    'facts-missing': () => `too little is known of the device to answer your rule '${describeConditions(ruling.rule?.conditions ?? {})}'`,
    'model-missing': () => 'the device did not say which model it is',
    'model-unknown': () => `${name} is not in the catalogue`,
    'model-not-approved': () => `${name} is not an approved model`,
    'approval-ended': () => `the approval of ${ruling.approval!.pattern} ended on ${dayOf(stoppedAt(ruling.approval!)!)}`,
    'evidence-too-weak': () => `${name} is not known well enough: ${sourceOf(ruling)} asks for ${atLeastWords(ruling.least!)}`,
    'inventory-missing': () => `${name} is not in the inventory, which has to agree`,
    'inventory-disagrees': () => `the inventory says something else than ${name}`,
    'conditions-not-met': () => ruleReason(ruling.rule!, known),
  }
  return reasons[ruling.code]()
}

function ruleReason(rule: Rule, known: KnownDevice): string {
  const words = ruleWords(rule.verdict, rule.conditions, known)
  const required = requiredVersion(rule.verdict, rule.conditions, known)
  if (required !== undefined && words === required.words) return `${osOf(known)} is older than your rule '${words}'`
  const found = [modelName(known), rule.conditions.osVersion === undefined ? undefined : osOf(known)].filter(text => text !== undefined).join(' with ')
  return rule.verdict === 'allow' ? `${found} does not meet your rule '${words}'` : `${found} is covered by your rule '${words}'`
}

const sourceOf = ({ rule, approval }: Ruling): string =>
  approval !== undefined ? `the approval of ${approval.pattern}` : `your rule '${describeConditions(rule!.conditions)}'`

function factsInWords(known: KnownDevice, trust: Trust): string[] {
  const { productType } = known
  if (productType === undefined) return []
  const os = osOf(known)
  return [`The device is ${modelName(known)}${os === undefined ? '' : ` with ${os}`}; its model is ${worthOf(productType, trust.trustTestDevices)}.`]
}

/** What an admin should see whatever the verdict. */
function warnings(known: KnownDevice, trust: Trust): string[] {
  const { productType, build } = known
  const found: string[] = []
  if (productType?.test === true) {
    found.push(trust.trustTestDevices ? doesNotProve.test : `${doesNotProve.test} Simulated phones are not trusted now, so what it says counts as claimed.`)
  }
  if (known.buildRanOnModel === false) found.push(`Build ${quoted(build?.value ?? '')} was never published for this model, as far as the catalogue knows.`)
  if (known.inventoryAgrees === false) found.push('The inventory disagrees about this device.')
  return found
}

/** For the person in whose hand the device is, in English: the author's own words where there are some. */
export function textForPerson(reason: PersonReason): string {
  return [personWordsEn.why(reason), personWordsEn.help(reason)].filter(text => text !== undefined).join(' ')
}

/** The admin's own words, ended like a sentence. */
function asSentence(text: string): string {
  const trimmed = text.trim()
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
