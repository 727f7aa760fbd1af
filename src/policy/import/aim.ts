/** What somebody wanted of their rules: which models, and from which version on. */
import type { Catalogue } from '../../devices/catalogue.ts'
import { findPreset, presetNames } from '../../devices/presets.ts'
import { CaError } from '../../errors.ts'
import { compareOsVersions, parseOsVersion } from '../../formats/os-version.ts'
import { matchesWildcard } from '../../formats/wildcard.ts'
import { patternSchema } from '../rules.ts'

/** As it was asked for. */
export type AimInput = { readonly models?: string | undefined, readonly osFrom?: string | undefined }

export type Aim = {
  readonly input: AimInput
  /** `models that encrypt their storage, on 4.1 or newer` */
  readonly words: string
  includes(productType: string): boolean
  /** Undefined when the version of the build is not known and matters. */
  wants(productType: string, osVersion: string | null): boolean | undefined
}

/**
 * @param input  `models` is the name of a preset, a product type or a wildcard over them
 * @returns undefined when nothing is aimed at
 * @throws {CaError} invalid-argument
 */
export function aimOf(catalogue: Catalogue, input: AimInput): Aim | undefined {
  const { models, osFrom } = input
  if (models === undefined && osFrom === undefined) return undefined
  const preset = models === undefined ? undefined : findPreset(models)
  if (models !== undefined && preset === undefined && !(patternSchema.safeParse(models).success && /[*?,]/.test(models))) {
    throw new CaError('invalid-argument', `the aim is none of ${presetNames.join(', ')}, nor a product type or a wildcard like iPhone1?,*`)
  }
  const from = osFrom === undefined ? undefined : parseOsVersion(osFrom)
  if (osFrom !== undefined && from === undefined) throw new CaError('invalid-argument', `${osFrom.slice(0, 40)} is not a version like 17.4`)
  const isModel = (productType: string): boolean => {
    const model = catalogue.models.get(productType)
    return models === undefined || (preset === undefined ? matchesWildcard(models, productType) : model !== undefined && preset.matches(model))
  }
  return {
    input,
    words: [preset !== undefined ? `models ${preset.words}` : models === undefined ? 'all models' : `models like ${models}`, ...osFrom === undefined ? [] : [`on ${osFrom} or newer`]].join(', '),
    includes: isModel,
    wants(productType, osVersion) {
      if (!isModel(productType)) return false
      if (from === undefined) return true
      const version = osVersion === null ? undefined : parseOsVersion(osVersion)
      return version === undefined ? undefined : compareOsVersions(version, from) >= 0
    },
  }
}
