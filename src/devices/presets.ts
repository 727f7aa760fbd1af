import type { Catalogue, DeviceModel } from './catalogue.ts'

export type PresetName = 'storage-encryption' | 'secure-enclave' | 'can-attest' | 'attests-model' | 'still-supported'

export type Preset = {
  readonly name: PresetName
  /** After "models": what they have in common. */
  readonly words: string
  readonly why: string
  readonly matches: (model: DeviceModel) => boolean
}

/** Questions about hardware that are worth a button. What no source says counts as no. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  'storage-encryption': {
    name: 'storage-encryption',
    words: 'that encrypt their storage',
    why: 'All but the first two iPhones and the first two iPod touches do. Protection needs a passcode too.',
    matches: model => model.hardwareEncryption === true,
  },
  'secure-enclave': {
    name: 'secure-enclave',
    words: 'with a Secure Enclave',
    why: 'A key can be born in it and never leave.',
    matches: model => model.secureEnclave,
  },
  'can-attest': {
    name: 'can-attest',
    words: 'that can attest to themselves',
    why: 'Apple signs who they are, for a key in their Secure Enclave.',
    matches: model => model.managedDeviceAttestation,
  },
  'attests-model': {
    name: 'attests-model',
    words: 'whose attestation carries the model',
    why: 'Needs version 17.2 or later; iPhone 8 and X attest, but end before it.',
    matches: model => model.attestsModel,
  },
  'still-supported': {
    name: 'still-supported',
    words: 'that still get new versions',
    why: 'Apple still publishes its newest version for them.',
    matches: model => model.maxOSOpen === true,
  },
}

export const presetNames = Object.keys(presets) as PresetName[]

export const findPreset = (name: string): Preset | undefined => Object.hasOwn(presets, name) ? presets[name as PresetName] : undefined

export const modelsOfPreset = (catalogue: Catalogue, name: PresetName): DeviceModel[] => [...catalogue.models.values()].filter(presets[name].matches)
