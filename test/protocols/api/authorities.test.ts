import { createPrivateKey, createPublicKey } from 'node:crypto'
import test from 'ava'
import { parseCrl, signCrl, verifyCrl, type Crl } from '../../../src/formats/crl.ts'
import { authorityKeyIdentifier, basicConstraints, crlNumber, keyUsage, subjectKeyIdentifier, type Extension } from '../../../src/formats/extensions.ts'
import { readAuthorityKeyIdentifier } from '../../../src/formats/extension-readers.ts'
import { octetString } from '../../../src/formats/der.ts'
import { oids } from '../../../src/formats/oids.ts'
import { fromPem, toPem } from '../../../src/formats/pem.ts'
import { isIssuedBy, parseCertificate, signCertificate } from '../../../src/formats/x509.ts'
import { crlFileStore } from '../../../src/store/crls.ts'
import { openApi, openLocalApi } from '../../support/api.ts'
import { issueDevice } from '../../support/issued.ts'
import { commonName, newSigner, testSerialNumber, testValidity, type KeyKind, type TestSigner } from '../../support/signers.ts'
import { testService, type TestService } from '../../support/service.ts'

const passphrase = 'correct horse battery staple'

async function rootList(service: TestService, name = 'root'): Promise<Crl & { crlNumber: number }> {
  const root = service.authorities().all.find(authority => authority.name === name)!
  const head = (await crlFileStore(service.db).newest(root.id, 'complete'))!
  return { ...parseCrl((await crlFileStore(service.db).read(head))!), crlNumber: head.crlNumber }
}

test('the authorities are shown with their keys and signers, and no secret', async t => {
  const api = await openApi(t, await testService(t), 'auditor')
  const { items, rootCrls } = await api.ask('GET', '/authorities')
  t.deepEqual(items.map((a: any) => [a.name, a.active, a.key, a.keyHere, a.signers.length]), [['root', true, 'P-384', true, 0], ['issuing', true, 'P-256', true, 3], ['enrollment', true, 'P-256', true, 1], ['agents', true, 'P-256', true, 0]])
  t.like(rootCrls, [{ root: 'root', crlNumber: 1, entries: 0 }])
  t.notRegex(JSON.stringify(items), /PRIVATE/)
})

test('the root’s key leaves only by the socket on this machine, and under a long passphrase', async t => {
  const service = await testService(t)
  const elsewhere = await openApi(t, service, 'admin')
  for (const remove of [false, true]) t.is(await elsewhere.refusal('POST', '/authorities/root/export', { passphrase, remove }), 'forbidden')
  const here = await openLocalApi(t, service)
  t.is(await here.refusal('POST', '/authorities/root/export', { passphrase: 'nineteen characters' }), 'invalid-argument')
  const { encryptedPrivateKey } = await here.ask('POST', '/authorities/root/export', { passphrase: 'twenty characters ..' })
  t.is(createPrivateKey({ key: encryptedPrivateKey, passphrase: 'twenty characters ..' }).asymmetricKeyDetails?.namedCurve, 'secp384r1')
})

test('the root’s key leaves encrypted; taken away it signs nothing, and all else goes on', async t => {
  const service = await testService(t)
  const api = await openLocalApi(t, service)
  t.is(await api.refusal('POST', '/authorities/root/export', { passphrase: 'short' }), 'invalid-argument')
  service.clock.advance(86_400)
  const { encryptedPrivateKey, certificate, removed } = await api.ask('POST', '/authorities/root/export', { passphrase, remove: true })
  t.true(removed)
  const key = createPrivateKey({ key: encryptedPrivateKey, passphrase })
  t.true(createPublicKey(key).equals(parseCertificate(fromPem(certificate, 'CERTIFICATE')[0]!).publicKey))
  t.throws(() => createPrivateKey({ key: encryptedPrivateKey, passphrase: 'another one here' }))
  t.deepEqual(await service.db.query(`select count(*)::int as n from keys where private_key is null`), [{ n: 1 }])
  const list = await rootList(service)
  t.deepEqual([list.crlNumber, list.thisUpdate], [2, service.now()])
  t.is(await api.refusal('POST', '/authorities/root/export', { passphrase }), 'key-unavailable')
  service.clock.advance(1)
  t.is(await api.refusal('POST', '/authorities/root/crl', {}), 'key-unavailable')
  await issueDevice(service)
  t.deepEqual(await service.publish(true), ['published', 'published'])
  t.true((await api.ask('POST', '/authorities/renew-signers', { all: true })).renewed > 0)
})

