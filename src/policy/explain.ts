/** Decisions as sentences: what was found, what was asked for, and for the person what would help. */
import { doesNotProve, worthOf } from '../devices/evidence.ts'
import { modelOf } from './conditions.ts'
import type { Trust } from './conditions.ts'
import { endOf, stoppedAt } from './approvals.ts'
import type { DecisionCode, KnownDevice, Ruling } from './decision.ts'
import type { Conditions, Rule } from './rules.ts'
import { atLeastWords, cannotReach, dayOf, describeConditions, deviceWord, modelName, osOf, quoted, requiredVersion, ruleWords } from './words.ts'

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

/** Outcomes that the rule itself is about, so that its author's words fit. */
const speaksForRule: readonly DecisionCode[] = ['blocked-by-rule', 'quarantined-by-rule', 'conditions-not-met', 'facts-missing']

/** For the person in whose hand the device is: the author's own words where there are some. */
export function textForPerson(ruling: Ruling, known: KnownDevice): string {
  const { verdict, rule } = ruling
  if (speaksForRule.includes(ruling.code) && rule?.textForPerson !== undefined) return rule.textForPerson
  const device = deviceWord(known)
  if (verdict === 'allow') return `This ${device} is approved.`
  const waiting = 'An administrator will look at it; there is nothing you need to do now.'
  if (ruling.code === 'facts-missing' && verdict === 'quarantine') return `This ${device} did not say everything that is needed to decide. ${waiting}`
  if (verdict === 'quarantine') return ruling.code === 'model-unknown' ? `${unknownModel(known)} ${waiting}` : `This ${device} has to be looked at first. ${waiting}`
  return refusalForPerson(ruling, known)
}

const unknownModel = (known: KnownDevice): string => `This device says that it is ${modelName(known)}, a model that is not known here yet.`

function refusalForPerson(ruling: Ruling, known: KnownDevice): string {
  const device = deviceWord(known)
  const other = 'A device of an approved model would be let in.'
  switch (ruling.code) {
    case 'blocked-by-rule':
    case 'conditions-not-met': return ruleForPerson(ruling.rule!, known)
    case 'device-revoked': return `This ${device} was reported lost or retired, so it gets no key any more.`
    case 'device-held': return `This ${device} is locked out for now.`
    case 'person-held': return 'You are locked out for now, so none of your devices gets a key.'
    case 'blocked-by-exemption': return `An administrator has blocked this ${device}.`
    case 'model-missing': return 'This device did not say which model it is, so it cannot be let in.'
    case 'model-unknown': return `${unknownModel(known)} It cannot be let in until an administrator has added it.`
    case 'approval-ended': return `This is ${modelName(known)}. The approval of that model has ended. ${other}`
    case 'evidence-too-weak': return `This device says that it is ${modelName(known)}, but that could not be confirmed well enough.`
    case 'facts-missing': return `This ${device} did not say everything that is needed to decide.`
    case 'inventory-missing': return `This ${device} is not in the list of devices that may be used here.`
    case 'inventory-disagrees': return `This device says that it is ${modelName(known)}, and the list of devices says something else.`
    default: return `This is ${modelName(known)}. That model is not approved here. ${other}`
  }
}

function ruleForPerson(rule: Rule, known: KnownDevice): string {
  const device = deviceWord(known)
  const required = requiredVersion(rule.verdict, rule.conditions, known)
  if (required !== undefined) {
    const needed = `This ${device} runs ${osOf(known)}. ${required.words} is needed here.`
    return cannotReach(known, required.version)
      ? `${needed} This model cannot be updated that far, so a newer device is needed.`
      : `${needed} Update it in Settings, General, Software Update, then open your link again.`
  }
  const lack = lackOf(rule.conditions)
  if (rule.verdict === 'block' && lack !== undefined) return `This is ${modelName(known)}. It ${lack}, so it is not let in here.`
  const name = modelOf(known) === undefined ? `device, ${modelName(known)},` : device
  return `This ${name} does not meet what is asked of devices here.`
}

/** What the hardware of a blocked model cannot do, where the rule is about that. */
function lackOf(conditions: Conditions): string | undefined {
  if (conditions.storageEncryption === false) return 'does not encrypt what it stores'
  if (conditions.dataProtection === false) return 'does not protect its data with the passcode'
  if (conditions.secureEnclave === false) return 'has no Secure Enclave to keep a key in'
  return conditions.canAttest === false ? 'cannot prove what it is' : undefined
}

/** The admin's own words, ended like a sentence. */
function asSentence(text: string): string {
  const trimmed = text.trim()
  return /[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`
}
