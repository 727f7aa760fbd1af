/** strongSwan's pki: an implementation in C that checks transactionID, nonces, signatures and both chains. */
import { readFile } from 'node:fs/promises'
import test from 'ava'
import type { ExecutionContext } from 'ava'
import { fromPem } from '../../../src/formats/pem.ts'
import { isIssuedBy, parseCertificate } from '../../../src/formats/x509.ts'
import { readSubjectAltName } from '../../../src/formats/extension-readers.ts'
import { keyToPem } from '../../../src/phone/keys.ts'
import { peer } from '../../support/peers.ts'
import { run, scratchFolder } from '../../support/programs.ts'
import type { Outcome } from '../../support/programs.ts'
import { caCertificates, counted, stoppedPhone } from '../../support/scep.ts'
import { keptRsaKey, phoneKeys } from '../../support/kept.ts'
import { openWorld } from '../../support/world.ts'
import { fakeClock } from '../../support/clock.ts'
import type { World } from '../../support/world.ts'

/** It looks at the dates of certificates with the real clock. */
const clockOfPrograms = () => fakeClock(new Date().toISOString())

const keys = { first: keyToPem(phoneKeys.identity), second: keyToPem(keptRsaKey(3072, 'other')) }

type Client = {
  file: (name: string, content?: Uint8Array | string) => string
  /** @returns what it printed, and the certificate that it wrote */
  enroll: (args: readonly string[]) => Promise<Outcome>
}

/** Fetches the certificates of the CA as its manual says, and keeps them for the request. */
async function strongswan(t: ExecutionContext, pki: string, door: string): Promise<Client> {
  const file = scratchFolder(t)
  const fetched = await run(pki, ['--scepca', '--url', door, '--caout', file('ca.pem'), '--raout', file('ra.pem'), '--outform', 'pem', '--force'])
  t.is(fetched.status, 0, fetched.text)
  const anchors = (await Promise.all(['ca.pem', 'ca-1.pem'].map(async name => await readFile(file(name)).then(() => file(name), () => undefined)))).filter(path => path !== undefined)
  const authority = ['--cacert-enc', file('ra.pem'), '--cacert-sig', file('ra.pem'), ...anchors.flatMap(path => ['--cacert', path])]
  return {
    file,
    enroll: async args => await run(pki, ['--scep', '--url', door, '--dn', 'C=US, O=Lab, CN=whoever', '--san', 'else.example', ...authority, '--outform', 'pem', ...args]),
  }
}

const certificateIn = ({ stdout }: Outcome) => parseCertificate(fromPem(stdout.toString().replace(/^[^-]*/, ''), 'CERTIFICATE')[0]!)

async function openDoor(t: ExecutionContext, pki: string): Promise<{ world: World, client: Client, challenge: string, door: string }> {
  const world = await openWorld(t, { clock: clockOfPrograms() })
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world)
  return { world, challenge, door, client: await strongswan(t, pki, door) }
}

test('strongSwan finds the registration authority, enrolls with every digest and cipher it has, and renews with a new key', async t => {
  const pki = peer(t, 'pki')
  if (pki === undefined) return
  const world = await openWorld(t, { clock: clockOfPrograms() })
  await world.approve('iPhone14,5')
  for (const [digest, cipher] of [['sha256', 'aes'], ['sha384', 'aes'], ['sha512', 'aes'], ['sha256', 'des3']] as const) {
    const { door, challenge } = await stoppedPhone(t, world, { invitation: { email: `${digest}.${cipher}@example.com` } })
    const { file, enroll } = await strongswan(t, pki, door)
    const [registration, issuing] = await caCertificates(door)
    t.deepEqual(fromPem(await readFile(file('ra.pem'), 'utf8'), 'CERTIFICATE'), [registration!.raw])

    const first = await enroll(['--in', file('first.pem', keys.first), '--password', challenge, '--digest', digest, '--cipher', cipher])
    t.is(first.status, 0, `${digest} ${cipher}: ${first.text}`)
    const certificate = certificateIn(first)
    t.true(isIssuedBy(certificate, issuing!.publicKey))
    t.false(JSON.stringify(readSubjectAltName(certificate)).includes('else.example'))

    const old = ['--cert', file('old.pem', first.stdout), '--key', file('first.pem')]
    const renewed = await enroll(['--in', file('second.pem', keys.second), ...old, '--digest', digest, '--cipher', cipher])
    t.is(renewed.status, 0, `${digest} ${cipher}: ${renewed.text}`)
    t.deepEqual(certificateIn(renewed).subject.raw, certificate.subject.raw)
    t.not(certificateIn(renewed).serialNumber, certificate.serialNumber)
  }
})

test('strongSwan is told badRequest for a wrong challenge, and for a used one', async t => {
  const pki = peer(t, 'pki')
  if (pki === undefined) return
  const { world, client: { enroll, file }, challenge } = await openDoor(t, pki)
  const asked = async (password: string, ...more: string[]) => await enroll(['--in', file('first.pem', keys.first), '--password', password, ...more])

  const wrong = await asked(challenge.replace(/^./, first => first === 'A' ? 'B' : 'A'))
  t.is(wrong.status, 1)
  t.regex(wrong.text, /badRequest/)
  t.is(await counted(world, 'device'), 0)
  t.is((await asked(challenge)).status, 0)
  const used = await enroll(['--in', file('second.pem', keys.second), '--password', challenge])
  t.regex(used.text, /badRequest/)
  t.is(await counted(world, 'device'), 1)
})

test('strongSwan waits while a person decides, and gets its certificate then', async t => {
  const pki = peer(t, 'pki')
  if (pki === undefined) return
  const { world, client: { enroll, file }, challenge } = await openDoor(t, pki)
  const { db, now } = world.service
  await db.query(`insert into rules (id, verdict, conditions, reason, author, created_at)
    values ('7b0f5e1c-7a0e-4f67-9e6f-0d6d2a5d1c11', 'quarantine', '{"productType":"*"}', 'a look first', 'ada', $1)`, [now()])

  const waiting = enroll(['--in', file('first.pem', keys.first), '--password', challenge, '--interval', '1', '--maxpolltime', '10'])
  while ((await db.query('select 1 from scep_pending')).length === 0) await new Promise(resolve => setImmediate(resolve))
  t.is(await counted(world, 'device'), 0)
  await db.query('update rules set ended_at = $1', [now()])

  const outcome = await waiting
  t.is(outcome.status, 0, outcome.text)
  t.is(certificateIn(outcome).subject.attributes[0]?.value, 'Ines Roth')
  t.is(await counted(world, 'device'), 1)
})

test('strongSwan gets a bootstrap identity at the other door, with the challenge for it alone', async t => {
  const pki = peer(t, 'pki')
  if (pki === undefined) return
  const world = await openWorld(t, { clock: clockOfPrograms() })
  await world.approve('iPhone14,5')
  const { door, challenge } = await stoppedPhone(t, world, { stopBefore: 'bootstrap-scep' })
  t.is(new URL(door).pathname, '/scep/enrollment')
  const { enroll, file } = await strongswan(t, pki, door)

  const outcome = await enroll(['--in', file('first.pem', keys.first), '--password', challenge])

  t.is(outcome.status, 0, outcome.text)
  t.is(certificateIn(outcome).subject.attributes[0]?.value, 'bootstrap')
})
