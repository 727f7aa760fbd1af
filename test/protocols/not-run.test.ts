/** Envoy and Traefik are not in Debian, so no test starts them: what they would send is made here, as they document it. */
import { createHash } from 'node:crypto'
import test, { type ExecutionContext } from 'ava'
import { parseAllDocuments } from 'yaml'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { parseCertificate, type Certificate } from '../../src/formats/x509.ts'
import { envoyConfiguration } from '../../src/protocols/check/configurations/envoy.ts'
import { traefikConfiguration } from '../../src/protocols/check/configurations/traefik.ts'
import { identityHeaders } from '../../src/protocols/check/configurations/values.ts'
import { frontEndStore } from '../../src/store/front-ends.ts'
import { canaryIdentities, checkSecret, checkService } from '../support/check-service.ts'
import { openCli } from '../support/cli.ts'
import { issueDevice, revokeNow } from '../support/issued.ts'
import { testService } from '../support/service.ts'

const values = (latchkey: string) => ({
  frontEnd: 'edge', listen: ':443', certificate: '/etc/server.pem', certificateKey: '/etc/server-key.pem', files: '/etc/latchkey', run: '', backend: '127.0.0.1:8000',
  latchkey, ocsp: '', streamLimitSeconds: 900,
})

/** The files of a printed text, by the names that stand in it. */
function filesOf(printed: string): Record<string, any> {
  const names = [...printed.matchAll(/^# ── (\S+)$/gm)].map(([, name]) => name!)
  const documents = parseAllDocuments(printed)
  return Object.fromEntries(documents.map((document, index) => {
    if (document.errors.length > 0) throw document.errors[0]!
    return [names[index]!, document.toJS()]
  }))
}

type Asked = { certificate: Certificate, path?: string, headers?: Record<string, string> }
type Ask = (asked: Asked) => Promise<Response>

/** As `forward_client_cert_details: SANITIZE_SET` with `cert` alone writes it. */
function xfcc({ raw }: Certificate): string {
  const escaped = toPem('CERTIFICATE', raw).replace(/[\n +/=]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  return `Hash=${createHash('sha256').update(raw).digest('hex')};Cert="${escaped}"`
}

/** The question of ext_authz: the client's method and address behind the prefix, no body, and of its headers those allowed. */
function envoy(latchkey: string): Ask {
  const files = filesOf(envoyConfiguration(values(latchkey)))
  const [listener] = files['/etc/latchkey/envoy.yaml'].static_resources.listeners
  const manager = listener.filter_chains[0].filters[0].typed_config
  const { allowed_headers: { patterns }, http_service: service } = manager.http_filters.find(({ name }: { name: string }) => name === 'envoy.filters.http.ext_authz').typed_config
  const allowed = new Set(patterns.map(({ exact }: { exact: string }) => exact))
  return async ({ certificate, path = '/', headers = {} }) => {
    const sent = Object.entries({ ...headers, 'x-forwarded-client-cert': xfcc(certificate) }).filter(([name]) => allowed.has(name))
    const added = service.authorization_request.headers_to_add.map(({ key, value }: { key: string, value: string }) => [key, value.replace('@SECRET@', checkSecret)])
    return await fetch(`${service.server_uri.uri}${service.path_prefix}${path}`, { method: 'POST', redirect: 'manual', headers: Object.fromEntries([...sent, ...added]) })
  }
}

/** The question of forwardAuth: GET of the address alone. Go makes Basic of what stands before the host. */
function traefik(latchkey: string): Ask {
  const { http: { middlewares } } = filesOf(traefikConfiguration(values(latchkey)))['/etc/latchkey/traefik-phones.yaml']
  const { address, authRequestHeaders } = middlewares['latchkey-check'].forwardAuth
  const url = new URL(address.replace('{{ env "LATCHKEY_CHECK_SECRET" }}', checkSecret))
  const authorization = `Basic ${Buffer.from(`${url.username}:${url.password}`).toString('base64')}`
  const allowed = new Set(authRequestHeaders.map((name: string) => name.toLowerCase()))
  return async ({ certificate, path = '/', headers = {} }) => {
    const passed = Object.entries({ ...headers, 'x-forwarded-tls-client-cert': certificate.raw.toString('base64') }).filter(([name]) => allowed.has(name))
    return await fetch(`${url.origin}${url.pathname}`, {
      redirect: 'manual', headers: { ...Object.fromEntries(passed), authorization, 'x-forwarded-method': 'POST', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'mail.example.org', 'x-forwarded-uri': path },
    })
  }
}

const asAsked = { envoy, traefik }

for (const kind of ['envoy', 'traefik'] as const) {
  const setup = async (t: ExecutionContext) => {
    const { service, latchkey } = await checkService(t, kind)
    return { service, ask: asAsked[kind](latchkey) }
  }

  test(`what ${kind} would send, as printed, is understood: a good certificate passes, a revoked one and a canary do not`, async t => {
    const { service, ask } = await setup(t)
    const phone = await issueDevice(service, { email: 'ada@example.org' })
    const passed = await ask({ certificate: phone.certificate, headers: { authorization: 'Basic Yjpj', cookie: 'a=b', 'client-cert': ':AA==:', 'x-ssl-client-cert': 'AA==' } })
    t.deepEqual([passed.status, passed.headers.get('latchkey-person'), passed.headers.get('latchkey-device')], [200, 'ada@example.org', phone.deviceId])
    await revokeNow(service, phone)
    const refused = await ask({ certificate: phone.certificate })
    t.deepEqual([refused.status, refused.headers.get('latchkey-decision')], [403, 'revoked'])
    const { good } = await canaryIdentities(service)
    const canary = await ask({ certificate: parseCertificate(fromPem(good.pem, 'CERTIFICATE')[0]!) })
    t.deepEqual([canary.status, canary.headers.get('latchkey-decision')], [403, 'canary'])
    await service.db.close()
    // What is remembered is a refusal as well, and ends within a second.
    const after: number[] = []
    while (after.at(-1) !== 503) after.push((await ask({ certificate: phone.certificate })).status)
    t.deepEqual([...new Set(after)].filter(status => status !== 403), [503])
  })

  test(`the address that is asked for goes along with what ${kind} would send`, async t => {
    const { service, ask } = await setup(t)
    await frontEndStore(service.db).setActiveSync('edge', 'refuse')
    const { certificate } = await issueDevice(service, { email: 'ann@example.org' })
    const path = '/Microsoft-Server-ActiveSync?User=ann%40example.org&DeviceId=O8S9UD4DOH0SLEPOQC5AJ9AE3C&DeviceType=iPhone&Cmd=Sync'
    const headers = { 'user-agent': 'Apple-iPhone14C5/2001.362' }
    t.is((await ask({ certificate, path, headers })).status, 200)
    t.is((await ask({ certificate, path: path.replace('ann', 'bob'), headers })).status, 403)
    t.is((await ask({ certificate, path, headers: { 'user-agent': 'Apple-iPhone12C1/1901.346' } })).status, 403)
  })

  test(`\`front-end config ${kind}\` prints two files that can be read, says that they were not run, and holds no secret`, async t => {
    const service = await testService(t)
    const cli = await openCli(t, service)
    for (const options of [[], ['--listen', '192.0.2.1:8443', '--backend', '[::1]:8000', '--check', 'https://latchkey.example']]) {
      const { out } = await cli('front-end', 'config', kind, ...options)
      t.true(out.startsWith('# NOT RUN: '))
      t.is(Object.keys(filesOf(out)).length, 2)
      t.true(out.includes('/check/edge'))
    }
    const { out } = await cli('front-end', 'config', kind, '--check', 'https://latchkey.example')
    // Nothing that says who a client is gets from the client to the back end: each header is named.
    for (const header of identityHeaders) t.true(out.toLowerCase().includes(header.toLowerCase()), header)
  })
}

test('a front end may give its secret as a password beside its own name, and beside no other', async t => {
  const { latchkey } = await checkService(t, 'traefik')
  const ask = async (user: string, password: string): Promise<string | null> => {
    const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
    return (await fetch(`${latchkey}/check/edge`, { headers: { authorization } })).headers.get('latchkey-decision')
  }
  t.is(await ask('edge', checkSecret), 'no-certificate')
  for (const [user, password] of [['other', checkSecret], ['', checkSecret], ['edge', ''], ['edge', `${checkSecret}x`], ['edge:', checkSecret]] as const) t.is(await ask(user, password), 'unauthorized', `${user}:${password}`)
})

test('Envoy as printed holds every handshake against lists that are replaced while it runs', t => {
  const files = filesOf(envoyConfiguration(values('http://127.0.0.1:8080')))
  const { validation_context: context, name } = files['/etc/latchkey/validation.yaml'].resources[0]
  t.deepEqual(context, { trusted_ca: { filename: '/etc/latchkey/chain.pem' }, crl: { filename: '/etc/latchkey/bundle.pem' }, watched_directory: { path: '/etc/latchkey' } })
  const tls = files['/etc/latchkey/envoy.yaml'].static_resources.listeners[0].filter_chains[0].transport_socket.typed_config
  t.is(tls.common_tls_context.validation_context_sds_secret_config.name, name)
  t.deepEqual([tls.require_client_certificate, tls.disable_stateless_session_resumption, tls.disable_stateful_session_resumption], [true, true, true])
})

test('Traefik as printed demands a certificate of the issuing CA for every name, strips what the client says, and asks before anything is passed on', t => {
  const files = filesOf(traefikConfiguration(values('http://127.0.0.1:8080')))
  const { tls, http } = files['/etc/latchkey/traefik-phones.yaml']
  t.deepEqual(tls.options.default.clientAuth, { caFiles: ['/etc/latchkey/issuing.pem'], clientAuthType: 'RequireAndVerifyClientCert' })
  t.deepEqual(http.routers.phones.middlewares, ['latchkey-strip', 'latchkey-certificate', 'latchkey-check', 'latchkey-bare'])
  t.deepEqual(Object.keys(http.middlewares['latchkey-strip'].headers.customRequestHeaders), [...identityHeaders])
})
