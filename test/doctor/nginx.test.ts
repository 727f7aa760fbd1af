import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { startEcho } from '../../src/doctor/echo.ts'
import { parseCrl, signCrl } from '../../src/formats/crl.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { foreignIdentity } from '../support/check-service.ts'
import { freePort } from '../support/free-port.ts'
import { attendedBy, foundIn, inForce, openClinic, verdictOf, type Clinic } from '../support/front-end-trial.ts'
import { hasLua, prepareLuaNginx } from '../support/lua-nginx.ts'
import { startNginx } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { until } from '../support/running-agent.ts'
import { get } from '../support/tls-client.ts'

const withForeign = async ({ folder, service }: Clinic): Promise<string[]> => {
  const foreign = await foreignIdentity(service)
  writeFileSync(join(folder, 'foreign.pem'), foreign.pem)
  writeFileSync(join(folder, 'foreign-key.pem'), foreign.privateKeyPem)
  return ['--foreign-certificate', join(folder, 'foreign.pem'), '--foreign-key', join(folder, 'foreign-key.pem')]
}

/** nginx by `auth_request`, with a back end that tells which headers it got. */
async function asking(t: ExecutionContext) {
  const program = peer(t, 'nginx')
  if (program === undefined || peer(t, 'curl') === undefined || peer(t, 'openssl') === undefined) return undefined
  const clinic = await openClinic(t, 'nginx')
  const nginx = await startNginx(t, { nginx: program, latchkey: clinic.url, frontEnd: 'edge', secret: clinic.secret })
  const echoPort = await freePort()
  const echo = await startEcho('127.0.0.1', echoPort)
  t.teardown(() => { echo.close(); echo.closeAllConnections() })
  const restart = async (edit: (recipe: string) => string): Promise<void> => { await nginx.restart(recipe => edit(recipe.replace(/proxy_pass http:\/\/127\.0\.0\.1:\d+;/, `proxy_pass http://127.0.0.1:${echoPort};`))) }
  const foreign = await withForeign(clinic)
  const phone = ['--certificate', join(clinic.folder, 'phone.pem'), '--key', join(clinic.folder, 'phone-key.pem'), '--echo', '/echo']
  return { ...clinic, nginx, restart, bundle: join(nginx.folder, 'bundle.pem'), examine: async (...options: string[]) => await clinic.examine(nginx.port, ...foreign, ...options), phone }
}

const inCheck = (directives: string) => (recipe: string): string => recipe.replace('location = /latchkey-check {', `location = /latchkey-check {\n${directives}\n`)
const kept = (folder: string, answers: string) => (recipe: string): string =>
  inCheck(`proxy_cache checks; proxy_cache_key $ssl_client_serial; proxy_cache_valid ${answers} 2s; proxy_ignore_headers Cache-Control Expires Set-Cookie;`)(recipe)
    .replace('http {', `http {\n  proxy_cache_path ${folder}/checks keys_zone=checks:1m;`)

test.serial('nothing is found on nginx by the recipe', async t => {
  const it = await asking(t)
  if (it === undefined) return
  await it.restart(recipe => recipe)
  const healthy = await it.examine('--bundle', it.bundle, ...it.phone)
  t.deepEqual(foundIn(healthy), [], healthy.out)
  t.is(healthy.exitCode, 0)
  const untried = healthy.json.probes.filter(({ verdict }: { verdict: string }) => verdict !== 'fine').map(({ probe }: { probe: string }) => probe)
  t.deepEqual(untried, ['the server’s own certificate', 'its agent'])
})

test.serial('each fault is found that is planted on nginx that asks', async t => {
  const it = await asking(t)
  if (it === undefined) return
  const { restart, examine, phone, folder } = it
  const find = async (edit: (recipe: string) => string, ...options: string[]): Promise<string[]> => {
    await restart(edit)
    return foundIn(await examine(...options))
  }
  t.deepEqual(await find(recipe => recipe.replace('ssl_verify_client on', 'ssl_verify_client optional')), ['certificate-optional risk'])
  t.deepEqual(await find(recipe => recipe.replace('ssl_verify_client on', 'ssl_verify_client optional_no_ca').replace(/ssl_crl .*/, '')), ['certificate-optional risk', 'foreign-ca-accepted risk', 'self-made-ca-accepted risk'])
  t.deepEqual(await find(recipe => recipe.replace(/ssl_crl .*/, '')), ['foreign-ca-accepted risk'])
  // The recipe resumes sessions, which is safe only while every request is asked about.
  t.deepEqual(await find(kept(folder, 'any')), ['check-cached hole', 'resumption-on risk'])
  // The yes alone, which no certificate for nobody gets.
  t.deepEqual(await find(kept(folder, '200'), ...phone), ['check-cached hole'])
  t.deepEqual(await find(recipe => inCheck('proxy_intercept_errors on; error_page 500 502 503 504 = @open;')(recipe).replace('location / {', 'location @open { return 200; }\n    location / {')), ['open-on-outage hole'])

  await restart(recipe => recipe.replace('proxy_set_header X-SSL-Client-Cert "";', '').replace('http {', 'http {\n  underscores_in_headers on;'))
  const headers = await examine(...phone)
  t.deepEqual(foundIn(headers), ['identity-header-passed hole'])
  const [{ sentence, mend }] = headers.json.findings
  for (const name of ['X-SSL-Client-Cert', 'X_SSL_Client_Cert', 'Client_Cert']) t.regex(sentence, new RegExp(`[ ]${name}(,|$)`))
  t.notRegex(sentence, / Client-Cert(,|$)/)
  t.regex(mend, /proxy_set_header/)
})

