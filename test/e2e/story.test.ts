import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { basicConstraints, keyUsage, subjectKeyIdentifier, authorityKeyIdentifier } from '../../src/formats/extensions.ts'
import { toPem } from '../../src/formats/pem.ts'
import { signCertificate } from '../../src/formats/x509.ts'
import { testDatabase } from '../support/database.ts'
import { startNginx } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { served, type Served } from '../support/served.ts'
import { commonName, issueTestCertificate, newSigner, testSerialNumber, type TestAuthority } from '../support/signers.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { get, keepAlive, type Identity } from '../support/tls-client.ts'

const cli = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
type Ran = { code: number, stdout: string, stderr: string }

/** The service as `npm start` runs it, and `latchkey` as an admin types it. */
async function running(t: ExecutionContext) {
  const folder = await temporaryFolder(t)
  const dataFolder = join(folder, 'data')
  const latchkey = async (...args: string[]): Promise<Ran> => {
    try {
      return { code: 0, ...await promisify(execFile)(process.execPath, [cli, ...args], { env: { ...process.env, LATCHKEY_DATA: dataFolder } }) }
    } catch (error) {
      return error as Ran
    }
  }
  const deviceCa = join(folder, 'device-ca')
  t.is((await latchkey('phone', 'make-ca', deviceCa)).code, 0)
  const database = process.env['DATABASE_URL'] === undefined ? {} : { DATABASE_URL: (await testDatabase(t)).url!, LATCHKEY_PASSPHRASE_FILE: join(deviceCa, 'ca-key.pem') }
  const service = await served(dataFolder, { LATCHKEY_TEST_DEVICE_CA: join(deviceCa, 'ca.pem'), ...database })
  t.teardown(async () => await service.kill())
  await service.start()
  const phone = async (link: string, product: string, build: string, serial: string): Promise<Ran & { out: string }> => {
    const out = join(folder, serial)
    return { ...await latchkey('phone', 'enroll', link, '--product', product, '--build', build, '--serial', serial, '--device-ca', deviceCa, '--out', out, '--json'), out }
  }
  return { folder, service, latchkey, phone }
}

async function json<T>(ran: Promise<Ran>): Promise<T> {
  const { stdout, stderr, code } = await ran
  if (code !== 0) throw new Error(`exit ${code}: ${stderr}`)
  return JSON.parse(stdout) as T
}

async function identityIn(out: string): Promise<Identity> {
  const read = async (name: string): Promise<string> => await readFile(join(out, name), 'utf8')
  return { pem: await read('cert.pem') + await read('chain.pem'), privateKeyPem: await read('key.pem') }
}

async function nginxFor(t: ExecutionContext, program: string, service: Served, latchkey: (...args: string[]) => Promise<Ran>) {
  const { secret } = await json<{ secret: string }>(latchkey('front-end', 'add', 'mail', '--kind', 'nginx', '--json'))
  return await startNginx(t, { nginx: program, latchkey: service.url, frontEnd: 'mail', secret })
}

