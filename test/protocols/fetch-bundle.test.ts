import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { activeAuthority } from '../../src/certificates/authority.ts'
import { rootList } from '../../src/certificates/hierarchy.ts'
import { fromPem, toPem } from '../../src/formats/pem.ts'
import { parseCrl } from '../../src/formats/crl.ts'
import { caRouter } from '../../src/protocols/ca/router.ts'
import { crlRouter } from '../../src/protocols/crl/router.ts'
import { fakeClock } from '../support/clock.ts'
import { issueDevice, revokeNow } from '../support/issued.ts'
import { listen } from '../support/listen.ts'
import { runFetchBundle } from '../support/nginx.ts'
import { peer } from '../support/peers.ts'
import { registerPartitions } from '../../src/store/authorities.ts'
import { testService, type TestService } from '../support/service.ts'
import { temporaryFolder } from '../support/temporary.ts'

const hourMs = 3_600_000

/** A folder as the recipe has it, with a first bundle; the clock is `hoursBehind` the real one, which openssl has. */
async function folderOf(t: ExecutionContext, hoursBehind = 3) {
  for (const program of ['curl', 'openssl', 'flock']) if (peer(t, program) === undefined) return undefined
  const service = await testService(t, { clock: fakeClock(new Date(Date.now() - hoursBehind * hourMs).toISOString()) })
  await service.publish()
  const origin = await listen(t, [crlRouter(service), caRouter(service)])
  const folder = await temporaryFolder(t)
  writeFileSync(`${folder}/chain.pem`, await (await fetch(`${origin}/ca/chain.pem`)).text())
  const bundle = async (): Promise<string> => await (await fetch(`${origin}/crl/bundle.pem`)).text()
  return { service, origin, folder, bundle, file: () => readFileSync(`${folder}/bundle.pem`, 'utf8') }
}

