/** Revoking all that a phone has, while the phone renews: no certificate may slip through between the two. */
import test from 'ava'
import { openApi } from '../../support/api.ts'
import { csrOf, enrolled, messageTo, post } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { openWorld } from '../../support/world.ts'

const newKey = keptRsaKey(2048, 'other')

for (const [whose, targetOf] of [
  ['device', (row: { id: string }) => ({ device: row.id })],
  ['person', () => ({ person: 'ines@example.com' })],
] as const) {
  test(`a ${whose} that is revoked while it renews holds nothing afterwards`, async t => {
    const world = await openWorld(t)
    await world.approve('iPhone14,5')
    const api = await openApi(t, world.service)
    for (let round = 0; round < 4; round++) {
      const phone = await enrolled(t, world, phoneKeys.identity, { serial: `F2LRACE0000${round}` })
      const messages = await Promise.all(Array.from({ length: 8 }, async (_, each) =>
        await messageTo(phone.door, phone, await csrOf(newKey), { transactionID: `${round}.${each}` })))
      const [device] = await world.service.db.query<{ id: string }>('select id from devices where serial_number = $1', [`F2LRACE0000${round}`])

      const renewals = messages.map(async message => (await post(phone.door, message)).outcome)
      // Somewhere in their middle.
      await Promise.race(renewals)
      await api.ask('POST', '/certificates/revoke', targetOf(device!))
      const outcomes = await Promise.all(renewals)

      t.true(outcomes.every(outcome => outcome === 'SUCCESS' || outcome === '2'), outcomes.join())
      t.deepEqual(await world.service.db.query(`select c.serial_number from certificates c
        left join revocations r on r.authority_id = c.authority_id and r.serial_number = c.serial_number
        where c.kind = 'device' and c.state = 'issued' and r.serial_number is null`), [], `round ${round}: ${outcomes.join()}`)
    }
  })
}
