import test, { type ExecutionContext } from 'ava'
import { activeAuthority, signersFor } from '../../src/certificates/authority.ts'
import { rootCrlAddress } from '../../src/certificates/addresses.ts'
import { createHierarchy, issuingUnder, rootList } from '../../src/certificates/hierarchy.ts'
import { renewSigners, type SignerDeps } from '../../src/certificates/signers.ts'
import { statusOf } from '../../src/certificates/status.ts'
import { octetString } from '../../src/formats/der.ts'
import { authorityKeyIdentifier } from '../../src/formats/extensions.ts'
import { readAuthorityKeyIdentifier } from '../../src/formats/extension-readers.ts'
import { parseCrl } from '../../src/formats/crl.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate, type Certificate } from '../../src/formats/x509.ts'
import { hierarchyStore, signerStore } from '../../src/store/authorities.ts'
import { certificateStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { issueDevice } from '../support/issued.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { testService, type TestService } from '../support/service.ts'

const day = 86_400

test('the authorities are created once, whoever starts first', async t => {
  const service = await testService(t)
  const { keyring, addresses, config, db } = service
  const again = () => createHierarchy({
    keyring, addresses, rootCrlUrl: rootCrlAddress(config.pkiUrl), organization: 'Other', keyType: 'ec', partitions: 2,
    transaction: async work => await db.transaction(async tx => await work(hierarchyStore(tx))),
  }, service.now())
  t.deepEqual(await Promise.all([again(), again()]), [false, false])
  const names = service.authorities().all.map(({ name }) => name)
  await service.reload()
  t.deepEqual(service.authorities().all.map(({ name }) => name), names)
})

async function verify(t: ExecutionContext<any>, service: TestService, pem: string, chain: Certificate[]): Promise<string> {
  const file = scratchFolder(t)
  const store = crlFileStore(service.db)
  const scope = { complete: [activeAuthority(service.authorities(), 'root').id], partitions: [activeAuthority(service.authorities(), 'issuing').id] }
  const crls = (await store.bundle(scope)).map(({ der }) => toPem('X509 CRL', der)).join('')
  const [issuing, root] = chain.map(certificate => toPem('CERTIFICATE', certificate.raw))
  return (await run('openssl', [
    'verify', '-x509_strict', '-purpose', 'sslclient', '-crl_check_all', '-attime', String(Math.floor(service.now().getTime() / 1000) + 60),
    '-CAfile', file('root.pem', root!), '-untrusted', file('issuing.pem', issuing!), '-CRLfile', file('crls.pem', crls), file('leaf.pem', pem),
  ])).text
}

const caOf = (service: TestService): Certificate[] => (['issuing', 'root'] as const).map(role => activeAuthority(service.authorities(), role).certificate)

for (const keyType of ['ec', 'rsa'] as const) {
  test(`openssl verifies a device certificate up to the root, as a TLS client (${keyType})`, async t => {
    if (peer(t, 'openssl') === undefined) return
    const service = await testService(t, { config: { keyType } })
    const issued = await issueDevice(service, { keyType })
    await service.publish()
    t.regex(await verify(t, service, issued.pem, caOf(service)), /leaf\.pem: OK/)
  })
}

/** The issuing CA with a key identifier that was derived in another way, as one that was brought along may have. */
async function withOwnIdentifier(service: TestService, identifier: Buffer): Promise<void> {
  const root = activeAuthority(service.authorities(), 'root')
  const { certificate } = activeAuthority(service.authorities(), 'issuing')
  const der = await signCertificate({
    serialNumber: certificate.serialNumber, issuer: certificate.issuer.raw, subject: certificate.subject.raw, notBefore: certificate.notBefore,
    notAfter: certificate.notAfter, subjectPublicKeyInfo: certificate.subjectPublicKeyInfo,
    extensions: certificate.extensions.map(extension => extension.oid === oids.subjectKeyIdentifier ? { ...extension, value: octetString(identifier) } : extension),
  }, service.keyring.signer(root.key))
  await service.db.query(`update authorities set certificate = $1 where name = 'issuing'`, [der])
  await service.reload()
}

test('what an issuing CA of another making signs names it as it names itself', async t => {
  const service = await testService(t)
  const identifier = Buffer.from('an identifier of its own')
  await withOwnIdentifier(service, identifier)
  const issued = await issueDevice(service)
  await service.publish()
  t.deepEqual(readAuthorityKeyIdentifier(issued.certificate), identifier)
  const list = await crlFileStore(service.db).bundle({ complete: [], partitions: [activeAuthority(service.authorities(), 'issuing').id] })
  for (const { der } of list) t.deepEqual(readAuthorityKeyIdentifier(parseCrl(der)), identifier)
  t.deepEqual(authorityKeyIdentifier(identifier).value.subarray(4), identifier)
  if (peer(t, 'openssl') === undefined) return
  t.regex(await verify(t, service, issued.pem, caOf(service)), /leaf\.pem: OK/)
})

test('with the root\'s key gone, certificates are issued, lists published and signers renewed', async t => {
  const service = await testService(t)
  await service.db.transaction(async tx => { await hierarchyStore(tx).removePrivateKey(activeAuthority(service.authorities(), 'root').key.id) })
  await service.reload()
  t.is(activeAuthority(service.authorities(), 'root').key.privateKey, null)
  await issueDevice(service)
  t.deepEqual(await service.publish(), ['published', 'published'])
  t.is(await renew(service, true), 4)
})

const signerDeps = ({ keyring, addresses, config, db }: TestService): SignerDeps => ({
  keyring, addresses, organization: config.organization, keyType: config.keyType, reserve: async reservation => { await reservationStore(db).add([reservation]) },
  transaction: async work => await db.transaction(async tx => await work({ ...signerStore(tx), complete: certificateStore(tx).complete })),
})
async function renew(service: TestService, all = false): Promise<number> {
  const made = await renewSigners(signerDeps(service), service.authorities(), service.now(), all)
  await service.reload()
  return made
}

test('signers are renewed before they run out, and not sooner', async t => {
  const service = await testService(t)
  t.is(await renew(service), 0)
  service.clock.advance(19 * day)
  t.is(await renew(service), 0)
  service.clock.advance(2 * day)
  t.is(await renew(service), 1)
  const issuing = activeAuthority(service.authorities(), 'issuing')
  t.is(signersFor(service.authorities(), issuing.id, 'ocsp-responder').length, 2)
  service.clock.advance(630 * day)
  t.is(await renew(service), 4)
  t.is(await renew(service), 0)
})

test('a renewed profile signer keeps its key, others get a new one', async t => {
  const service = await testService(t)
  service.clock.advance(day)
  await renew(service, true)
  const { id } = activeAuthority(service.authorities(), 'issuing')
  const keys = (purpose: 'profile-signer' | 'scep-ra') => new Set(signersFor(service.authorities(), id, purpose).map(({ key }) => key.id)).size
  t.deepEqual([keys('profile-signer'), keys('scep-ra')], [1, 2])
})

test('of two instances that renew at once one does, and what the other signed is given up', async t => {
  const service = await testService(t)
  service.clock.advance(25 * day)
  const authorities = service.authorities()
  const made = await Promise.all([renewSigners(signerDeps(service), authorities, service.now()), renewSigners(signerDeps(service), authorities, service.now())])
  t.deepEqual(made.sort(), [0, 1])
  t.is((await service.db.query(`select 1 from reservations where kind = 'signer'`)).length, 1)
})

test('a signer that lives as long as its authority is not renewed at every turn', async t => {
  const service = await testService(t)
  const issuing = activeAuthority(service.authorities(), 'issuing')
  service.clock.set(new Date(issuing.certificate.notAfter.getTime() - 5 * day * 1000).toISOString())
  t.is(await renew(service), 4)
  t.is(await renew(service), 0)
  service.clock.advance(day)
  t.is(await renew(service), 0)
})

test('an issuing CA that was replaced keeps its OCSP responder, and needs nothing else', async t => {
  const service = await testService(t)
  const { id } = activeAuthority(service.authorities(), 'issuing')
  await service.db.query(`update authorities set active = false where id = $1`, [id])
  await service.reload()
  service.clock.advance(25 * day)
  t.is(await renew(service), 1)
  t.is(await renew(service), 0)
  const ends = (purpose: 'ocsp-responder' | 'scep-ra' | 'profile-signer') => signersFor(service.authorities(), id, purpose).length
  t.deepEqual([ends('ocsp-responder'), ends('scep-ra'), ends('profile-signer')], [2, 1, 1])
  service.clock.advance(700 * day)
  t.is(await renew(service), 2, 'its own responder, and the registration authority of the enrollment CA')
  service.clock.set(new Date(service.authorities().all.find(authority => authority.id === id)!.certificate.notAfter.getTime() + 1000).toISOString())
  await service.db.query(`update authorities set active = false where role = 'enrollment'`)
  await service.reload()
  t.is(await renew(service), 0, 'nobody asks about it any more')
})

test('an issuing CA that the root takes back takes its certificates with it', async t => {
  const service = await testService(t)
  const { keyring, addresses, config, db } = service
  const issued = await issueDevice(service)
  const root = activeAuthority(service.authorities(), 'root')
  const issuing = activeAuthority(service.authorities(), 'issuing')
  const other = await issuingUnder({ keyring, addresses, rootCrlUrl: rootCrlAddress(config.pkiUrl), organization: 'x', keyType: 'ec' }, root, 2, service.now())
  const status = async () => statusOf(await certificateStore(db).byKey(issued))
  service.clock.advance(60)
  const takeBack = async (certificate: Certificate, number: number) => {
    const entry = { serialNumber: Buffer.from(certificate.serialNumber, 'hex'), revocationDate: service.now(), reason: 5 }
    await db.transaction(async tx => { await hierarchyStore(tx).addCrl(root.id, number, [await rootList(keyring, root, number, service.now(), [entry])]) })
  }
  await takeBack(other.certificate, 2)
  t.is((await status()).status, 'good')
  await takeBack(issuing.certificate, 3)
  t.deepEqual(await status(), { status: 'revoked', revokedAt: service.now(), reason: 0 })
})
