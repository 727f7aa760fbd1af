import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net'
import type { TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { examine, type Door, type ExamineOptions, type Report } from '../../src/doctor/examine.ts'
import type { PublishedList } from '../../src/doctor/trial.ts'
import { parseCertificationRequest } from '../../src/formats/certification-request.ts'
import { extendedKeyUsage, subjectAltName } from '../../src/formats/extensions.ts'
import { oids } from '../../src/formats/oids.ts'
import { toPem } from '../../src/formats/pem.ts'
import { parseCertificate } from '../../src/formats/x509.ts'
import { freePort } from '../support/free-port.ts'
import { issueTestCertificate, newAuthority, newSigner, testSerialNumber, type TestAuthority } from '../support/signers.ts'

const pem = (der: Buffer): string => toPem('CERTIFICATE', der)
const ca = (name: string, role: string, authority: TestAuthority) => ({ name, role, certificate: parseCertificate(authority.certificate) })

const root = await newAuthority('Root')
const issuing = await newAuthority('Issuing', root)
const enrollment = await newAuthority('Enrollment')
const elsewhere = await newAuthority('Elsewhere')
const webRoot = await newAuthority('Web root')
const webCa = await newAuthority('Web CA', webRoot)
const server = newSigner()
const serverCertificate = await issueTestCertificate(webCa, testSerialNumber('server'), server, [subjectAltName([{ type: 'dNSName', value: 'mail.example' }])])

/** Serial numbers that are revoked, as a front end knows them that is told at once. */
type Known = { readonly door: Door, readonly revoked: Set<string>, begun: number }

/** A service that signs for a trial, and is asked by nobody. */
function newDoor(lists: readonly PublishedList[] = []): Known {
  const known: Known = {
    revoked: new Set(), begun: 0,
    door: {
      async begin(requests) {
        known.begun++
        const issue = async (purpose: string): Promise<string> => {
          const serialNumber = testSerialNumber(randomUUID())
          if (purpose === 'revoked') known.revoked.add(serialNumber)
          const { subjectPublicKeyInfo } = parseCertificationRequest(requests[purpose as 'good'])
          return pem(await issueTestCertificate(issuing, serialNumber, { ...newSigner(), subjectPublicKeyInfo }, [extendedKeyUsage(oids.clientAuth)]))
        }
        return {
          kind: 'envoy', whenStale: 'refuse', standing: null, lists, trusted: [ca('root', 'root', root), ca('issuing', 'issuing', issuing)], untrusted: [ca('enrollment', 'enrollment', enrollment)],
          chain: pem(issuing.certificate) + pem(root.certificate),
          certificates: { good: await issue('good'), revoked: await issue('revoked'), later: await issue('later'), outage: await issue('outage') },
        }
      },
      revoke: async serialNumber => { known.revoked.add(serialNumber) },
      asked: async () => new Map(),
      end: async () => {},
    },
  }
  return known
}

async function listening(t: ExecutionContext, made: Server): Promise<number> {
  const port = await freePort()
  await new Promise<void>(resolve => { made.listen(port, '127.0.0.1', resolve) })
  t.teardown(() => { made.close(); (made as { closeAllConnections?: () => void }).closeAllConnections?.() })
  return (made.address() as AddressInfo).port
}

type Answer = (request: IncomingMessage, response: ServerResponse, serialNumber: string | undefined) => void

/** A server that demands certificates of the issuing CA, unless the options say otherwise, and refuses who is revoked. */
async function frontEnd(t: ExecutionContext, known: Known, options: ServerOptions = {}, answer: Answer = answerBy(known)): Promise<number> {
  const made = createServer({
    key: server.privateKey.export({ type: 'pkcs8', format: 'pem' }), cert: pem(serverCertificate) + pem(webCa.certificate), ca: [pem(issuing.certificate), pem(root.certificate)],
    requestCert: true, rejectUnauthorized: true, ...options,
  }, (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate() as { serialNumber?: string } | undefined
    answer(request, response, peer?.serialNumber?.toLowerCase())
  })
  return await listening(t, made)
}

const answerBy = (known: Known): Answer => (_request, response, serialNumber) => {
  if (serialNumber !== undefined && known.revoked.has(serialNumber)) response.statusCode = 403
  response.end('mail')
}

const tryOut = async (port: number, known: Known, options: Partial<ExamineOptions> = {}): Promise<Report> => await examine({
  place: { host: '127.0.0.1', port, serverName: 'mail.example', path: '/' }, door: known.door, serverCa: pem(webRoot.certificate), insecure: false, own: undefined, foreign: undefined,
  echoPath: undefined, identityHeaders: [], bundle: undefined, answerMs: 60_000, lateMs: 100_000, patienceMs: 1_000, now: new Date(), ...options,
})

/** Node resumes sessions, and is not what is tried here. */
const codesIn = ({ findings }: Report): string[] => [...new Set(findings.map(({ code, severity }) => `${code} ${severity}`))].filter(each => !each.startsWith('resumption-on')).sort()

test.serial('a server that is as it should be is believed, over TLS 1.2 and 1.3', async t => {
  const known = newDoor()
  const report = await tryOut(await frontEnd(t, known), known)
  t.deepEqual(codesIn(report), [])
  const seen = (probe: string) => report.probes.find(each => each.probe === probe)
  t.like(seen('the server’s own certificate'), { verdict: 'fine', detail: 'until 2049-12-31' })
  t.like(seen('a good certificate'), { verdict: 'fine', detail: 'TLSv1.2: 200; TLSv1.3: 200' })
  t.like(seen('the CAs that it names'), { verdict: 'fine', detail: 'CN=Issuing; CN=Root' })
  t.true(report.requests < 60)
})

test.serial('the server’s own certificate has to be whole, and for the name that was asked', async t => {
  const known = newDoor()
  const sentence = ({ findings }: Report): string => findings.find(({ code }) => code === 'server-certificate')?.sentence ?? ''
  t.regex(sentence(await tryOut(await frontEnd(t, known, { cert: pem(serverCertificate) }), known)), /not sent along/)
  const port = await frontEnd(t, known)
  t.regex(sentence(await tryOut(port, known, { place: { host: '127.0.0.1', port, serverName: 'other.example', path: '/' } })), /for another name/)
  t.is(sentence(await tryOut(port, known, { serverCa: undefined, insecure: true })), '')
})

test.serial('the CAs that a server names are held against those that it should trust', async t => {
  const known = newDoor()
  const naming = async (...authorities: TestAuthority[]): Promise<string[]> => codesIn(await tryOut(await frontEnd(t, known, { ca: authorities.map(({ certificate }) => pem(certificate)) }), known)).filter(code => code.startsWith('accepted'))
  t.deepEqual(await naming(issuing, root, enrollment), ['accepted-issuers-foreign hole'])
  t.deepEqual(await naming(issuing, root, elsewhere), ['accepted-issuers-foreign risk'])
  t.deepEqual(await naming(elsewhere), ['accepted-issuers-foreign risk', 'accepted-issuers-missing outage'])
})

test.serial('whoever is asked for a password, or sent elsewhere, has got past the front end', async t => {
  const known = newDoor()
  const without = async (status: number, headers: Record<string, string> = {}): Promise<string[]> => {
    const port = await frontEnd(t, known, { rejectUnauthorized: false }, (request, response, serialNumber) => {
      if (serialNumber !== undefined) return answerBy(known)(request, response, serialNumber)
      response.writeHead(status, headers).end()
    })
    return codesIn(await tryOut(port, known)).filter(code => code.startsWith('certificate-optional'))
  }
  t.deepEqual(await without(401, { 'www-authenticate': 'Basic realm="mail"' }), ['certificate-optional hole'])
  t.deepEqual(await without(302, { location: '/owa/' }), ['certificate-optional hole'])
  t.deepEqual(await without(404), ['certificate-optional hole'])
  for (const status of [401, 403, 503]) t.deepEqual(await without(status), ['certificate-optional risk'], String(status))
  for (const status of [400, 495, 496]) t.deepEqual(await without(status), [], String(status))
})

test.serial('a server that verifies nothing lets in certificates that anybody can make', async t => {
  const known = newDoor()
  t.deepEqual(codesIn(await tryOut(await frontEnd(t, known, { rejectUnauthorized: false }), known)), ['certificate-optional hole', 'self-made-ca-accepted hole'])
})

test.serial('a revocation that takes effect late is told from one that never does', async t => {
  const known = newDoor()
  const counts = new Map<string, number>()
  const port = await frontEnd(t, known, {}, (_request, response, serialNumber = '') => {
    const count = known.revoked.has(serialNumber) ? (counts.get(serialNumber) ?? 0) + 1 : 0
    counts.set(serialNumber, count)
    if (count > 8) response.statusCode = 403
    response.end('mail')
  })
  t.true(codesIn(await tryOut(port, known, { lateMs: 100, patienceMs: 100_000 })).every(code => code === 'revocation-late risk'))
  const deaf = newDoor()
  t.deepEqual(codesIn(await tryOut(await frontEnd(t, deaf, {}, (_request, response) => { response.end('mail') }), deaf, { patienceMs: 300 })), ['revoked-keep-alive hole', 'revoked-new-connection hole', 'revoked-resumed hole'])
})

test.serial('a list that the service should have replaced long ago is found, and one that has ended; one that is new is not', async t => {
  const list = (authority: string, partition: number | null, fromDays: number, toDays: number): PublishedList =>
    ({ authority, partition, crlNumber: 7, thisUpdate: new Date(Date.now() + fromDays * 86_400_000), nextUpdate: new Date(Date.now() + toDays * 86_400_000), needed: true })
  const found = async (...lists: PublishedList[]): Promise<string[]> => {
    const known = newDoor(lists)
    return codesIn(await tryOut(await frontEnd(t, known), known))
  }
  t.deepEqual(await found(list('root', null, -700, 1100), list('issuing', 0, -1, 6)), [])
  t.deepEqual(await found(list('root', null, -1000, 20), list('issuing', 0, -1, 6)), ['list-ends-soon outage'])
  t.deepEqual(await found(list('root', null, -700, 1100), list('issuing', 0, -5, 2), list('issuing', 1, -8, -1)), ['list-ended outage', 'list-ends-soon outage'])
})

test.serial('a server of one version alone is tried with that version', async t => {
  const known = newDoor()
  for (const [version, other] of [['TLSv1.3', 'TLSv1.2'], ['TLSv1.2', 'TLSv1.3']] as const) {
    const { probes, findings } = await tryOut(await frontEnd(t, known, { minVersion: version, maxVersion: version }), known)
    t.is(probes.find(({ probe }) => probe === 'a good certificate')?.detail, `${version}: 200`)
    t.false(findings.some(({ sentence }) => sentence.includes(other)))
  }
})

test.serial('where nobody listens, or nobody answers, nothing is made at the service', async t => {
  const known = newDoor()
  await t.throwsAsync(tryOut(await freePort(), known), { code: 'server-unreachable' })
  const deaf = await listening(t, createTcpServer(socket => { socket.on('error', () => {}); t.teardown(() => { socket.destroy() }) }))
  await t.throwsAsync(tryOut(deaf, known, { answerMs: 300 }), { code: 'server-unreachable' })
  t.is(known.begun, 0)
})
