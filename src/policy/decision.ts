/** What a decision is made of, and what it is. Plain values: they are stored beside the certificate that rests on them. */
import { osVersionOf, ranOn } from '../devices/catalogue.ts'
import type { Catalogue, DeviceModel } from '../devices/catalogue.ts'
import { atLeast } from '../devices/evidence.ts'
import type { EvidenceGrade, Fact } from '../devices/evidence.ts'
import { agreement, type InventoryEntry } from '../devices/inventory.ts'
import type { Approval, Exemption, Rule, Verdict } from './rules.ts'

/** A device as it stands at the moment of the decision. What is not known is left out. */
export type KnownDevice = {
  readonly deviceId?: string | undefined
  readonly invitationId?: string | undefined
  readonly productType?: Fact<string> | undefined
  readonly build?: Fact<string> | undefined
  readonly osVersion?: Fact<string> | undefined
  readonly serialNumber?: Fact<string> | undefined
  readonly udid?: Fact<string> | undefined
  /** The catalogue's row for `productType`; left out when it has none. */
  readonly model?: DeviceModel | undefined
  /** Whether the imported inventory says the same of this serial number; left out when it does not have it. */
  readonly inventoryAgrees?: boolean | undefined
  /** Whether the build was ever published for the model; left out when nobody can say. */
  readonly buildRanOnModel?: boolean | undefined
  /** From our own records, so not a matter of evidence. */
  readonly person?: { readonly id: string, readonly groups: readonly string[] } | undefined
  /** From our own records: nobody gets past it. */
  readonly lockedOut?: LockOut | 'person-held' | undefined
}

/** A device that somebody reported lost or retired, or holds. */
export type LockOut = 'held' | 'revoked'

export type PolicySnapshot = {
  readonly approvals: readonly Approval[]
  readonly rules: readonly Rule[]
  readonly exemptions: readonly Exemption[]
  /** An approval or allow rule then needs the inventory to agree. */
  readonly requireInventory: boolean
  /** The service was told to trust simulated phones. Not said means no. */
  readonly trustTestDevices?: boolean | undefined
}

/** Stable, for logs and for clients; people read the texts. */
export type DecisionCode =
  | 'allowed' | 'allowed-by-exemption'
  | 'device-revoked' | 'device-held' | 'person-held'
  | 'quarantined-by-rule' | 'quarantined-by-exemption' | 'blocked-by-rule' | 'blocked-by-exemption'
  /** A block or quarantine rule could not be answered, so nobody is let past it. */
  | 'facts-missing'
  | 'model-missing' | 'model-unknown' | 'model-not-approved' | 'approval-ended' | 'evidence-too-weak'
  | 'inventory-missing' | 'inventory-disagrees' | 'conditions-not-met'

/** What was known, at which grade. Plain JSON. */
export type KnownSummary = {
  readonly productType: Fact<string> | null
  readonly modelName: string | null
  readonly inCatalogue: boolean
  readonly build: Fact<string> | null
  readonly osVersion: Fact<string> | null
  readonly serialNumber: Fact<string> | null
  readonly udid: Fact<string> | null
  readonly inventoryAgrees: boolean | null
  readonly buildRanOnModel: boolean | null
  /** What the model is worth now: a simulated phone's counts as signed only while such phones are trusted. */
  readonly modelEvidence: EvidenceGrade | null
  readonly test: boolean
}

export type Capability = 'storage-encryption' | 'data-protection' | 'secure-enclave' | 'attestation'

/** One condition of a rule that is about the device. Conditions about people and evidence are not for their eyes. */
export type RulePhrase =
  | { readonly kind: 'model', readonly pattern: string }
  | { readonly kind: 'family', readonly family: string }
  | { readonly kind: 'with' | 'without', readonly what: Capability }
  | { readonly kind: 'os', readonly name: string, readonly from?: string, readonly below?: string }
  | { readonly kind: 'build', readonly build: string }

/** Why a device may or may not in, for the person who holds it; pages put it into words. Plain JSON. */
export type PersonReason = {
  readonly verdict: Verdict
  readonly code: DecisionCode
  /** `iPhone 13`; null where the catalogue does not know the model */
  readonly model: string | null
  /** `iPhone14,5`, as the device says it, fit to stand in a sentence; null when it said nothing */
  readonly said: string | null
  /** An admin's text, to be shown as it was written. */
  readonly ownWords?: string
  /** A newer system is what is missing; `reachable` says whether this model can have it. */
  readonly needs?: { readonly found: string, readonly version: string, readonly reachable: boolean }
  readonly lacks?: Capability
  readonly rule?: readonly RulePhrase[]
}

