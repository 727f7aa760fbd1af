/** Every User-Agent that an iPhone, iPad or iPod touch of the catalogue sends over ActiveSync, or could be taken to send. */
import { parseBuild } from '../formats/build-number.ts'
import { spellBuild, spellDeviceModel } from '../formats/activesync/spell.ts'
import { parseProductType } from '../formats/product-type.ts'
import { osVersionOf, type Catalogue } from './catalogue.ts'

export type KnownUserAgent = {
  readonly userAgent: string
  readonly build: string
  /** Null where the catalogue does not know the build's version. */
  readonly osVersion: string | null
  /** Models that write this; several where the string names none. */
  readonly productTypes: readonly string[]
  /** False for spellings that stand in Apple's guide and that no phone was seen to send. */
  readonly genuine: boolean
}

const families = new Set(['iPhone', 'iPad', 'iPod'])
/** ActiveSync came with iPhone OS 2, whose builds begin with 5; the model came with iOS 4. */
const [firstMajor, firstMajorWithModel] = [5, 8]

const made = new WeakMap<Catalogue, readonly KnownUserAgent[]>()

export function knownUserAgents(catalogue: Catalogue): readonly KnownUserAgent[] {
  const known = made.get(catalogue) ?? [...catalogue.builds.values()].flatMap(({ build, version, productTypes }) =>
    hasActiveSync(build, version) ? ofBuild(catalogue, build, productTypes) : [])
  made.set(catalogue, known)
  return known
}

const hasActiveSync = (build: string, version: string | null): boolean => parseBuild(build)!.major >= firstMajor && version?.startsWith('1.') !== true

function ofBuild(catalogue: Catalogue, build: string, productTypes: readonly string[]): KnownUserAgent[] {
  const byFamily = Map.groupBy(productTypes.filter(identifier => catalogue.models.has(identifier)), identifier => parseProductType(identifier)!.family)
  const saysModel = parseBuild(build)!.major >= firstMajorWithModel
  return [...byFamily].filter(([family]) => families.has(family)).flatMap(([family, identifiers]) => [
    ...saysModel ? [] : spelled(catalogue, family, build, identifiers, true),
    ...identifiers.flatMap(identifier => spelled(catalogue, spellDeviceModel(identifier), build, [identifier], saysModel)),
  ])
}

function spelled(catalogue: Catalogue, device: string, build: string, productTypes: readonly string[], genuine: boolean): KnownUserAgent[] {
  const [plain, padded] = [spellBuild(build)!, spellBuild(build, { padded: true })!]
  const entry = (version: string, isGenuine: boolean): KnownUserAgent =>
    ({ userAgent: `Apple-${device}/${version}`, build, osVersion: osVersionOf(catalogue, build) ?? null, productTypes, genuine: isGenuine })
  return plain === padded ? [entry(plain, genuine)] : [entry(plain, genuine), entry(padded, false)]
}
