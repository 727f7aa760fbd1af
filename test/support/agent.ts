/** An agent without its program: it has a key, a certificate, and signs what it asks. */
import { createHash, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { signCertificationRequest } from '../../src/formats/certification-request.ts'
import { signRequest } from '../../src/formats/http-signature.ts'
import { serializeName } from '../../src/formats/names.ts'
import { oids } from '../../src/formats/oids.ts'
import { fromPem } from '../../src/formats/pem.ts'
import { openKeyring } from '../../src/keys/keyring.ts'
import { frontEndAdd } from '../../src/protocols/api/operations/front-ends.ts'
import type { FrontEndKind } from '../../src/protocols/check/kinds.ts'
import type { TestService } from './service.ts'

const keyring = openKeyring('of agents in tests')

/** A PKCS#10 request that a new key on P-256 has signed, in DER. */
export async function requestOf(privateKey: KeyObject): Promise<Buffer> {
  const sealed = keyring.seal(privateKey)
  return await signCertificationRequest({ subject: serializeName([{ type: oids.commonName, value: 'agent' }]), subjectPublicKeyInfo: sealed.publicKey }, keyring.signer(sealed))
}

export const newKey = (namedCurve = 'P-256'): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey

export type TestAgent = {
  readonly name: string
  readonly privateKey: KeyObject
  /** PEM */
  readonly certificate: string
  readonly secret: string
  /** Sends a signed request. `now` is the agent's clock. */
  send(method: string, path: string, options?: { body?: Buffer, headers?: Record<string, string>, now?: Date, nonce?: string, signal?: AbortSignal }): Promise<Response>
  /** The same front end with another key and certificate. */
  as(privateKey: KeyObject, certificate: string): TestAgent
}

const admin = { name: 'ada', source: 'test', role: 'admin' } as never

/** Adds a front end, and enrolls its agent with the front end's secret. */
export async function enrolledAgent(service: TestService, url: string, { name = 'edge', kind = 'nginx' as FrontEndKind } = {}): Promise<TestAgent> {
  const { secret } = await frontEndAdd.run(service, admin, frontEndAdd.input.parse({ name, kind }))
  const privateKey = newKey()
  const response = await enroll(url, name, secret, await requestOf(privateKey))
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`)
  const { certificate } = await response.json() as { certificate: string }
  return agentWith(service, url, { name, secret, privateKey, certificate })
}

export const enroll = async (url: string, name: string, secret: string, request: Buffer): Promise<Response> =>
  await fetch(`${url}/agents/${name}`, { method: 'POST', headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/pkcs10' }, body: new Uint8Array(request) })

function agentWith(service: TestService, url: string, { name, secret, privateKey, certificate }: Pick<TestAgent, 'name' | 'secret' | 'privateKey' | 'certificate'>): TestAgent {
  const [der] = fromPem(certificate, 'CERTIFICATE')
  const keyId = createHash('sha256').update(der!).digest('hex')
  return {
    name, secret, privateKey, certificate,
    async send(method, path, { body, headers, now = service.now(), nonce = randomBytes(16).toString('base64url'), signal } = {}) {
      const [only = '', query = ''] = path.split('?', 2)
      const signed = signRequest({ method, path: only, query, ...body !== undefined && { body } }, { keyId, created: now, nonce }, privateKey)
      return await fetch(`${url}${path}`, { method, headers: { ...signed, ...headers }, ...body !== undefined && { body: new Uint8Array(body) }, ...signal !== undefined && { signal } })
    },
    as: (otherKey, otherCertificate) => agentWith(service, url, { name, secret, privateKey: otherKey, certificate: otherCertificate }),
  }
}
