/**
 * A server that a simulated phone can enroll with, made of message formats alone: no policy, no records.
 * It shows what the phone does; what the product does is tested elsewhere, with this same phone.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionContext } from 'ava'
import { certsOnly, signData } from '../../src/formats/cms-sign.ts'
import { parseSignedData, signerOf, verifyContent } from '../../src/formats/cms.ts'
import { parseCertificationRequest } from '../../src/formats/certification-request.ts'
import { configurationProfile, encryptedConfigurationProfile, profileService } from '../../src/formats/configuration-profile.ts'
import { encryptEnvelope, openEnvelope, parseEnvelopedData } from '../../src/formats/enveloped-data.ts'
import { keyUsage } from '../../src/formats/extensions.ts'
import { certificatePayload, rootCertificatePayload } from '../../src/formats/payloads/certificate.ts'
import { pkcs12Payload } from '../../src/formats/payloads/pkcs12.ts'
import { scepPayload } from '../../src/formats/payloads/scep.ts'
import { parsePlist, serializePlist } from '../../src/formats/plist.ts'
import type { PlistDictionary } from '../../src/formats/plist.ts'
import { parsePkiMessage, signPkiMessage } from '../../src/formats/scep-message.ts'
import type { PkiMessage } from '../../src/formats/scep-message.ts'
import type { CertificationRequest } from '../../src/formats/certification-request.ts'
import { fingerprint, parseCertificate } from '../../src/formats/x509.ts'
import type { Certificate } from '../../src/formats/x509.ts'
import { decryptWith } from './decrypt.ts'
import { issueTestCertificate, newAuthority, newSigner } from './signers.ts'
import type { TestAuthority, TestSigner } from './signers.ts'

export type OtaServerOptions = {
  /** an address to answer instead of a profile, as a 301 to `/status/{word}` */
  readonly decide?: (attributes: PlistDictionary, post: 'first' | 'second') => 'refused' | 'quarantined' | undefined
  readonly scep?: (message: PkiMessage, count: number) => 'SUCCESS' | 'PENDING' | 'FAILURE'
  readonly capabilities?: string
  readonly pkcs12?: { readonly data: Buffer, readonly password: string }
  readonly redirect?: number
}

export type OtaServer = {
  readonly link: string
  readonly root: TestAuthority
  readonly issuing: TestAuthority
  readonly registration: { readonly signer: TestSigner, readonly certificate: Buffer }
  /** what arrived, in its order */
  readonly posts: { readonly body: Buffer, readonly headers: IncomingMessage['headers'], readonly attributes: PlistDictionary }[]
  readonly pkiMessages: { readonly message: PkiMessage, readonly method: string, readonly request: CertificationRequest | undefined }[]
}

const contact = '<!DOCTYPE html><html><head><title>x</title></head><body>'

