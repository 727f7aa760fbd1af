/** An agent's own identity: made here, certified by the service's CA for agents, renewed by itself. */
import { createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import { CaError } from '../errors.ts'
import { signCertificationRequest } from '../formats/certification-request.ts'
import { serializeName } from '../formats/names.ts'
import { oids } from '../formats/oids.ts'
import { fromPem } from '../formats/pem.ts'
import { fingerprint, isIssuedBy, parseCertificate, type Certificate } from '../formats/x509.ts'
import { assertHttps, caOf, DoorKeeper, readDoor, type ToldDoor } from './door.ts'
import { objectOf, parseJson, textOf, type JsonObject } from './json.ts'
import { Problems } from './problems.ts'
import { Requests, serviceUrl, type Answer } from './requests.ts'
import type { AgentFolder } from './settings.ts'
import { readPolicy, readTrust } from './trust.ts'

export type EnrollOptions = {
  readonly url: string
  readonly frontEnd: string
  readonly secret: string
  readonly folder: AgentFolder
  /** SHA-256 of the root, as `latchkey authority show` prints it; believed as it is told where left out. */
  readonly rootFingerprint?: string
  readonly plainHttp: boolean
  /** PEM of the CA of agents: then `url` is the service's door for agents. */
  readonly agentCa?: string
  /** Where the front end's files and sockets are. */
  readonly target: (kind: string) => JsonObject
  readonly now: () => Date
}

/** @property door where it comes by mutual TLS from now on; @property doorProblem why it does not, although the service told of a door */
export type Enrolled = { readonly kind: string, readonly rootFingerprint: string, readonly certificate: Certificate, readonly door: string | null, readonly doorProblem: string | null }

/** @throws {CaError} unauthorized, server-unreachable, signature-invalid, malformed-request, invalid-argument */
export async function enrollAgent(options: EnrollOptions): Promise<Enrolled> {
  const { url, frontEnd, folder, now, agentCa } = options
  const privateKey = newKey()
  const enrolled = await askForIdentity(options, privateKey)
  const certificate = ownCertificate(enrolled, privateKey)
  const pinned = options.rootFingerprint?.replaceAll(':', '').toLowerCase() ?? rootOf(enrolled)
  readTrust(enrolled['trust'], pinned, now())
  readPolicy(enrolled['policy'])
  const kind = textOf(objectOf(enrolled['frontEnd'], 'frontEnd'), 'kind', /^[a-z0-9]{1,32}$/)
  const told = readDoor(enrolled['door'])
  const door = agentCa === undefined ? undefined : { url, authorities: told?.authorities ?? caOf(agentCa) }
  folder.create()
  folder.writeIdentity(pemOf(privateKey), textOf(enrolled, 'certificate'))
  folder.writeTrust(enrolled)
  folder.writeTarget(options.target(kind))
  folder.writeDoor(door)
  // Last: without it the folder counts for nothing.
  folder.writeSettings({ url, atDoor: door !== undefined, frontEnd, kind, rootFingerprint: pinned })
  return { kind, rootFingerprint: pinned, certificate, ...await tryDoor(folder, told, now) }
}

async function askForIdentity({ url, frontEnd, secret, now, plainHttp, agentCa }: EnrollOptions, privateKey: KeyObject): Promise<JsonObject> {
  if (agentCa !== undefined) assertHttps(url)
  if (!plainHttp && !isPrivate(serviceUrl(url))) throw new CaError('invalid-argument', 'the address must begin with https:, for the secret would be read on the way')
  const answer = await new Requests(url, undefined, now, agentCa === undefined ? undefined : { url, authorities: caOf(agentCa) }).send({
    method: 'POST', path: `/agents/${frontEnd}`, headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/pkcs10' }, body: await certificationRequest(privateKey, frontEnd),
  })
  return bodyOf(answer, 201)
}

/** At once, so that the person who enrolls sees which way it goes. */
async function tryDoor(folder: AgentFolder, told: ToldDoor | undefined, now: () => Date): Promise<Pick<Enrolled, 'door' | 'doorProblem'>> {
  const requests = new Requests(folder.readSettings().url, folder.readIdentity(), now, folder.readDoor())
  const problems = new Problems(() => {})
  await new DoorKeeper({ folder, requests, problems, now, log: () => {} }).heed(told, requests.door)
  return { door: requests.door?.url ?? null, doorProblem: problems.all[0]?.detail ?? null }
}

/** Asks for another certificate with a new key, by the one in force. @returns what the next requests are signed with */
export async function renewAgent(requests: Requests, folder: AgentFolder, frontEnd: string): Promise<void> {
  const privateKey = newKey()
  const answer = await requests.send({
    method: 'POST', path: `/agents/${frontEnd}/renewal`, headers: { 'content-type': 'application/pkcs10' }, body: await certificationRequest(privateKey, frontEnd),
  })
  const enrolled = bodyOf(answer, 201)
  ownCertificate(enrolled, privateKey)
  folder.writeIdentity(pemOf(privateKey), textOf(enrolled, 'certificate'))
}

/** A key of any certificate that only this machine has. */
export const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

export const pemOf = (privateKey: KeyObject): string => privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

/** DER. The name is decided by the service. */
export async function certificationRequest(privateKey: KeyObject, name: string): Promise<Buffer> {
  const publicKey = createPublicKey(privateKey)
  return await signCertificationRequest({
    subject: serializeName([{ type: oids.commonName, value: name }]), subjectPublicKeyInfo: publicKey.export({ type: 'spki', format: 'der' }),
  }, { algorithm: 'ecdsa-with-SHA256', publicKey, sign: async data => sign('sha256', data, privateKey) })
}

/** @throws {CaError} unauthorized, server-unreachable */
export function bodyOf(answer: Answer, status: number): JsonObject {
  if (answer.status === 401) throw new CaError('unauthorized', 'the service does not know this front end, or its secret is another')
  if (answer.status !== status) throw new CaError('server-unreachable', `the service answers ${answer.status}: ${answer.body.toString().slice(0, 200)}`)
  return parseJson(answer.body.toString())
}

function ownCertificate(enrolled: JsonObject, privateKey: KeyObject): Certificate {
  const [certificate, ca] = [certificateIn(enrolled, 'certificate'), certificateIn(enrolled, 'agentCa')]
  if (!certificate.publicKey.equals(createPublicKey(privateKey))) throw new CaError('signature-invalid', 'the certificate is for another key')
  if (!isIssuedBy(certificate, ca.publicKey)) throw new CaError('signature-invalid', 'the certificate is not of the CA that came with it')
  return certificate
}

function certificateIn(object: JsonObject, name: string): Certificate {
  const [der] = fromPem(textOf(object, name), 'CERTIFICATE')
  if (der === undefined) throw new CaError('malformed-request', `${name} is not a certificate`)
  return parseCertificate(der)
}

function rootOf(enrolled: JsonObject): string {
  return fingerprint(certificateIn(objectOf(enrolled['trust'], 'trust'), 'root').raw)
}

const isPrivate = ({ protocol, hostname }: URL): boolean =>
  protocol === 'https:' || hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
