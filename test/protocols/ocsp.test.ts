import test from 'ava'
import { createHash } from 'node:crypto'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { integer, nullValue, octetString, oid, parseDer, sequence } from '../../src/formats/der.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { publicKeyBits } from '../../src/formats/public-key.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { ocspHandler } from '../../src/protocols/ocsp/handler.ts'
import { fakeClock } from '../support/clock.ts'
import { holdNow, issueDevice, prepareDevice, revokeNow } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { peer } from '../support/peers.ts'
import { run, scratchFolder } from '../support/programs.ts'
import { testService, type TestService } from '../support/service.ts'

type Ask = { hash?: 'sha1' | 'sha256' | 'md5', of?: 'issuing' | 'enrollment' | 'root' }

function requestFor(service: TestService, serialNumber: Buffer, { hash = 'sha1', of = 'issuing' }: Ask = {}): Buffer {
  const { subject, subjectPublicKeyInfo } = activeAuthority(service.authorities(), of).certificate
  const digest = (bytes: Buffer) => octetString(createHash(hash).update(bytes).digest())
  const certId = sequence(sequence(oid(oids[hash]), nullValue), digest(subject.raw), digest(publicKeyBits(subjectPublicKeyInfo)), integer(serialNumber))
  return sequence(sequence(sequence(sequence(certId))))
}

const post = async (origin: string, body: Buffer, authority = 'issuing', type = 'application/ocsp-request'): Promise<Response> =>
  await fetch(`${origin}/ocsp/${authority}`, { method: 'POST', body, headers: { 'content-type': type } })
/** OCSPResponseStatus: 0 successful, 1 malformedRequest, 2 internalError, 3 tryLater, 6 unauthorized. */
const statusOf = async (response: Response): Promise<number> => parseDer(parseDer(Buffer.from(await response.arrayBuffer())).content.subarray(0, 3)).content[0]!

test('a question by GET is answered for caches, by POST for nobody else', async t => {
  const service = await testService(t)
  const origin = await listen(t, [ocspHandler(service)])
  const issued = await issueDevice(service)
  const request = requestFor(service, issued.serialNumber).toString('base64')
  for (const path of [encodeURIComponent(request), request]) {
    const response = await fetch(`${origin}/ocsp/issuing/${path}`)
    t.is(response.status, 200)
    t.is(response.headers.get('content-type'), 'application/ocsp-response')
    t.is(response.headers.get('cache-control'), 'public, max-age=59, no-transform, must-revalidate')
    t.is(response.headers.get('expires'), 'Sun, 01 Mar 2026 09:01:00 GMT')
    t.is(response.headers.get('last-modified'), 'Sun, 01 Mar 2026 09:00:00 GMT')
    const { headers } = response
    const body = Buffer.from(await response.arrayBuffer())
    t.is(headers.get('etag'), `"${createHash('sha256').update(body).digest('hex')}"`)
  }
  const posted = await post(origin, Buffer.from(request, 'base64'))
  t.is(posted.headers.get('cache-control'), 'no-store')
  t.is(await statusOf(posted), 0)
})

test('nothing is signed for what we did not issue, or not yet', async t => {
  const service = await testService(t)
  const origin = await listen(t, [ocspHandler(service)])
  const issued = await issueDevice(service)
  const pending = await prepareDevice(service)
  const abandoned = await prepareDevice(service)
  await reservationStore(service.db).abandon(abandoned)
  const unauthorized: [string, Buffer, string][] = [
    ['a number never given', requestFor(service, Buffer.alloc(16, 0x41)), 'issuing'],
    ['a short number', requestFor(service, Buffer.from([1])), 'issuing'],
    ['pending', requestFor(service, pending.serialNumber), 'issuing'],
    ['abandoned', requestFor(service, abandoned.serialNumber), 'issuing'],
    ['another issuer', requestFor(service, issued.serialNumber, { of: 'enrollment' }), 'issuing'],
    ['the root', requestFor(service, issued.serialNumber, { of: 'root' }), 'root'],
    ['the enrollment CA', requestFor(service, issued.serialNumber, { of: 'enrollment' }), 'enrollment'],
    ['an authority that is not here', requestFor(service, issued.serialNumber), 'other'],
    ['a hash that is not served', requestFor(service, issued.serialNumber, { hash: 'md5' }), 'issuing'],
  ]
  for (const [what, request, authority] of unauthorized) {
    const response = await post(origin, request, authority)
    t.is(response.status, 200)
    t.is(response.headers.get('cache-control'), 'no-store')
    t.is(response.headers.get('content-type'), 'application/ocsp-response')
    t.is(await statusOf(response), 6, what)
  }
})

