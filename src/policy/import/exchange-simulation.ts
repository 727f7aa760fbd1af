/** What Exchange decides about a phone by what it says of itself: exact texts, block before quarantine before allow. */
import type { Catalogue } from '../../devices/catalogue.ts'
import type { KnownUserAgent } from '../../devices/known-user-agents.ts'
import type { AccessLevel, AccessRule, Characteristic } from '../../formats/exchange/inventory.ts'
import { spellDeviceModel } from '../../formats/activesync/spell.ts'

/** Several where versions print differently: `iOS 6.1 10B145` is 6.1.1. */
export type Reported = Readonly<Partial<Record<Characteristic, readonly string[]>>>

export type ExchangeRules = { decide(reported: Reported): AccessLevel }

const order = ['Block', 'Quarantine', 'Allow'] as const

export function exchangeRules(rules: readonly AccessRule[], byDefault: AccessLevel): ExchangeRules {
  const keyOf = (characteristic: string, text: string): string => `${characteristic} ${text.toLowerCase()}`
  const levels = Map.groupBy(rules, ({ characteristic, queryString }) => keyOf(characteristic, queryString))
  return {
    decide(reported) {
      const said = Object.entries(reported).flatMap(([characteristic, texts]) => texts.flatMap(text => levels.get(keyOf(characteristic, text)) ?? []))
      return order.find(level => said.some(({ accessLevel }) => accessLevel === level)) ?? byDefault
    },
  }
}

const deviceTypes: Readonly<Record<string, string>> = { 'iPhone': 'iPhone', 'iPad': 'iPad', 'iPod touch': 'iPod' }

/** What a genuine phone of this model at this build tells Exchange. */
export function reportedBy(catalogue: Catalogue, productType: string, { userAgent, build, osVersion }: Pick<KnownUserAgent, 'userAgent' | 'build' | 'osVersion'>): Reported {
  const type = deviceTypes[catalogue.models.get(productType)?.family ?? ''] ?? ''
  const numbers = /^\d+(?:\.\d+)*/.exec(osVersion ?? '')?.[0]
  const versions = numbers === undefined ? [] : [...new Set([numbers, numbers.split('.').slice(0, 2).join('.'), `${numbers}.0`])]
  return {
    DeviceType: [type], DeviceModel: [type, spellDeviceModel(productType)], UserAgent: [userAgent],
    DeviceOS: versions.flatMap(version => ['iOS', 'iPadOS', 'iPhone OS'].map(name => `${name} ${version} ${build}`)),
  }
}
