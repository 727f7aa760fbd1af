import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { sha256 } from '../../src/certificates/issue.ts'
import { parseCrl } from '../../src/formats/crl.ts'
import { readDeltaCrlIndicator, readIssuingDistributionPoint } from '../../src/formats/extension-readers.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { caRouter } from '../../src/protocols/ca/router.ts'
import { crlRouter } from '../../src/protocols/crl/router.ts'
import { maxAgeSeconds } from '../../src/protocols/crl/max-age.ts'
import { holdNow, issueDevice, releaseNow, revokeNow, type Issued } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { testService, type TestService } from '../support/service.ts'

const bytes = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer())

test('each list is found at the address that certificates carry', async t => {
  const service = await testService(t)
  await service.publish()
  const origin = await listen(t, [crlRouter(service)])
  for (const path of ['root.crl', 'issuing.crl', 'issuing-delta.crl', 'issuing/0.crl', 'issuing/1.crl', 'enrollment/0.crl']) {
    const response = await fetch(`${origin}/crl/${path}`)
    const body = await bytes(response)
    t.is(response.status, 200, path)
    t.is(response.headers.get('content-type'), 'application/pkix-crl')
    t.is(response.headers.get('etag'), `"${sha256(body).toString('hex')}"`)
    t.is(response.headers.get('last-modified'), parseCrl(body).thisUpdate.toUTCString())
    t.is(response.headers.get('cache-control'), 'public, max-age=5')
  }
})

test('who has a list already is told so, and HEAD says what GET would', async t => {
  const service = await testService(t)
  await service.publish()
  const origin = await listen(t, [crlRouter(service), caRouter(service)])
  for (const path of ['crl/issuing/0.crl', 'crl/bundle.pem', 'ca/issuing.cer', 'ca/chain.pem']) {
    const first = await fetch(`${origin}/${path}`)
    const etag = first.headers.get('etag')!
    t.regex(etag, /^"[0-9a-f]{64}"$/)
    const again = await fetch(`${origin}/${path}`, { headers: { 'if-none-match': etag } })
    t.is(again.status, 304)
    t.is(again.headers.get('etag'), etag)
    t.is((await bytes(again)).length, 0)
    t.is((await fetch(`${origin}/${path}`, { headers: { 'if-none-match': '"other"' } })).status, 200)
    const head = await fetch(`${origin}/${path}`, { method: 'HEAD' })
    t.is(head.status, 200)
    t.is(head.headers.get('etag'), etag)
    t.is(head.headers.get('content-length'), String((await bytes(first)).length))
  }
})

test('what is not a list is not found', async t => {
  const service = await testService(t)
  await service.publish()
  const origin = await listen(t, [crlRouter(service), caRouter(service)])
  for (const path of [
    'crl/other.crl', 'crl/other-delta.crl', 'crl/issuing', 'crl/issuing/2.crl', 'crl/issuing/00.crl', 'crl/issuing/-1.crl', 'crl/issuing/1e0.crl',
    'crl/root/0.crl', 'crl/root-delta.crl', 'crl/issuing/99999.crl', 'crl/..%2fissuing.crl', 'crl/', 'ca/other.cer', 'ca/issuing', 'ca/enrollment.pem',
  ]) {
    const response = await fetch(`${origin}/${path}`)
    t.is(response.status, 404, path)
    t.is(response.headers.get('content-type'), 'application/problem+json')
  }
})

test('the bundle is the root list and every partition, and neither a delta nor a complete list', async t => {
  const service = await testService(t)
  await service.publish()
  const origin = await listen(t, [crlRouter(service)])
  const lists = fromPem(await (await fetch(`${origin}/crl/bundle.pem`)).text(), 'X509 CRL').map(parseCrl)
  const [root, ...partitions] = lists
  const { all } = service.authorities()
  t.deepEqual(root!.issuer.raw, all.find(({ role }) => role === 'root')!.certificate.subject.raw)
  t.is(partitions.length, 2)
  for (const list of partitions) {
    t.deepEqual(list.issuer.raw, activeAuthority(service.authorities(), 'issuing').certificate.subject.raw)
    t.is(readIssuingDistributionPoint(list)?.urls.length, 1)
    t.is(readDeltaCrlIndicator(list), undefined)
  }
})

test('the bundle changes with a revocation, and is missing until there is one of everything', async t => {
  const service = await testService(t)
  const origin = await listen(t, [crlRouter(service)])
  const early = await fetch(`${origin}/crl/bundle.pem`)
  t.is(early.status, 503)
  t.is((await early.json() as { code: string }).code, 'crl-not-published')

  await service.publish()
  const issued = await issueDevice(service)
  const before = await fetch(`${origin}/crl/bundle.pem`)
  await revokeNow(service, issued)
  service.clock.advance(1)
  await service.publish()
  const after = await fetch(`${origin}/crl/bundle.pem`, { headers: { 'if-none-match': before.headers.get('etag')! } })
  t.is(after.status, 200)
  const serials = fromPem(await after.text(), 'X509 CRL').flatMap(der => [...parseCrl(der).entries()].map(({ serialNumber }) => serialNumber))
  t.deepEqual(serials, [issued.certificate.serialNumber])
})