test('what cannot be read is answered as malformed, and changes nothing', async t => {
  const service = await testService(t)
  const origin = await listen(t, [ocspHandler(service)])
  const issued = await issueDevice(service)
  const good = requestFor(service, issued.serialNumber)
  t.is(await statusOf(await post(origin, Buffer.from('hello'))), 1)
  t.is(await statusOf(await post(origin, Buffer.alloc(0))), 1)
  t.is(await statusOf(await post(origin, good.subarray(0, -1))), 1)
  t.is(await statusOf(await post(origin, Buffer.alloc(5000, 0x30))), 1)
  t.is(await statusOf(await post(origin, good, 'issuing', 'text/plain')), 1)
  for (const path of ['', '/', '/%', '/%FF', '/!!!!', '/MA', `/${'A'.repeat(9000)}`]) t.is(await statusOf(await fetch(`${origin}/ocsp/issuing${path}`)), 1, path)
})

test('a revocation is in the next answer', async t => {
  const service = await testService(t)
  const origin = await listen(t, [ocspHandler(service)])
  const issued = await issueDevice(service)
  const body = async () => Buffer.from(await (await post(origin, requestFor(service, issued.serialNumber))).arrayBuffer())
  // revoked [1] with its time; good is an empty [0]
  const revoked = Buffer.from('a111180f32303236303330313039303030305a', 'hex')
  t.false((await body()).includes(revoked))
  await revokeNow(service, issued)
  t.true((await body()).includes(revoked))
})

test('without a responder in force, or without a database, the client is asked to try later', async t => {
  const service = await testService(t)
  const origin = await listen(t, [ocspHandler(service)])
  const issued = await issueDevice(service)
  service.clock.advance(40 * 86_400)
  t.is(await statusOf(await post(origin, requestFor(service, issued.serialNumber))), 3)
  service.clock.set('2026-03-01T09:00:00Z')
  await service.db.close()
  t.is(await statusOf(await post(origin, requestFor(service, issued.serialNumber))), 3)
})

async function realService(t: Parameters<typeof testService>[0], keyType: 'ec' | 'rsa' = 'ec') {
  // The programs that check have the real clock.
  const service = await testService(t, { clock: fakeClock(new Date().toISOString()), config: { keyType } })
  const file = scratchFolder(t)
  const pem = (role: 'root' | 'issuing') => toPem('CERTIFICATE', activeAuthority(service.authorities(), role).certificate.raw)
  return { service, file, origin: await listen(t, [ocspHandler(service)]), issuer: file('issuing.pem', pem('issuing')), chain: file('chain.pem', `${pem('issuing')}${pem('root')}`) }
}

for (const keyType of ['ec', 'rsa'] as const) {
  test(`openssl ocsp believes our answers (${keyType}): SHA-1 and SHA-256, with and without nonce`, async t => {
    if (peer(t, 'openssl') === undefined) return
    const { service, file, origin, issuer, chain } = await realService(t, keyType)
    const [good, revoked, held] = [await issueDevice(service), await issueDevice(service), await issueDevice(service)]
    await revokeNow(service, revoked, 'superseded')
    await holdNow(service, held)
    const ask = async (pem: string, ...options: string[]) => (await run('openssl', [
      'ocsp', '-issuer', issuer, ...options, '-cert', file('leaf.pem', pem), '-url', `${origin}/ocsp/issuing`, '-CAfile', chain])).text
    for (const options of [[], ['-sha256'], ['-no_nonce'], ['-sha256', '-no_nonce']]) {
      const answer = await ask(good.pem, ...options)
      t.regex(answer, /Response verify OK/, options.join(' '))
      t.notRegex(answer, /WARNING: no nonce/)
      t.regex(answer, /leaf\.pem: good/)
    }
    t.regex(await ask(revoked.pem), /leaf\.pem: revoked[^]*Reason: superseded/)
    t.regex(await ask(held.pem), /leaf\.pem: revoked[^]*Reason: certificateHold/)
    t.regex(await ask(revoked.pem, '-sha256'), /leaf\.pem: revoked/)
  })
}

test('gnutls ocsptool believes our answers', async t => {
  if (peer(t, 'ocsptool') === undefined) return
  const { service, file, origin, issuer, chain } = await realService(t)
  const [good, revoked] = [await issueDevice(service), await issueDevice(service)]
  await revokeNow(service, revoked, 'keyCompromise')
  const ask = async (pem: string) => (await run('ocsptool', [
    `--ask=${origin}/ocsp/issuing`, '--load-issuer', issuer, '--load-cert', file('leaf.pem', pem), '--load-trust', chain])).text
  t.regex(await ask(good.pem), /Certificate Status: good[^]*Verifying OCSP Response: Success/)
  t.regex(await ask(revoked.pem), /Certificate Status: revoked/)
})