test('the root’s key comes back for one list and is not kept', async t => {
  const service = await testService(t)
  const api = await openLocalApi(t, service)
  const { encryptedPrivateKey } = await api.ask('POST', '/authorities/root/export', { passphrase, remove: true })
  service.clock.advance(86_400)
  t.is(await api.refusal('POST', '/authorities/root/crl', { privateKey: encryptedPrivateKey, passphrase: 'wrong' }), 'key-passphrase-wrong')
  t.is(await api.refusal('POST', '/authorities/root/crl', { privateKey: encryptedPrivateKey }), 'key-passphrase-wrong')
  const stranger = newSigner('P-384').privateKey.export({ type: 'pkcs8', format: 'pem' })
  t.is(await api.refusal('POST', '/authorities/root/crl', { privateKey: stranger }), 'authority-import-invalid')
  const { crlNumber: number, thisUpdate } = await api.ask('POST', '/authorities/root/crl', { privateKey: encryptedPrivateKey, passphrase })
  const list = await rootList(service)
  t.deepEqual([number, new Date(thisUpdate)], [list.crlNumber, service.now()])
  t.true(verifyCrl(list, service.authorities().all[0]!.certificate.publicKey))
  t.is(await api.refusal('POST', '/authorities/root/crl', { privateKey: encryptedPrivateKey, passphrase }), 'conflict')
  t.deepEqual(await service.db.query(`select count(*)::int as n from keys where private_key is null`), [{ n: 1 }])
})

type Brought = { signer: TestSigner, der: Buffer, pem: string, key: string, name: Buffer }

