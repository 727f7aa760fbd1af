import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { fingerprint } from '../../src/formats/x509.ts'
import { openConsole } from '../support/console.ts'
import { testService } from '../support/service.ts'
import { openWorld } from '../support/world.ts'

const colons = (hex: string): string => hex.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:')

test('the authority is shown with its fingerprints, signers and lists, and what front ends take', async t => {
  const service = await testService(t)
  await service.publish()
  const console = await openConsole(t, service, 'auditor')
  const { text } = await console.get('/console/authority')
  for (const role of ['root', 'issuing', 'enrollment', 'agent'] as const) t.true(text.includes(colons(fingerprint(activeAuthority(service.authorities(), role).certificate.raw))), role)
  t.regex(text, /Signs OCSP answers<\/dt><dd>until <time/)
  t.notRegex(text, /renew-signers/)
  for (const [, file] of text.matchAll(/href="([^"]+)" download/g)) t.is((await console.get(file!)).status, 200, file)
  t.true([...text.matchAll(/ download/g)].length >= 9)
})

test('signers that are near their end are renewed on request, and it stands in the records', async t => {
  const service = await testService(t)
  await service.publish()
  const console = await openConsole(t, service)
  await console.get('/console/authority')
  t.regex((await console.submit('/console/authority/renew-signers')).text, /Nothing was due\./)
  service.clock.advance(21 * 86_400)
  const again = await openConsole(t, service)
  await again.get('/console/authority')
  t.regex((await again.submit('/console/authority/renew-signers')).text, /One signer was renewed\./)
  t.deepEqual((await service.db.query("select detail->'renewed' as renewed from audit where action = 'authority.renew-signers' order by id")).map(({ renewed }) => renewed), [0, 1])
})

test('that simulated phones are trusted is said loudly', async t => {
  const { service } = await openWorld(t)
  await service.publish()
  const console = await openConsole(t, service)
  t.regex((await console.get('/console/authority')).text, /<b>Danger\.<\/b>/)
})
