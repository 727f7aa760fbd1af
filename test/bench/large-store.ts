/** The store that OCSP, `/check` and starting are measured with: many certificates, a tenth of them revoked. */
import { activeAuthority, type Authority } from '../../src/certificates/authority.ts'
import { issueDevice, type Issued } from '../support/issued.ts'
import { fillCheckStore, type Population } from './check-store.ts'
import { latchkeyOn, type Latchkey } from './latchkey.ts'
import type { Stage } from './stage.ts'

/** @property start  unless it runs */
export type LargeStore = { latchkey: Latchkey, template: Issued, issuer: Authority, population: Population, start(): Promise<void> }

export const largeStore = async (stage: Stage): Promise<LargeStore> => await stage.shared('large store', makeLargeStore)

async function makeLargeStore(stage: Stage): Promise<LargeStore> {
  const { certificates, revoked } = stage.sizes
  const population = { good: certificates - revoked, revoked }
  let template: Issued | undefined
  const latchkey = await latchkeyOn(stage, 'large', { fill: async service => {
    template = await issueDevice(service, { email: 'template@example.com' })
    await fillCheckStore(service.db, template, population, service.now(), stage.say)
  } })
  let started = false
  return {
    latchkey, template: template!, population, issuer: activeAuthority(latchkey.service.authorities(), 'issuing'),
    start: async () => {
      if (!started) await latchkey.start()
      started = true
    },
  }
}

/** The same numbers every time. */
export function numbers(count: number, among: number): number[] {
  let seed = among + count
  return Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor(seed / 2 ** 32 * among)
  })
}