async function bring(cn: string, kind: KeyKind, parent?: Brought, extensions?: (signer: TestSigner) => Extension[]): Promise<Brought> {
  const signer = newSigner(kind)
  const name = commonName(cn)
  const der = await signCertificate({
    serialNumber: testSerialNumber(cn), issuer: parent?.name ?? name, subject: name, ...testValidity, subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
    extensions: extensions?.(signer) ?? [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(signer.subjectPublicKeyInfo)],
  }, parent?.signer ?? signer)
  return { signer, der, name, pem: toPem('CERTIFICATE', der), key: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
}

async function listOf(root: Brought, now: Date, revoked: string[] = [], number: bigint | undefined = 7n): Promise<string> {
  const entries = revoked.map(serialNumber => ({ serialNumber: Buffer.from(serialNumber, 'hex'), revocationDate: now }))
  const nextUpdate = new Date(now.getTime() + 365 * 86_400_000)
  return toPem('X509 CRL', await signCrl({
    issuer: root.name, thisUpdate: now, nextUpdate, entries,
    extensions: [authorityKeyIdentifier(root.signer.subjectPublicKeyInfo), ...number === undefined ? [] : [crlNumber(number)]],
  }, root.signer))
}

test('a root with its key is brought, an issuing CA is made under it, and the old one goes on to answer', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const before = await issueDevice(service)
  const root = await bring('Example Root', 'P-384')
  const { issuing } = await api.ask('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key })
  t.like(issuing, { name: 'issuing-2', parent: 'root-2', active: true, key: 'P-256' })
  t.is(issuing.signers.length, 3)
  t.true(isIssuedBy(parseCertificate(fromPem(issuing.certificate, 'CERTIFICATE')[0]!), root.signer.publicKey))
  t.true(verifyCrl(await rootList(service, 'root-2'), root.signer.publicKey))
  const after = await issueDevice(service)
  t.true(isIssuedBy(after.certificate, parseCertificate(fromPem(issuing.certificate, 'CERTIFICATE')[0]!).publicKey))
  service.clock.advance(1)
  await api.ask('POST', '/certificates/revoke', { certificate: before.certificate.serialNumber })
  t.is((await api.ask('GET', `/certificates/${before.certificate.serialNumber}`)).authority, 'issuing')
  t.is(await api.refusal('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key }), 'authority-exists')
})

test('an issuing CA is brought without its root’s key, with a list that the root signed', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'rsa2048')
  // Some CAs name their key in a way of their own; certificates must then say the same.
  const ownIdentifier = { oid: oids.subjectKeyIdentifier, critical: false, value: octetString(Buffer.from('00112233445566778899aabbccddeeff01020304', 'hex')) }
  const issuing = await bring('Example Issuing', 'P-256', root, () => [basicConstraints(true, 0), keyUsage('keyCertSign', 'cRLSign'), ownIdentifier])
  const order = { certificates: issuing.pem + root.pem, privateKey: issuing.key }
  t.is(await api.refusal('POST', '/authorities/import', order), 'authority-import-invalid')
  t.is(await api.refusal('POST', '/authorities/import', { ...order, rootCrl: await listOf(issuing, service.now()) }), 'authority-import-invalid')
  const revoked = await listOf(root, service.now(), [parseCertificate(issuing.der).serialNumber])
  t.is(await api.refusal('POST', '/authorities/import', { ...order, rootCrl: revoked }), 'authority-import-invalid')
  const encrypted = issuing.signer.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase })
  const made = await api.ask('POST', '/authorities/import', { ...order, privateKey: encrypted, passphrase, rootCrl: await listOf(root, service.now()) })
  t.like(made, { root: { name: 'root-2', keyHere: false, key: 'RSA-2048' }, issuing: { name: 'issuing-2', keyHere: true } })
  t.is((await rootList(service, 'root-2')).crlNumber, 7)
  t.is(readAuthorityKeyIdentifier((await issueDevice(service)).certificate)?.toString('hex'), '00112233445566778899aabbccddeeff01020304')
  service.clock.advance(1)
  t.is(await api.refusal('POST', '/authorities/root/crl', {}), 'key-unavailable')
  t.is(await api.refusal('POST', '/authorities/root/crl', { crl: await listOf(root, service.now()) }), 'authority-import-invalid', 'its number does not grow')
})

test('a CA that phones or front ends would refuse is refused now, with the reason, and nothing is changed', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const usage = (...usages: Parameters<typeof keyUsage>) => () => [basicConstraints(true), keyUsage(...usages)]
  const wrong: [string, Brought[], RegExp][] = [
    ['digitalSignature', [await bring('A', 'P-256', root, usage('digitalSignature', 'keyCertSign', 'cRLSign')), root], /SCEP registration authority/],
    ['no cRLSign', [await bring('B', 'P-256', root, usage('keyCertSign')), root], /keyCertSign and cRLSign/],
    ['no CA', [await bring('C', 'P-256', root, () => [basicConstraints(false)]), root], /basicConstraints/],
    ['another root', [await bring('D', 'P-256', await bring('Example Root', 'P-384')), root], /not signed by this root/],
    ['P-521', [await bring('E', 'P-521', root), root], /P-256, P-384, or RSA/],
    ['RSA-1024', [await bring('F', 'rsa1024', root), root], /2048 bits/],
    ['no root', [await bring('G', 'P-256', root)], /root of this issuing CA is not here/],
  ]
  const before = await api.ask('GET', '/authorities')
  for (const [what, chain, reason] of wrong) {
    const { body } = await api.call('POST', '/authorities/import', { certificates: chain.map(ca => ca.pem).join(''), privateKey: chain[0]!.key, rootPrivateKey: root.key })
    t.is(body.code, 'authority-import-invalid', what)
    t.regex(body.detail, reason, what)
  }
  const good = await bring('H', 'P-256', root)
  t.is(await api.refusal('POST', '/authorities/import', { certificates: good.pem + root.pem, privateKey: root.key }), 'authority-import-invalid')
  t.is(await api.refusal('POST', '/authorities/import', { certificates: 'no PEM', privateKey: root.key }), 'authority-import-invalid')
  t.deepEqual(await api.ask('GET', '/authorities'), before)
  const signedByRoot = await api.ask('POST', '/authorities/import', { certificates: good.pem + root.pem, privateKey: good.key, rootPrivateKey: root.key })
  const next = await bring('I', 'P-256', root)
  t.is((await api.ask('POST', '/authorities/import', { certificates: next.pem, privateKey: next.key })).root.fingerprint, signedByRoot.root.fingerprint)
})