export type Decision = {
  readonly verdict: Verdict
  readonly code: DecisionCode
  /** `reason` is the author's own, or ours where no rule spoke. */
  readonly because: { readonly kind: 'exemption' | 'rule' | 'approval' | 'default', readonly id?: string, readonly reason: string }
  readonly known: KnownSummary
  readonly textForPerson: string
  /** The same as facts, for pages in other languages. Left out of decisions that were stored before it was kept. */
  readonly forPerson?: PersonReason
  readonly textForAdmin: string
  /** The end of what an allow rests on, approval or exemption; null when it has none. No certificate outlives it. */
  readonly approvalEndsAt: Date | null
}

/** The bare outcome, before it is put into words. */
export type Ruling = {
  readonly verdict: Verdict
  readonly code: DecisionCode
  readonly exemption?: Exemption
  readonly rule?: Rule
  readonly approval?: Approval
  /** The evidence that was asked for, where it was too weak. */
  readonly least?: EvidenceGrade
  readonly endsAt?: Date | null
}

/**
 * Adds to what a device said what the catalogue says of it: the model, the version of the build, and
 * whether the two belong together.
 *
 * The version comes from the build where both are as good, because old phones print a version without
 * its last number. It does not come from a build that never ran on the model.
 */
export function knownDevice(catalogue: Catalogue, said: Omit<KnownDevice, 'model' | 'buildRanOnModel'>): KnownDevice {
  const { productType, build, osVersion } = said
  const model = productType === undefined ? undefined : catalogue.models.get(productType.value)
  const buildRanOnModel = build === undefined || productType === undefined ? undefined : ranOn(catalogue, build.value, productType.value)
  // The build table is that of iOS; a Mac's 22A380 is another system's.
  const mayDerive = buildRanOnModel ?? /^(iPhone|iPad|iPod)/.test(productType?.value ?? '')
  const version = build !== undefined && mayDerive ? osVersionOf(catalogue, build.value) : undefined
  const fromBuild = build === undefined || version === undefined ? undefined : { ...build, value: version }
  const better = fromBuild !== undefined && (osVersion === undefined || atLeast(fromBuild.grade, osVersion.grade)) ? fromBuild : osVersion
  return { ...said, model, buildRanOnModel, osVersion: better }
}

/**
 * Adds to what is known of a device what the inventory says under its numbers: whether the two agree, and the model, where
 * nothing better is known of it. `listed` is as good as the inventory, and never better than the proof of the number.
 *
 * @param entries  those with its serial number or its UDID
 */
export function withInventory(said: Omit<KnownDevice, 'model' | 'buildRanOnModel'>, entries: readonly InventoryEntry[]): Omit<KnownDevice, 'model' | 'buildRanOnModel'> {
  const { productType, serialNumber, udid } = said
  const named = entries.filter(entry => isSaid(entry.serialNumber, serialNumber) || isSaid(entry.udid, udid))
  const [entry] = named
  if (entry === undefined) return said
  const listed = listedModel(entry, isSaid(entry.serialNumber, serialNumber) ? serialNumber! : udid!)
  const better = productType === undefined || (listed !== undefined && !atLeast(productType.grade, listed.grade)) ? listed : productType
  const device = { serialNumber: serialNumber?.value ?? entry.serialNumber ?? '', udid: udid?.value ?? entry.udid ?? '', productType: productType?.value ?? entry.productTypes[0] ?? '' }
  return { ...said, ...better !== undefined && { productType: better }, inventoryAgrees: agreement(named, device) }
}

const isSaid = (listed: string | null, fact: Fact<string> | undefined): boolean => listed !== null && fact !== undefined && fact.value.toUpperCase() === listed

/** A name that stands for several models says none of them. */
function listedModel({ productTypes }: InventoryEntry, number: Fact<string>): Fact<string> | undefined {
  const [value] = productTypes
  if (value === undefined || productTypes.length > 1) return undefined
  return { ...number, value, grade: atLeast(number.grade, 'listed') ? 'listed' : number.grade }
}

export function summaryOf(known: KnownDevice, modelEvidence: EvidenceGrade | undefined): KnownSummary {
  return {
    productType: known.productType ?? null,
    modelName: known.model?.name ?? null,
    inCatalogue: known.model !== undefined,
    build: known.build ?? null,
    osVersion: known.osVersion ?? null,
    serialNumber: known.serialNumber ?? null,
    udid: known.udid ?? null,
    inventoryAgrees: known.inventoryAgrees ?? null,
    buildRanOnModel: known.buildRanOnModel ?? null,
    modelEvidence: modelEvidence ?? null,
    test: [known.productType, known.build, known.osVersion, known.serialNumber, known.udid].some(fact => fact?.test === true),
  }
}
