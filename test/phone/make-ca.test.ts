import { readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { isIssuedBy } from '../../src/formats/x509.ts'
import { issueDeviceIdentity } from '../../src/phone/device-identity.ts'
import { makeDeviceCa, readDeviceCa } from '../../src/phone/make-ca.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { temporaryFolder } from '../support/temporary.ts'

const now = new Date('2026-03-01T09:00:00Z')

test('a test device CA is written once, with its key for its owner only', async t => {
  const folder = join(await temporaryFolder(t), 'device-ca')
  const made = await makeDeviceCa(folder)
  const before = await readFile(join(folder, 'ca-key.pem'), 'utf8')
  t.regex(before, /^-----BEGIN PRIVATE KEY-----\n/)
  t.is((await stat(join(folder, 'ca-key.pem'))).mode & 0o777, 0o600)

  t.is(await refusalOfAsync(() => makeDeviceCa(folder)), 'conflict')
  t.is(await readFile(join(folder, 'ca-key.pem'), 'utf8'), before)
  const { certificate, chain } = await readDeviceCa(folder)
  t.deepEqual(certificate.raw, made.certificate.raw)
  t.is(chain.length, 3)
})

test('no name in it is one of Apple’s, and every one says TEST', async t => {
  const { certificate, chain } = await makeDeviceCa(await temporaryFolder(t))
  t.is(chain.length, 3)
  t.regex(certificate.subject.attributes.at(-1)!.value, /^TEST Apple iPhone Device CA$/)
  t.true(certificate.subject.attributes.some(({ value }) => value === 'Latchkey TEST'))
})

test('files of two CAs, or none, are refused', async t => {
  const [one, other] = [await temporaryFolder(t), await temporaryFolder(t)]
  await makeDeviceCa(one)
  await makeDeviceCa(other)
  await writeFile(join(one, 'ca-key.pem'), await readFile(join(other, 'ca-key.pem')))
  t.is(await refusalOfAsync(() => readDeviceCa(one)), 'invalid-argument')
  await writeFile(join(one, 'ca-key.pem'), 'no key')
  t.is(await refusalOfAsync(() => readDeviceCa(one)), 'malformed-request')
  await unlink(join(one, 'ca-chain.pem'))
  t.is(await refusalOfAsync(() => readDeviceCa(one)), 'not-found')
  // One file is enough to refuse: the CA it belongs to may be trusted somewhere.
  t.is(await refusalOfAsync(() => makeDeviceCa(one)), 'conflict')
})

test('every phone has an identity of its own', async t => {
  const deviceCa = await makeDeviceCa(await temporaryFolder(t))
  const [one, other] = [await issueDeviceIdentity(deviceCa, now), await issueDeviceIdentity(deviceCa, now)]
  t.not(one.certificate.serialNumber, other.certificate.serialNumber)
  t.true(isIssuedBy(one.certificate, deviceCa.certificate.publicKey))
  t.is(one.certificate.publicKey.asymmetricKeyDetails?.modulusLength, 1024)
})

test('openssl verifies a device identity up to the test root, once dates are left aside', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const folder = await temporaryFolder(t)
  const { certificate } = await issueDeviceIdentity(await makeDeviceCa(folder), now)
  const leaf = scratchFolder(t)('leaf.der', certificate.raw)
  const verify = (...options: string[]) => run(openssl, ['verify', '-CAfile', join(folder, 'ca-chain.pem'), '-auth_level', '0', ...options, leaf])
  const without = await verify('-no_check_time')
  t.is(without.status, 0, without.text)
  t.regex((await verify('-attime', String(now.getTime() / 1000))).text, /has expired/)
})
