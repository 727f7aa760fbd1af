import test from 'ava'
import { parseCertificate } from '../../src/formats/x509.ts'
import { readCertificatePolicies } from '../../src/formats/extension-readers.ts'
import { evidenceOids } from '../../src/devices/evidence.ts'
import { openWorld } from '../support/world.ts'

test('an approved phone enrolls Over-the-Air and holds a certificate that names its grade and that it was simulated', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()

  const outcome = await world.enroll(link)

  t.is(outcome.outcome, 'enrolled')
  if (outcome.outcome !== 'enrolled') return
  t.deepEqual(readCertificatePolicies(parseCertificate(outcome.certificate.raw)), [evidenceOids.signed, evidenceOids.test])
})

test('certificates that must be read by older programs in Go do not name their grade', async t => {
  const world = await openWorld(t, { config: { gradeInCertificate: false } })
  await world.approve('iPhone14,5')
  const outcome = await world.enroll((await world.invite()).link)

  t.is(outcome.outcome, 'enrolled')
  if (outcome.outcome !== 'enrolled') return
  t.is(readCertificatePolicies(parseCertificate(outcome.certificate.raw)), undefined)
})

test('a phone of a model that nobody approved is refused, and its page says which model and whom to ask', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()

  const outcome = await world.enroll(link, { product: 'iPhone1,2', build: '8C148' })

  t.is(outcome.outcome, 'refused')
  if (outcome.outcome !== 'refused') return
  t.regex(outcome.text, /iPhone 3G/)
  t.regex(outcome.text, /Please ask the person who sent you the invitation/)
})
