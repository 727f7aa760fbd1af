import type { Capability, PersonReason, RulePhrase } from './decision.ts'
import { namedModel, type PersonWords } from './person-reason.ts'

const device = ({ model }: PersonReason): string => model ?? 'Gerät'
const named = (reason: PersonReason): string => namedModel(reason) ?? 'ein Modell ohne Namen'
const unknownModel = (reason: PersonReason): string => `Dieses Gerät gibt als Modell an: ${named(reason)}. Das ist hier noch nicht bekannt.`

const lacks: Readonly<Record<Capability, string>> = {
  'storage-encryption': 'verschlüsselt nicht, was es speichert',
  'data-protection': 'schützt seine Daten nicht mit dem Code',
  'secure-enclave': 'hat keine Secure Enclave, die einen Schlüssel bewahrt',
  'attestation': 'kann nicht beweisen, was es ist',
}

const capabilities: Readonly<Record<Capability, string>> = {
  'storage-encryption': 'Verschlüsselung des Speichers', 'data-protection': 'Datenschutz durch den Code', 'secure-enclave': 'Secure Enclave', 'attestation': 'Nachweis des Modells',
}

/** The same in German, which says du, as iOS does. */
export const personWordsDe: PersonWords = {
  why: reason => reason.ownWords ?? (reason.verdict === 'allow' ? `Dieses ${device(reason)} ist zugelassen.` : reason.verdict === 'quarantine' ? waiting(reason) : refusal(reason)),
  help: reason => reason.ownWords !== undefined || reason.verdict === 'allow' ? undefined
    : reason.verdict === 'quarantine' ? 'Jemand aus der Administration sieht es sich an; du musst jetzt nichts tun.' : helpOf(reason),
  rule: reason => {
    const phrases = reason.ownWords === undefined && reason.needs === undefined && reason.lacks === undefined ? (reason.rule ?? []).map(phrase) : []
    return phrases.length === 0 ? undefined : `Die Regel betrifft: ${phrases.join(', ')}.`
  },
}

function waiting(reason: PersonReason): string {
  if (reason.code === 'facts-missing') return `Dieses ${device(reason)} hat nicht alles gesagt, was für die Entscheidung gebraucht wird.`
  return reason.code === 'model-unknown' ? unknownModel(reason) : `Dieses ${device(reason)} muss sich erst jemand ansehen.`
}

function refusal(reason: PersonReason): string {
  const { code, needs, model } = reason
  switch (code) {
    case 'blocked-by-rule':
    case 'conditions-not-met':
      if (needs !== undefined) return `Auf diesem ${device(reason)} läuft ${needs.found}. Gebraucht wird ${needs.version} oder neuer.`
      if (reason.lacks !== undefined) return `Das ist ein Gerät vom Modell ${named(reason)}. Es ${lacks[reason.lacks]}, deshalb wird es hier nicht zugelassen.`
      return `Dieses ${model ?? `Gerät, ${named(reason)},`} erfüllt nicht, was hier von Geräten verlangt wird.`
    case 'device-revoked': return `Dieses ${device(reason)} wurde als verloren oder ausgemustert gemeldet und bekommt deshalb keinen Schlüssel mehr.`
    case 'device-held': return `Dieses ${device(reason)} ist vorerst gesperrt.`
    case 'person-held': return 'Du bist vorerst gesperrt, deshalb bekommt keines deiner Geräte einen Schlüssel.'
    case 'blocked-by-exemption': return `Jemand aus der Administration hat dieses ${device(reason)} gesperrt.`
    case 'model-missing': return 'Dieses Gerät hat nicht gesagt, welches Modell es ist, und kann deshalb nicht zugelassen werden.'
    case 'model-unknown': return unknownModel(reason)
    case 'approval-ended': return `Das ist ein Gerät vom Modell ${named(reason)}. Die Zulassung dieses Modells ist zu Ende gegangen.`
    case 'evidence-too-weak': return `Dieses Gerät gibt als Modell an: ${named(reason)}. Das ließ sich nicht sicher genug bestätigen.`
    case 'facts-missing': return `Dieses ${device(reason)} hat nicht alles gesagt, was für die Entscheidung gebraucht wird.`
    case 'inventory-missing': return `Dieses ${device(reason)} steht nicht in der Liste der Geräte, die hier benutzt werden dürfen.`
    case 'inventory-disagrees': return `Dieses Gerät gibt als Modell an: ${named(reason)}. In der Geräteliste steht etwas anderes.`
    default: return `Das ist ein Gerät vom Modell ${named(reason)}. Dieses Modell ist hier nicht zugelassen.`
  }
}

function helpOf({ code, needs }: PersonReason): string | undefined {
  if (needs?.reachable === true) return 'Aktualisiere es unter Einstellungen, Allgemein, Softwareupdate und öffne danach deinen Link noch einmal.'
  if (needs !== undefined) return 'Dieses Modell lässt sich nicht so weit aktualisieren; es braucht ein neueres Gerät.'
  if (code === 'model-unknown') return 'Es kann erst zugelassen werden, wenn jemand aus der Administration es aufgenommen hat.'
  if (code === 'device-revoked') return 'Wurde es wiedergefunden, kann es jemand aus der Administration wieder zulassen.'
  if (code === 'device-held' || code === 'person-held') return 'Beenden kann das jemand aus der Administration.'
  return code === 'approval-ended' || code === 'model-not-approved' ? 'Mit einem Gerät eines zugelassenen Modells geht es.' : undefined
}

function phrase(part: RulePhrase): string {
  switch (part.kind) {
    case 'model': return part.pattern
    case 'family': return part.family
    case 'with': return `mit ${capabilities[part.what]}`
    case 'without': return `ohne ${capabilities[part.what]}`
    case 'build': return `Build ${part.build}`
    case 'os':
      if (part.from === undefined) return `${part.name} älter als ${part.below}`
      return part.below === undefined ? `${part.name} ${part.from} oder neuer` : `${part.name} ${part.from} oder neuer, aber älter als ${part.below}`
  }
}