test('an approved iPhone gets in and, once revoked, is out within a second: on new, open and resumed connections; an iPhone 3G never gets in', async t => {
  t.timeout(120_000)
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return
  const { service, latchkey, phone } = await running(t)
  const contact = 'Call IT, extension 443.'
  await service.call('PUT', '/templates/default', { template: { organization: 'Northwind Trust', displayName: 'Work mail', contact, identifier: 'example.northwind.phones' } })
  t.is((await latchkey('model', 'approve', 'iPhone14,5', '--reason', 'phones we bought')).code, 0)
  const { url } = await json<{ url: string }>(latchkey('invite', 'create', '--name', 'Ines Roth', '--email', 'ines@example.com', '--devices', '2', '--json'))

  const refused = await phone(url, 'iPhone1,2', '8C148', 'E2E3G')
  t.is(refused.code, 3, 'refused by policy')
  const page = await (await fetch((JSON.parse(refused.stdout) as { page: string }).page)).text()
  t.regex(page, /iPhone 3G/)
  t.true(page.includes(contact))

  const enrolled = await phone(url, 'iPhone14,5', '20A362', 'E2E13')
  t.is(enrolled.code, 0, enrolled.stderr)
  const identity = await identityIn(enrolled.out)
  const nginx = await nginxFor(t, program, service, latchkey)
  const agent = keepAlive()
  t.teardown(() => agent.destroy())
  const first = await get(nginx.port, { identity, agent })
  t.is(first.status, 200)
  const resumedBefore = await get(nginx.port, { identity, session: first.session! })
  t.deepEqual([resumedBefore.status, resumedBefore.resumed, resumedBefore.protocol], [200, true, 'TLSv1.3'], 'sessions are resumed here, or the rest proves nothing')
  t.is((await get(nginx.port, { identity, agent })).sameConnection, true)

  const [certificate] = (await json<{ items: { serialNumber: string }[] }>(latchkey('cert', 'list', '--json'))).items
  t.is((await latchkey('cert', 'revoke', certificate!.serialNumber, '--reason', 'keyCompromise')).code, 0)
  const revokedAt = performance.now()

  const open = await get(nginx.port, { identity, agent })
  t.deepEqual([open.status, open.sameConnection], [403, true])
  t.is((await get(nginx.port, { identity })).status, 403)
  const resumed = await get(nginx.port, { identity, session: resumedBefore.session! })
  t.deepEqual([resumed.status, resumed.resumed], [403, true])
  t.true(performance.now() - revokedAt < 1000, 'the promise of one second, all three together')
  t.is(nginx.received.length, 3, 'the mail server saw the three requests from before')
})

test('under an imported root, a certificate of another of its CAs is refused from the start, and phones still enroll', async t => {
  t.timeout(120_000)
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return
  const { folder, service, latchkey, phone } = await running(t)
  const root = await authority('Corporate Root')
  const [issuing, sibling] = [await authority('Phones CA', root), await authority('Printers CA', root)]
  await mkdir(join(folder, 'import'))
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, 'import', name), text)
    return join(folder, 'import', name)
  }
  const keyOf = (ca: TestAuthority): string => ca.signer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const imported = await latchkey('authority', 'import',
    '--certificates', await file('chain.pem', toPem('CERTIFICATE', issuing.certificate) + toPem('CERTIFICATE', root.certificate)),
    '--key', await file('issuing-key.pem', keyOf(issuing)), '--root-key', await file('root-key.pem', keyOf(root)))
  t.is(imported.code, 0, imported.stderr)
  await latchkey('model', 'approve', 'iPhone14,5', '--reason', 'phones we bought')
  const { url } = await json<{ url: string }>(latchkey('invite', 'create', '--name', 'Ines Roth', '--email', 'ines@example.com', '--json'))
  const enrolled = await phone(url, 'iPhone14,5', '20A362', 'E2E13')
  t.is(enrolled.code, 0, enrolled.stderr)
  const nginx = await nginxFor(t, program, service, latchkey)

  t.is((await get(nginx.port, { identity: await identityIn(enrolled.out) })).status, 200)
  const printer = newSigner()
  const foreign = await issueTestCertificate(sibling, testSerialNumber('printer'), printer)
  const status = (await get(nginx.port, { identity: { pem: toPem('CERTIFICATE', foreign) + toPem('CERTIFICATE', sibling.certificate), privateKeyPem: printer.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string } })).status
  t.true([400, 403].includes(status), `refused with ${status}`)
  t.is(nginx.received.length, 1)
})

/** A CA as a company has one: carries keyCertSign and cRLSign only. */
async function authority(name: string, parent?: TestAuthority): Promise<TestAuthority> {
  const signer = newSigner()
  const issuer = parent ?? { name: commonName(name), signer }
  const now = Math.floor(Date.now() / 1000) * 1000
  const certificate = await signCertificate({
    serialNumber: testSerialNumber(name), issuer: issuer.name, subject: commonName(name), notBefore: new Date(now - 86_400_000), notAfter: new Date(now + 3650 * 86_400_000),
    subjectPublicKeyInfo: signer.subjectPublicKeyInfo,
    extensions: [basicConstraints(true), keyUsage('keyCertSign', 'cRLSign'), subjectKeyIdentifier(signer.subjectPublicKeyInfo), authorityKeyIdentifier(issuer.signer.subjectPublicKeyInfo)],
  }, issuer.signer)
  return { name: commonName(name), certificate, signer }
}