export async function otaServer(t: ExecutionContext<any>, options: OtaServerOptions = {}): Promise<OtaServer> {
  const root = await newAuthority('Example root')
  const issuing = await newAuthority('Example issuing', root)
  const signer = newSigner('rsa2048')
  const registration = { signer, certificate: await issueTestCertificate(issuing, '4a01', signer, [keyUsage('digitalSignature', 'keyEncipherment')]) }
  const server = createServer((request, response) => {
    handle(request).then(
      ({ status = 200, ...answer }) => send(response, { status, ...answer }),
      error => send(response, { status: 400, type: 'application/problem+json', body: JSON.stringify({ type: `/problems/${error.code}`, title: 'refused', detail: error.message }) }),
    )
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const made: OtaServer = { link: `${origin}/i/token`, root, issuing, registration, posts: [], pkiMessages: [] }
  const handle = handlerOf(made, origin, options)
  return made
}

type Reply = { status?: number, type?: string, body?: string | Buffer, location?: string }

function send(response: ServerResponse, { status = 200, type = 'text/html; charset=utf-8', body = '', location }: Reply): void {
  response.writeHead(status, { 'content-type': type, ...location === undefined ? {} : { location } }).end(body)
}

function handlerOf(server: OtaServer, origin: string, options: OtaServerOptions): (request: IncomingMessage) => Promise<Reply> {
  const challenge = `once-${randomUUID()}`
  const header = (name: string) => ({ identifier: `org.example.${name}`, uuid: randomUUID().toUpperCase(), displayName: name, organization: 'Example' })
  const profileType = 'application/x-apple-aspen-config'
  const scep = scepPayload(header('identity'), {
    url: `${origin}/scep/issuing`, caName: 'Example CA', challenge, subject: [['O', 'Example'], ['CN', 'phone']],
    caFingerprint: Buffer.from(fingerprint(server.issuing.certificate), 'hex'), retries: 3, retryDelaySeconds: 7,
  })
  const sign = (plist: PlistDictionary) => signData({
    content: serializePlist(plist), signer: server.registration.signer, certificate: server.registration.certificate,
    extraCertificates: [server.issuing.certificate],
  })
  const finalPayloads = [
    rootCertificatePayload(header('root'), { certificate: server.root.certificate }),
    certificatePayload(header('issuing'), { certificate: server.issuing.certificate }),
    options.pkcs12 === undefined ? scep : pkcs12Payload(header('identity'), options.pkcs12),
  ]
  let spent: Buffer | undefined

  async function post(request: IncomingMessage): Promise<Reply> {
    const body = await bodyOf(request)
    const message = parseSignedData(body)
    const attributes = parsePlist(verifyContent(message)) as PlistDictionary
    server.posts.push({ body, headers: request.headers, attributes })
    const isFirst = attributes['CHALLENGE'] !== undefined
    if (isFirst && (attributes['CHALLENGE'] !== challenge || (spent !== undefined && !spent.equals(body)))) return page('refused', 301)
    if (isFirst) spent = body
    const decision = options.decide?.(attributes, isFirst ? 'first' : 'second')
    if (decision !== undefined) return page(decision, options.redirect ?? 301)
    return { type: profileType, body: isFirst ? await bootstrap() : await final(signerOf(message).certificate) }
  }
  const page = (word: string, status: number): Reply => ({ status, location: `/status/${word}` })
  let firstAnswer: Promise<Buffer> | undefined
  const bootstrap = () => firstAnswer ??= sign(configurationProfile({ ...header('bootstrap'), payloads: [scep] }))
  const final = (to: Certificate) => sign(encryptedConfigurationProfile({
    ...header('profile'), encryptedPayloadContent: encryptEnvelope(serializePlist(finalPayloads), to, 'aes-256-cbc'),
  }))

  return async request => {
    const url = new URL(request.url ?? '/', origin)
    if (url.pathname === '/i/token') return { body: `${contact}<a class="button" href="/ota/token/enroll.mobileconfig?a=1&amp;b=2">Install</a>` }
    if (url.pathname === '/i/ended') return { body: `${contact}<p data-code="invitation-ended">Ask Ada &amp; Bob.</p>`, status: 410 }
    if (url.pathname === '/ota/token/enroll.mobileconfig') {
      return { type: profileType, body: await sign(profileService({ ...header('service'), url: `${origin}/ota/1`, challenge, deviceAttributes: ['UDID', 'SERIAL', 'PRODUCT', 'VERSION', 'OS_VERSION'] })) }
    }
    if (url.pathname === '/ota/1') return post(request)
    const status = /^\/status\/(\w+)$/.exec(url.pathname)?.[1]
    if (status !== undefined) return { body: `${contact}<main data-outcome="${status}" data-code="model-not-approved"><h1>iPhone1,2</h1> Ask Ada.</main>` }
    if (url.pathname === '/scep/issuing') return scepReply(server, url, request, options)
    return { status: 404 }
  }
}

async function scepReply(server: OtaServer, url: URL, request: IncomingMessage, options: OtaServerOptions): Promise<Reply> {
  const operation = url.searchParams.get('operation')
  if (operation === 'GetCACaps') return { type: 'text/plain', body: options.capabilities ?? 'AES\nSHA-256\nSHA-512\nPOSTPKIOperation\n' }
  const { root, issuing, registration } = server
  if (operation === 'GetCACert') return { type: 'application/x-x509-ca-ra-cert', body: certsOnly([registration.certificate, issuing.certificate, root.certificate]) }
  const bytes = request.method === 'POST' ? await bodyOf(request) : Buffer.from(url.searchParams.get('message')!.replaceAll(' ', '+'), 'base64')
  const message = parsePkiMessage(bytes)
  const content = await openEnvelope(parseEnvelopedData(message.envelope!), parseCertificate(registration.certificate), decryptWith(registration.signer.privateKey))
  const asked = message.messageType === '19' ? parseCertificationRequest(content) : undefined
  server.pkiMessages.push({ message, method: request.method ?? '', request: asked })
  const status = options.scep?.(message, server.pkiMessages.length) ?? 'SUCCESS'
  const pkcsReq = server.pkiMessages.findLast(earlier => earlier.request !== undefined && earlier.message.transactionID === message.transactionID)
  const envelope = status !== 'SUCCESS' ? undefined : encryptEnvelope(certsOnly([await issue(server, pkcsReq!.request!)]), message.signerCertificate, 'aes-128-cbc')
  return {
    type: 'application/x-pki-message',
    body: await signPkiMessage({
      messageType: '3', transactionID: message.transactionID, senderNonce: randomBytes(16), recipientNonce: message.senderNonce,
      pkiStatus: { SUCCESS: '0', FAILURE: '2', PENDING: '3' }[status], ...status === 'FAILURE' ? { failInfo: '2' } : {},
      ...envelope === undefined ? {} : { envelope }, signer: registration.signer, certificate: registration.certificate,
    }),
  }
}

const issue = ({ issuing }: OtaServer, { subjectPublicKeyInfo, publicKey }: CertificationRequest): Promise<Buffer> =>
  issueTestCertificate(issuing, `4b${randomBytes(15).toString('hex')}`, { ...issuing.signer, subjectPublicKeyInfo, publicKey })

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
