import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { startEcho } from '../../src/doctor/echo.ts'
import { parseCrl, signCrl } from '../../src/formats/crl.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { crlFileStore } from '../../src/store/crls.ts'
import { foreignIdentity } from '../support/check-service.ts'
import { freePort } from '../support/free-port.ts'
import { attendedBy, foundIn, inForce, openClinic, verdictOf } from '../support/front-end-trial.ts'
import { prepareHaproxy } from '../support/haproxy.ts'
import { peer } from '../support/peers.ts'
import { until } from '../support/running-agent.ts'
import { get } from '../support/tls-client.ts'

async function setting(t: ExecutionContext) {
  const program = peer(t, 'haproxy')
  if (program === undefined) return undefined
  const clinic = await openClinic(t, 'haproxy')
  const { foreign, folder, service } = { ...clinic, foreign: await foreignIdentity(clinic.service) }
  writeFileSync(join(folder, 'foreign.pem'), foreign.pem)
  writeFileSync(join(folder, 'foreign-key.pem'), foreign.privateKeyPem)
  const haproxy = await prepareHaproxy(t, program)
  const printed = readFileSync(`${haproxy.folder}/haproxy.cfg`, 'utf8')
  await attendedBy(t, clinic, 'haproxy', { port: haproxy.port, run: haproxy.folder, ...haproxy.settings })
  await haproxy.start()
  const lets = async (): Promise<boolean> => await get(haproxy.port, { identity: { ...clinic.phone, pem: clinic.phone.pem + chainOf(service) } }).then(({ status }) => status === 200, () => false)
  const withFault = async (edit: (printed: string) => string, letsIn = true): Promise<void> => {
    const edited = edit(printed)
    t.not(edited, printed)
    writeFileSync(`${haproxy.folder}/haproxy.cfg`, edited)
    await haproxy.restart()
    if (letsIn) await until(lets)
  }
  const examine = async (...options: string[]) => await clinic.examine(haproxy.port, '--foreign-certificate', join(folder, 'foreign.pem'), '--foreign-key', join(folder, 'foreign-key.pem'), ...options)
  const echoPort = await freePort()
  const echo = await startEcho('127.0.0.1', echoPort)
  t.teardown(() => { echo.close(); echo.closeAllConnections() })
  const toEcho = (printed: string): string => printed.replace(/server protected \S+/, `server protected 127.0.0.1:${echoPort}`)
  return { ...clinic, haproxy, toEcho, withFault, examine, bundle: join(haproxy.settings.files, 'lists.pem') }
}

const chainOf = (service: Parameters<typeof foreignIdentity>[0]): string => toPem('CERTIFICATE', activeAuthority(service.authorities(), 'issuing').certificate.raw)
const resumed = (printed: string): string => printed.replace('tune.ssl.cachesize 0', '').replace('no-tls-tickets', '')

test('nothing is found on HAProxy as printed, and each fault is found that is planted on it', async t => {
  const it = await setting(t)
  if (it === undefined) return
  await inForce(it)
  const healthy = await it.examine('--bundle', it.bundle)
  t.deepEqual(foundIn(healthy), [], healthy.out)
  t.is(healthy.exitCode, 0)
  for (const probe of [
    'a certificate is demanded', 'the CAs that it names', 'a good certificate', 'a revoked certificate, new connection', 'revoked just now, open connection', 'revoked just now, resumed session',
    'a CA that anybody can make', 'another CA under the same root', 'lists of the service', 'lists in the bundle', 'its agent',
  ]) t.is(verdictOf(healthy, probe), 'fine', probe)

  // Behind it now stands something that tells which headers arrived.
  await it.withFault(it.toEcho)
  const phone = ['--certificate', join(it.folder, 'phone.pem'), '--key', join(it.folder, 'phone-key.pem'), '--echo', '/echo']
  const told = await it.examine(...phone)
  t.deepEqual(foundIn(told), [], told.out)
  t.is(verdictOf(told, 'identity headers of the client'), 'fine')
  await it.withFault(printed => it.toEcho(printed).replace('http-request del-header X-SSL-Client-DN\n', '').replace(/.*del-header .* -m reg\n/, ''))
  const passed = await it.examine(...phone)
  t.deepEqual(foundIn(passed), ['identity-header-passed hole'])
  t.regex(passed.json.findings[0].sentence, / X-SSL-Client-DN, X_SSL_Client_DN,.* Latchkey_Serial/)

  await it.withFault(printed => printed.replace('verify required', 'verify optional'))
  t.deepEqual(foundIn(await it.examine()), ['certificate-optional hole'])

  await it.withFault(resumed)
  t.deepEqual(foundIn(await it.examine()), ['resumption-on risk'])

  await it.withFault(printed => resumed(printed).replace('-m found }', '-m found } FALSE'))
  const open = foundIn(await it.examine('--patience', '2'))
  for (const code of ['revoked-keep-alive hole', 'revoked-resumed hole']) t.true(open.includes(code), open.join())

  await it.withFault(printed => printed.replace(/ crl-file \S+/, ''))
  t.deepEqual(foundIn(await it.examine()), ['foreign-ca-accepted hole'])

  // The lists of everybody but the root.
  const lists = await crlFileStore(it.service.db).bundle({ complete: [], partitions: [activeAuthority(it.service.authorities(), 'issuing').id] })
  const faulty = join(it.folder, 'faulty.pem')
  writeFileSync(faulty, lists.map(({ der }) => toPem('X509 CRL', der)).join(''))
  await it.withFault(printed => printed.replace(/crl-file \S+/, `crl-file ${faulty}`), false)
  t.deepEqual(foundIn(await it.examine()), ['list-missing outage'])
  t.deepEqual(foundIn(await it.examine('--bundle', faulty)), ['list-missing outage', 'root-list-missing outage'])

  const issuing = activeAuthority(it.service.authorities(), 'issuing')
  const ended = await Promise.all(fromPem(readFileSync(it.bundle, 'utf8'), 'X509 CRL').map(async der => {
    const { issuer, extensions } = parseCrl(der)
    if (!issuer.raw.equals(issuing.certificate.subject.raw)) return der
    const dates = { thisUpdate: new Date(Date.now() - 7_200_000), nextUpdate: new Date(Date.now() - 3_600_000) }
    return await signCrl({ issuer: issuer.raw, ...dates, entries: [], extensions }, it.service.keyring.signer(issuing.key))
  }))
  writeFileSync(faulty, ended.map(der => toPem('X509 CRL', der)).join(''))
  await it.withFault(printed => printed.replace(/crl-file \S+/, `crl-file ${faulty}`), false)
  t.deepEqual(foundIn(await it.examine()), ['list-ended outage'])
})
