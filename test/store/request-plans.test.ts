/** What every kind of request asks of the database, held against a store in which everything is there. */
import { join } from 'node:path'
import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { isPlannedOnce } from '../../src/store/statement-names.ts'
import { renewPhone } from '../../src/phone/renew.ts'
import { toPem } from '../../src/formats/pem.ts'
import { ocspRequest } from '../bench/check-requests.ts'
import { thingsIn } from '../bench/addresses.ts'
import { apiAt, newToken } from '../support/api.ts'
import { openDoors } from '../support/console.ts'
import { freshDatabase } from '../support/database.ts'
import { fullStore } from '../support/full-store.ts'
import { distinct, overheard, planOf, planWithoutValues, readWhole, wholeIndexes } from '../support/plans.ts'
import { openWorld } from '../support/world.ts'

test('no request of a phone, a front end or an admin reads or counts a table that grows', async t => {
  // The planner of the embedded engine is the same; what differs is how long this would take there.
  if (process.env['DATABASE_URL'] === undefined) {
    t.log('skipped: needs a PostgreSQL server, DATABASE_URL names none')
    return t.pass()
  }
  const { db, statements } = overheard(await freshDatabase(t))
  const world = await openWorld(t, { db })
  const { service, folder } = world
  await fullStore(service, 2000)
  const things = await thingsIn(db)
  const origin = await openDoors(t, service)
  const api = await apiAt(t, `${origin}/api/v1`, await newToken(service, 'admin'))
  statements.length = 0

  const { url: link } = await api.ask<{ url: string }>('POST', '/invitations', { name: 'Ines Roth', email: 'ines@example.com', devices: 2 })
  await api.ask('POST', '/approvals', { pattern: 'iPhone14,5', reason: 'a test' })
  const out = join(folder, 'phone')
  const outcome = await world.enroll(link.replace(/^.*\/i\//, `${world.url}/i/`), { out })
  t.is(outcome.outcome, 'enrolled')
  service.clock.advance(340 * 86_400)
  await renewPhone(out, { now: service.now })
  service.clock.advance(-340 * 86_400)

  const ders = await db.query<{ der: Buffer }>(`select der from certificates where kind = 'device' and state = 'issued' order by created_at desc limit 3`)
  for (const { der } of ders) await fetch(`${origin}/check/mail`, { headers: { 'authorization': 'Bearer front-end', 'x-ssl-client-escaped-cert': encodeURIComponent(toPem('CERTIFICATE', der)) } })
  for (const n of [1, 2]) {
    const whole = ocspRequest(activeAuthority(service.authorities(), 'issuing'), n, false)
    await fetch(`${origin}/ocsp/issuing`, { method: 'POST', headers: { 'content-type': 'application/ocsp-request' }, body: whole.subarray(whole.indexOf('\r\n\r\n') + 4) })
  }
  for (const path of ['/crl/issuing.crl', '/crl/issuing-delta.crl', '/crl/issuing/0.crl', '/crl/bundle.pem', '/ca/chain.pem', '/readyz']) t.is((await fetch(`${origin}${path}`)).status, 200, path)

  await api.ask('POST', '/certificates/hold', { certificate: things.certificate })
  await api.ask('POST', '/certificates/release', { certificate: things.certificate })
  await api.ask('POST', '/certificates/revoke', { certificate: things.certificate, reason: 'keyCompromise' })
  await api.ask('POST', '/certificates/revoke', { device: things.phone, reason: 'keyCompromise' })
  await api.ask('POST', '/policy/changes', { edit: { kind: 'add-rule', rule: { verdict: 'block', conditions: { osVersion: { below: '9' } }, reason: 'old' } } })

  const asked = distinct(statements)
  const whole = await wholeIndexes(db)
  t.true(asked.length > 60, `${asked.length} statements`)
  for (const statement of asked) t.deepEqual(readWhole(await planOf(db, statement), whole), [], statement.text)
  for (const statement of asked.filter(({ text }) => isPlannedOnce(text))) t.deepEqual(readWhole(await planWithoutValues(db, statement), whole), [], `without its values: ${statement.text}`)
})
