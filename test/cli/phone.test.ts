import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { runCommand } from '../support/cli.ts'
import { openWorld, type World } from '../support/world.ts'

const enroll = async ({ deviceCaDir, folder, service }: World, link: string, ...more: string[]) => await runCommand({}, [
  'phone', 'enroll', link, '--build', '20A362', '--serial', 'F2LTESTTEST1', '--device-ca', deviceCaDir, '--out', join(folder, 'phone'), '--json', ...more,
], { now: service.now })

test('a simulated phone enrolls from the command line, and renews', async t => {
  const world = await openWorld(t)
  await world.approve('iPhone14,5')
  const { link } = await world.invite()
  const enrolled = await enroll(world, link, '--product', 'iPhone14,5')
  t.is(enrolled.exitCode, 0)
  const certificate = (): X509Certificate => new X509Certificate(readFileSync(join(world.folder, 'phone/cert.pem')))
  t.is(certificate().serialNumber.toLowerCase(), enrolled.json.serialNumber)
  world.service.clock.advance(86_400)
  const renewed = await runCommand({}, ['phone', 'renew', join(world.folder, 'phone'), '--json'], { now: world.service.now })
  t.is(renewed.exitCode, 0)
  t.is(certificate().serialNumber.toLowerCase(), renewed.json.serialNumber)
  t.not(renewed.json.serialNumber, enrolled.json.serialNumber)
})

test('a phone that is refused ends with 3, one in quarantine with 4, and one that stops says where it stands', async t => {
  const world = await openWorld(t)
  const { link } = await world.invite()
  t.like(await enroll(world, link, '--product', 'iPhone1,2'), { exitCode: 3, json: { outcome: 'refused', at: 'first-post' } })
  await world.approve('iPhone*')
  t.like(await enroll(world, link, '--product', 'iPhone99,1'), { exitCode: 4, json: { outcome: 'quarantined' } })
  const stopped = await enroll(world, link, '--product', 'iPhone14,5', '--stop-before', 'scep')
  t.like(stopped, { exitCode: 0, json: { outcome: 'stopped', before: 'scep' } })
  t.regex(stopped.json.scepUrl, /\/scep\/issuing/)
  t.is(stopped.json.caFingerprint.length, 64)
})

test('a link that leads nowhere is refused at the invitation, before anything is sent', async t => {
  const world = await openWorld(t)
  const outcome = await enroll(world, `${world.url}/i/nothing-is-here-at-all`, '--product', 'iPhone14,5')
  t.like(outcome, { exitCode: 3, json: { outcome: 'refused', at: 'invitation', status: 404 } })
})