/** Serves one answer to whoever asks, in the place of Latchkey. */
async function serve(t: ExecutionContext, body: string, status = 200): Promise<string> {
  const server = createServer((_request, response) => { response.writeHead(status).end(body) })
  await new Promise<void>(resolve => { server.listen(0, '127.0.0.1', resolve) })
  t.teardown(() => new Promise<void>(resolve => { server.close(() => { resolve() }) }))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function publishRevocation(service: TestService): Promise<string> {
  const issued = await issueDevice(service)
  await revokeNow(service, issued)
  service.clock.advance(60)
  await service.publish()
  return issued.certificate.serialNumber
}

const serialsIn = (pem: string): string[] =>
  fromPem(pem, 'X509 CRL').flatMap(der => [...parseCrl(der).entries()].map(({ serialNumber }) => serialNumber))

test('new lists replace the old ones, and what is the same is left alone', async t => {
  const setup = await folderOf(t)
  if (setup === undefined) return
  const { service, origin, folder, bundle, file } = setup
  t.is((await runFetchBundle(folder, origin)).status, 0)
  t.is(file(), await bundle())
  const serial = await publishRevocation(service)
  const second = await runFetchBundle(folder, origin)
  t.is(second.status, 0, second.stderr)
  t.deepEqual(serialsIn(file()), [serial])

  const before = statSync(`${folder}/bundle.pem`).mtimeMs
  t.is((await runFetchBundle(folder, origin)).status, 0)
  t.is((await runFetchBundle(folder, await serve(t, await bundle()))).status, 0)
  t.is(statSync(`${folder}/bundle.pem`).mtimeMs, before)
  t.deepEqual(readdirSync(folder).sort(), ['bundle.etag', 'bundle.lock', 'bundle.pem', 'chain.pem'])
})

const blocks = (pem: string): string[] => pem.split(/(?=-----BEGIN)/)

/** One bit of the last list's signature. */
function tampered(pem: string): string {
  const ders = fromPem(pem, 'X509 CRL').map(der => Buffer.from(der))
  ders.at(-1)![ders.at(-1)!.length - 3]! ^= 1
  return ders.map(der => toPem('X509 CRL', der)).join('')
}

test('whatever is not newer, whole and ours is refused, and the old file stays', async t => {
  const setup = await folderOf(t)
  if (setup === undefined) return
  const { service, origin, folder, bundle, file } = setup
  const older = await bundle()
  await publishRevocation(service)
  t.is((await runFetchBundle(folder, origin)).status, 0)
  const kept = file()
  await publishRevocation(service)
  const newer = await bundle()
  const list = async (name: string) => toPem('X509 CRL', Buffer.from(await (await fetch(`${origin}/crl/${name}`)).arrayBuffer()))
  const root = activeAuthority(service.authorities(), 'root')
  const [rootPem, ...partitions] = blocks(newer)
  const sameNumber = toPem('X509 CRL', (await rootList(service.keyring, root, 1, service.now())).der)
  const stranger = await testService(t, { clock: service.clock })
  const strangerRoot = activeAuthority(stranger.authorities(), 'root')
  const otherKey = { ...strangerRoot, key: await stranger.keyring.generate('P-384') }
  const forged = toPem('X509 CRL', (await forgedList(stranger, otherKey)).der)

  const cases: [string, string, RegExp][] = [
    ['an older bundle', older, /older than the one that is here/],
    ['a changed signature', tampered(newer), /not signed by the CA it names/],
    ['cut off in a list', newer.slice(0, -40), /not whole PEM/],
    ['cut off between lists', blocks(newer).slice(0, -1).join(''), /missing from the new bundle/],
    ['without the root list', partitions.join(''), /there is no list of/],
    ['with the delta', newer + await list('issuing-delta.crl'), /does not belong in a bundle/],
    ['with the complete list', newer + await list('issuing.crl'), /does not belong in a bundle/],
    ['a list twice', newer + partitions[0]!, /two lists have the same scope/],
    ['another list under the same number', sameNumber + partitions.join(''), /changed under its number/],
    ['a root list by another key', forged + partitions.join(''), /not signed by the CA it names/],
    ['nothing', '', /not whole PEM/],
    ['a page', '<html>hello</html>', /not whole PEM/],
    ['PEM that is no list', toPem('X509 CRL', Buffer.from('hello')), /cannot be read/],
    ['PEM inside PEM', newer.replace('-----END X509 CRL-----\n', ''), /not whole PEM/],
  ]
  t.truthy(rootPem)
  for (const [what, body, reason] of cases) {
    const { status, stderr } = await runFetchBundle(folder, await serve(t, body))
    t.is(status, 1, what)
    t.regex(stderr, reason, what)
    t.is(file(), kept, what)
  }
  t.is((await runFetchBundle(folder, origin)).status, 0)
  t.is(file(), newer)
})

/** With our root's name and a key that is not its own. */
async function forgedList(service: TestService, root: Parameters<typeof rootList>[1]): ReturnType<typeof rootList> {
  return await rootList(service.keyring, root, 99, service.now())
}

test('what cannot be fetched, or is too large, changes nothing', async t => {
  const setup = await folderOf(t)
  if (setup === undefined) return
  const { service, origin, folder, file } = setup
  t.is((await runFetchBundle(folder, origin)).status, 0)
  const kept = file()
  await publishRevocation(service)
  t.regex((await runFetchBundle(folder, origin, { MAX_BYTES: '1000' })).stderr, /cannot be fetched|larger than/)
  t.regex((await runFetchBundle(folder, origin, { MAX_LISTS: '2' })).stderr, /not whole PEM/)
  t.regex((await runFetchBundle(folder, await serve(t, 'no', 500))).stderr, /answered 500/)
  t.regex((await runFetchBundle(folder, 'http://127.0.0.1:1')).stderr, /cannot be fetched/)
  t.regex((await runFetchBundle(folder, 'file:///etc')).stderr, /cannot be fetched/)
  t.is(file(), kept)
})

test('lists that are not valid yet, or no more, are refused', async t => {
  const ahead = await folderOf(t, 3)
  if (ahead === undefined) return
  t.is((await runFetchBundle(ahead.folder, ahead.origin)).status, 0)
  const kept = ahead.file()
  ahead.service.clock.advance(5 * 3600)
  await ahead.service.publish(true)
  t.regex((await runFetchBundle(ahead.folder, ahead.origin)).stderr, /not valid yet/)
  t.is(ahead.file(), kept)

  const behind = await folderOf(t, 8 * 24)
  t.regex((await runFetchBundle(behind!.folder, behind!.origin)).stderr, /has expired/)
  t.throws(() => behind!.file(), { code: 'ENOENT' })
})

test('when nginx does not accept the lists, the old ones come back, and the next run tries again', async t => {
  const setup = await folderOf(t)
  if (setup === undefined) return
  const { service, origin, folder, bundle, file } = setup
  t.regex((await runFetchBundle(folder, origin, { NGINX_TEST: 'false' })).stderr, /nginx does not accept/)
  t.throws(file, { code: 'ENOENT' })
  t.is((await runFetchBundle(folder, origin)).status, 0)
  const kept = file()
  await publishRevocation(service)
  t.is((await runFetchBundle(folder, origin, { NGINX_TEST: 'false' })).status, 1)
  t.is(file(), kept)

  t.regex((await runFetchBundle(folder, origin, { NGINX_RELOAD: 'false' })).stderr, /was not reloaded/)
  t.is(file(), await bundle())
  rmSync(`${folder}/reloaded`, { force: true })
  t.is((await runFetchBundle(folder, origin, { NGINX_RELOAD: `touch ${folder}/reloaded` })).status, 0)
  t.true(readdirSync(folder).includes('reloaded'))
})

test('more partitions and more addresses are taken; lists of a CA that is not in chain.pem are left out', async t => {
  const setup = await folderOf(t)
  if (setup === undefined) return
  const { service, origin, folder, bundle, file } = setup
  t.is((await runFetchBundle(folder, origin)).status, 0)
  const { id } = activeAuthority(service.authorities(), 'issuing')
  await registerPartitions(service.db, id, 4, partition => `http://a.example/crl/issuing/${partition}.crl`)
  service.clock.advance(60)
  await service.publish()
  const grown = await runFetchBundle(folder, origin)
  t.is(grown.status, 0, grown.stderr)
  t.is(fromPem(file(), 'X509 CRL').length, 5)

  const stranger = await testService(t, { clock: service.clock, config: { organization: 'Elsewhere' } })
  await stranger.publish()
  const other = await (await fetch(`${await listen(t, [crlRouter(stranger)])}/crl/bundle.pem`)).text()
  await publishRevocation(service)
  const { status, stderr } = await runFetchBundle(folder, await serve(t, other + await bundle()))
  t.is(status, 0, stderr)
  t.regex(stderr, /left out a list of .*Elsewhere/)
  t.is(file(), await bundle())
})
