import test, { type ExecutionContext } from 'ava'
import { abandon } from '../../src/certificates/abandon.ts'
import { fromPem } from '../../src/formats/pem.ts'
import { revocationStore } from '../../src/store/certificates.ts'
import { reservationStore } from '../../src/store/reservations.ts'
import { openConsole } from '../support/console.ts'
import { holdNow, issueBootstrap, issueDevice, prepareDevice, type Issued } from '../support/issued.ts'
import { testService, type TestService } from '../support/service.ts'

async function issued(t: ExecutionContext): Promise<{ service: TestService, certificate: Issued, path: string }> {
  const service = await testService(t)
  const certificate = await issueDevice(service, { email: 'ada@example.org', userPrincipalName: 'ada@corp.example' })
  return { service, certificate, path: `/console/certificates/${certificate.serialNumber.toString('hex')}` }
}

test('a certificate is found by its serial number, its fingerprint, and its phone’s person', async t => {
  const { service, certificate, path } = await issued(t)
  await issueBootstrap(service)
  const console = await openConsole(t, service, 'auditor')
  const { text } = await console.get('/console/certificates')
  t.is(text.match(/<tbody>.*<\/tbody>/s)![0].match(/<tr>/g)!.length, 1)
  t.regex(text, /<span class="state good">good<\/span>/)
  const [{ sha256 }] = await service.db.query<{ sha256: Buffer }>(`select sha256 from certificates where kind = 'device'`) as [{ sha256: Buffer }]
  const fingerprint = sha256.toString('hex')
  for (const query of [certificate.serialNumber.toString('hex').slice(0, 2), fingerprint.slice(5, 12), fingerprint.toUpperCase().replaceAll(/(..)(?=.)/g, '$1:'), 'ada@', 'lovelace', 'iphone 13']) {
    t.true((await console.get(`/console/certificates?q=${encodeURIComponent(query)}`)).text.includes(path), query)
  }
  t.regex((await console.get('/console/certificates?person=ada@example.org')).text, /Certificates of <bdi>ada@example\.org/)
})

test('a certificate’s page decodes every field and extension, and gives the PEM', async t => {
  const { service, certificate, path } = await issued(t)
  const console = await openConsole(t, service, 'auditor')
  const { text } = await console.get(path)
  for (const part of [
    'serialNumber=', 'clientAuth', 'digitalSignature', 'no certificate authority', 'rfc822Name: ada@example.org', 'userPrincipalName: ada@corp.example',
    `urn:uuid:${certificate.deviceId}`, 'OCSP: http', 'model signed', 'ecdsa-with-SHA256', 'prime256v1', '2027-03-01T08:59:59.000Z',
  ]) t.true(text.includes(part), part)
  const pem = await console.get(`${path}/certificate.pem`)
  t.regex(pem.headers.get('content-disposition')!, /^attachment; filename="[0-9a-f]{32}\.pem"$/)
  t.deepEqual(fromPem(pem.text, 'CERTIFICATE')[0], certificate.certificate.raw)
})

test('revoking says what it reaches and cannot be taken back; the first reason stands', async t => {
  const { service, path } = await issued(t)
  const console = await openConsole(t, service, 'operator')
  const form = await console.get(`${path}/revoke`)
  t.regex(form.text, /The phone holds no other, so it opens nothing afterwards/)
  const page = await console.submit(`${path}/revoke`, { reason: 'privilegeWithdrawn', cause: '<b>moved</b>' })
  t.regex(page.text, /Front ends refuse it for good/)
  t.regex(page.text, /no longer entitled <code>privilegeWithdrawn<\/code>.*&lt;b&gt;moved/s)
  t.notRegex(page.text, /\/(revoke|hold|release)"/)
  t.regex((await console.submit(`${path}/revoke`, { reason: 'keyCompromise' })).text, /Nothing had to be changed/)
  t.is((await console.post(`${path}/hold`)).status, 400)
  t.is((await console.post(`${path}/release`)).status, 400)
  t.deepEqual(await service.db.query('select reason from revocations'), [{ reason: 9 }])
})

test('a certificate on hold is released', async t => {
  const { service, certificate, path } = await issued(t)
  await holdNow(service, certificate)
  const console = await openConsole(t, service, 'operator')
  t.regex((await console.get(path)).text, /until somebody releases it/)
  t.regex((await console.get(`${path}/release`)).text, /The phone can come in again/)
  t.regex((await console.submit(`${path}/release`, { cause: 'found again' })).text, /<span class="state good">good<\/span>/)
})

test('an auditor sees certificates and changes none', async t => {
  const { service, path } = await issued(t)
  const console = await openConsole(t, service, 'auditor')
  t.notRegex((await console.get(path)).text, /\/(revoke|hold|release)"/)
  for (const verb of ['revoke', 'hold', 'release']) {
    t.is((await console.get(`${path}/${verb}`)).status, 403)
    t.is((await console.post(`${path}/${verb}`, { reason: 'unspecified' })).status, 403)
  }
  t.deepEqual(await service.db.query('select 1 from revocations'), [])
})

test('a certificate that is being made has no page yet, one that was never finished has no file, and our own signers have neither', async t => {
  const { service } = await issued(t)
  const { prepared, serialNumber } = await prepareDevice(service)
  const console = await openConsole(t, service)
  const path = `/console/certificates/${serialNumber.toString('hex')}`
  t.is((await console.get(path)).status, 404)
  await service.db.transaction(async tx => await abandon({ ...revocationStore(tx), ...reservationStore(tx) }, prepared.completion, service.now()))
  t.regex((await console.get(path)).text, /never completed/)
  t.is((await console.get(`${path}/certificate.pem`)).status, 404)
  const [signer] = await service.db.query<{ serial: string }>(`select encode(serial_number, 'hex') as serial from certificates where kind = 'signer' limit 1`)
  for (const name of [signer!.serial, 'ab', '00'.repeat(16), 'x'.repeat(32)]) t.is((await console.get(`/console/certificates/${name}`)).status, 404)
})
