/** The whole story of a simulated phone, against a server that knows nothing but the formats. */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { buildPkcs12 } from '../../src/formats/pkcs12.ts'
import { fromPem } from '../../src/formats/pem.ts'
import { isDictionary } from '../../src/formats/plist.ts'
import { isIssuedBy, parseCertificate } from '../../src/formats/x509.ts'
import { enrollPhone } from '../../src/phone/enroll.ts'
import type { EnrollOptions } from '../../src/phone/enroll.ts'
import { openProfile } from '../../src/phone/profile.ts'
import { renewPhone } from '../../src/phone/renew.ts'
import { fakeClock } from '../support/clock.ts'
import { otaServer } from '../support/ota-server.ts'
import { peer } from '../support/peers.ts'
import { run } from '../support/programs.ts'
import { refusalOfAsync } from '../support/refusals.ts'
import { issueTestCertificate, newSigner } from '../support/signers.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { ExecutionContext } from 'ava'
import { keptDeviceCa, phoneKeys as keys } from '../support/kept.ts'

const { now } = fakeClock('2026-03-01T09:00:00Z')

async function phone(t: ExecutionContext, link: string, more: Partial<EnrollOptions> = {}): Promise<EnrollOptions> {
  const deviceCaDir = await keptDeviceCa(t)
  return { link, product: 'iPhone14,5', build: '20A362', serial: 'F2LXQ0AAAA', deviceCaDir, keys, now, ...more }
}

test('a phone enrolls from the link to the installed identity, and leaves four files', async t => {
  const server = await otaServer(t)
  const out = join(await temporaryFolder(t), 'phone')
  const outcome = await enrollPhone(await phone(t, server.link, { out }))
  if (outcome.outcome !== 'enrolled') return t.fail(JSON.stringify(outcome))

  t.true(isIssuedBy(outcome.certificate, server.issuing.signer.publicKey))
  t.is(outcome.signature, 'not-verified')
  const text = (name: string) => readFile(join(out, name), 'utf8')
  t.deepEqual(fromPem(await text('cert.pem'), 'CERTIFICATE'), [outcome.certificate.raw])
  t.deepEqual(fromPem(await text('chain.pem'), 'CERTIFICATE'), [server.issuing.certificate, server.root.certificate])
  t.is((await stat(join(out, 'key.pem'))).mode & 0o777, 0o600)
  t.true(isDictionary(openProfile(await readFile(join(out, 'profile.mobileconfig'))).profile))
  t.is(openProfile(await readFile(join(out, 'profile.signed.mobileconfig'))).profile['IsEncrypted'], true)
})

test('both messages say the same of the phone, and only the first carries the challenge', async t => {
  const server = await otaServer(t)
  await enrollPhone(await phone(t, server.link))

  const [first, second] = server.posts.map(({ attributes }) => ({ ...attributes }))
  const { CHALLENGE: challenge, ...rest } = first!
  t.is(typeof challenge, 'string')
  t.deepEqual(second, rest)
  t.like(second, { PRODUCT: 'iPhone14,5', VERSION: '20A362', SERIAL: 'F2LXQ0AAAA' })
  t.false('OS_VERSION' in second!, 'a phone before iOS 17 does not know the word')
  for (const { headers } of server.posts) {
    t.like(headers, { 'content-type': 'application/pkcs7-signature', 'user-agent': 'Profile/1.0', cookie: undefined })
  }
})

test('a refused phone ends on the page that a 301 led to; after a 302 its owner sees nothing', async t => {
  for (const [redirect, page] of [[301, true], [302, false]] as const) {
    const server = await otaServer(t, { decide: () => 'refused', redirect })
    const outcome = await enrollPhone(await phone(t, server.link))
    t.like(outcome, { outcome: 'refused', at: 'first-post', text: 'iPhone1,2 Ask Ada.', code: 'model-not-approved' })
    t.is(outcome.outcome === 'refused' ? outcome.page : '', page ? server.link.replace('/i/token', '/status/refused') : undefined)
  }
})

test('a phone in quarantine is told apart from a refused one, in either post', async t => {
  for (const at of ['first', 'second'] as const) {
    const server = await otaServer(t, { decide: (_, post) => post === at ? 'quarantined' : undefined })
    t.like(await enrollPhone(await phone(t, server.link)), { outcome: 'quarantined', at: `${at}-post` })
  }
})

test('an invitation that offers nothing is shown to its owner', async t => {
  const server = await otaServer(t)
  const link = server.link.replace('token', 'ended')
  t.like(await enrollPhone(await phone(t, link)), { outcome: 'refused', at: 'invitation', page: link, text: 'Ask Ada & Bob.', status: 410, code: 'invitation-ended' })
})

test('a phone that is stopped says how the next step would be taken', async t => {
  const server = await otaServer(t)
  const scepUrl = server.link.replace('/i/token', '/scep/issuing')
  const out = await temporaryFolder(t)
  for (const before of ['first-post', 'bootstrap-scep', 'second-post', 'scep'] as const) {
    const outcome = await enrollPhone(await phone(t, (await otaServer(t)).link, { stopBefore: before, out }))
    if (outcome.outcome !== 'stopped') return t.fail(JSON.stringify(outcome))
    t.is(outcome.before, before)
    t.is(outcome.challenge === undefined, before === 'second-post')
    t.is(new URL(outcome.scepUrl ?? 'http://none/').pathname, before.endsWith('scep') ? new URL(scepUrl).pathname : '/')
    t.is(outcome.caFingerprint?.length, before.endsWith('scep') ? 64 : undefined)
    t.is(outcome.bootstrap === undefined, before !== 'second-post')
  }
  t.true((await readFile(join(out, 'profile.mobileconfig'), 'utf8')).includes('<key>Challenge</key>'))
})