test('a list is read from the database once, however many ask for it, until the next one is published', async t => {
  const service = await testService(t)
  await service.publish()
  const origin = await listen(t, [crlRouter(service)])
  const ask = async (path: string) => await bytes(await fetch(`${origin}/crl/${path}`))
  const paths = ['issuing/0.crl', 'issuing/1.crl', 'issuing.crl', 'issuing-delta.crl', 'root.crl', 'enrollment/0.crl']
  const before = await Promise.all(paths.map(ask))
  t.is(new Set(before.map(list => list.toString('hex'))).size, paths.length)
  await service.db.query(`update crls set der = '\\x00'`)
  t.deepEqual(await Promise.all(paths.map(ask)), before)

  const issued = await issueDevice(service)
  await revokeNow(service, issued)
  service.clock.advance(1)
  await service.publish(true)
  const complete = parseCrl(await ask('issuing.crl'))
  t.deepEqual([...complete.entries()].map(({ serialNumber }) => serialNumber), [issued.certificate.serialNumber])
  t.deepEqual(await ask('root.crl'), before[4])
})

test('a cache never keeps a list up to its nextUpdate', t => {
  const now = new Date('2026-03-01T09:00:00Z')
  const after = (seconds: number) => maxAgeSeconds(new Date(now.getTime() + seconds * 1000), now)
  t.deepEqual([after(86_400), after(8), after(1), after(0), after(-60)], [5, 4, 0, 0, 0])
})

test('the authorities\' certificates are served as AIA and front ends want them', async t => {
  const service = await testService(t)
  const origin = await listen(t, [caRouter(service)])
  const text = async (path: string) => await (await fetch(`${origin}/ca/${path}`)).text()
  const der = await fetch(`${origin}/ca/issuing.cer`)
  t.is(der.headers.get('content-type'), 'application/pkix-cert')
  const [issuing, root] = fromPem(await text('chain.pem'), 'CERTIFICATE')
  t.deepEqual(await bytes(der), issuing)
  t.deepEqual(fromPem(await text('root.pem'), 'CERTIFICATE'), [root])
  t.deepEqual(parseCertificate(root!).subject.raw, parseCertificate(issuing!).issuer.raw)
})

/** What `openssl verify` says of a certificate, with these lists and flags, half an hour later. */
async function verify(t: Parameters<typeof scratchFolder>[0], service: TestService, pem: string, crls: string, flags: string[]): Promise<string> {
  const file = scratchFolder(t)
  const authority = (role: 'root' | 'issuing') => toPem('CERTIFICATE', activeAuthority(service.authorities(), role).certificate.raw)
  const at = String(Math.floor(service.now().getTime() / 1000) + 1800)
  const { text } = await run('openssl', [
    'verify', '-x509_strict', '-attime', at, ...flags, '-CAfile', file('root.pem', authority('root')), '-untrusted', file('issuing.pem', authority('issuing')),
    '-CRLfile', file('crls.pem', crls), file('leaf.pem', pem),
  ])
  return text
}

/** Chance decides the partition, so it is asked until it has given the wanted one. */
async function issueInPartition(service: TestService, partition: number): Promise<Issued> {
  for (;;) {
    const issued = await issueDevice(service)
    if (issued.serialNumber[15]! % 2 === partition) return issued
  }
}

test('openssl takes the bundle for the whole chain: revoked is refused, good passes, in either partition', async t => {
  if (peer(t, 'openssl') === undefined) return
  const service = await testService(t)
  const origin = await listen(t, [crlRouter(service)])
  const certificates = [await issueInPartition(service, 0), await issueInPartition(service, 0), await issueInPartition(service, 1), await issueInPartition(service, 1)]
  for (const [index, issued] of certificates.entries()) if (index % 2 === 0) await revokeNow(service, issued, 'keyCompromise')
  await service.publish()
  const bundle = await (await fetch(`${origin}/crl/bundle.pem`)).text()
  for (const [index, { pem }] of certificates.entries()) {
    t.regex(await verify(t, service, pem, bundle, ['-crl_check_all']), index % 2 === 0 ? /error 23 / : /leaf\.pem: OK/)
  }
})

test('openssl with deltas refuses what is only in the base and what is only in the delta, and passes what was released', async t => {
  if (peer(t, 'openssl') === undefined) return
  const service = await testService(t)
  const origin = await listen(t, [crlRouter(service)])
  const [inBase, inDelta, released, good] = [await issueDevice(service), await issueDevice(service), await issueDevice(service), await issueDevice(service)]
  await revokeNow(service, inBase)
  await holdNow(service, released)
  await service.publish()
  service.clock.advance(60)
  await revokeNow(service, inDelta)
  await releaseNow(service, released)
  await service.publish()
  const pem = async (name: string) => toPem('X509 CRL', await bytes(await fetch(`${origin}/crl/${name}`)))
  const crls = `${await pem('issuing.crl')}${await pem('issuing-delta.crl')}`
  const outcome = async (issued: { pem: string }) => await verify(t, service, issued.pem, crls, ['-crl_check', '-extended_crl', '-use_deltas'])
  t.regex(await outcome(inBase), /error 23 /)
  t.regex(await outcome(inDelta), /error 23 /)
  t.regex(await outcome(released), /leaf\.pem: OK/)
  t.regex(await outcome(good), /leaf\.pem: OK/)
})
