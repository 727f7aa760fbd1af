import type { Capability, PersonReason, RulePhrase } from './decision.ts'
import { namedModel, type PersonWords } from './person-reason.ts'

const device = ({ model }: PersonReason): string => model ?? 'device'
const named = (reason: PersonReason): string => namedModel(reason) ?? 'an unnamed model'
const unknownModel = (reason: PersonReason): string => `This device says that it is ${named(reason)}, a model that is not known here yet.`

const lacks: Readonly<Record<Capability, string>> = {
  'storage-encryption': 'does not encrypt what it stores',
  'data-protection': 'does not protect its data with the passcode',
  'secure-enclave': 'has no Secure Enclave to keep a key in',
  'attestation': 'cannot prove what it is',
}

const capabilities: Readonly<Record<Capability, string>> = {
  'storage-encryption': 'storage encryption', 'data-protection': 'Data Protection', 'secure-enclave': 'a Secure Enclave', 'attestation': 'a proof of what it is',
}

/** Sentences for the person in whose hand the device is. */
export const personWordsEn: PersonWords = {
  why: reason => reason.ownWords ?? (reason.verdict === 'allow' ? `This ${device(reason)} is approved.` : reason.verdict === 'quarantine' ? waiting(reason) : refusal(reason)),
  help: reason => reason.ownWords !== undefined || reason.verdict === 'allow' ? undefined
    : reason.verdict === 'quarantine' ? 'An administrator will look at it; there is nothing you need to do now.' : helpOf(reason),
  rule: reason => {
    const phrases = reason.ownWords === undefined && reason.needs === undefined && reason.lacks === undefined ? (reason.rule ?? []).map(phrase) : []
    return phrases.length === 0 ? undefined : `The rule is about: ${phrases.join(', ')}.`
  },
}

function waiting(reason: PersonReason): string {
  if (reason.code === 'facts-missing') return `This ${device(reason)} did not say everything that is needed to decide.`
  return reason.code === 'model-unknown' ? unknownModel(reason) : `This ${device(reason)} has to be looked at first.`
}

function refusal(reason: PersonReason): string {
  const { code, needs, model } = reason
  switch (code) {
    case 'blocked-by-rule':
    case 'conditions-not-met':
      if (needs !== undefined) return `This ${device(reason)} runs ${needs.found}. ${needs.version} or newer is needed here.`
      if (reason.lacks !== undefined) return `This is ${named(reason)}. It ${lacks[reason.lacks]}, so it is not let in here.`
      return `This ${model ?? `device, ${named(reason)},`} does not meet what is asked of devices here.`
    case 'device-revoked': return `This ${device(reason)} was reported lost or retired, so it gets no key any more.`
    case 'device-held': return `This ${device(reason)} is locked out for now.`
    case 'person-held': return 'You are locked out for now, so none of your devices gets a key.'
    case 'blocked-by-exemption': return `An administrator has blocked this ${device(reason)}.`
    case 'model-missing': return 'This device did not say which model it is, so it cannot be let in.'
    case 'model-unknown': return unknownModel(reason)
    case 'approval-ended': return `This is ${named(reason)}. The approval of that model has ended.`
    case 'evidence-too-weak': return `This device says that it is ${named(reason)}, but that could not be confirmed well enough.`
    case 'facts-missing': return `This ${device(reason)} did not say everything that is needed to decide.`
    case 'inventory-missing': return `This ${device(reason)} is not in the list of devices that may be used here.`
    case 'inventory-disagrees': return `This device says that it is ${named(reason)}, and the list of devices says something else.`
    default: return `This is ${named(reason)}. That model is not approved here.`
  }
}

function helpOf({ code, needs }: PersonReason): string | undefined {
  if (needs?.reachable === true) return 'Update it in Settings, General, Software Update, then open your link again.'
  if (needs !== undefined) return 'This model cannot be updated that far, so a newer device is needed.'
  if (code === 'model-unknown') return 'It cannot be let in until an administrator has added it.'
  if (code === 'device-revoked') return 'If it was found again, an administrator can let it in again.'
  if (code === 'device-held' || code === 'person-held') return 'An administrator can end this.'
  return code === 'approval-ended' || code === 'model-not-approved' ? 'A device of an approved model would be let in.' : undefined
}

function phrase(part: RulePhrase): string {
  switch (part.kind) {
    case 'model': return part.pattern
    case 'family': return part.family
    case 'with': return `with ${capabilities[part.what]}`
    case 'without': return `without ${capabilities[part.what]}`
    case 'build': return `build ${part.build}`
    case 'os':
      if (part.from === undefined) return `${part.name} older than ${part.below}`
      return part.below === undefined ? `${part.name} ${part.from} or newer` : `${part.name} ${part.from} or newer but older than ${part.below}`
  }
}