test('a retired issuing CA can be taken back by its own root, and stays on every later list of it', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  service.clock.advance(1)
  t.is(await api.refusal('POST', '/authorities/root/crl', { revoke: { authority: 'issuing' } }), 'invalid-argument')
  const root = await bring('Example Root', 'P-384')
  await api.ask('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key })
  const successor = await bring('Successor', 'P-256', root)
  await api.ask('POST', '/authorities/import', { certificates: successor.pem, privateKey: successor.key })
  service.clock.advance(1)
  t.like(await api.ask('POST', '/authorities/root/crl', { revoke: { authority: 'issuing-2', reason: 'superseded' } }), { root: 'root-2', entries: 1 })
  service.clock.advance(1)
  t.like(await api.ask('POST', '/authorities/root/crl', {}), { root: 'root-2', entries: 1 })
  service.clock.advance(1)
  t.is(await api.refusal('POST', '/authorities/root/crl', { root: 'root-2', revoke: { authority: 'issuing' } }), 'invalid-argument', 'it is under another root')
  t.is(await api.refusal('POST', '/authorities/root/crl', { root: 'issuing' }), 'authority-not-found')
  t.is(await api.refusal('POST', '/authorities/root/crl', { root: 'root-9' }), 'authority-not-found')
})

test('a root that was replaced still takes back what it signed, and its key can still leave', async t => {
  const service = await testService(t)
  const api = await openLocalApi(t, service)
  const issued = await issueDevice(service)
  const root = await bring('Example Root', 'P-384')
  await api.ask('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key })
  service.clock.advance(1)
  t.like(await api.ask('POST', '/authorities/root/crl', { revoke: { authority: 'issuing' } }), { root: 'root', crlNumber: 2, entries: 1 })
  t.is((await api.ask('GET', `/certificates/${issued.certificate.serialNumber}`)).status, 'revoked')
  service.clock.advance(1)
  t.like(await api.ask('POST', '/authorities/root/crl', { root: 'root' }), { root: 'root', crlNumber: 3, entries: 1 })
  t.deepEqual((await api.ask('GET', '/authorities')).rootCrls.map((list: any) => [list.root, list.crlNumber]), [['root', 3], ['root-2', 1]])
  service.clock.advance(1)
  const { encryptedPrivateKey } = await api.ask('POST', '/authorities/root/export', { root: 'root', passphrase, remove: true })
  const key = createPublicKey(createPrivateKey({ key: encryptedPrivateKey, passphrase }))
  t.true(key.equals(service.authorities().all.find(authority => authority.name === 'root')!.certificate.publicKey))
  t.deepEqual(service.authorities().all.filter(({ role }) => role === 'root').map(({ key: sealed }) => sealed.privateKey === null), [true, false])
})

test('a list of the root that was signed elsewhere goes neither back in time nor in number, and forgets nobody', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const issuing = await bring('Example Issuing', 'P-256', root)
  await api.ask('POST', '/authorities/import', { certificates: issuing.pem + root.pem, privateKey: issuing.key, rootCrl: await listOf(root, service.now(), ['41']) })
  const successor = await bring('Successor', 'P-256', root)
  await api.ask('POST', '/authorities/import', { certificates: successor.pem, privateKey: successor.key })
  const early = new Date(service.now())
  service.clock.advance(60)
  const own = parseCertificate(issuing.der).serialNumber
  const send = async (revoked: string[], number: bigint | undefined, thisUpdate = service.now(), more = {}) =>
    await api.refusal('POST', '/authorities/root/crl', { crl: await listOf(root, thisUpdate, revoked, number), ...more })
  t.is(await send(['41', own], 8n), 'no refusal: 200')
  t.is((await rootList(service, 'root-2')).crlNumber, 8)
  t.is(await send(['41', own], 9n), 'authority-import-invalid', 'of the same second')
  service.clock.advance(60)
  t.is(await send(['41', own], 9n, early), 'authority-import-invalid', 'older')
  t.is(await send(['41', own], 8n), 'authority-import-invalid', 'the same number')
  t.is(await send(['41', own], undefined), 'authority-import-invalid', 'no number')
  t.is(await send(['41'], 9n), 'authority-import-invalid', 'an authority of ours is good again')
  t.is(await send([own], 9n), 'authority-import-invalid', 'another one is good again')
  t.is(await send(['41'], 9n, service.now(), { dropped: true }), 'authority-import-invalid', 'ours has not ended')
  t.is(await send([own, '42'], 9n, service.now(), { dropped: true }), 'no refusal: 200')
  t.is((await rootList(service, 'root-2')).crlNumber, 9)
})