test.serial('what is wrong with the lists of nginx is found: the root’s is missing, one is about to end, a delta hides another', async t => {
  const it = await asking(t)
  if (it === undefined) return
  const { service, restart, examine, folder } = it
  const issuing = activeAuthority(service.authorities(), 'issuing')
  const lists = fromPem(readFileSync(it.bundle, 'utf8'), 'X509 CRL')
  const isRoot = (der: Buffer): boolean => !parseCrl(der).issuer.raw.equals(issuing.certificate.subject.raw)
  const loaded = async (...ders: Buffer[]): Promise<string> => {
    const file = join(folder, 'lists.pem')
    writeFileSync(file, ders.map(der => toPem('X509 CRL', der)).join(''))
    await restart(recipe => recipe.replace(/ssl_crl .*/, `ssl_crl ${file};`))
    return file
  }
  const partitions = lists.filter(der => !isRoot(der))
  t.deepEqual(foundIn(await examine('--bundle', await loaded(...partitions))), ['good-refused outage', 'root-list-missing outage'])

  const { issuer, extensions } = parseCrl(partitions[0]!)
  const [begun, ends] = [new Date(Date.now() - 6 * 86_400_000), new Date(Date.now() + 3_600_000)]
  const soon = await signCrl({ issuer: issuer.raw, thisUpdate: begun, nextUpdate: ends, entries: [], extensions }, service.keyring.signer(issuing.key))
  t.deepEqual(foundIn(await examine('--bundle', await loaded(...lists.filter(isRoot), soon, partitions[1]!))), ['list-ends-soon outage'])

  const delta = Buffer.from(await (await fetch(`${it.url}/crl/issuing-delta.crl`)).arrayBuffer())
  const complete = Buffer.from(await (await fetch(`${it.url}/crl/issuing.crl`)).arrayBuffer())
  t.true(foundIn(await examine('--bundle', await loaded(...lists, delta))).includes('delta-in-bundle hole'))
  t.true(foundIn(await examine('--bundle', await loaded(...lists, complete))).includes('complete-list-in-bundle hole'))
})

test.serial('nothing is found on nginx as printed for an agent, and what is planted on it is', async t => {
  const program = peer(t, 'nginx')
  if (program === undefined) return
  if (!hasLua()) {
    if (process.env['LATCHKEY_REQUIRE_PEERS'] === '1') return t.fail('libnginx-mod-http-lua is not installed')
    t.log('skipped: libnginx-mod-http-lua is not installed')
    return t.pass()
  }
  const clinic = await openClinic(t, 'nginx')
  const nginx = await prepareLuaNginx(t, program)
  await attendedBy(t, clinic, 'nginx', { port: nginx.port, run: join(nginx.settings.socket, '..'), ...nginx.settings })
  await nginx.start()
  await inForce(clinic)
  const foreign = await withForeign(clinic)
  const chain = toPem('CERTIFICATE', activeAuthority(clinic.service.authorities(), 'issuing').certificate.raw)
  const letsIn = async (): Promise<boolean> => await get(nginx.port, { identity: { ...clinic.phone, pem: clinic.phone.pem + chain } }).then(({ status }) => status === 200, () => false)
  const healthy = await clinic.examine(nginx.port, '--bundle', join(nginx.settings.files, 'lists.pem'), ...foreign)
  t.deepEqual(foundIn(healthy), [], healthy.out)
  for (const probe of ['a certificate is demanded', 'revoked just now, open connection', 'lists in the bundle', 'its agent']) t.is(verdictOf(healthy, probe), 'fine', probe)
  const file = join(nginx.settings.socket, '..', 'nginx.conf')
  const printed = readFileSync(file, 'utf8')
  const find = async (edit: (printed: string) => string): Promise<string[]> => {
    writeFileSync(file, edit(printed))
    await nginx.restart()
    await until(letsIn)
    return foundIn(await clinic.examine(nginx.port, ...foreign, '--patience', '2'))
  }
  t.deepEqual(await find(printed => printed.replace('ssl_verify_client on', 'ssl_verify_client optional')), ['certificate-optional risk'])
  t.deepEqual(await find(printed => printed.replace('ssl_session_cache off;', 'ssl_session_cache shared:test:1m;').replace('ssl_session_tickets off;', '')), ['resumption-on risk'])
  t.deepEqual(await find(printed => printed.replace(/ssl_crl .*/, '')), ['foreign-ca-accepted hole'])
})