test('what a phone changes after signing does not verify', async t => {
  const server = await otaServer(t)
  t.like(await enrollPhone(await phone(t, server.link, { misbehave: 'tamper' })), { outcome: 'refused', at: 'first-post', code: 'cms-digest-mismatch' })
})

test('a replayed message gets its answer again, and its challenge is worth nothing to another phone', async t => {
  const server = await otaServer(t)
  t.like(await enrollPhone(await phone(t, server.link, { misbehave: 'replay' })), { outcome: 'refused', at: 'first-post', repeat: 'same' })
  const [first, again, other] = server.posts
  t.deepEqual(again!.body, first!.body)
  t.is(other!.attributes['CHALLENGE'], first!.attributes['CHALLENGE'])
  t.not(other!.attributes['SERIAL'], first!.attributes['SERIAL'])
})

test('a lying phone names another model in its second message', async t => {
  const server = await otaServer(t)
  await enrollPhone(await phone(t, server.link, { misbehave: 'lie-in-second-post' }))
  t.deepEqual(server.posts.map(({ attributes }) => attributes['PRODUCT']), ['iPhone14,5', 'iPhone17,3'])
})

test('a stalling phone sends half a message and gives up in the end', async t => {
  const server = await otaServer(t)
  const outcome = await enrollPhone(await phone(t, server.link, { misbehave: 'stall', timeoutMs: 200 }))
  t.like(outcome, { outcome: 'refused', at: 'first-post', text: 'the phone gave up after 200 ms' })
  t.is(server.posts.length, 0)
})

test('a SCEP server that refuses, or never decides, ends the attempt with its reason', async t => {
  const failing = await otaServer(t, { scep: () => 'FAILURE' })
  t.like(await enrollPhone(await phone(t, failing.link)), { outcome: 'refused', at: 'bootstrap-scep', failInfo: '2' })
  const waits: number[] = []
  const pending = await otaServer(t, { scep: () => 'PENDING' })
  const wait = async (seconds: number) => { waits.push(seconds) }
  t.like(await enrollPhone(await phone(t, pending.link, { wait })), { outcome: 'quarantined', at: 'bootstrap-scep' })
  t.deepEqual(pending.pkiMessages.map(({ message }) => message.messageType), ['19', '20', '20', '20'])
  t.deepEqual(waits, [7, 7], 'the first question comes at once')
})

test('a phone renews with its old identity, its old key and its spent challenge', async t => {
  const server = await otaServer(t)
  const out = await temporaryFolder(t)
  const before = await enrollPhone(await phone(t, server.link, { out }))
  const after = await renewPhone(out, { now })
  if (before.outcome !== 'enrolled' || after.outcome !== 'enrolled') return t.fail()

  t.not(after.certificate.serialNumber, before.certificate.serialNumber)
  t.deepEqual(after.certificate.subjectPublicKeyInfo, before.certificate.subjectPublicKeyInfo)
  t.deepEqual(fromPem(await readFile(join(out, 'cert.pem'), 'utf8'), 'CERTIFICATE'), [after.certificate.raw])
  const [first, renewal] = server.pkiMessages.slice(-2)
  t.is(renewal!.message.messageType, '19')
  t.deepEqual(renewal!.message.signerCertificate.raw, before.certificate.raw)
  t.is(renewal!.request!.challengePassword, first!.request!.challengePassword)
})

test('a delivered key is installed by the systems that can read it, and is not renewed', async t => {
  const server = await otaServer(t)
  const signer = newSigner('P-256')
  const certificate = await issueTestCertificate(server.issuing, '4c01', signer)
  const delivered = async (scheme: '3des-sha1' | 'aes256-sha256', build: string, out?: string) => {
    const data = await buildPkcs12({
      privateKeyPkcs8: signer.privateKey.export({ type: 'pkcs8', format: 'der' }), certificate, chain: [server.issuing.certificate, server.root.certificate],
      password: 'secret', scheme, friendlyName: 'phone',
    })
    const { link } = await otaServer(t, { pkcs12: { data, password: 'secret' } })
    return enrollPhone(await phone(t, link, { build, ...out === undefined ? {} : { out } }))
  }
  const out = await temporaryFolder(t)
  for (const [scheme, build] of [['3des-sha1', '20A362'], ['3des-sha1', '22A380'], ['aes256-sha256', '22A380']] as const) {
    const outcome = await delivered(scheme, build, out)
    if (outcome.outcome !== 'enrolled') return t.fail()
    t.deepEqual(outcome.certificate.raw, certificate)
    t.is(outcome.chain.length, 2)
  }
  t.is(await refusalOfAsync(() => delivered('aes256-sha256', '21A329')), 'malformed-pkcs12')
  t.is(await refusalOfAsync(() => renewPhone(out, { now })), 'renewal-not-allowed')
})

test('openssl verifies the installed certificate with the chain beside it, and the key fits', async t => {
  const openssl = peer(t, 'openssl')
  if (openssl === undefined) return
  const server = await otaServer(t)
  const out = await temporaryFolder(t)
  await enrollPhone(await phone(t, server.link, { out }))
  const file = (name: string) => join(out, name)
  const verified = await run(openssl, ['verify', '-CAfile', file('chain.pem'), file('cert.pem')])
  t.is(verified.status, 0, verified.text)
  const ofCertificate = await run(openssl, ['x509', '-in', file('cert.pem'), '-noout', '-pubkey'])
  const ofKey = await run(openssl, ['pkey', '-in', file('key.pem'), '-pubout'])
  t.deepEqual(ofKey.stdout, ofCertificate.stdout)
  t.is(parseCertificate(fromPem(await readFile(file('cert.pem'), 'utf8'), 'CERTIFICATE')[0]!).version, 3)
})