test('an issuing CA that its root’s newest list takes back is not brought', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const [issuing, revoked] = [await bring('Example Issuing', 'P-256', root), await bring('Revoked Issuing', 'P-256', root)]
  await api.ask('POST', '/authorities/import', { certificates: issuing.pem + root.pem, privateKey: issuing.key, rootCrl: await listOf(root, service.now()) })
  service.clock.advance(1)
  const crl = await listOf(root, service.now(), [parseCertificate(revoked.der).serialNumber], 8n)
  await api.ask('POST', '/authorities/root/crl', { crl })
  const before = await api.ask('GET', '/authorities')
  const { body } = await api.call('POST', '/authorities/import', { certificates: revoked.pem, privateKey: revoked.key })
  t.deepEqual([body.code, /revoked/.test(body.detail)], ['authority-import-invalid', true])
  t.deepEqual(await api.ask('GET', '/authorities'), before)
})

test('an issuing CA that is taken back while it is being brought is taken back at once', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  await api.ask('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key })
  const issuing = await bring('Example Issuing', 'P-256', root)
  service.clock.advance(1)
  const crl = await listOf(root, service.now(), [parseCertificate(issuing.der).serialNumber], 8n)
  const [brought] = await Promise.all([
    api.call('POST', '/authorities/import', { certificates: issuing.pem, privateKey: issuing.key }),
    api.ask('POST', '/authorities/root/crl', { crl }),
  ])
  const rows = await service.db.query<{ revoked_at: Date | null }>(`select revoked_at from authorities where name = 'issuing-3'`)
  if (brought.status === 201) t.deepEqual(rows, [{ revoked_at: service.now() }])
  else t.deepEqual([brought.body.code, rows], ['authority-import-invalid', []])
})

test('what an import would not use is refused, not passed over', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const issuing = await bring('Example Issuing', 'P-256', root)
  const rootCrl = await listOf(root, service.now())
  const alone = { certificates: root.pem, privateKey: root.key }
  const both = { certificates: issuing.pem + root.pem, privateKey: issuing.key, rootPrivateKey: root.key }
  const refused = async (what: string, order: object) => t.is(await api.refusal('POST', '/authorities/import', order), 'invalid-argument', what)
  await refused('a passphrase of a key that is not encrypted', { ...alone, passphrase })
  await refused('the root’s key, twice', { ...alone, rootPrivateKey: root.key })
  await refused('a passphrase without a key', { certificates: both.certificates, privateKey: both.privateKey, rootCrl, rootPassphrase: passphrase })
  await refused('a passphrase of a root’s key that is not encrypted', { ...both, rootPassphrase: passphrase })
  await refused('a number beside a list that has one', { ...alone, rootCrl, crlNumber: 3 })
  await api.ask('POST', '/authorities/import', both)
  const next = await bring('Next Issuing', 'P-256', root)
  await refused('the key of a root that is here', { certificates: next.pem, privateKey: next.key, rootPrivateKey: root.key })
  await refused('a list of a root that is here', { certificates: next.pem + root.pem, privateKey: next.key, rootCrl })
  t.is(await api.refusal('POST', '/authorities/root/crl', { passphrase }), 'invalid-argument')
})

