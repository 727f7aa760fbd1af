/** The agent's own folder: who it is, whom it trusts, and which front end it serves. */
import { createHash, createPrivateKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CaError } from '../errors.ts'
import { fromPem } from '../formats/pem.ts'
import { parseCertificate } from '../formats/x509.ts'
import { makeFolder, replaceFile } from './files.ts'
import { objectOf, parseJson, textOf, type JsonObject } from './json.ts'
import type { Door, Identity } from './requests.ts'
import { readPolicy, readTrust, type Policy, type Trust } from './trust.ts'

/**
 * What enrollment settled, once.
 *
 * @property atDoor  whether `url` is the service's door for agents, which then is the only way there is
 * @property rootFingerprint  SHA-256, lower-case hex
 */
export type Settings = { readonly url: string, readonly atDoor: boolean, readonly frontEnd: string, readonly kind: string, readonly rootFingerprint: string }

const names = { settings: 'agent.json', key: 'key.pem', certificate: 'certificate.pem', trust: 'trust.json', target: 'target.json', door: 'door.json' } as const

export class AgentFolder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  create(): void {
    makeFolder(this.path)
  }

  /** @throws {CaError} invalid-argument where nobody has enrolled */
  readSettings(): Settings {
    const settings = this.#json(names.settings)
    return {
      url: textOf(settings, 'url'), atDoor: settings['atDoor'] === true, frontEnd: textOf(settings, 'frontEnd', /^[\w.-]{1,64}$/), kind: textOf(settings, 'kind', /^[a-z0-9]{1,32}$/),
      rootFingerprint: textOf(settings, 'rootFingerprint', /^[0-9a-f]{64}$/),
    }
  }

  writeSettings(settings: Settings): void {
    this.#write(names.settings, JSON.stringify(settings, null, 2))
  }

  readIdentity(): Identity {
    const [der] = fromPem(this.#text(names.certificate), 'CERTIFICATE')
    if (der === undefined) throw new CaError('invalid-argument', `${names.certificate} holds no certificate`)
    return {
      keyId: createHash('sha256').update(der).digest('hex'), certificate: parseCertificate(der),
      privateKey: createPrivateKey(this.#text(names.key)),
    }
  }

  /** The key first: a certificate without its key would be of no use. */
  writeIdentity(keyPem: string, certificatePem: string): void {
    this.#write(names.key, keyPem)
    this.#write(names.certificate, certificatePem)
  }

  /** Verified anew at every start: a file is no more to be believed than an answer. */
  readTrust(rootFingerprint: string, now: Date): { trust: Trust, policy: Policy } {
    const stored = this.#json(names.trust)
    return { trust: readTrust(stored['trust'], rootFingerprint, now), policy: readPolicy(stored['policy']) }
  }

  writeTrust(answer: JsonObject): void {
    this.#write(names.trust, JSON.stringify({ trust: answer['trust'], policy: answer['policy'] }))
  }

  /** The door that is used, and nothing else with it. @throws {CaError} malformed-request where what is kept cannot be read */
  readDoor(): Door | undefined {
    // Enrolled before there were doors.
    if (!existsSync(join(this.path, names.door))) return undefined
    const kept = this.#json(names.door)
    return kept['url'] === null ? undefined : { url: textOf(kept, 'url', /^https:/), authorities: textOf(kept, 'authorities') }
  }

  writeDoor(door: Door | undefined): void {
    this.#write(names.door, JSON.stringify(door ?? { url: null }))
  }

  readTarget(): JsonObject {
    return this.#json(names.target)
  }

  writeTarget(target: JsonObject): void {
    this.#write(names.target, `${JSON.stringify(target, null, 2)}\n`)
  }

  #write(name: string, text: string): void {
    replaceFile(join(this.path, name), text)
  }

  #json(name: string): JsonObject {
    return objectOf(parseJson(this.#text(name)), name)
  }

  #text(name: string): string {
    try {
      return readFileSync(join(this.path, name), 'utf8')
    } catch (cause) {
      throw new CaError('invalid-argument', `${join(this.path, name)} cannot be read: \`latchkey agent enroll\` makes it`, { cause })
    }
  }
}
