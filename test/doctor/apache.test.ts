import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { startEcho } from '../../src/doctor/echo.ts'
import { toPem } from '../../src/formats/pem.ts'
import { foreignIdentity } from '../support/check-service.ts'
import { freePort } from '../support/free-port.ts'
import { attendedBy, foundIn, inForce, openClinic, verdictOf } from '../support/front-end-trial.ts'
import { prepareApache } from '../support/apache.ts'
import { peer } from '../support/peers.ts'
import { until } from '../support/running-agent.ts'
import { get } from '../support/tls-client.ts'

test('nothing is found on Apache as printed, and each fault is found that is planted on it', async t => {
  const program = peer(t, 'apache2')
  if (program === undefined) return
  const clinic = await openClinic(t, 'apache')
  const apache = await prepareApache(t, program)
  await attendedBy(t, clinic, 'apache', { port: apache.port, ...apache.settings })
  await apache.start()
  await inForce(clinic)
  const foreign = await foreignIdentity(clinic.service)
  writeFileSync(join(clinic.folder, 'foreign.pem'), foreign.pem)
  writeFileSync(join(clinic.folder, 'foreign-key.pem'), foreign.privateKeyPem)
  const echoPort = await freePort()
  const echo = await startEcho('127.0.0.1', echoPort)
  t.teardown(() => { echo.close(); echo.closeAllConnections() })
  const examine = async (...options: string[]) => await clinic.examine(apache.port, '--foreign-certificate', join(clinic.folder, 'foreign.pem'), '--foreign-key', join(clinic.folder, 'foreign-key.pem'), ...options)
  const file = join(apache.folder, 'apache2.conf')
  const printed = readFileSync(file, 'utf8')
  const chain = toPem('CERTIFICATE', activeAuthority(clinic.service.authorities(), 'issuing').certificate.raw)
  const letsIn = async (): Promise<boolean> => await get(apache.port, { identity: { ...clinic.phone, pem: clinic.phone.pem + chain } }).then(({ status }) => status === 200, () => false)
  const restart = async (edit: (printed: string) => string): Promise<void> => {
    const edited = edit(printed)
    t.not(edited, printed)
    writeFileSync(file, edited)
    await apache.restart()
    await until(letsIn)
  }
  const phone = ['--certificate', join(clinic.folder, 'phone.pem'), '--key', join(clinic.folder, 'phone-key.pem'), '--echo', '/echo']
  await restart(text => text.replace(/ProxyPass \/ http:\/\/\S+\//, `ProxyPass / http://127.0.0.1:${echoPort}/`))
  const healthy = await examine('--bundle', join(apache.settings.files, 'lists.pem'), ...phone)
  t.deepEqual(foundIn(healthy), [], healthy.out)
  t.is(verdictOf(healthy, 'its agent'), 'fine')
  const planted: [edit: (text: string) => string, expected: string[]][] = [
    [text => text.replace('SSLVerifyClient require', 'SSLVerifyClient optional'), ['certificate-optional risk']],
    [text => text.replace('SSLSessionTickets off', 'SSLSessionTickets on'), ['resumption-on risk']],
    [text => text.replace(/SSLCARevocation.*/g, ''), ['foreign-ca-accepted hole']],
  ]
  for (const [edit, expected] of planted) {
    await restart(edit)
    t.deepEqual(foundIn(await examine()), expected)
  }
})
