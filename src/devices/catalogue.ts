/** Device models and builds of their operating systems, as data that can be updated without a release. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { CaError } from '../errors.ts'
import { mistakeInWords } from '../formats/mistake-words.ts'
import { parseBuild } from '../formats/build-number.ts'
import { isPlainLine, notPlainWords } from '../formats/plain-text.ts'
import { parseProductType } from '../formats/product-type.ts'
import { isWildcard, matchesWildcard } from '../formats/wildcard.ts'

/** `null` means that no source says: a rule that asks for it is then never satisfied. */
const documented = z.boolean().nullable()
const text = (longest: number) => z.string().min(1).max(longest).refine(isPlainLine, notPlainWords)
const productType = z.string().max(32).refine(value => parseProductType(value) !== undefined, 'not a product type')
const buildNumber = z.string().max(16).refine(value => parseBuild(value) !== undefined, 'not a build number')

const deviceModel = z.strictObject({
  identifier: productType,
  name: text(100),
  family: text(32),
  released: text(10).nullable(),
  soc: text(32),
  hardwareEncryption: documented,
  dataProtection: documented,
  secureEnclave: z.boolean(),
  managedDeviceAttestation: z.boolean(),
  /** Attestation carries the model too (17.2 and later; phones that stop at 16 never do). */
  attestsModel: z.boolean(),
  minOS: text(64).nullable(),
  minOSBuild: text(16).nullable(),
  maxOS: text(64).nullable(),
  maxOSBuild: text(16).nullable(),
  /** Still gets new versions; null where no source says (Macs, watches, Apple TV). */
  maxOSOpen: documented,
  /** As an ActiveSync User-Agent spells it: `iPhone14C5`. */
  easModel: text(32).nullable(),
  boards: z.array(text(32)).max(32),
  modelNumbers: z.array(text(32)).max(64),
  notes: z.array(text(500)).max(16),
})

const osBuild = z.strictObject({
  build: buildNumber,
  /** Null where only the file name of the build is known; `versionTrain` then guesses from the letter. */
  version: text(40).nullable(),
  os: z.array(text(32)).max(8),
  released: text(10).nullable(),
  kind: z.enum(['release', 'beta', 'rc', 'rsr', 'internal', 'unknown']),
  versionTrain: text(40).optional(),
  /** The build beside which Apple lists this one for the same version (`23G6083` beside `23G83`). */
  twinOf: buildNumber.optional(),
  /** Models it was published for; empty where nobody says. */
  productTypes: z.array(productType).max(1000),
})

const catalogueFile = z.strictObject({
  version: text(40).optional(),
  models: z.array(deviceModel).max(5000).optional(),
  builds: z.array(osBuild).max(20_000).optional(),
})

export type DeviceModel = Readonly<z.infer<typeof deviceModel>>
export type OsBuild = Readonly<z.infer<typeof osBuild>>
/** What a catalogue file carries: whole rows that replace those of the same identifier or build. */
export type CatalogueUpdate = Readonly<z.infer<typeof catalogueFile>>

export type Catalogue = {
  readonly models: ReadonlyMap<string, DeviceModel>
  readonly builds: ReadonlyMap<string, OsBuild>
  /** Date of the bundled data, or what the last update calls itself. */
  readonly version: string
}

let bundled: Catalogue | undefined

/** The data that came with this release (`data/README.md` says from where). */
export function loadBundledCatalogue(): Catalogue {
  if (bundled === undefined) {
    const empty: Catalogue = { models: new Map(), builds: new Map(), version: 'empty' }
    bundled = ['os-builds.json', 'device-models.json']
      .map(name => parseCatalogue(readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8')))
      .reduce(mergeCatalogue, empty)
  }
  return bundled
}

/**
 * Reads a catalogue file: `{ version?, models?, builds? }`. The caller bounds its size.
 *
 * @throws malformed-catalogue, naming the first place that is wrong
 */
export function parseCatalogue(json: string): CatalogueUpdate {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw new CaError('malformed-catalogue', 'the catalogue file is not JSON', { cause })
  }
  const result = catalogueFile.safeParse(value)
  if (!result.success) {
    const issue = result.error.issues[0]!
    throw new CaError('malformed-catalogue', `the catalogue file is wrong at ${issue.path.join('.') || 'its top'}: ${mistakeInWords(issue)}`)
  }
  refuseRepetition('model', (result.data.models ?? []).map(model => model.identifier))
  refuseRepetition('build', (result.data.builds ?? []).map(build => build.build))
  return result.data
}

/** Two rows for one model would leave it to chance which of them decides. */
function refuseRepetition(what: string, keys: string[]): void {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key)) throw new CaError('malformed-catalogue', `the catalogue file has ${what} ${key} twice`)
    seen.add(key)
  }
}

/** The base with the rows of the update in place of its own; nothing is ever taken out. */
export function mergeCatalogue(base: Catalogue, update: CatalogueUpdate): Catalogue {
  const models = new Map(base.models)
  for (const model of update.models ?? []) models.set(model.identifier, model)
  const builds = new Map(base.builds)
  for (const build of update.builds ?? []) builds.set(build.build, build)
  return { models, builds, version: update.version ?? base.version }
}

/** Models that a product type or a wildcard names, in the catalogue's order. */
export function modelsMatching(catalogue: Catalogue, pattern: string): DeviceModel[] {
  if (isWildcard(pattern)) return [...catalogue.models.values()].filter(model => matchesWildcard(pattern, model.identifier))
  const model = catalogue.models.get(pattern)
  return model === undefined ? [] : [model]
}

export const buildOf = (catalogue: Catalogue, build: string): OsBuild | undefined => catalogue.builds.get(build)

/** The exact version of a build; undefined when the build, or its version, is not known. */
export const osVersionOf = (catalogue: Catalogue, build: string): string | undefined => buildOf(catalogue, build)?.version ?? undefined

/**
 * Whether a build was ever published for a model. A phone that says otherwise is lying, or the
 * catalogue is behind: a reason to look, not to refuse.
 *
 * @returns undefined when the build or the model is unknown, or when nobody lists the build's models
 */
export function ranOn(catalogue: Catalogue, build: string, identifier: string): boolean | undefined {
  const productTypes = buildOf(catalogue, build)?.productTypes ?? []
  if (productTypes.length === 0 || !catalogue.models.has(identifier)) return undefined
  return productTypes.includes(identifier)
}

const families: Readonly<Record<string, string>> = {
  iPhone: 'iPhone', iPad: 'iPad', iPod: 'iPod touch', Watch: 'Apple Watch', AppleTV: 'Apple TV', RealityDevice: 'Apple Vision',
  Mac: 'Mac', MacBook: 'Mac', MacBookAir: 'Mac', MacBookPro: 'Mac', Macmini: 'Mac', MacPro: 'Mac', iMac: 'Mac', iMacPro: 'Mac',
}

/** The family that a product type spells, also for a model that the catalogue does not have yet. */
export function familyOf(identifier: string): string | undefined {
  const spelled = parseProductType(identifier)?.family
  return spelled !== undefined && Object.hasOwn(families, spelled) ? families[spelled] : undefined
}
