/** A store that only grows: so many certificates are revoked in it. */
import { seedRevoked } from './front-ends/revoked.ts'
import { latchkeyOn, type Latchkey } from './latchkey.ts'
import type { Stage } from './stage.ts'

/** @property grow  so many are revoked afterwards, at the least */
export type RevokedStore = { latchkey: Latchkey, grow(count: number): Promise<void> }

export const revokedStore = async (stage: Stage): Promise<RevokedStore> => await stage.shared('revoked store', async base => {
  const latchkey = await latchkeyOn(base, 'revoked', { publish: false })
  let there = 0
  return {
    latchkey,
    grow: async count => {
      if (count <= there) return
      await seedRevoked(latchkey.service, count, { from: there, searchable: false })
      there = count
      base.say(`${count} certificates are revoked`)
    },
  }
})