test('no two authorities have one key or one name, for lists and answers are told apart by them', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const issuing = await bring('Example Issuing', 'P-256', root)
  const again = async (signer: TestSigner, subject: Buffer, issuer: Brought | undefined): Promise<Brought> => {
    const der = await signCertificate({
      serialNumber: testSerialNumber('again'), issuer: issuer?.name ?? subject, subject, ...testValidity, subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
      extensions: [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(signer.subjectPublicKeyInfo)],
    }, issuer?.signer ?? signer)
    return { signer, der, name: subject, pem: toPem('CERTIFICATE', der), key: signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }
  }
  const [sameAsRoot, keyOfRoot] = [await again(newSigner('P-256'), root.name, root), await again(root.signer, commonName('Other'), root)]
  for (const ca of [sameAsRoot, keyOfRoot]) {
    t.is(await api.refusal('POST', '/authorities/import', { certificates: ca.pem + root.pem, privateKey: ca.key, rootPrivateKey: root.key }), 'authority-exists')
  }
  await api.ask('POST', '/authorities/import', { certificates: issuing.pem + root.pem, privateKey: issuing.key, rootPrivateKey: root.key })
  const under: [string, Brought][] = [
    ['the key of one that is here', await again(issuing.signer, commonName('Other'), root)],
    ['the name of one that is here', await again(newSigner('P-256'), issuing.name, root)],
    ['the name of the first issuing CA', await again(newSigner('P-256'), service.authorities().all[1]!.certificate.subject.raw, root)],
  ]
  for (const [what, ca] of under) t.is(await api.refusal('POST', '/authorities/import', { certificates: ca.pem, privateKey: ca.key }), 'authority-exists', what)
  const otherRoot = await again(newSigner('P-384'), root.name, undefined)
  t.is(await api.refusal('POST', '/authorities/import', { certificates: otherRoot.pem, privateKey: otherRoot.key }), 'authority-exists', 'a root of that name')
})

test('the lists of an issuing CA that published elsewhere go on from its last number, those of a root too', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const root = await bring('Example Root', 'P-384')
  const issuing = await bring('Example Issuing', 'P-256', root)
  await api.ask('POST', '/authorities/import', { certificates: issuing.pem + root.pem, privateKey: issuing.key, rootPrivateKey: root.key, crlNumber: 4711 })
  const { id } = service.authorities().all.find(authority => authority.name === 'issuing-2')!
  const numbers = (await crlFileStore(service.db).latest(id)).map(crl => crl.crlNumber)
  t.deepEqual(new Set(numbers), new Set([4712]))
  const other = await bring('Other Root', 'P-384')
  await api.ask('POST', '/authorities/import', { certificates: other.pem, privateKey: other.key, crlNumber: 41 })
  t.is((await rootList(service, 'root-3')).crlNumber, 42)
})

test('an issuing CA of a root that was replaced makes that root the one that counts', async t => {
  const service = await testService(t)
  const api = await openApi(t, service)
  const [first, second] = [await bring('First Root', 'P-384'), await bring('Second Root', 'P-384')]
  for (const root of [first, second]) await api.ask('POST', '/authorities/import', { certificates: root.pem, privateKey: root.key })
  const issuing = await bring('Example Issuing', 'P-256', first)
  t.like(await api.ask('POST', '/authorities/import', { certificates: issuing.pem, privateKey: issuing.key }), { root: { name: 'root-2', active: true }, issuing: { active: true, parent: 'root-2' } })
  t.deepEqual(service.authorities().all.filter(({ active }) => active).map(({ name }) => name), ['enrollment', 'agents', 'root-2', 'issuing-4'])
})
